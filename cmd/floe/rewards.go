package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) rewardsCommand() *cobra.Command {
	return a.group("rewards", "give money to the nodes", `Nodes are paid out of what storage and writing cost. Anybody may add to that.`,
		a.rewardsAddCommand(), a.rewardsSubsidizeCommand())
}

func (a *app) rewardsAddCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "add AMOUNT EPOCHS",
		short: "add to the revenue of the next epochs",
		long: `add shares an amount, such as 100WAL, out to the revenue of a number of epochs, the
running one included.`,
		args: 2, takes: "an amount and a number of epochs",
		prepare: func(args []string) (planner, error) {
			amount, err := parsePayment(args[0])
			if err != nil {
				return nil, err
			}
			n, err := parseEpochs(args[1])
			if err != nil {
				return nil, err
			}
			return one(fmt.Sprintf("give %s to the nodes of %d epochs", wal(amount), n), ledger.AddRewards{Amount: amount, Epochs: n}), nil
		},
	})
}

func (a *app) rewardsSubsidizeCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "subsidize AMOUNT",
		short: "add to the subsidy fund",
		long: `subsidize gives an amount to the fund out of which members and revenue are
subsidized at the end of each epoch. Nobody can take anything out of it.`,
		args: 1, takes: "an amount",
		prepare: func(args []string) (planner, error) {
			amount, err := parsePayment(args[0])
			if err != nil {
				return nil, err
			}
			return one("give "+wal(amount)+" to the subsidy fund", ledger.FundSubsidies{Amount: amount}), nil
		},
	})
}
