package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) txCommand() *cobra.Command {
	net := network{timeout: 30 * time.Second}
	cmd := &cobra.Command{
		Use:   "tx HASH",
		Short: "say what became of a transaction",
		Long: `tx waits until a transaction is in a block, as long as --timeout says, and prints
where it stands and what became of it: names and values on standard output, with
--json one object. HASH is what commands print that send one.` + exitHelp(exitUnavailable, exitWrongNetwork),
		Args: exactArgs(1, "the hash of a transaction"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := hex.DecodeString(args[0])
			if err != nil || len(b) != len(ledger.Receipt{}.Hash) {
				return usageError{fmt.Errorf("%q is no hash of a transaction", args[0]), "a hash is 64 hexadecimal digits"}
			}
			ctx, cancel, err := net.begin(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer cancel()
			return a.tx(ctx, &net, [32]byte(b))
		},
	}
	net.addFlags(cmd, false)
	return cmd
}

func (a *app) tx(ctx context.Context, net *network, hash [32]byte) error {
	session, err := net.dial(ctx, a, false)
	if err != nil {
		return err
	}
	defer session.Close() //nolint:errcheck // nothing was written through it
	r, err := session.Ledger.Await(ctx, hash)
	if errors.Is(err, context.DeadlineExceeded) {
		return hinted{fmt.Errorf("transaction %x is in no block yet: %w", hash, err), "it may still come, or was never sent; --timeout waits for longer"}
	}
	if err != nil {
		return err
	}
	made, err := ledger.ParseResults(r.Data)
	if r.Code != uint32(ledger.CodeOK) {
		made, err = nil, nil
	}
	found := record{
		{"tx", hex.EncodeToString(r.Hash[:])},
		{"height", r.Height},
		{"index", r.Index},
		{"code", r.Code},
		{"info", r.Info},
		{"fee", r.Fee},
		{"objects", objectList(made)},
	}
	return errors.Join(err, a.print(answer{found, func(w io.Writer) { found.table(w) }}))
}

// objectList lists the objects that came to be.
func objectList(made ledger.Results) []any {
	list := []any{}
	for _, id := range made {
		if !id.IsZero() {
			list = append(list, id.String())
		}
	}
	return list
}
