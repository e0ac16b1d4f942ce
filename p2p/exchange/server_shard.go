package exchange

import (
	"context"
	"fmt"

	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

// syncRun is about how many bytes one call on shard/1 sends before it breaks, so that others get their
// turn and a slot is not held for the length of a shard.
const syncRun = 256 << 20

// syncShard answers one call of shard/1.
func (c *call) syncShard(ctx context.Context) error {
	var r wire.SyncShard
	if err := c.read(&r); err != nil {
		return c.badRequest(err)
	}
	if int(r.Shard) >= c.server.cfg.Params.Shards() {
		return c.refuse(wire.Errorf(wire.CodeInvalid, "no shard %d", r.Shard))
	}
	sent := 0
	begun := false
	for s, err := range c.server.handler.SyncShard(ctx, c.from, r.Shard, r.From) {
		if err == nil {
			err = c.checkShard(r.Shard, &s)
		}
		if err != nil && !begun {
			return c.result(ctx, nil, err)
		}
		if err != nil {
			return err // the peer goes on in another call
		}
		if !begun {
			begun = true
			if err := c.write(&wire.Error{}); err != nil {
				return err
			}
		}
		if sent >= syncRun {
			return c.finish(&wire.Entry{Kind: wire.EntryBreak, Blob: s.Blob})
		}
		if full := c.hold(int64(len(s.Sliver.Data))); full != nil {
			return c.finish(&wire.Entry{Kind: wire.EntryBreak, Blob: s.Blob, Pause: max(full.RetryAfter, retryAfter)})
		}
		if err := c.entry(&s); err != nil {
			return err
		}
		sent += len(s.Sliver.Data)
		c.unhold()
	}
	if !begun {
		if err := c.write(&wire.Error{}); err != nil {
			return err
		}
	}
	return c.finish(&wire.Entry{Kind: wire.EntryEnd})
}

func (c *call) finish(e *wire.Entry) error {
	if err := c.write(e); err != nil {
		return err
	}
	return c.flush()
}

func (c *call) entry(s *ShardSliver) error {
	if err := c.write(&wire.Entry{
		Kind: wire.EntrySliver, Blob: s.Blob, Axis: s.Sliver.Axis, SymbolSize: uint16(s.Sliver.SymbolSize),
	}); err != nil {
		return err
	}
	return c.writeBody(s.Sliver.Data)
}

// checkShard finds slivers that the peer would refuse; they are a fault of the handler.
func (c *call) checkShard(at shard.Index, s *ShardSliver) error {
	p := c.server.cfg.Params
	sl := &s.Sliver
	if sl.SymbolSize <= 0 || sl.SymbolSize > shard.MaxSymbolSize || sl.Axis > shard.Secondary ||
		sl.Index != p.SliverOf(sl.Axis, p.PairOf(s.Blob, at)) || len(sl.Data) != p.SliverSize(sl.Axis, sl.SymbolSize) {
		return fmt.Errorf("exchange: handler gave %v of %d bytes for shard %d of blob %v", sl, len(sl.Data), at, s.Blob)
	}
	return nil
}
