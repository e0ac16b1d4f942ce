package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) blobListCommand() *cobra.Command {
	var all bool
	cmd := a.query(query{
		use:   "list [ADDRESS]",
		short: "list the blobs of an account",
		long: `list prints the blobs that an address, or one of your accounts by its name, has
stored and that have not ended: object, blob ID, size, end and state, one line
each; with --json one object with a list. Blobs in pools are listed by
floe pool show.`,
		owned: true,
		ask: func(r ledger.Reader, in asked) (answer, error) {
			sys, err := ledger.ReadSystem(r)
			if err != nil {
				return answer{}, err
			}
			owned, err := ownedBy(r, in.owner, ledger.KindBlob, ledger.ReadBlob)
			var found []ledger.Blob
			for _, b := range owned {
				if all || b.Storage.End > sys.Epoch {
					found = append(found, b)
				}
			}
			return listing("blobs", found, func(w io.Writer) { blobTable(w, found, sys.Epoch) }), err
		},
	})
	cmd.Flags().BoolVar(&all, "all", false, "also those that have ended and are not yet collected")
	return cmd
}

func blobTable(w io.Writer, blobs []ledger.Blob, now committee.Epoch) {
	row(w, "OBJECT", "BLOB", "SIZE", "END", "STATE")
	for _, b := range blobs {
		row(w, b.ID, b.BlobID, size(b.Size), b.Storage.End, blobState(b, now))
	}
}

// blobState says in a few words how a blob object is.
func blobState(b ledger.Blob, now committee.Epoch) string {
	state := "permanent"
	switch {
	case now >= b.Storage.End:
		return "ended"
	case b.Certified == 0:
		return "not certified"
	case b.Shared:
		return "shared"
	case b.Deletable:
		state = "deletable"
	}
	return state
}

func (a *app) blobShowCommand() *cobra.Command {
	return a.query(query{
		use:   "show BLOB",
		short: "say all that the ledger knows of a blob object",
		long: `show prints what the ledger knows of a blob object, a name and a value each, and
its attributes; with --json one object. A blob ID stands for the object of it that
lasts longest, whoever owns it.`,
		args: 1, takes: "a blob",
		codes: []int{exitNotFound},
		check: func(args []string) error {
			_, err := parseBlobRef(args[0])
			return err
		},
		ask: func(r ledger.Reader, in asked) (answer, error) {
			b, pairs, err := blobWithAttributes(r, in.args[0])
			if err != nil {
				return answer{}, err
			}
			found := toRecord(b)
			return answer{append(found, field{"pairs", attributeList(pairs)}), func(w io.Writer) {
				found.table(w)
				for _, p := range pairs {
					row(w, "attribute "+p.Key, p.Value)
				}
			}}, nil
		},
	})
}

// blobWithAttributes reads the blob object that is meant by a text, whoever owns it.
func blobWithAttributes(r ledger.Reader, text string) (ledger.Blob, []ledger.Attribute, error) {
	ref, err := parseBlobRef(text)
	if err != nil {
		return ledger.Blob{}, nil, err
	}
	id := ref.object
	if !ref.blob.IsZero() {
		status, err := ledger.ReadStatus(r, ref.blob)
		if err != nil {
			return ledger.Blob{}, nil, err
		}
		id = status.Blob.ID
	}
	b, err := ledger.ReadBlob(r, id)
	if err != nil {
		return b, nil, err
	}
	pairs, err := ledger.ReadAttributes(r, id)
	return b, pairs, err
}

func attributeList(pairs []ledger.Attribute) []any {
	list := []any{}
	for _, p := range pairs {
		list = append(list, toRecord(p))
	}
	return list
}
