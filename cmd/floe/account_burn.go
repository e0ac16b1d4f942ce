package main

import (
	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) accountBurnCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "burn AMOUNT",
		short: "destroy money",
		long:  `burn takes an amount, such as 1.5WAL, out of the world for good.`,
		args:  1, takes: "an amount",
		prepare: func(args []string) (planner, error) {
			amount, err := parsePayment(args[0])
			if err != nil {
				return nil, err
			}
			return plainly(order{
				does: "burn " + wal(amount) + " for good", pays: "amount",
				messages: []ledger.Message{ledger.BurnFunds{Amount: amount}},
			}), nil
		},
	})
}
