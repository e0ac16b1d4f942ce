package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) accountBalanceCommand() *cobra.Command {
	var net network
	cmd := &cobra.Command{
		Use:   "balance [ADDRESS]",
		Short: "say what an account has",
		Long: `balance prints what an address, or one of your accounts by its name, has on the
network: one line of standard output. Without one it is the account that other
commands would pay from. An address that was never used has nothing.` + exitHelp(exitNotFound, exitUnavailable, exitWrongNetwork),
		Args: maxArgs(1, "at most one address or name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var addr ledger.Address
			if len(args) > 0 {
				var err error
				if addr, err = net.accounts.address(a, args[0]); err != nil {
					return err
				}
			}
			ctx, cancel, err := net.begin(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer cancel()
			session, err := net.dial(ctx, a, len(args) == 0)
			if err != nil {
				return err
			}
			defer session.Close() //nolint:errcheck // nothing was written through it
			if session.Wallet != nil {
				addr = session.Wallet.Address()
			}
			var account ledger.Account
			err = session.Ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
				account, err = ledger.ReadAccount(r, addr)
				return err
			})
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(balanceReport{addr, account.Balance})
			}
			_, err = fmt.Fprintf(a.out, "%v has %s\n", addr, wal(account.Balance))
			return err
		},
	}
	net.addFlags(cmd, true)
	return cmd
}

// balanceReport is what --json prints.
type balanceReport struct {
	Address ledger.Address `json:"address"`
	Balance uint64         `json:"balance"` // FROST
}
