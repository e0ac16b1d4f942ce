package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/node/client"
)

// order is what an account wants of the ledger, wholly or not at all.
type order struct {
	does     string            // in the imperative, for people: "send 1 WAL to floe1…"
	node     *committee.NodeID // that came to be, nil for none
	pays     string            // what the money is that is neither fee nor deposit; "": the price
	messages []ledger.Message
	// deposit tells how much of what is paid is a deposit; nil: nothing.
	deposit func(after ledger.Reader, t ledgerrpc.Trial) (uint64, error)
}

// planner makes an order from what the network says now.
type planner func(ctx context.Context, s *client.Session) (order, error)

// plainly is a planner that needs to know nothing.
func plainly(o order) planner {
	return func(context.Context, *client.Session) (order, error) { return o, nil }
}

// one is an order of one message.
func one(does string, m ledger.Message) planner {
	return plainly(order{does: does, messages: []ledger.Message{m}})
}

// orderCommand describes a command that sends one order.
type orderCommand struct {
	use, short, long string
	args             int    // how many there are; -n: from 1 to n
	takes            string // what they are, for who gives others
	// account is the file of the key that pays unless --account says otherwise;
	// nil: as with all commands.
	account func() string
	// prepare reads the arguments, before there is a network. The flags it reads
	// belong to the command.
	prepare func(args []string) (planner, error)
}

// orderHelp ends the help text of all commands that send an order.
const orderHelp = `

It prints what the ledger made of it: the ID of each object that came to be, one
line each, or else the hash of the transaction; with --json one object with the
transaction, its height, its cost in FROST and the objects. --dry-run prints what
it costs to the last FROST (fee, price and deposit) and sends nothing. On a
terminal it asks before it pays; --yes does not.`

// orders are the flags of a command that sends an order.
type orders struct {
	net    network
	dryRun bool
	yes    bool
}

func (o *orders) addFlags(cmd *cobra.Command) {
	o.net.addFlags(cmd, true)
	f := cmd.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "print what it costs, exactly, and send nothing")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask before paying")
}

// order returns a command that sends an order.
func (a *app) order(c orderCommand) *cobra.Command {
	var o orders
	cmd := &cobra.Command{
		Use:   c.use,
		Short: c.short,
		Long:  c.long + orderHelp + exitHelp(exitNotFound, exitUnavailable, exitFunds, exitWrongNetwork, exitDeclined, exitRefused),
		Args:  countArgs(c.args, c.takes),
		RunE: func(cmd *cobra.Command, args []string) error {
			plan, err := c.prepare(args)
			if err != nil {
				return err
			}
			if c.account != nil && o.net.account == "" {
				o.net.account = c.account()
			}
			ctx, cancel, err := o.net.begin(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer cancel()
			return a.carryOut(ctx, &o, plan)
		},
	}
	o.addFlags(cmd)
	return cmd
}

// carryOut makes an order, says what it costs, asks and sends it.
func (a *app) carryOut(ctx context.Context, o *orders, plan planner) error {
	session, err := o.net.dial(ctx, a, true)
	if err != nil {
		return err
	}
	defer session.Close() //nolint:errcheck // the transaction is in a block or the error below says why not
	todo, err := plan(ctx, session)
	if err != nil {
		return err
	}
	cost, err := priceOf(ctx, session.Wallet, todo)
	if err != nil {
		return err
	}
	if o.dryRun {
		return a.printTrial(todo, cost)
	}
	if !o.yes && a.interactive() {
		a.say("%s, from account %v", todo.does, session.Wallet.Address())
		a.say("  for %s of %s", cost.sum(), wal(cost.Balance))
		if err := a.confirm(ctx, "go on?"); err != nil {
			return err
		}
	}
	sent, err := session.Wallet.Send(ctx, todo.messages...)
	if err != nil {
		return err
	}
	return a.printSent(todo, cost, sent)
}

// costs are what an order takes from an account and gives back, in FROST.
type costs struct {
	Fee     uint64 `json:"fee"`
	Price   uint64 `json:"price"`   // or the amount that changes hands
	Deposit uint64 `json:"deposit"` // held for the account
	Refund  uint64 `json:"refund"`
	Total   int64  `json:"total"`   // by which the balance falls; below 0 it grows
	Balance uint64 `json:"balance"` // before
}

// priceOf works out what an order costs now.
func priceOf(ctx context.Context, w *ledgerrpc.Wallet, o order) (costs, error) {
	deposit := uint64(0)
	t, err := w.Try(ctx, func(after ledger.Reader, t ledgerrpc.Trial) (err error) {
		if o.deposit != nil {
			deposit, err = o.deposit(after, t)
		}
		return err
	}, o.messages...)
	if err != nil {
		return costs{}, err
	}
	c := costs{Fee: t.Fee, Deposit: deposit, Total: int64(t.Before - t.After), Balance: t.Before} // all FROST there can be are below 2^63
	if rest := c.Total - int64(t.Fee) - int64(deposit); rest >= 0 {
		c.Price = uint64(rest)
	} else {
		c.Refund = uint64(-rest)
	}
	return c, nil
}

// sum writes the total for people.
func (c costs) sum() string {
	if c.Total < 0 {
		return "a gain of " + wal(uint64(-c.Total))
	}
	return wal(uint64(c.Total))
}

// trialReport is what --dry-run --json prints.
type trialReport struct {
	DryRun bool   `json:"dryRun"`
	Does   string `json:"does"`
	Cost   costs  `json:"cost"`
}

func (a *app) printTrial(o order, c costs) error {
	if a.json {
		return a.printJSON(trialReport{true, o.does, c})
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	line := func(name, amount string) { _, _ = fmt.Fprintf(w, "%s\t%s\n", name, amount) } // Flush tells of faults
	line("fee", wal(c.Fee))
	line(cmp.Or(o.pays, "price"), wal(c.Price))
	line("deposit", wal(c.Deposit))
	if c.Refund > 0 {
		line("refund", wal(c.Refund))
	}
	line("total", c.sum())
	line("balance", wal(c.Balance))
	if err := w.Flush(); err != nil {
		return err
	}
	a.say("nothing was sent: %s", o.does)
	return nil
}

// sentReport is what --json prints of an order that was carried out.
type sentReport struct {
	Tx      string            `json:"tx"` // hash
	Height  uint64            `json:"height"`
	Cost    costs             `json:"cost"` // as worked out before it was sent; the fee is exact
	Objects []any             `json:"objects"`
	Node    *committee.NodeID `json:"node,omitempty"`
}

func (a *app) printSent(o order, c costs, sent ledgerrpc.Sent) error {
	c.Fee = sent.Fee
	report := sentReport{
		Tx: hex.EncodeToString(sent.Hash[:]), Height: sent.Height, Cost: c, Objects: objectList(sent.Objects), Node: o.node,
	}
	if a.json {
		return a.printJSON(report)
	}
	var lines []string
	for _, id := range report.Objects {
		lines = append(lines, fmt.Sprint(id))
	}
	switch {
	case o.node != nil:
		lines = append(lines, o.node.String())
	case len(lines) == 0:
		lines = append(lines, report.Tx)
	}
	if _, err := fmt.Fprintln(a.out, strings.Join(lines, "\n")); err != nil {
		return err
	}
	a.say("%s: done at height %d for %s", o.does, sent.Height, c.sum())
	return nil
}

// interactive tells whether a person can be asked.
func (a *app) interactive() bool {
	return a.terminal != nil && a.terminal() && !a.json
}

// onTerminal tells whether both are terminals.
func onTerminal(files ...*os.File) bool {
	return !slices.ContainsFunc(files, func(f *os.File) bool { return !isatty.IsTerminal(f.Fd()) })
}

// errDeclined says that the user did not want what was asked.
var errDeclined = errors.New("not confirmed; nothing was done")

// confirm asks the user; anything but yes is errDeclined.
func (a *app) confirm(ctx context.Context, question string) error {
	_, _ = fmt.Fprintf(a.err, "%s [y/N] ", question) // there is nowhere left to complain
	answer, err := promptly(ctx, func() (string, error) {
		return bufio.NewReader(a.in).ReadString('\n')
	})
	if ctx.Err() != nil {
		return err
	}
	if word := strings.ToLower(strings.TrimSpace(answer)); word != "y" && word != "yes" {
		return errDeclined
	}
	return nil
}
