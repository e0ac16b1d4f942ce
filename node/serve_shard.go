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
		next := store.SliverID{Blob: first}
		for {
			batch, err := n.shardBatch(ctx, at, next)
			if err != nil {
				yield(exchange.ShardSliver{}, err)
				return
			}
			for _, id := range batch.wanted {
				s, err := n.store.Sliver(id.Blob, at, id.Axis)
				if err = n.damaged(id.Blob, at, id.Axis, err); errors.Is(err, store.ErrNotFound) {
					continue // it has gone meanwhile
				}
				if !yield(exchange.ShardSliver{Blob: id.Blob, Sliver: s}, err) || err != nil {
					return
				}
			}
			if batch.last {
				return
			}
			next = batch.next
		}
	}
}

// shardBatch is a stretch of a shard.
type shardBatch struct {
	wanted []store.SliverID
	next   store.SliverID // where the next one begins, unless this is the last
	last   bool
}

// shardBatch returns the next stretch of a shard.
func (n *Node) shardBatch(ctx context.Context, at shard.Index, from store.SliverID) (shardBatch, error) {
	b := shardBatch{last: true}
	var found []store.SliverID
	for id, err := range n.store.Slivers(at, from.Blob) {
		if err != nil {
			return b, err
		}
		if id.Blob == from.Blob && id.Axis < from.Axis {
			continue
		}
		if len(found) == syncBatch {
			b.next, b.last = id, false
			break
		}
		found = append(found, id)
	}
	err := n.chain.ledger.View(ctx, func(r ledger.Reader, _ uint64) error {
		for _, id := range found {
			s, err := ledger.ReadStatus(r, id.Blob)
			if err != nil {
				return err
			}
			if s.Available() {
				b.wanted = append(b.wanted, id)
			}
		}
		return nil
	})
	return b, err
}

// admits tells whether a peer may pull whole shards: it is in the running or
// the next committee.
func (c *chain) admits(ctx context.Context, from p2p.PeerID) error {
	return c.ledger.View(ctx, func(r ledger.Reader, _ uint64) error {
		sys, err := ledger.ReadSystem(r)
		if err != nil {
			return err
		}
		running, err := ledger.ReadCommitteeAt(r, sys.Epoch)
		if err != nil || running.ByNetworkKey(from) != nil {
			return err
		}
		if next, err := ledger.ReadCommitteeAt(r, sys.Epoch+1); err == nil && next.ByNetworkKey(from) != nil {
			return nil
		}
		return wire.Errorf(wire.CodeWrongShard, "not a member in epoch %d", sys.Epoch)
	})
}
