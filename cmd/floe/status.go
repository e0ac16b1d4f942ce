package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
)

func (a *app) statusCommand() *cobra.Command {
	var net network
	cmd := &cobra.Command{
		Use:   "status ID",
		Short: "say what the ledger knows of a blob",
		Long: `status prints what the ledger knows of a blob: nonexistent, registered, deletable
or permanent and until when, or invalid. A blob that the ledger does not know is
an answer, with exit status 3, not a failure to answer. It is one line of
standard output.` + exitHelp(exitNotFound, exitUnavailable, exitWrongNetwork),
		Args: exactArgs(1, "one blob ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseBlobID(args[0])
			if err != nil {
				return err
			}
			ctx, cancel, err := net.begin(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer cancel()
			session, err := net.dial(ctx, a, false)
			if err != nil {
				return err
			}
			defer session.Close() //nolint:errcheck // nothing was written through it
			s, err := session.Status(ctx, id)
			if err != nil {
				return err
			}
			report := client.ToStatus(id, s)
			switch {
			case a.json:
				err = a.printJSON(report)
			case s.Kind == ledger.StatusNone:
				_, err = fmt.Fprintf(a.out, "%s: nonexistent in epoch %d\n", id, s.Epoch)
			case s.Kind == ledger.StatusInvalid:
				_, err = fmt.Fprintf(a.out, "%s: invalid, it was encoded wrongly: recorded in epoch %d on evidence %x\n", id, s.Invalid.Epoch, s.Invalid.Evidence)
			case s.Available():
				_, err = fmt.Fprintf(a.out, "%s: %s, %s, certified at height %d (epoch %d), until the start of epoch %d (now %d)\n",
					id, s.Kind, size(s.Blob.Size), s.Blob.Point.Height, s.Blob.Certified, s.Blob.Storage.End, s.Epoch)
			default:
				_, err = fmt.Fprintf(a.out, "%s: %s in epoch %d, not available yet\n", id, s.Kind, s.Blob.Registered)
			}
			if err == nil && s.Kind == ledger.StatusNone {
				err = silent{exitNotFound}
			}
			return err
		},
	}
	net.addFlags(cmd, false)
	return cmd
}
