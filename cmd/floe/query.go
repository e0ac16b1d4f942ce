package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

// query describes a command that asks and changes nothing.
type query struct {
	use, short, long string
	args             int
	takes            string
	owned            bool  // it is about an address: its one argument, or else the account that would pay
	codes            []int // exit statuses beyond those of every query
	// check looks at the arguments before there is a network; nil: they are good.
	check func(args []string) error
	// ask reads what it needs at one height and returns what to print.
	ask func(r ledger.Reader, in asked) (answer, error)
}

// asked is what a query is about.
type asked struct {
	args  []string
	owner ledger.Address // of a query about an address
}

// answer is what a query found: a value for --json, and the same for people.
type answer struct {
	json any
	text func(w io.Writer) // columns are separated by tabs
}

// query returns a command that asks.
func (a *app) query(q query) *cobra.Command {
	var net network
	args := exactArgs(q.args, q.takes)
	if q.owned {
		args = maxArgs(1, "at most one address or name")
		q.codes = append(q.codes, exitNotFound)
	}
	cmd := &cobra.Command{
		Use:   q.use,
		Short: q.short,
		Long:  q.long + exitHelp(append(q.codes, exitUnavailable, exitWrongNetwork)...),
		Args:  args,
		RunE: func(cmd *cobra.Command, args []string) error {
			in := asked{args: args}
			if q.check != nil {
				if err := q.check(args); err != nil {
					return err
				}
			}
			ctx, cancel, err := net.begin(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer cancel()
			if q.owned {
				if in.owner, err = net.owner(a, args); err != nil {
					return err
				}
			}
			found, err := a.ask(ctx, &net, q, in)
			if err != nil {
				return err
			}
			return a.print(found)
		},
	}
	net.addFlags(cmd, q.owned)
	return cmd
}

func (a *app) ask(ctx context.Context, net *network, q query, in asked) (found answer, err error) {
	session, err := net.dial(ctx, a, false)
	if err != nil {
		return found, err
	}
	defer session.Close() //nolint:errcheck // nothing was written through it
	err = session.Ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
		found, err = q.ask(r, in)
		return err
	})
	return found, err
}

// owner is the address that is meant by an argument, or without one that of the
// account that would pay.
func (n *network) owner(a *app, args []string) (ledger.Address, error) {
	if len(args) > 0 {
		return n.accounts.address(a, args[0])
	}
	key, err := n.loadAccount(a, n.devnetDir(a))
	if err != nil {
		return ledger.Address{}, err
	}
	return addressOf(key), nil
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
