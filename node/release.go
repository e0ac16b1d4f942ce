package node

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

const (
	// releaseStep is how many slivers of a shard that is not ours any more are
	// deleted while nothing can be stored.
	releaseStep = 64
	// releaseRetry is when forgetting shards is tried again that failed.
	releaseRetry = time.Minute
)

// release forgets the shards that others have taken over, whenever some may
// have been, until ctx ends.
func (n *Node) release(ctx context.Context) error {
	for {
		var again <-chan time.Time
		if err := n.releaseShards(ctx); err != nil && ctx.Err() == nil {
			n.log.WarnContext(ctx, "shards of others are not forgotten yet", "err", err)
			again = time.After(releaseRetry)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again:
		case <-n.released:
		}
	}
}

// releaseShards deletes what is here of shards that are not to be kept.
func (n *Node) releaseShards(ctx context.Context) error {
	for s := range shard.Index(n.params.Shards()) {
		for done := false; !done; {
			var err error
			if done, err = n.releaseSome(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// releaseSome deletes a few slivers of a shard that is not to be kept, and tells
// whether there is nothing more to delete. Nothing is stored between the look at
// the ledger and the deletion.
func (n *Node) releaseSome(ctx context.Context, s shard.Index) (done bool, err error) {
	var some []store.SliverID
	for id, err := range n.store.Slivers(s, shard.BlobID{}) {
		if err != nil {
			return true, err
		}
		if some = append(some, id); len(some) == releaseStep {
			break
		}
	}
	if len(some) == 0 {
		return true, ctx.Err()
	}
	n.claims.Lock()
	defer n.claims.Unlock()
	member, keeps, err := n.chain.keeps(ctx, n.id, s)
	if err != nil || keeps {
		return true, err
	}
	faults := make([]error, len(some))
	var wg sync.WaitGroup
	for i, id := range some {
		wg.Go(func() { // side by side they share one sync
			if member {
				faults[i] = n.store.DeleteSliver(ctx, id.Blob, s, id.Axis)
			} else { // of no blob is anything to be kept here
				faults[i] = n.store.DeleteBlob(ctx, id.Blob)
			}
		})
	}
	wg.Wait()
	n.forgotten.Store(true)
	return false, errors.Join(faults...)
}

// keeps tells whether a node has to keep a shard: it holds it now or in the
// epoch whose committee is chosen, or held it before and the hand-over is not
// over. member tells whether there is any such shard.
func (c *chain) keeps(ctx context.Context, self committee.NodeID, s shard.Index) (member, keeps bool, err error) {
	err = c.ledger.View(ctx, func(r ledger.Reader, _ uint64) error {
		sys, err := ledger.ReadSystem(r)
		if err != nil {
			return err
		}
		var kept []shard.Index
		of := func(e committee.Epoch) error {
			members, err := ledger.ReadCommitteeAt(r, e)
			if err == nil {
				if m := members.Member(self); m != nil {
					kept = append(kept, m.Shards...)
				}
			}
			return err
		}
		if err := of(sys.Epoch); err != nil {
			return err
		}
		if sys.Phase == ledger.PhaseSelected {
			if err := of(sys.Epoch + 1); err != nil {
				return err
			}
		}
		if sys.Phase == ledger.PhaseHandover && sys.Epoch > 1 {
			if err := of(sys.Epoch - 1); err != nil {
				return err
			}
		}
		duty, err := ledger.ReadDuty(r, self)
		kept = append(kept, duty.Give...)
		member, keeps = len(kept) > 0, slices.Contains(kept, s)
		return err
	})
	return member, keeps, err
}
