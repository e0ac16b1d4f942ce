package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
)

// eventFlags say which events are wanted.
type eventFlags struct {
	net    network
	follow bool
	from   uint64
	kinds  []string
	blob   string
	object string
	owner  string
	node   string
	epoch  uint32
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
hold. An event is about every owner, sender or receiver that it names, and about
blobs, objects, nodes and epochs in the same way.` + exitHelp(exitUnavailable, exitWrongNetwork),
		Args: exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			match, err := e.matches(a)
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
			err = a.events(ctx, &e, match)
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
	f.StringVar(&e.blob, "blob", "", "only about this blob ID")
	f.StringVar(&e.object, "object", "", "only about this object")
	f.StringVar(&e.owner, "owner", "", "only about this address, or this account of yours")
	f.StringVar(&e.node, "node", "", "only about this node")
	f.Uint32Var(&e.epoch, "epoch", 0, "only about this epoch")
	e.net.addFlags(cmd, false)
	return cmd
}

// events prints the events of the blocks from e.from on.
func (a *app) events(ctx context.Context, e *eventFlags, match matcher) error {
	session, err := e.net.dial(ctx, a, false)
	if err != nil {
		return err
	}
	defer session.Close() //nolint:errcheck // nothing was written through it
	from, last, err := e.blocks(ctx, session)
	if err != nil || from > last && !e.follow {
		return err
	}
	for b, err := range session.Ledger.Events(ctx, from) {
		if err != nil {
			return err
		}
		for _, ev := range b.Events {
			if !match.takes(ev.Event) {
				continue
			}
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

// matcher tells whether an event is wanted.
type matcher []func(e ledger.Event, about ledger.Subjects) bool

// matches reads the flags that say what an event must be about.
func (e *eventFlags) matches(a *app) (matcher, error) {
	var m matcher
	if len(e.kinds) > 0 {
		m = append(m, func(ev ledger.Event, _ ledger.Subjects) bool { return slices.Contains(e.kinds, ev.Kind) })
	}
	if e.blob != "" {
		id, err := parseBlobID(e.blob)
		if err != nil {
			return nil, err
		}
		m = append(m, func(_ ledger.Event, s ledger.Subjects) bool { return slices.Contains(s.Blobs, id) })
	}
	if e.object != "" {
		id, err := parseObject(e.object)
		if err != nil {
			return nil, err
		}
		m = append(m, func(_ ledger.Event, s ledger.Subjects) bool { return slices.Contains(s.Objects, id) })
	}
	if e.owner != "" {
		addr, err := e.net.accounts.address(a, e.owner)
		if err != nil {
			return nil, err
		}
		m = append(m, func(_ ledger.Event, s ledger.Subjects) bool { return slices.Contains(s.Accounts, addr) })
	}
	if e.node != "" {
		id, err := parseNode(e.node)
		if err != nil {
			return nil, err
		}
		m = append(m, func(_ ledger.Event, s ledger.Subjects) bool { return slices.Contains(s.Nodes, id) })
	}
	if e.epoch != 0 {
		m = append(m, func(_ ledger.Event, s ledger.Subjects) bool {
			return slices.Contains(s.Epochs, committee.Epoch(e.epoch))
		})
	}
	return m, nil
}

// takes tells whether an event is all that is wanted. Of an event that this
// program does not know nothing but the kind can be asked.
func (m matcher) takes(e ledger.Event) bool {
	about, _ := e.Subjects() // see above
	for _, wants := range m {
		if !wants(e, about) {
			return false
		}
	}
	return true
}
