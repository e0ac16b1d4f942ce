package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

// giving is an order that moves money.
func giving(verb string, to ledger.Address, amount uint64) order {
	return order{
		does: fmt.Sprintf("%s %s to %v", verb, wal(amount), to), pays: "amount",
		messages: []ledger.Message{ledger.Send{To: to, Amount: amount}},
	}
}

func (a *app) accountSendCommand() *cobra.Command {
	var set accounts
	return a.order(orderCommand{
		use:   "send ADDRESS AMOUNT",
		short: "send money to another account",
		long: `send moves an amount, such as 1.5WAL or 100FROST, to an address or to one of
your accounts by its name.`,
		args: 2, takes: "an address and an amount",
		prepare: func(args []string) (planner, error) {
			to, err := set.address(a, args[0])
			if err != nil {
				return nil, err
			}
			amount, err := parsePayment(args[1])
			if err != nil {
				return nil, err
			}
			return plainly(giving("send", to, amount)), nil
		},
	})
}
