package node

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
)

// takings are the shards that this node has to take over in an epoch.
type takings struct {
	epoch    committee.Epoch
	moves    []repair.Move
	height   uint64 // at which this is said
	deadline uint64 // height by which the node should report
}

// takings returns what is left to be taken over.
func (c *chain) takings(ctx context.Context, self committee.NodeID) (takings, error) {
	var t takings
	err := c.ledger.View(ctx, func(r ledger.Reader, height uint64) error {
		duty, err := ledger.ReadDuty(r, self)
		t.epoch, t.height = duty.Epoch, height
		if err != nil || len(duty.Take) == 0 {
			return err
		}
		params, err := ledger.ReadParams(r)
		if err != nil {
			return err
		}
		before, err := ledger.ReadCommitteeAt(r, duty.Epoch-1)
		if err != nil {
			return err
		}
		t.deadline = duty.Deadline - min(duty.Deadline, params.HandoverBlocks/5)
		for _, s := range duty.Take {
			t.moves = append(t.moves, repair.Move{Shard: s, From: *before.Holder(s)})
		}
		return nil
	})
	return t, err
}

// migrate pulls the shards of t until all are here, the time is up or another
// epoch begins, and has what is missing afterwards repaired. It returns the
// shards that were not handed over.
func (n *Node) migrate(ctx context.Context, t takings) (lost []shard.Index, err error) {
	shards := repair.Shards(t.moves)
	within, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { // ends with within
		defer cancel()
		for h := t.height; h < t.deadline && n.Committee().Epoch() == t.epoch; h++ {
			if n.chain.ledger.WaitHeight(within, h+1) != nil {
				return
			}
		}
		n.log.WarnContext(ctx, "the time to take shards over is up", "epoch", t.epoch)
	})
	began := time.Now()
	outcomes, err := n.migrator.Run(within, t.epoch, t.moves)
	late := within.Err() != nil && ctx.Err() == nil
	cancel()
	watching.Wait()
	if ctx.Err() != nil || err != nil && !late {
		return nil, fmt.Errorf("move %d shards: %w", len(shards), err)
	}
	if lost, err = n.migrator.Lost(ctx, t.epoch, outcomes); err != nil {
		return nil, err
	}
	n.log.InfoContext(ctx, "shards were moved here", "epoch", t.epoch, "shards", len(shards), "lost", len(lost), "elapsed", time.Since(began))
	return lost, nil
}

// former is repair.Holders over the network.
type former struct{ *Node }

// SyncShard implements [repair.Holders].
func (n former) SyncShard(ctx context.Context, from committee.Member, at shard.Index, first shard.BlobID) iter.Seq2[repair.Moved, error] {
	return func(yield func(repair.Moved, error) bool) {
		id := p2p.PeerID(from.NetworkKey)
		n.learn(from) // it may be in no committee any more
		for s, err := range n.client.SyncShard(ctx, id, at, first) {
			if !yield(repair.Moved(s), err) {
				return
			}
		}
	}
}

// Metadata implements [repair.Holders].
func (n former) Metadata(ctx context.Context, from committee.Member, id shard.BlobID) (*shard.Metadata, error) {
	md, err := n.client.Metadata(ctx, p2p.PeerID(from.NetworkKey), id)
	return md, absent(err)
}

// Older implements [repair.Register].
func (c *chain) Older(ctx context.Context, epoch committee.Epoch) (ids []shard.BlobID, err error) {
	err = c.ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
		ids, err = ledger.ReadCertifiedBefore(r, epoch)
		return err
	})
	return ids, err
}
