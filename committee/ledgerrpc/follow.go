package ledgerrpc

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/p2p"
)

// followPatience is how long a peer may send no block before another one is
// asked. An idle chain makes a block every few seconds.
const followPatience = 2 * time.Minute

// follower follows one peer after the other.
type follower struct {
	client *Client
	next   uint64          // the height that is wanted
	feed   *feed           // nil until a peer has been found
	heads  [2]light.Header // the last ones that states were proven with; zero if there are none
}

// Events implements [Ledger]. Unless peers are believed, a block is passed on
// once it is proven that its events are those that it had: when the next one is
// there. Of blocks that lie more than a million back this cannot be proven any
// more: [ErrHorizon]. The time of a block is compared with the headers that the
// proofs took: as a rule its own is among them if the block is new. If it is old
// its time is a peer's word, not earlier than that of the block before and not
// later than that of a header.
func (c *Client) Events(ctx context.Context, from uint64) iter.Seq2[ledger.BlockEvents, error] {
	return func(yield func(ledger.BlockEvents, error) bool) {
		f := &follower{client: c, next: max(from, 1)}
		defer func() { f.feed.close() }()
		for {
			blocks, err := f.blocks(ctx)
			for _, b := range blocks {
				if err = ctx.Err(); err != nil {
					break
				}
				f.next++
				if !yield(b, nil) {
					return
				}
			}
			if err != nil {
				yield(ledger.BlockEvents{}, err)
				return
			}
		}
	}
}

// blocks returns the next blocks, at least one, after as many peers as it takes.
func (f *follower) blocks(ctx context.Context) ([]ledger.BlockEvents, error) {
	var faults []error
	for tries := len(f.client.candidates()); ; {
		if f.feed == nil {
			peers := f.client.candidates()
			if tries <= 0 || len(peers) == 0 {
				return nil, f.client.unavailable(faults)
			}
			f.feed = &feed{client: f.client, peer: peers[0], next: f.next, heads: &f.heads}
		}
		blocks, err := f.feed.take(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil:
			return blocks, nil
		case nobodysFault(err):
			return nil, err
		}
		err = fmt.Errorf("follow peer %v: %w", f.feed.peer, err)
		f.client.judge(f.feed.peer, err)
		// One that has been of use may be asked again, and nothing to say is no fault.
		if !f.feed.useful && !errors.Is(err, errQuiet) {
			tries--
			faults = append(faults, err)
		}
		f.feed.close()
		f.feed = nil
	}
}

// sawBlock remembers the height that a block's events are of, told by a peer
// that is believed. A block without any may be the empty one that proves the
// state before: to ask for the state after it would mean to wait for the next one.
func (c *Client) sawBlock(b ledger.BlockEvents) {
	if len(b.Events) > 0 {
		c.heard(b.Height)
	}
}

// errQuiet says that a peer has sent nothing, and may have had nothing to send.
var errQuiet = errors.New("ledgerrpc: no block comes")

// quiet marks the error of a peer that kept silent.
func quiet(err error) error {
	if errors.Is(err, p2p.ErrTimeout) {
		return fmt.Errorf("%w: %w", errQuiet, err)
	}
	return err
}
