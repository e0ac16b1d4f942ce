package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/shard"
)

func (a *app) storeCommand() *cobra.Command {
	var net network
	var opt client.StoreOptions
	var permanent, dryRun bool
	var storage, pool string
	cmd := &cobra.Command{
		Use:   "store FILE|-",
		Short: "store a file and print its blob ID",
		Long: `store encodes a file, pays for it, sends it to the committee and prints its blob
ID, one line of standard output, once the ledger has certified that it is
available. - reads standard input. --json prints what Walrus's publisher answers.

A file that is certified for long enough already costs nothing. An upload that
was interrupted goes on with the registration that it had paid for. --storage
takes what the account has instead of buying anew, --pool stores into a pool of
the account. --dry-run prints what it would cost: the fees of both transactions,
the price, and the deposit, which comes back when the blob is certified, as much
of it as the nodes that have confirmed weigh.` + exitHelp(exitNotFound, exitUnavailable, exitFunds,
			exitTooLarge, exitWrongNetwork, exitRefused),
		Args: exactArgs(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opt.Epochs == 0 {
				return usageError{errors.New("--epochs 0"), "a blob is stored for 1 epoch and more"}
			}
			opt.Deletable = !permanent
			if err := roomFor(&opt, storage, pool); err != nil {
				return err
			}
			in, err := a.openInput(args[0])
			if err != nil {
				return err
			}
			defer in.Close() //nolint:errcheck // read only
			ctx, cancel, err := net.begin(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer cancel()
			if dryRun {
				return a.storeCost(ctx, &net, in, opt)
			}
			return a.store(ctx, &net, in, opt)
		},
	}
	cmd.Flags().Uint32Var(&opt.Epochs, "epochs", 1, "number of epochs to keep it, the running one included")
	cmd.Flags().BoolVar(&permanent, "permanent", false, "nobody, not even you, can delete it before it ends")
	cmd.Flags().StringVar(&storage, "storage", "", "keep it in this storage of the account, as long as that lasts")
	cmd.Flags().StringVar(&pool, "pool", "", "keep it in this pool of the account, as long as that lasts")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print what it costs, exactly, and store nothing")
	cmd.Flags().BoolVar(&opt.Force, "force", false, "store it again even if it is there")
	net.addFlags(cmd, true)
	return cmd
}

// roomFor reads where the blob is to be kept.
func roomFor(opt *client.StoreOptions, storage, pool string) (err error) {
	if storage != "" && pool != "" {
		return usageError{errors.New("--storage and --pool exclude each other"), "leave out one of them"}
	}
	if storage != "" {
		opt.Storage, err = parseObject(storage)
	}
	if pool != "" {
		opt.Pool, err = parseObject(pool)
	}
	return err
}

// storeCost prints what storing a file would cost.
func (a *app) storeCost(ctx context.Context, net *network, in *input, opt client.StoreOptions) error {
	session, err := net.dial(ctx, a, true)
	if err != nil {
		return err
	}
	defer session.Close() //nolint:errcheck // nothing was written through it
	state, err := session.Network(ctx)
	if err != nil {
		return err
	}
	md, err := promptly(ctx, func() (*shard.Metadata, error) { return in.metadata(state.Committee.Params()) })
	if err != nil {
		return err
	}
	c, err := session.Cost(ctx, md, opt)
	if err != nil {
		return err
	}
	does := fmt.Sprintf("store %s as %v, %s encoded", size(c.Size), c.BlobID, size(c.Encoded))
	if c.AlreadyCertified {
		does = fmt.Sprintf("%v is certified for long enough", c.BlobID)
	}
	return a.printTrial(order{does: does}, costs{
		Fee: c.Fee, Price: c.Price, Deposit: c.Deposit, Total: int64(c.Fee + c.Price + c.Deposit), Balance: c.Balance,
	})
}

func (a *app) store(ctx context.Context, net *network, in *input, opt client.StoreOptions) error {
	session, err := net.dial(ctx, a, true)
	if err != nil {
		return err
	}
	defer session.Close() //nolint:errcheck // the blob is certified or the error below says why not
	state, err := session.Network(ctx)
	if err != nil {
		return err
	}
	data, err := promptly(ctx, func() ([]byte, error) { return in.read(state.Committee.Params()) })
	if err != nil {
		return err
	}
	progress := a.progress()
	opt.Progress = progress.show
	result, err := session.Store(ctx, data, opt)
	progress.end()
	if err != nil {
		return err
	}
	_ = session.Flush(ctx) // slower nodes get their slivers now rather than by repair
	if a.json {
		return a.printJSON(client.ToStored(result))
	}
	if _, err := fmt.Fprintln(a.out, result.BlobID); err != nil {
		return err
	}
	if result.AlreadyCertified {
		a.say("already certified until the start of epoch %d; nothing to pay", result.Blob.Storage.End)
		return nil
	}
	a.say("%s stored until the start of epoch %d for %s, certified at height %d",
		size(result.Size), result.Blob.Storage.End, wal(result.Cost), result.Blob.Point.Height)
	return nil
}
