package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/shard"
)

const stdinName = "-"

func (a *app) blobIDCommand() *cobra.Command {
	var shards int
	cmd := &cobra.Command{
		Use:   "blob-id --shards N FILE|-",
		Short: "compute the blob ID of a file; touches no network",
		Long: `blob-id prints the blob ID that a file has on a network of N shards.
It touches no network. - reads standard input.`,
		Args: exactArgs(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("shards") {
				return usageError{fmt.Errorf("--shards is missing"), "a blob ID depends on the number of shards; Walrus has 1000, a devnet 100"}
			}
			params, err := shard.NewParams(shards)
			if err != nil {
				return usageError{err, "--shards takes 4 and more"}
			}
			data, err := a.readInput(args[0], params.MaxBlobSize(), params)
			if err != nil {
				return err
			}
			md, err := shard.ComputeMetadata(params, data)
			if err != nil {
				return err
			}
			if a.json {
				encoded, err := params.EncodedSize(md.Size)
				if err != nil {
					return err
				}
				return a.printJSON(map[string]any{
					"blobId": md.ID(), "size": md.Size, "shards": shards, "encodedSize": encoded, "encodingType": shard.EncodingName,
				})
			}
			_, err = fmt.Fprintln(a.out, md.ID())
			return err
		},
	}
	cmd.Flags().IntVar(&shards, "shards", 0, "number of shards of the network (required)")
	return cmd
}

// readInput reads a file, or standard input for "-". What is larger than a blob
// can be is refused before or while it is read.
func (a *app) readInput(name string, limit uint64, params shard.Params) ([]byte, error) {
	var in io.Reader = a.in
	var size int64 = -1
	if name != stdinName {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // read only
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			return nil, usageError{fmt.Errorf("%s is a directory", name), "name a file"}
		}
		if info.Mode().IsRegular() {
			size = info.Size()
		}
		in = f
	}
	if size > 0 && uint64(size) > limit {
		_, err := params.SymbolSize(uint64(size))
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	data, err := readAll(io.LimitReader(in, int64(limit)+1), size)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if uint64(len(data)) > limit {
		_, err := params.SymbolSize(uint64(len(data)))
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// readAll reads to the end, with room for size bytes if that is known.
func readAll(r io.Reader, size int64) ([]byte, error) {
	if size < 0 {
		return io.ReadAll(r)
	}
	data := make([]byte, 0, size+1)
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return data, err
		}
		if len(data) == cap(data) { // it has grown meanwhile
			data = append(data, 0)[:len(data)]
		}
	}
}

func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
