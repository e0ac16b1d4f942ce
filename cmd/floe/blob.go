package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) blobCommand() *cobra.Command {
	return a.group("blob", "extend, share, delete and give away what you have stored", `A blob that you have stored belongs to your account as an object. Commands take
the object's ID, or the blob ID if the account has one object of it that the
command can be about.`,
		a.blobListCommand(), a.blobShowCommand(), a.blobExtendCommand(), a.blobDeleteCommand(), a.blobTransferCommand(),
		a.blobBurnCommand(), a.blobShareCommand(), a.blobFundCommand(), a.blobAttrCommand())
}

func shared(b ledger.Blob) bool { return b.Shared }

func unshared(b ledger.Blob) bool { return !b.Shared }

func certified(b ledger.Blob) bool { return b.Certified != 0 }

func (a *app) blobExtendCommand() *cobra.Command {
	var storage string
	var funds bool
	cmd := a.order(orderCommand{
		use:   "extend BLOB EPOCHS [--funds] | extend BLOB --storage STORAGE",
		short: "keep a blob for longer",
		long: `extend buys more epochs for a certified blob, after its present end, or gives it
storage of the same size that begins when that ends. A shared blob may be extended
by anybody, with --funds out of what it has been given.`,
		args: -2, takes: "a blob and a number of epochs, or a blob and --storage",
		prepare: func(args []string) (planner, error) {
			w := blobOrder{fits: certified, anybody: shared}
			switch {
			case storage != "" && (len(args) != 1 || funds):
				return nil, usageError{errors.New("--storage says for how long, and pays"), "leave out the number of epochs and --funds"}
			case storage == "" && len(args) != 2:
				return nil, usageError{errors.New("the number of epochs is missing"), "write how many epochs, 1 and more, or name storage with --storage"}
			case storage != "":
				id, err := parseObject(storage)
				if err != nil {
					return nil, err
				}
				w.does = fmt.Sprintf("extend blob object %%v with storage %v", id)
				w.message = func(r ledger.Ref) ledger.Message {
					return ledger.ExtendBlobWithStorage{Blob: r, Storage: ledger.Object(id)}
				}
				return onBlob(args[0], w)
			}
			n, err := parseEpochs(args[1])
			if err != nil {
				return nil, err
			}
			w.does = fmt.Sprintf("extend blob object %%v by %d epochs", n)
			w.message = func(r ledger.Ref) ledger.Message { return ledger.ExtendBlob{Blob: r, Epochs: n} }
			if funds {
				w.does += " with what it has been given"
				w.fits = shared
				w.message = func(r ledger.Ref) ledger.Message { return ledger.ExtendSharedBlob{Blob: r, Epochs: n} }
			}
			return onBlob(args[0], w)
		},
	})
	cmd.Flags().StringVar(&storage, "storage", "", "extend it with this storage of the account")
	cmd.Flags().BoolVar(&funds, "funds", false, "pay with what the shared blob has been given")
	return cmd
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
			return onBlob(args[0], blobOrder{
				does: "delete blob object %v", fits: func(b ledger.Blob) bool { return b.Deletable },
				message: func(r ledger.Ref) ledger.Message { return ledger.DeleteBlob{Blob: r} },
			})
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
			return onBlob(args[0], blobOrder{
				does: fmt.Sprintf("give blob object %%v to %v", to), fits: unshared,
				message: func(r ledger.Ref) ledger.Message { return ledger.TransferObject{Object: r, To: to} },
			})
		},
	})
}

func (a *app) blobBurnCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "burn BLOB",
		short: "let nobody own a blob any more",
		long: `burn gives a blob object up without ending it: from then on it belongs to nobody,
so that nobody can delete it or give it away, and what it holds stays available to
its end. It cannot be taken back.`,
		args: 1, takes: "a blob",
		prepare: func(args []string) (planner, error) {
			return onBlob(args[0], blobOrder{
				does: "give up blob object %v for good", fits: unshared,
				message: func(r ledger.Ref) ledger.Message { return ledger.BurnBlob{Blob: r} },
			})
		},
	})
}

func (a *app) blobShareCommand() *cobra.Command {
	var amount string
	cmd := a.order(orderCommand{
		use:   "share BLOB [--amount AMOUNT]",
		short: "let anybody keep a blob alive",
		long: `share lets anybody pay for more epochs of a certified, permanent blob, and give
money to it for that. It cannot be taken back, and the blob object cannot be given
away any more. What is left of the money when it ends comes back to the account.`,
		args: 1, takes: "a blob",
		prepare: func(args []string) (planner, error) {
			funds, err := parseAmount(amount)
			if err != nil {
				return nil, err
			}
			return onBlob(args[0], blobOrder{
				does: fmt.Sprintf("share blob object %%v with %s", wal(funds)),
				fits: func(b ledger.Blob) bool { return certified(b) && !b.Deletable && !b.Shared },
				message: func(r ledger.Ref) ledger.Message {
					return ledger.ShareBlob{Blob: r, Amount: funds}
				},
			})
		},
	})
	cmd.Flags().StringVar(&amount, "amount", "0WAL", "money to begin with")
	return cmd
}

func (a *app) blobFundCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "fund BLOB AMOUNT",
		short: "give money to a shared blob",
		long: `fund gives an amount, such as 1.5WAL, to a shared blob, whoever has shared it:
floe blob extend --funds buys epochs with it.`,
		args: 2, takes: "a blob and an amount",
		prepare: func(args []string) (planner, error) {
			amount, err := parsePayment(args[1])
			if err != nil {
				return nil, err
			}
			return onBlob(args[0], blobOrder{
				does: fmt.Sprintf("give %s to blob object %%v", wal(amount)), fits: shared, anybody: shared,
				message: func(r ledger.Ref) ledger.Message { return ledger.FundBlob{Blob: r, Amount: amount} },
			})
		},
	})
}
