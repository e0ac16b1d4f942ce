package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/shard"
)

func (a *app) readCommand() *cobra.Command {
	var net network
	var out string
	var strict, skip bool
	cmd := &cobra.Command{
		Use:   "read ID [-o FILE]",
		Short: "read a blob",
		Long: `read fetches a blob, checks it and writes its bytes to standard output, or to a
file that appears only when all is there. With --json and without -o the bytes
are in the object, as base64.` + exitHelp(exitNotFound, exitUnavailable, exitWrongNetwork, exitInconsistent),
		Args: exactArgs(1, "one blob ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseBlobID(args[0])
			if err != nil {
				return err
			}
			opt := client.ReadOptions{}
			switch {
			case strict && skip:
				return usageError{errors.New("--strict-consistency-check and --skip-consistency-check exclude each other"), "leave out one of them"}
			case strict:
				opt.Check = shard.CheckStrict
			case skip:
				opt.Check = shard.CheckSkip
			}
			ctx, cancel, err := net.begin(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer cancel()
			return a.read(ctx, &net, id, out, opt)
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "write to this file")
	cmd.Flags().BoolVar(&strict, "strict-consistency-check", false, "encode the blob again and compare its ID")
	cmd.Flags().BoolVar(&skip, "skip-consistency-check", false, "check the slivers alone, not that they agree")
	net.addFlags(cmd, false)
	return cmd
}

func (a *app) read(ctx context.Context, net *network, id shard.BlobID, path string, opt client.ReadOptions) (err error) {
	var out *output
	if path != "" { // before anything is fetched for it
		if out, err = createOutput(path); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, out.Close()) }()
	}
	session, err := net.dial(ctx, a, false)
	if err != nil {
		return err
	}
	defer session.Close() //nolint:errcheck // nothing was written through it
	data, err := session.Read(ctx, id, opt)
	if err != nil {
		return err
	}
	if out == nil && !a.json {
		_, err := a.out.Write(data)
		return err
	}
	report := readReport{BlobID: id, Size: len(data), Out: path}
	if out == nil {
		report.Blob = &data
		return a.printJSON(report)
	}
	if err := out.commit(data); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(report)
	}
	a.say("%s written to %s", size(uint64(len(data))), path)
	return nil
}

// readReport is what --json prints.
type readReport struct {
	BlobID shard.BlobID `json:"blobId"`
	Size   int          `json:"size"`
	Out    string       `json:"out,omitempty"`
	Blob   *[]byte      `json:"blob,omitempty"` // base64, unless it went to a file
}

func parseBlobID(s string) (shard.BlobID, error) {
	id, err := shard.ParseBlobID(s)
	if err != nil {
		return id, usageError{err, "a blob ID has 43 characters of A-Z a-z 0-9 - _"}
	}
	return id, nil
}
