package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

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
hold. An event is about an owner whose address stands in it, as any of its
parties, and about a blob, an object or a node in the same way.` + exitHelp(exitUnavailable, exitWrongNetwork),
		Args: exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			match, err := e.matcher(a)
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
	f.Uint32Var(&e.epoch, "epoch", 0, "only of this epoch")
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
			report := newEventReport(ev.Event)
			if !match.takes(report) {
				continue
			}
			if err := a.printEvent(b, ev, report); err != nil {
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

func (a *app) printEvent(b ledger.BlockEvents, ev ledger.TxEvent, report eventReport) error {
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

// matcher is what an event must be and have.
type matcher struct {
	kinds []string
	wants []want
}

// want is the text of a value.
type want struct {
	name  string // of the field; "" for any
	value string
}

func (e *eventFlags) matcher(a *app) (matcher, error) {
	m := matcher{kinds: e.kinds}
	if e.blob != "" {
		id, err := parseBlobID(e.blob)
		if err != nil {
			return m, err
		}
		m.wants = append(m.wants, want{value: id.String()})
	}
	if e.object != "" {
		id, err := parseObject(e.object)
		if err != nil {
			return m, err
		}
		m.wants = append(m.wants, want{value: id.String()})
	}
	if e.owner != "" {
		addr, err := e.net.accounts.address(a, e.owner)
		if err != nil {
			return m, err
		}
		m.wants = append(m.wants, want{value: addr.String()})
	}
	if e.node != "" {
		id, err := parseObject(e.node)
		if err != nil {
			return m, usageError{fmt.Errorf("node %q: %w", e.node, errors.Unwrap(err)), "the ID of a node is 0x and 64 hexadecimal digits; floe committee lists them"}
		}
		m.wants = append(m.wants, want{value: id.String()})
	}
	if e.epoch != 0 {
		m.wants = append(m.wants, want{name: "epoch", value: fmt.Sprint(e.epoch)})
	}
	return m, nil
}

// takes tells whether an event is wanted.
func (m matcher) takes(e eventReport) bool {
	if len(m.kinds) > 0 && !slices.Contains(m.kinds, e.Kind) {
		return false
	}
	for _, w := range m.wants {
		if !slices.ContainsFunc(e.Body.flat(), w.holds) {
			return false
		}
	}
	return true
}

func (w want) holds(f field) bool {
	named := w.name == "" || f.name == w.name
	if list, ok := f.value.([]any); ok && named {
		return slices.ContainsFunc(list, func(v any) bool { return fmt.Sprint(v) == w.value })
	}
	return named && fmt.Sprint(f.value) == w.value
}
