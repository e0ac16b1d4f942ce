package comet

import (
	"context"
	"fmt"
	"iter"

	"github.com/floe-storage/floe/committee/ledger"
)

// Events returns all blocks from a height on, in order, with and without events, and then each new one as
// it is committed, without loss or repetition: whoever keeps the last height it has handled may ask again
// from the next. The sequence ends with an error, which is ctx's when that ends, and ErrNoBlock if from was
// pruned. from 0 means 1.
func (n *Node) Events(ctx context.Context, from uint64) iter.Seq2[ledger.BlockEvents, error] {
	return func(yield func(ledger.BlockEvents, error) bool) {
		for height := max(from, 1); ; height++ {
			if err := n.WaitHeight(ctx, height); err != nil {
				yield(ledger.BlockEvents{}, err)
				return
			}
			events, err := n.blockEvents(height)
			if !yield(events, err) || err != nil {
				return
			}
		}
	}
}

// WaitHeight returns once the block of a height is committed here.
func (n *Node) WaitHeight(ctx context.Context, height uint64) error {
	return n.await(ctx, func(c *chain) bool { return c.app.height.Load() >= height })
}

// await returns once a condition holds that changes with commits only.
func (n *Node) await(ctx context.Context, holds func(*chain) bool) error {
	for {
		c := n.chain.Load()
		changed := c.app.change() // before the condition is looked at, or a commit in between is missed
		if holds(c) {
			return ctx.Err()
		}
		select {
		case <-changed:
		case <-c.replaced:
		case <-ctx.Done():
			return ctx.Err()
		case <-n.closing:
			return ErrClosed
		case <-c.app.halted:
			return c.app.haltedBy()
		}
	}
}

// blockEvents reads the stored results of a block, which are on disk before its commit. The block's own
// events come first, for so they happen.
func (n *Node) blockEvents(height uint64) (ledger.BlockEvents, error) {
	c, err := n.enter()
	if err != nil {
		return ledger.BlockEvents{}, err
	}
	defer c.leave()
	block := c.engine.blocks.LoadBlock(int64(height))
	if block == nil {
		return ledger.BlockEvents{}, c.engine.pruned(height)
	}
	stored, err := c.engine.states.LoadFinalizeBlockResponse(int64(height))
	if err != nil {
		if int64(height) < c.engine.blocks.Base() { // a moment ago
			return ledger.BlockEvents{}, c.engine.pruned(height)
		}
		return ledger.BlockEvents{}, fmt.Errorf("load the results of block %d: %w", height, err)
	}
	out := ledger.BlockEvents{Height: height, Time: uint64(block.Time.UnixMilli())}
	for _, e := range stored.Events {
		out.Events = append(out.Events, ledger.TxEvent{Event: ledgerEvent(e)})
	}
	for i, r := range stored.TxResults {
		for j, e := range r.Events {
			out.Events = append(out.Events, ledger.TxEvent{Tx: hashOf(block.Txs[i]), Index: uint32(j), Event: ledgerEvent(e)})
		}
	}
	return out, nil
}
