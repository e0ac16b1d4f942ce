package node

import (
	"context"
	"errors"
	"slices"
	"time"

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
	some, _, err := n.store.Stretch(s, store.SliverID{}, releaseStep)
	if err != nil || len(some) == 0 {
		return true, errors.Join(err, ctx.Err())
	}
	n.claims.Lock()
	defer n.claims.Unlock()
	var kept []shard.Index
	if err := n.chain.ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
		kept, err = ledger.ReadKept(r, n.id)
		return err
	}); err != nil || slices.Contains(kept, s) {
		return true, err
	}
	n.forgotten.Store(true)
	return false, n.store.DeleteSlivers(ctx, some, len(kept) == 0) // a node without shards needs no metadata
}
