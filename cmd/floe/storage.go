package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) storageCommand() *cobra.Command {
	return a.group("storage", "buy storage, part it, join it and give it away", `Storage is the right to keep a number of encoded bytes from one epoch to another.
floe store buys what it needs; storage bought beforehand, or left over by a blob
that was deleted, belongs to your account as an object.`,
		a.storageBuyCommand(), a.storageListCommand(), a.storageSplitCommand(), a.storageFuseCommand(),
		a.storageTransferCommand(), a.storageDestroyCommand())
}

func (a *app) storageBuyCommand() *cobra.Command {
	var start uint32
	cmd := a.order(orderCommand{
		use:   "buy SIZE EPOCHS",
		short: "buy storage",
		long: `buy reserves a size, such as 10MiB, of encoded bytes for a number of epochs, the
running one being the first unless --start says another, and prints the ID of the
storage.`,
		args: 2, takes: "a size and a number of epochs",
		prepare: func(args []string) (planner, error) {
			n, err := parseSpace(args[0])
			if err != nil {
				return nil, err
			}
			epochs, err := parseEpochs(args[1])
			if err != nil {
				return nil, err
			}
			does := fmt.Sprintf("buy %s of storage for %d epochs", size(n), epochs)
			if start == 0 {
				return one(does, ledger.ReserveStorage{Size: n, Epochs: epochs}), nil
			}
			end := start + epochs
			if end < start {
				return nil, usageError{fmt.Errorf("%d epochs from epoch %d on", epochs, start), "there are not that many"}
			}
			return one(fmt.Sprintf("%s from epoch %d on", does, start), ledger.ReserveStorageFor{
				Size: n, Start: committee.Epoch(start), End: committee.Epoch(end),
			}), nil
		},
	})
	cmd.Flags().Uint32Var(&start, "start", 0, "first epoch of the storage (default: the running one)")
	return cmd
}

// parseSpace reads a size that is not nothing.
func parseSpace(s string) (uint64, error) {
	n, err := parseSize(s)
	if err == nil && n == 0 {
		err = usageError{errors.New("storage for nothing"), sizeHint}
	}
	return n, err
}

func (a *app) storageSplitCommand() *cobra.Command {
	var keep string
	var epoch uint32
	cmd := a.order(orderCommand{
		use:   "split STORAGE --size SIZE | --epoch EPOCH",
		short: "part storage in two",
		long: `split parts storage: with --size it keeps that many bytes, with --epoch the epochs
before that one. What it does not keep becomes another object, whose ID is
printed.`,
		args: 1, takes: "the ID of storage",
		prepare: func(args []string) (planner, error) {
			id, err := parseObject(args[0])
			if err != nil {
				return nil, err
			}
			if (keep == "") == (epoch == 0) {
				return nil, usageError{errors.New("storage is parted by size or by time"), "give one of --size and --epoch"}
			}
			if keep == "" {
				return one(fmt.Sprintf("part storage %v at epoch %d", id, epoch), ledger.SplitStorageByEpoch{
					Storage: ledger.Object(id), Epoch: committee.Epoch(epoch),
				}), nil
			}
			n, err := parseSpace(keep)
			if err != nil {
				return nil, err
			}
			return one(fmt.Sprintf("part storage %v at %s", id, size(n)), ledger.SplitStorageBySize{Storage: ledger.Object(id), Size: n}), nil
		},
	})
	cmd.Flags().StringVar(&keep, "size", "", "keep this many bytes, such as 4MiB")
	cmd.Flags().Uint32Var(&epoch, "epoch", 0, "keep the epochs before this one")
	return cmd
}

func (a *app) storageFuseCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "fuse STORAGE STORAGE",
		short: "make one of two",
		long: `fuse adds the second storage to the first. Both must be of the same epochs, or of
the same size with the epochs of one following those of the other.`,
		args: 2, takes: "the IDs of two storages",
		prepare: func(args []string) (planner, error) {
			first, err := parseObject(args[0])
			if err != nil {
				return nil, err
			}
			second, err := parseObject(args[1])
			if err != nil {
				return nil, err
			}
			return one(fmt.Sprintf("add storage %v to %v", second, first), ledger.FuseStorage{
				First: ledger.Object(first), Second: ledger.Object(second),
			}), nil
		},
	})
}

func (a *app) storageTransferCommand() *cobra.Command {
	return a.transferCommand("storage", "STORAGE")
}

// transferCommand gives an object that is named by its ID to another account.
func (a *app) transferCommand(what, argument string) *cobra.Command {
	var set accounts
	return a.order(orderCommand{
		use:   "transfer " + argument + " ADDRESS",
		short: "give " + what + " to another account",
		long:  "transfer gives " + what + " to an address,\nor to one of your accounts by its name.",
		args:  2, takes: "the ID of an object and an address",
		prepare: func(args []string) (planner, error) {
			id, err := parseObject(args[0])
			if err != nil {
				return nil, err
			}
			to, err := set.address(a, args[1])
			if err != nil {
				return nil, err
			}
			return one(fmt.Sprintf("give object %v to %v", id, to), ledger.TransferObject{Object: ledger.Object(id), To: to}), nil
		},
	})
}

func (a *app) storageDestroyCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "destroy STORAGE",
		short: "give storage up",
		long: `destroy gives storage up, so that others may buy the space. What was paid for it
is not given back.`,
		args: 1, takes: "the ID of storage",
		prepare: func(args []string) (planner, error) {
			id, err := parseObject(args[0])
			if err != nil {
				return nil, err
			}
			return one(fmt.Sprintf("give up storage %v", id), ledger.DestroyStorage{Storage: ledger.Object(id)}), nil
		},
	})
}

func (a *app) storageListCommand() *cobra.Command {
	return a.query(query{
		use:   "list [ADDRESS]",
		short: "list the storage of an account",
		long: `list prints the storage that an address, or one of your accounts by its name, has
and no blob occupies: ID, size and epochs, one line each; with --json one object
with a list.`,
		owned: true,
		ask: func(r ledger.Reader, in asked) (answer, error) {
			found, err := ownedBy(r, in.owner, ledger.KindStorage, ledger.ReadStorage)
			return listing("storage", found, func(w io.Writer) {
				row(w, "STORAGE", "SIZE", "FROM", "TO")
				for _, s := range found {
					row(w, s.ID, size(s.Size), s.Start, s.End)
				}
			}), err
		},
	})
}
