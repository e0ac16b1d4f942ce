package node

import (
	"context"
	"errors"
	"iter"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// syncBatch is how many slivers of a shard are looked up on disk and ledger
// together, so that neither is held open while a peer reads.
const syncBatch = 256

// SyncShard implements [exchange.Handler]: who holds shards, or is about to,
// gets what is here of any shard, as far as its blobs are certified and have not
// ended.
func (n handler) SyncShard(ctx context.Context, from p2p.PeerID, at shard.Index, first shard.BlobID) iter.Seq2[exchange.ShardSliver, error] {
	return func(yield func(exchange.ShardSliver, error) bool) {
		if err := n.chain.admits(ctx, from); err != nil {
			yield(exchange.ShardSliver{}, err)
			return
		}
		for next := (&store.SliverID{Blob: first}); next != nil; {
			found, after, err := n.store.Stretch(at, *next, syncBatch)
			if err == nil {
				found, err = n.chain.available(ctx, found)
			}
			if err != nil {
				yield(exchange.ShardSliver{}, err)
				return
			}
			next = after
			for _, id := range found {
				s, err := n.store.Sliver(id.Blob, at, id.Axis)
				if err = n.damaged(id.Blob, at, id.Axis, err); errors.Is(err, store.ErrNotFound) {
					continue // it has gone meanwhile
				}
				if !yield(exchange.ShardSliver{Blob: id.Blob, Sliver: s}, err) || err != nil {
					return
				}
			}
		}
	}
}

// available leaves out what need not be kept.
func (c *chain) available(ctx context.Context, found []store.SliverID) (wanted []store.SliverID, err error) {
	err = c.ledger.View(ctx, func(r ledger.Reader, _ uint64) error {
		for _, id := range found {
			s, err := ledger.ReadStatus(r, id.Blob)
			if err != nil {
				return err
			}
			if s.Available() {
				wanted = append(wanted, id)
			}
		}
		return nil
	})
	return wanted, err
}

// admits refuses a peer that has no shards to take over.
func (c *chain) admits(ctx context.Context, from p2p.PeerID) error {
	return c.ledger.View(ctx, func(r ledger.Reader, _ uint64) error {
		ok, err := ledger.ReadTaker(r, from)
		if err == nil && !ok {
			err = wire.Errorf(wire.CodeWrongShard, "not a member")
		}
		return err
	})
}
