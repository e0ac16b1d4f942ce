package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/node/client"
)

// eventFlags say which events are wanted.
type eventFlags struct {
	net    network
	follow bool
	from   uint64

	kinds, blobs, objects, owners, nodes, epochs []string
}

func (a *app) eventsCommand() *cobra.Command {
	var e eventFlags
	cmd := &cobra.Command{
		Use:   "events [--follow] [--from HEIGHT]",
		Short: "say what the ledger has done, and go on doing so",
		Long: `events prints what the ledger did, one line of standard output for each event:
height, kind and fields; with --json one object per line. It begins with the
block of --from and ends with the newest one. With --follow it begins, unless
--from says where, with the next block, and goes on until Ctrl-C, which ends it
with exit status 0.

All of --kind, --blob, --object, --owner, --node and --epoch that are given must
hold; each takes several values, of which one must. An event is about every owner,
sender or receiver that it names, and about blobs, objects, nodes and epochs in
the same way.` + exitHelp(exitUnavailable, exitWrongNetwork),
		Args: exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := e.filter(a)
			if err != nil {
				return err
			}
			e.net.endless = e.follow
			if e.follow && !cmd.Flags().Changed("timeout") {
				e.net.timeout = 0
			}
			ctx, cancel, err := e.net.begin(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer cancel()
			err = a.events(ctx, &e, filter)
			if e.follow && cmd.Context().Err() != nil {
				return nil
			}
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&e.follow, "follow", "f", false, "go on with new blocks")
	f.Uint64Var(&e.from, "from", 0, "height to begin with (default: the first block, or the next with --follow)")
	f.StringSliceVar(&e.kinds, "kind", nil, "only of these kinds, such as blob_certified")
	f.StringSliceVar(&e.blobs, "blob", nil, "only about these blob IDs")
	f.StringSliceVar(&e.objects, "object", nil, "only about these objects")
	f.StringSliceVar(&e.owners, "owner", nil, "only about these addresses, or accounts of yours")
	f.StringSliceVar(&e.nodes, "node", nil, "only about these nodes")
	f.StringSliceVar(&e.epochs, "epoch", nil, "only about these epochs")
	e.net.addFlags(cmd, false)
	return cmd
}

// events prints the events of the blocks from e.from on.
func (a *app) events(ctx context.Context, e *eventFlags, filter ledgerrpc.Filter) error {
	session, err := e.net.dial(ctx, a, false)
	if err != nil {
		return err
	}
	defer session.Close() //nolint:errcheck // nothing was written through it
	from, last, err := e.blocks(ctx, session)
	if err != nil || from > last && !e.follow {
		return err
	}
	first := true
	for b, err := range ledgerrpc.Follow(ctx, session.Ledger, from, filter) {
		if err != nil && first && from < last {
			return hinted{err, fmt.Sprintf("peers keep only so many blocks: begin later than height %d with --from", from)}
		}
		if err != nil {
			return err
		}
		first = false
		for _, ev := range b.Events {
			if err := a.printEvent(b, ev); err != nil {
				return err
			}
		}
		if !e.follow && b.Height >= last {
			return nil
		}
	}
	return nil
}

// blocks returns where to begin and what the newest block is.
func (e *eventFlags) blocks(ctx context.Context, s *client.Session) (from, last uint64, err error) {
	err = s.Ledger.View(ctx, func(_ ledger.Reader, height uint64) error {
		last = height
		return nil
	})
	switch {
	case e.from != 0:
		from = e.from
	case e.follow:
		from = last + 1
	default:
		from = 1
	}
	return from, last, err
}

func (a *app) printEvent(b ledger.BlockEvents, ev ledger.TxEvent) error {
	report := newEventReport(ev.Event)
	if a.json {
		r := record{{"height", b.Height}, {"time", b.Time}}
		if ev.Tx != [32]byte{} {
			r = append(r, field{"tx", hex.EncodeToString(ev.Tx[:])}, field{"index", ev.Index})
		}
		return a.printJSON(append(r, field{"event", report}))
	}
	_, err := fmt.Fprintf(a.out, "%d %v\n", b.Height, report)
	return err
}

// filter reads the flags that say what events must be about.
func (e *eventFlags) filter(a *app) (ledgerrpc.Filter, error) {
	f := ledgerrpc.Filter{Kinds: e.kinds}
	var faults [5]error
	f.Blobs, faults[0] = parseAll(e.blobs, parseBlobID)
	f.Objects, faults[1] = parseAll(e.objects, parseObject)
	f.Nodes, faults[2] = parseAll(e.nodes, parseNode)
	f.Accounts, faults[3] = parseAll(e.owners, func(text string) (ledger.Address, error) { return e.net.accounts.address(a, text) })
	f.Epochs, faults[4] = parseAll(e.epochs, parseEpoch)
	for _, err := range faults {
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

func parseEpoch(s string) (committee.Epoch, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, usageError{fmt.Errorf("%q is no epoch", s), "an epoch is a number; floe epoch prints the running one"}
	}
	return committee.Epoch(n), nil
}

func parseAll[T any](texts []string, parse func(string) (T, error)) ([]T, error) {
	var out []T
	for _, text := range texts {
		v, err := parse(text)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
