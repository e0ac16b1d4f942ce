package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/shard"
)

func (a *app) blobIDCommand() *cobra.Command {
	var shards int
	cmd := &cobra.Command{
		Use:   "blob-id --shards N FILE|-",
		Short: "compute the blob ID of a file; touches no network",
		Long: `blob-id prints the blob ID that a file has on a network of N shards, on one line
of standard output. It touches no network. - reads standard input.` + exitHelp(exitNotFound, exitTooLarge),
		Args: exactArgs(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("shards") {
				return usageError{fmt.Errorf("--shards is missing"), "a blob ID depends on the number of shards; Walrus has 1000, a devnet 100"}
			}
			params, err := shard.NewParams(shards)
			if err != nil {
				return usageError{fmt.Errorf("--shards %d: %w", shards, err), fmt.Sprintf("a network has %d to %d shards", shard.MinShards, shard.MaxShards)}
			}
			in, err := a.openInput(args[0])
			if err != nil {
				return err
			}
			defer in.Close() //nolint:errcheck // read only
			md, err := promptly(cmd.Context(), func() (*shard.Metadata, error) { return in.metadata(params) })
			if err != nil {
				return err
			}
			if a.json {
				encoded, err := params.EncodedSize(md.Size)
				if err != nil {
					return err
				}
				return a.printJSON(blobIDReport{
					BlobID: md.ID(), Size: md.Size, Shards: shards, EncodedSize: encoded, EncodingType: shard.EncodingName,
				})
			}
			_, err = fmt.Fprintln(a.out, md.ID())
			return err
		},
	}
	cmd.Flags().IntVar(&shards, "shards", 0, "number of shards of the network (required)")
	return cmd
}

// blobIDReport is what --json prints.
type blobIDReport struct {
	BlobID       shard.BlobID `json:"blobId"`
	Size         uint64       `json:"size"`
	Shards       int          `json:"shards"`
	EncodedSize  uint64       `json:"encodedSize"` // slivers and metadata
	EncodingType string       `json:"encodingType"`
}
