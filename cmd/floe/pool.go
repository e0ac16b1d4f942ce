package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/shard"
)

func (a *app) poolCommand() *cobra.Command {
	return a.group("pool", "let many blobs share storage", `A pool is storage that many blobs share: they come and go within its size, and
live and end with it. floe store --pool stores into one. Who owns a pool owns the
blobs in it.`,
		a.poolCreateCommand(), a.poolListCommand(), a.poolShowCommand(), a.poolExtendCommand(), a.poolGrowCommand(),
		a.poolShrinkCommand(), a.transferCommand("a pool, with all blobs in it,", "POOL"), a.poolDestroyCommand())
}

// onObjects prepares an order about objects that are named by their IDs; does
// has a verb for each.
func onObjects(args []string, does string, message func(refs []ledger.Ref) ledger.Message) (planner, error) {
	var refs []ledger.Ref
	var ids []any
	for _, text := range args {
		id, err := parseObject(text)
		if err != nil {
			return nil, err
		}
		refs, ids = append(refs, ledger.Object(id)), append(ids, id)
	}
	return one(fmt.Sprintf(does, ids...), message(refs)), nil
}

func (a *app) poolCreateCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "create STORAGE",
		short: "make a pool of storage",
		long: `create turns storage, which must cover the running epoch, into a pool and prints
the pool's ID.`,
		args: 1, takes: "the ID of storage",
		prepare: func(args []string) (planner, error) {
			return onObjects(args, "make a pool of storage %v", func(refs []ledger.Ref) ledger.Message {
				return ledger.CreatePool{Storage: refs[0]}
			})
		},
	})
}

func (a *app) poolExtendCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "extend POOL EPOCHS",
		short: "keep a pool, and the blobs in it, for longer",
		long:  `extend buys more epochs for the whole size of a pool, after its present end.`,
		args:  2, takes: "the ID of a pool and a number of epochs",
		prepare: func(args []string) (planner, error) {
			n, err := parseEpochs(args[1])
			if err != nil {
				return nil, err
			}
			return onObjects(args[:1], fmt.Sprintf("extend pool %%v by %d epochs", n), func(refs []ledger.Ref) ledger.Message {
				return ledger.ExtendPool{Pool: refs[0], Epochs: n}
			})
		},
	})
}

func (a *app) poolGrowCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "grow POOL STORAGE",
		short: "add storage to a pool",
		long: `grow adds storage, which must cover the running epoch and end with the pool, to a
pool.`,
		args: 2, takes: "the IDs of a pool and of storage",
		prepare: func(args []string) (planner, error) {
			return onObjects(args, "grow pool %v by storage %v", func(refs []ledger.Ref) ledger.Message {
				return ledger.GrowPool{Pool: refs[0], Storage: refs[1]}
			})
		},
	})
}

func (a *app) poolShrinkCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "shrink POOL SIZE",
		short: "take free space out of a pool",
		long: `shrink takes space that no blob uses out of a pool, as storage whose ID is
printed.`,
		args: 2, takes: "the ID of a pool and a size",
		prepare: func(args []string) (planner, error) {
			n, err := parseSpace(args[1])
			if err != nil {
				return nil, err
			}
			return onObjects(args[:1], "take "+size(n)+" out of pool %v", func(refs []ledger.Ref) ledger.Message {
				return ledger.ShrinkPool{Pool: refs[0], Size: n}
			})
		},
	})
}

func (a *app) poolDestroyCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "destroy POOL",
		short: "make storage of an empty pool",
		long:  `destroy turns a pool without blobs into storage again, whose ID is printed.`,
		args:  1, takes: "the ID of a pool",
		prepare: func(args []string) (planner, error) {
			return onObjects(args, "make storage of pool %v", func(refs []ledger.Ref) ledger.Message {
				return ledger.DestroyPool{Pool: refs[0]}
			})
		},
	})
}

func (a *app) poolListCommand() *cobra.Command {
	return a.query(query{
		use:   "list [ADDRESS]",
		short: "list the pools of an account",
		long: `list prints the pools that an address, or one of your accounts by its name, has:
ID, size, how much of it is used, blobs and end, one line each; with --json one
object with a list.`,
		owned: true,
		ask: func(r ledger.Reader, in asked) (answer, error) {
			found, err := ownedBy(r, in.owner, ledger.KindPool, ledger.ReadPool)
			return listing("pools", found, func(w io.Writer) {
				row(w, "POOL", "SIZE", "USED", "BLOBS", "END")
				for _, p := range found {
					row(w, p.ID, size(p.Size), size(p.Used), p.Count, p.End)
				}
			}), err
		},
	})
}

func (a *app) poolShowCommand() *cobra.Command {
	return a.query(query{
		use:   "show POOL",
		short: "list the blobs in a pool",
		long: `show prints the blobs in a pool as floe blob list does; with --json one object
with the pool and a list.`,
		args: 1, takes: "the ID of a pool",
		codes: []int{exitNotFound},
		check: func(args []string) error {
			_, err := parseObject(args[0])
			return err
		},
		ask: func(r ledger.Reader, in asked) (answer, error) {
			id, err := parseObject(in.args[0])
			if err != nil {
				return answer{}, err
			}
			sys, err := ledger.ReadSystem(r)
			if err != nil {
				return answer{}, err
			}
			pool, err := ledger.ReadPool(r, id)
			if err != nil {
				return answer{}, err
			}
			blobs, err := blobsIn(r, id)
			found := listing("blobs", blobs, func(w io.Writer) { blobTable(w, blobs, sys.Epoch) })
			found.json = append(toRecord(pool), found.json.(record)...)
			return found, err
		},
	})
}

func blobsIn(r ledger.Reader, pool committee.ObjectID) ([]ledger.Blob, error) {
	var ids []committee.ObjectID
	err := ledger.AscendPool(r, pool, shard.BlobID{}, func(_ shard.BlobID, id committee.ObjectID) bool {
		ids = append(ids, id)
		return true
	})
	if err != nil {
		return nil, err
	}
	var blobs []ledger.Blob
	for _, id := range ids {
		b, err := ledger.ReadBlob(r, id)
		if err != nil {
			return nil, err
		}
		blobs = append(blobs, b)
	}
	return blobs, nil
}
