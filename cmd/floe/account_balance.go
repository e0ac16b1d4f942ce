package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) accountBalanceCommand() *cobra.Command {
	return a.query(query{
		use:   "balance [ADDRESS]",
		short: "say what an account has",
		long: `balance prints what an address, or one of your accounts by its name, has on the
network: one line of standard output. Without one it is the account that other
commands would pay from. An address that was never used has nothing.`,
		owned: true,
		ask: func(r ledger.Reader, in asked) (answer, error) {
			account, err := ledger.ReadAccount(r, in.owner)
			return answer{balanceReport{in.owner, account.Balance}, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "%v has %s\n", in.owner, wal(account.Balance)) // its Flush tells of faults
			}}, err
		},
	})
}

// balanceReport is what --json prints.
type balanceReport struct {
	Address ledger.Address `json:"address"`
	Balance uint64         `json:"balance"` // FROST
}
