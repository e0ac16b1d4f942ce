package node

import (
	"context"
	"fmt"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
)

const (
	// repairPatience bounds one wait for repairs, so that the next epoch is
	// noticed meanwhile.
	repairPatience = time.Minute
	// reportRetry is when a report is tried again that could not be made.
	reportRetry = 10 * time.Second
)

// takeOver has the node recover, at the turn of each epoch, what its new shards
// call for, and tell the ledger when it holds all of it, until ctx ends. The
// node's account pays for that. scanned is the epoch in which the node has
// looked for lost slivers already.
func (n *Node) takeOver(ctx context.Context, scanned committee.Epoch) error {
	wallet := ledgerrpc.NewWallet(n.chain.ledger, n.keys.Account)
	for {
		var again <-chan time.Time
		err := n.scanShards(ctx, &scanned)
		if err == nil {
			err = n.reportShards(ctx, wallet, scanned)
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
			scanned = 0 // also within an epoch: blocks may have been missed
		}
	}
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

// reportShards waits until nothing is left to repair and reports the shards
// that the node gained with an epoch, if it is the running one and the node has
// not. What they lack has been looked for.
func (n *Node) reportShards(ctx context.Context, wallet *ledgerrpc.Wallet, epoch committee.Epoch) error {
	var duty ledger.Duty
	if err := n.chain.ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
		duty, err = ledger.ReadDuty(r, n.id)
		return err
	}); err != nil {
		return err
	}
	if len(duty.Take) == 0 || duty.Epoch != epoch { // of a later one follow will tell
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, repairPatience)
	defer cancel()
	if err := n.repairer.WaitIdle(wait); err != nil {
		return fmt.Errorf("recover %d shards: %w", len(duty.Take), err)
	}
	if _, err := wallet.Send(ctx, ledger.ReportSync{Node: n.id, Epoch: epoch}); err != nil {
		return fmt.Errorf("report %d shards: %w", len(duty.Take), err)
	}
	n.log.InfoContext(ctx, "shards were taken over", "epoch", epoch, "shards", len(duty.Take))
	return nil
}
