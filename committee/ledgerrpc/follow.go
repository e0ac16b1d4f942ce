package ledgerrpc

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
)

// followPatience is how long a peer may send no block before another one is
// asked. An idle chain makes a block every few seconds.
const followPatience = 2 * time.Minute

var errStopped = errors.New("ledgerrpc: the consumer has stopped")

// Events implements [Ledger].
func (c *Client) Events(ctx context.Context, from uint64) iter.Seq2[ledger.BlockEvents, error] {
	return func(yield func(ledger.BlockEvents, error) bool) {
		next := max(from, 1)
		visit := func(b ledger.BlockEvents) bool {
			next = b.Height + 1
			return yield(b, nil)
		}
		for moved := true; moved; {
			moved = false
			last := errNobody
			for _, p := range c.candidates() {
				before := next
				last = c.follow(ctx, p, next, visit)
				if errors.Is(last, errStopped) {
					return
				}
				if ctx.Err() != nil {
					yield(ledger.BlockEvents{}, ctx.Err())
					return
				}
				c.demote(p)
				if next > before || errors.Is(last, p2p.ErrTimeout) { // nothing to say is no fault
					moved = true
					break
				}
			}
			if !moved {
				yield(ledger.BlockEvents{}, fmt.Errorf("%w: %w", ErrUnavailable, last))
			}
		}
	}
}

// follow streams blocks from one peer until that fails.
func (c *Client) follow(ctx context.Context, p p2p.PeerID, from uint64, visit func(ledger.BlockEvents) bool) error {
	stream, err := c.host.Open(ctx, p, Protocol)
	if err != nil {
		return err
	}
	defer stream.Reset()
	sent := wire.Write(stream, &request{call: callFollow, minHeight: from})
	for height := from; ; height++ {
		b, err := readBlock(stream, height)
		if err != nil {
			return fmt.Errorf("follow peer %v: %w", p, errors.Join(sent, err))
		}
		c.saw(height)
		if !visit(b) {
			return errStopped
		}
	}
}

// readBlock reads the frames of one block.
func readBlock(stream *p2p.Stream, height uint64) (ledger.BlockEvents, error) {
	var b ledger.BlockEvents
	for part := 0; ; part++ {
		_ = stream.SetReadDeadline(time.Now().Add(followPatience))
		var a answer
		if err := wire.Read(stream, &a); err != nil {
			return b, err
		}
		if a.fault.Code != wire.CodeOK {
			return b, &a.fault
		}
		again := part == 0 || a.block.Time == b.Time && len(a.block.Events) > 0
		if a.call != callFollow || a.block.Height != height || !again || len(b.Events)+len(a.block.Events) > maxEvents {
			return b, fmt.Errorf("%w: something else than block %d", wire.ErrMalformed, height)
		}
		events := append(b.Events, a.block.Events...)
		b = a.block
		if b.Events = events; !a.more {
			return b, nil
		}
	}
}
