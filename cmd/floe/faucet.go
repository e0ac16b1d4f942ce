package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/devnet"
)

const faucetAmount = "100WAL"

func (a *app) faucetCommand() *cobra.Command {
	var set accounts
	var o orders
	cmd := &cobra.Command{
		Use:   "faucet [ADDRESS] [AMOUNT]",
		Short: "get money on a devnet",
		Long: `faucet sends ` + faucetAmount + `, or another AMOUNT, from the account of a devnet on this
machine to an address, to one of your accounts by its name, or to the only
account that you have. The devnet is that of FLOE_DEVNET_DIR, or the one that
was started last: elsewhere nobody gives money away.` + orderHelp + exitHelp(exitNotFound, exitUnavailable, exitFunds, exitWrongNetwork, exitDeclined),
		Args: maxArgs(2, "an address and an amount"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text := faucetAmount
			if len(args) > 1 {
				text = args[1]
			}
			amount, err := parseAmount(text)
			if err != nil {
				return err
			}
			to, err := a.faucetTo(&set, args)
			if err != nil {
				return err
			}
			ctx, cancel, err := o.net.begin(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer cancel()
			dir := o.net.devnetDir(a)
			card, err := devnet.ReadCard(dir)
			if dir == "" || err != nil {
				return usageError{errors.New("no devnet on this machine to get money from"), "start one with floe devnet; on another network somebody has to send you money"}
			}
			o.net.account = devnet.AccountFile(dir)
			return a.carryOut(ctx, &o, func(ctx context.Context, s *client.Session) (order, error) {
				params, err := paramsOf(ctx, s)
				if err != nil {
					return order{}, err
				}
				if params.ChainID != card.ChainID {
					return order{}, usageError{
						fmt.Errorf("network %s is not the devnet %s of this machine", params.ChainID, card.ChainID),
						"only a devnet gives money away; elsewhere somebody has to send it to you",
					}
				}
				return giving("give", to, amount), nil
			})
		},
	}
	o.addFlags(cmd)
	_ = cmd.Flags().MarkHidden("account") // the devnet's own pays
	return cmd
}

// faucetTo is the address that gets the money.
func (a *app) faucetTo(set *accounts, args []string) (ledger.Address, error) {
	if len(args) > 0 {
		return set.address(a, args[0])
	}
	if err := set.fill(a); err != nil {
		return ledger.Address{}, err
	}
	names, err := set.names()
	if err != nil {
		return ledger.Address{}, err
	}
	if len(names) != 1 {
		return ledger.Address{}, usageError{
			fmt.Errorf("there are %d accounts in %s", len(names), set.dir),
			"say who gets the money: floe faucet NAME; floe account create NAME makes an account",
		}
	}
	return set.address(a, names[0])
}

// paramsOf returns what the network is run by.
func paramsOf(ctx context.Context, s *client.Session) (p ledger.Params, err error) {
	err = s.Ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
		p, err = ledger.ReadParams(r)
		return err
	})
	return p, err
}
