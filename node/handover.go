package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
)

const (
	// repairPatience bounds one wait for repairs, so that the next epoch is
	// noticed meanwhile.
	repairPatience = 5 * time.Second
	// reportRetry is when a report is tried again that could not be made.
	reportRetry = 2 * time.Second
)

// takeOver has the node move, at the turn of each epoch, its new shards here, has
// repaired what did not come, and tells the ledger when it holds all of it, until
// ctx ends. The node's account pays for that. scanned is the epoch in which the
// node has looked for lost slivers already.
func (n *Node) takeOver(ctx context.Context, scanned committee.Epoch) error {
	wallet := ledgerrpc.NewWallet(n.chain.ledger, n.keys.Account)
	var lost []shard.Index // in the epoch scanned
	for {
		var again <-chan time.Time
		err := n.takeShards(ctx, &scanned, &lost)
		if err == nil {
			err = n.reportShards(ctx, wallet, scanned, lost)
		}
		if err != nil && ctx.Err() == nil {
			n.log.WarnContext(ctx, "shards are not taken over yet", "err", err)
			again = time.After(reportRetry)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again:
		case <-n.turned:
		}
	}
}

// takeShards moves the shards that were gained with the running epoch here, and
// looks for lost slivers then, if that has not been done in this epoch. lost are
// the shards that their former holders have not handed over.
func (n *Node) takeShards(ctx context.Context, scanned *committee.Epoch, lost *[]shard.Index) error {
	t, err := n.chain.takings(ctx, n.id)
	if err != nil || t.epoch != n.Committee().Epoch() { // follow is about to tell of a later one
		return err
	}
	if t.epoch == *scanned {
		return nil
	}
	defer n.moving.Set(nil, false)
	*lost = nil
	if len(t.moves) > 0 {
		n.moving.Set(repair.Shards(t.moves), true)
		if *lost, err = n.migrate(ctx, t); err != nil {
			return err
		}
		n.moving.Set(nil, true) // let the repairer have them, and still be waited for
	}
	return n.scanShards(ctx, scanned)
}

// scanShards looks for lost slivers if it has not in the running epoch.
func (n *Node) scanShards(ctx context.Context, scanned *committee.Epoch) error {
	epoch := n.Committee().Epoch() // before the scan: it may turn meanwhile
	if epoch == *scanned {
		return nil
	}
	if err := n.repairer.Scan(ctx); err != nil {
		return fmt.Errorf("look for lost slivers: %w", err)
	}
	*scanned = epoch
	return nil
}

// reportShards waits until what is gained with an epoch lacks nothing, or time is
// nearly up, and reports it, if the epoch is the running one and the node has not.
// Of shards that still lack something when time is up, the former holders have not
// handed enough over either.
func (n *Node) reportShards(ctx context.Context, wallet *ledgerrpc.Wallet, epoch committee.Epoch, lost []shard.Index) error {
	t, err := n.chain.takings(ctx, n.id)
	if err != nil || len(t.moves) == 0 || t.epoch != epoch { // of a later one follow will tell
		return err
	}
	shards := repair.Shards(t.moves)
	late := t.height >= t.deadline
	complaints, err := n.migrator.Complaints(ctx, epoch, shards, lost, late)
	if errors.Is(err, repair.ErrMissing) {
		wait, cancel := context.WithTimeout(ctx, repairPatience)
		defer cancel()
		_ = n.repairer.WaitIdle(wait) // new blobs may keep it busy: what counts is what is missing
		complaints, err = n.migrator.Complaints(ctx, epoch, shards, lost, late)
	}
	if err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	if _, err := wallet.Send(ctx, ledger.ReportSync{Node: n.id, Epoch: epoch, Lost: complaints}); err != nil {
		return fmt.Errorf("report %d shards: %w", len(shards), err)
	}
	n.log.InfoContext(ctx, "shards were taken over", "epoch", epoch, "shards", len(shards), "lost", len(complaints))
	return nil
}
