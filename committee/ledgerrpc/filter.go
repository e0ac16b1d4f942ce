package ledgerrpc

import (
	"context"
	"iter"
	"slices"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/shard"
)

// Filter picks events. An event passes if it fits every list that is not empty;
// it fits a list if it is about one of its elements. The zero value passes all.
type Filter struct {
	Kinds    []string // names of events
	Blobs    []shard.BlobID
	Objects  []committee.ObjectID
	Accounts []ledger.Address // owners, senders and receivers
	Nodes    []committee.NodeID
	Epochs   []committee.Epoch
}

// Match tells whether an event passes. One that this version does not know
// passes if only its kind is asked for.
func (f Filter) Match(ev ledger.Event) bool {
	if len(f.Kinds) > 0 && !slices.Contains(f.Kinds, ev.Kind) {
		return false
	}
	if len(f.Blobs)+len(f.Objects)+len(f.Accounts)+len(f.Nodes)+len(f.Epochs) == 0 {
		return true
	}
	about, err := ev.Subjects()
	return err == nil && meet(f.Blobs, about.Blobs) && meet(f.Objects, about.Objects) &&
		meet(f.Accounts, about.Accounts) && meet(f.Nodes, about.Nodes) && meet(f.Epochs, about.Epochs)
}

// meet tells whether something is in both lists, or nothing is wanted.
func meet[T comparable](wanted, have []T) bool {
	return len(wanted) == 0 || slices.ContainsFunc(have, func(v T) bool { return slices.Contains(wanted, v) })
}

// Follow is Events with those left out that the filter does not pass. Every
// block is yielded, be it with no events: whoever keeps the last height can go
// on from the next without loss or repetition.
func Follow(ctx context.Context, l Ledger, from uint64, f Filter) iter.Seq2[ledger.BlockEvents, error] {
	return func(yield func(ledger.BlockEvents, error) bool) {
		for b, err := range l.Events(ctx, from) {
			b.Events = slices.DeleteFunc(slices.Clone(b.Events), func(ev ledger.TxEvent) bool { return !f.Match(ev.Event) })
			if !yield(b, err) {
				return
			}
		}
	}
}
