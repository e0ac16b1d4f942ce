package exchange

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

const (
	// maxBreaks is how often in a row a peer may put us off without having sent anything.
	maxBreaks = 20
	// longestBreak is the longest pause that we make because a peer asks for it.
	longestBreak = 5 * time.Second
)

// SyncShard fetches what a peer has of one shard, from the blob from on, in the order of blob IDs, both
// slivers of a blob one after the other. Each sliver has the index that the shard gives and a size that
// its symbol size gives; it is not verified and belongs to the consumer. The sequence ends without an
// error only if the peer says that this was all. A peer may send a sliver again. After an error the
// consumer goes on from the last blob.
func (c *Client) SyncShard(ctx context.Context, to p2p.PeerID, at shard.Index, from shard.BlobID) iter.Seq2[ShardSliver, error] {
	return func(yield func(ShardSliver, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		w := walk{client: c, at: at, next: from, yield: yield, cancel: cancel}
		var err error
		for empty := 0; err == nil && !w.done; {
			before := w.received
			err = c.call(ctx, to, wire.ShardProtocol, w.run)
			if empty++; w.received > before {
				empty = 0
			}
			if err == nil && !w.done {
				if empty == maxBreaks {
					err = &wire.Error{Code: wire.CodeBusy, Text: "put off too often", RetryAfter: longestBreak}
				} else {
					err = pause(ctx, min(w.pause, longestBreak))
				}
			}
		}
		if err != nil && !w.stopped {
			yield(ShardSliver{}, fmt.Errorf("sync shard %d from %v: %w", at, to, err))
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// walk is one way through a shard, over one or several calls.
type walk struct {
	client   *Client
	at       shard.Index
	next     shard.BlobID // from which the next call goes on
	pause    time.Duration
	received int
	yield    func(ShardSliver, error) bool
	cancel   context.CancelFunc
	done     bool // all is here, or the consumer has stopped
	stopped  bool
}

// run makes one call.
func (w *walk) run(k *conn) error {
	if err := k.ask(&wire.SyncShard{Shard: w.at, From: w.next}); err != nil {
		return err
	}
	from, blob, both := w.next, w.next, false // both: nothing more of blob may follow
	for first := true; ; first = false {
		var e wire.Entry
		if err := k.wait(&e); err != nil {
			return err
		}
		switch e.Kind {
		case wire.EntryEnd:
			w.done = true
			return nil
		case wire.EntryBreak:
			if c := bytes.Compare(e.Blob[:], blob[:]); c < 0 || e.Blob == from && e.Pause == 0 {
				return fmt.Errorf("%w: a break at blob %v after %v", wire.ErrMalformed, e.Blob, blob)
			}
			w.next, w.pause = e.Blob, e.Pause
			return nil
		case wire.EntrySliver:
		}
		if c := bytes.Compare(e.Blob[:], blob[:]); c < 0 || c == 0 && !first && (both || e.Axis == shard.Primary) {
			return fmt.Errorf("%w: %v sliver of blob %v out of order", wire.ErrMalformed, e.Axis, e.Blob)
		}
		blob, both = e.Blob, e.Axis == shard.Secondary
		s, err := w.sliver(k, &e)
		if err != nil {
			return err
		}
		w.next = blob
		w.received++
		if !w.yield(s, nil) {
			w.done, w.stopped = true, true
			w.cancel() // what is still on its way is not wanted
			return nil
		}
	}
}

func (w *walk) sliver(k *conn, e *wire.Entry) (ShardSliver, error) {
	p := w.client.params
	s := shard.Sliver{Axis: e.Axis, Index: p.SliverOf(e.Axis, p.PairOf(e.Blob, w.at)), SymbolSize: int(e.SymbolSize)}
	if s.SymbolSize == 0 || s.SymbolSize%2 != 0 || s.SymbolSize > shard.MaxSymbolSize {
		return ShardSliver{}, fmt.Errorf("%w: symbols of %d bytes", wire.ErrMalformed, s.SymbolSize)
	}
	var err error
	s.Data, err = k.readBody(p.SliverSize(e.Axis, s.SymbolSize))
	return ShardSliver{Blob: e.Blob, Sliver: s}, err
}
