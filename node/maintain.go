package node

import (
	"context"
	"errors"
	"time"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// maintain gives the room of what was forgotten back to the disk from time to
// time, until ctx ends.
func (n *Node) maintain(ctx context.Context) error {
	tick := time.NewTicker(n.cfg.ReclaimInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			n.reclaim(ctx)
		}
	}
}

func (n *Node) reclaim(ctx context.Context) {
	if !n.forgotten.Swap(false) {
		return
	}
	files, err := n.store.Reclaim(ctx)
	if err != nil && ctx.Err() == nil {
		n.forgotten.Store(true) // try again
		n.log.WarnContext(ctx, "room was not reclaimed", "full", errors.Is(err, store.ErrFull), "err", err)
		return
	}
	n.log.DebugContext(ctx, "room was reclaimed", "files", files)
}

// warm has the tables of the code made before the first reader or writer
// would wait for them.
func (n *Node) warm(context.Context) error {
	_, err := shard.ComputeMetadata(n.params, make([]byte, 1))
	return err
}
