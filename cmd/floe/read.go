package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"

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
file that appears only when all is there.`,
		Args: exactArgs(1, "one blob ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseBlobID(args[0])
			if err != nil {
				return err
			}
			opt := client.ReadOptions{}
			switch {
			case strict && skip:
				return usageError{errors.New("--strict-consistency-check and --skip-consistency-check exclude each other"), ""}
			case strict:
				opt.Check = shard.CheckStrict
			case skip:
				opt.Check = shard.CheckSkip
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), net.timeout)
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

func (a *app) read(ctx context.Context, net *network, id shard.BlobID, out string, opt client.ReadOptions) error {
	session, err := net.dial(ctx, a, false)
	if err != nil {
		return err
	}
	defer session.Close() //nolint:errcheck // nothing was written through it
	data, err := session.Read(ctx, id, opt)
	if err != nil {
		return err
	}
	if out != "" {
		if err := writeOut(out, data); err != nil {
			return err
		}
	}
	switch {
	case a.json && out != "":
		return a.printJSON(map[string]any{"blobId": id, "size": len(data), "out": out})
	case a.json:
		return a.printJSON(map[string]any{"blobId": id, "size": len(data), "blob": base64.StdEncoding.EncodeToString(data)})
	case out == "":
		_, err := a.out.Write(data)
		return err
	}
	fmt.Fprintf(a.err, "%s written to %s\n", size(uint64(len(data))), out)
	return nil
}

// writeOut writes a file that is there whole or not at all. What is no regular
// file, such as a pipe, is written to directly.
func writeOut(path string, data []byte) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			return usageError{fmt.Errorf("%s is a directory", path), "name a file"}
		}
		return os.WriteFile(path, data, 0)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // half a file is of no use
		}
	}()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func parseBlobID(s string) (shard.BlobID, error) {
	id, err := shard.ParseBlobID(s)
	if err != nil {
		return id, usageError{err, "a blob ID has 43 characters of A-Z a-z 0-9 - _"}
	}
	return id, nil
}
