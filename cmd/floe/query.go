package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
)

// query describes a command that asks and changes nothing.
type query struct {
	use, short, long string
	args             int
	takes            string
	codes            []int // exit statuses beyond those of every query
	// ask reads what it needs at one height and returns what to print: a value
	// for --json, and the same for people.
	ask func(ctx context.Context, s *client.Session, r ledger.Reader, args []string) (answer, error)
}

// answer is what a query found.
type answer struct {
	json any
	text func(w io.Writer) // columns are separated by tabs
}

// query returns a command that asks.
func (a *app) query(q query) *cobra.Command {
	var net network
	cmd := &cobra.Command{
		Use:   q.use,
		Short: q.short,
		Long:  q.long + exitHelp(append(q.codes, exitUnavailable, exitWrongNetwork)...),
		Args:  exactArgs(q.args, q.takes),
		RunE: func(cmd *cobra.Command, args []string) error {
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
			var found answer
			err = session.Ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
				found, err = q.ask(ctx, session, r, args)
				return err
			})
			if err != nil {
				return err
			}
			return a.print(found)
		},
	}
	net.addFlags(cmd, false)
	return cmd
}

func (a *app) print(found answer) error {
	if a.json {
		return a.printJSON(found.json)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	found.text(w)
	return w.Flush()
}

// row writes the cells of a table's line; the table's Flush tells of faults.
func row(w io.Writer, cells ...any) {
	for i, c := range cells {
		if i > 0 {
			_, _ = fmt.Fprint(w, "\t")
		}
		_, _ = fmt.Fprint(w, printable(c))
	}
	_, _ = fmt.Fprintln(w)
}
