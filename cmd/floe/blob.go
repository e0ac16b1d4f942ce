package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) blobCommand() *cobra.Command {
	return a.group("blob", "extend, delete and give away what you have stored", `A blob that you have stored belongs to your account as an object. Commands take
the object's ID, or the blob ID if it is the only object of that blob that the
account has.`,
		a.blobExtendCommand(), a.blobDeleteCommand(), a.blobTransferCommand())
}

func (a *app) blobExtendCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "extend BLOB EPOCHS",
		short: "keep a blob for longer",
		long:  `extend buys more epochs for a certified blob, after its present end.`,
		args:  2, takes: "a blob and a number of epochs",
		prepare: func(args []string) (planner, error) {
			n, err := parseEpochs(args[1])
			if err != nil {
				return nil, err
			}
			return onBlob(args[0], fmt.Sprintf("extend blob object %%v by %d epochs", n), func(r ledger.Ref) ledger.Message {
				return ledger.ExtendBlob{Blob: r, Epochs: n}
			})
		},
	})
}

func (a *app) blobDeleteCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "delete BLOB",
		short: "delete a blob that can be deleted",
		long: `delete ends a deletable blob. The account gets its storage back as a resource for
the epochs that are left, whose ID is printed. Other objects of the same blob, be
they of other accounts, keep it available.`,
		args: 1, takes: "a blob",
		prepare: func(args []string) (planner, error) {
			return onBlob(args[0], "delete blob object %v", func(r ledger.Ref) ledger.Message { return ledger.DeleteBlob{Blob: r} })
		},
	})
}

func (a *app) blobTransferCommand() *cobra.Command {
	var set accounts
	return a.order(orderCommand{
		use:   "transfer BLOB ADDRESS",
		short: "give a blob object to another account",
		long: `transfer gives a blob object to an address, or to one of your accounts by its
name. Who owns it can extend it, delete it and give it away.`,
		args: 2, takes: "a blob and an address",
		prepare: func(args []string) (planner, error) {
			to, err := set.address(a, args[1])
			if err != nil {
				return nil, err
			}
			return onBlob(args[0], fmt.Sprintf("give blob object %%v to %v", to), func(r ledger.Ref) ledger.Message {
				return ledger.TransferObject{Object: r, To: to}
			})
		},
	})
}
