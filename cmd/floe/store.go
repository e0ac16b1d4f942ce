package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/node/client"
)

func (a *app) storeCommand() *cobra.Command {
	var net network
	var opt client.StoreOptions
	var permanent bool
	cmd := &cobra.Command{
		Use:   "store FILE|-",
		Short: "store a file and print its blob ID",
		Long: `store encodes a file, pays for it, sends it to the committee and prints its blob
ID, one line of standard output, once the ledger has certified that it is
available. - reads standard input. --json prints what Walrus's publisher answers.

A file that is certified for long enough already costs nothing. An upload that
was interrupted goes on with the registration that it had paid for.` + exitHelp(exitNotFound, exitUnavailable, exitFunds,
			exitTooLarge, exitWrongNetwork),
		Args: exactArgs(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opt.Epochs == 0 {
				return usageError{errors.New("--epochs 0"), "a blob is stored for 1 epoch and more"}
			}
			opt.Deletable = !permanent
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
			return a.store(ctx, &net, in, opt)
		},
	}
	cmd.Flags().Uint32Var(&opt.Epochs, "epochs", 1, "number of epochs to keep it, the running one included")
	cmd.Flags().BoolVar(&permanent, "permanent", false, "nobody, not even you, can delete it before it ends")
	cmd.Flags().BoolVar(&opt.Force, "force", false, "store it again even if it is there")
	net.addFlags(cmd, true)
	return cmd
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
