package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) storageCommand() *cobra.Command {
	return a.group("storage", "buy storage and give it away", `Storage is the right to keep a number of encoded bytes from one epoch to another.
floe store buys what it needs; storage bought beforehand belongs to your account
as an object.`,
		a.storageBuyCommand(), a.storageTransferCommand())
}

func (a *app) storageBuyCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "buy SIZE EPOCHS",
		short: "buy storage",
		long: `buy reserves a size, such as 10MiB, of encoded bytes for a number of epochs, the
running one included, and prints the ID of the storage.`,
		args: 2, takes: "a size and a number of epochs",
		prepare: func(args []string) (planner, error) {
			n, err := parseSize(args[0])
			if err != nil {
				return nil, err
			}
			if n == 0 {
				return nil, usageError{errors.New("storage for nothing"), sizeHint}
			}
			epochs, err := parseEpochs(args[1])
			if err != nil {
				return nil, err
			}
			return one(fmt.Sprintf("buy %s of storage for %d epochs", size(n), epochs), ledger.ReserveStorage{Size: n, Epochs: epochs}), nil
		},
	})
}

func (a *app) storageTransferCommand() *cobra.Command {
	var set accounts
	return a.order(orderCommand{
		use:   "transfer STORAGE ADDRESS",
		short: "give storage to another account",
		long:  `transfer gives storage to an address, or to one of your accounts by its name.`,
		args:  2, takes: "the ID of storage and an address",
		prepare: func(args []string) (planner, error) {
			id, err := parseObject(args[0])
			if err != nil {
				return nil, err
			}
			to, err := set.address(a, args[1])
			if err != nil {
				return nil, err
			}
			return one(fmt.Sprintf("give storage %v to %v", id, to), ledger.TransferObject{Object: ledger.Object(id), To: to}), nil
		},
	})
}
