package ledgerrpc

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
)

const (
	// followPatience is how long a peer may send no block before another one is
	// asked. An idle chain makes a block every few seconds.
	followPatience = 2 * time.Minute
	// witnessPatience is how long a second peer may take for a block that the
	// first one has.
	witnessPatience = 10 * time.Second
)

// ErrConflict says that two peers tell different events of one block and that
// no third one decides. Events are under no hash, so that nobody can prove his.
var ErrConflict = errors.New("ledgerrpc: peers tell different events")

// feed is a stream of blocks from one peer.
type feed struct {
	peer   p2p.PeerID
	stream *p2p.Stream
	sent   error // of the request
}

// feed begins to follow a peer.
func (c *Client) feed(ctx context.Context, p p2p.PeerID, from uint64) (*feed, error) {
	stream, err := c.host.Open(ctx, p, Protocol)
	if err != nil {
		return nil, err
	}
	return &feed{p, stream, wire.Write(stream, &request{call: callFollow, minHeight: from})}, nil
}

// close ends a feed; nil is none.
func (f *feed) close() {
	if f != nil {
		f.stream.Reset()
	}
}

// next returns the events of a block, frame after frame.
func (f *feed) next(height uint64, patience time.Duration) (ledger.BlockEvents, error) {
	b, err := readBlock(f.stream, height, patience)
	if err != nil {
		err = fmt.Errorf("follow peer %v: %w", f.peer, errors.Join(f.sent, err))
	}
	return b, err
}

// readBlock reads the frames of one block.
func readBlock(stream *p2p.Stream, height uint64, patience time.Duration) (ledger.BlockEvents, error) {
	var b ledger.BlockEvents
	for part := 0; ; part++ {
		_ = stream.SetReadDeadline(time.Now().Add(patience))
		var a answer
		if err := wire.Read(stream, &a); err != nil {
			return b, err
		}
		if a.fault.Code != wire.CodeOK {
			return b, &a.fault
		}
		again := part == 0 || a.events.Time == b.Time && len(a.events.Events) > 0
		if a.call != callFollow || a.events.Height != height || !again || len(b.Events)+len(a.events.Events) > maxEvents {
			return b, fmt.Errorf("%w: something else than block %d", wire.ErrMalformed, height)
		}
		events := append(b.Events, a.events.Events...)
		b = a.events
		if b.Events = events; !a.more {
			return b, nil
		}
	}
}

// follower follows two peers, where there are two, and compares what they tell.
type follower struct {
	client  *Client
	next    uint64 // the height that is wanted
	first   *feed  // nil until a peer has been found
	witness *feed  // nil while there is none
	tries   int    // peers that may still fail before the block is given up
	faults  []error
}

// Events implements [Ledger]. The events of a block are passed on when two peers
// tell the same, if more than one is known and answers: of two that differ
// a third one decides, or the sequence ends with an [ErrConflict].
func (c *Client) Events(ctx context.Context, from uint64) iter.Seq2[ledger.BlockEvents, error] {
	return func(yield func(ledger.BlockEvents, error) bool) {
		f := &follower{client: c, next: max(from, 1)}
		defer func() { f.first.close(); f.witness.close() }()
		for {
			b, err := f.block(ctx)
			if err != nil {
				yield(ledger.BlockEvents{}, err)
				return
			}
			f.next++
			c.sawBlock(b)
			if !yield(b, nil) {
				return
			}
		}
	}
}

// sawBlock remembers the height that a block's events are of. A block without
// any may be the empty one that proves the state before: to ask for the state
// after it would mean to wait for the next one.
func (c *Client) sawBlock(b ledger.BlockEvents) {
	if len(b.Events) > 0 {
		c.heard(b.Height)
	}
}

// block returns the next block, after as many peers as it takes.
func (f *follower) block(ctx context.Context) (ledger.BlockEvents, error) {
	f.faults, f.tries = nil, len(f.client.candidates())
	for {
		b, err := f.from(ctx)
		if ctx.Err() != nil {
			return ledger.BlockEvents{}, ctx.Err()
		}
		if err != nil {
			return ledger.BlockEvents{}, err
		}
		if b == nil {
			continue
		}
		agreed, err := f.compare(ctx, *b)
		if err != nil || agreed {
			return *b, err
		}
	}
}

// from reads the next block from the first peer. It returns nil if that peer
// failed and another one is to be tried.
func (f *follower) from(ctx context.Context) (*ledger.BlockEvents, error) {
	if f.first == nil {
		candidates := f.client.candidates()
		if f.tries <= 0 || len(candidates) == 0 {
			return nil, f.client.unavailable(f.faults)
		}
		p := candidates[0]
		if f.witness != nil && f.witness.peer == p {
			f.first, f.witness = f.witness, nil // it stands at the same block
		} else if first, err := f.client.feed(ctx, p, f.next); err != nil {
			f.client.judge(p, err)
			f.failed(err)
			return nil, nil
		} else {
			f.first = first
		}
	}
	b, err := f.first.next(f.next, followPatience)
	if err == nil {
		return &b, nil
	}
	if ctx.Err() == nil {
		f.client.judge(f.first.peer, err)
	}
	f.first.close()
	f.first = nil
	if !errors.Is(err, p2p.ErrTimeout) { // nothing to say is no fault
		f.failed(err)
	}
	return nil, nil
}

func (f *follower) failed(err error) {
	f.tries--
	f.faults = append(f.faults, err)
}

// compare asks a second peer for the block. It returns false if the first one
// turned out to be wrong.
func (f *follower) compare(ctx context.Context, b ledger.BlockEvents) (bool, error) {
	if f.client.light == nil {
		return true, nil
	}
	for _, p := range f.client.candidates() {
		if p == f.first.peer || f.witness != nil && f.witness.peer != p {
			continue
		}
		other, err := f.testify(ctx, p)
		if err != nil {
			continue
		}
		if sameEvents(b, other) {
			return true, nil
		}
		return f.decide(ctx, b, other)
	}
	return true, nil // nobody else answers
}

// testify returns the block as a witness tells it.
func (f *follower) testify(ctx context.Context, p p2p.PeerID) (b ledger.BlockEvents, err error) {
	if f.witness == nil {
		if f.witness, err = f.client.feed(ctx, p, f.next); err != nil {
			f.client.judge(p, err)
			return b, err
		}
	}
	if b, err = f.witness.next(f.next, witnessPatience); err != nil {
		f.witness.close()
		f.witness = nil
		if ctx.Err() == nil {
			f.client.judge(p, err)
		}
	}
	return b, err
}

// decide asks further peers which of two is right. It returns whether the first
// one is. The other is asked last from now on, and may still be honest: two
// peers' word is no proof.
func (f *follower) decide(ctx context.Context, mine, other ledger.BlockEvents) (bool, error) {
	for _, p := range f.client.candidates() {
		if p == f.first.peer || p == f.witness.peer {
			continue
		}
		third, err := f.client.feed(ctx, p, f.next)
		if err != nil {
			continue
		}
		b, err := third.next(f.next, witnessPatience)
		switch {
		case err == nil && sameEvents(b, mine):
			f.client.demote(f.witness.peer)
			f.witness.close()
			f.witness = third
			return true, nil
		case err == nil && sameEvents(b, other):
			f.client.demote(f.first.peer)
			f.first.close()
			f.witness.close()
			third.close()
			f.first, f.witness = nil, nil
			return false, nil
		}
		third.close()
	}
	err := fmt.Errorf("%w: block %d, peers %v and %v", ErrConflict, f.next, f.first.peer, f.witness.peer)
	f.first.close()
	f.witness.close()
	f.first, f.witness = nil, nil
	return false, err
}

func sameEvents(a, b ledger.BlockEvents) bool {
	return a.Height == b.Height && a.Time == b.Time && len(a.Events) == len(b.Events) && (len(a.Events) == 0 || reflect.DeepEqual(a.Events, b.Events))
}
