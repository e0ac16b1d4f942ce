package node

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
)

// tolerance is the part of a shard's blobs that its former holder may lack
// without being complained about: it may have been repairing.
const tolerance = 10 // one in

// moving is which shards are being moved to this node.
type moving struct {
	mu     sync.Mutex // mu guards the fields below.
	shards []shard.Index
	busy   bool
	idle   chan struct{} // closed while nothing moves; nil before the first
}

// set notes what is being moved; with busy false, that nothing is.
func (m *moving) set(shards []shard.Index, busy bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case busy && !m.busy:
		m.idle = make(chan struct{})
	case !busy && m.busy:
		close(m.idle)
	}
	m.shards, m.busy = shards, busy
}

func (m *moving) has(s shard.Index) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.shards, s)
}

// wait returns when nothing is being moved, or the error of ctx.
func (m *moving) wait(ctx context.Context) error {
	m.mu.Lock()
	busy, idle := m.busy, m.idle
	m.mu.Unlock()
	if !busy {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takings are the shards that this node has to take over in an epoch.
type takings struct {
	epoch    committee.Epoch
	moves    []repair.Move
	height   uint64 // at which this is said
	deadline uint64 // height by which the node should report
}

func (t *takings) shards() []shard.Index {
	out := make([]shard.Index, len(t.moves))
	for i, m := range t.moves {
		out[i] = m.Shard
	}
	return out
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
	shards := t.shards()
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
	missing, blobs, err := n.migrator.Missing(ctx, t.epoch, shards)
	if err != nil {
		return nil, err
	}
	for i, o := range outcomes {
		if missing[i] > 0 && (o.Err != nil || missing[i] > blobs/tolerance) {
			lost = append(lost, o.Shard)
		}
	}
	slices.Sort(lost)
	n.log.InfoContext(ctx, "shards were moved here", "epoch", t.epoch, "shards", len(shards), "lost", len(lost), "elapsed", time.Since(began))
	return lost, nil
}

// readHolders returns the running committee with the shards that are being
// handed over at their former holders; nil if none is.
func readHolders(r ledger.Reader, running *committee.Committee) (*committee.Committee, error) {
	sys, err := ledger.ReadSystem(r)
	if err != nil || sys.Deadline == 0 || sys.Epoch != running.Epoch() {
		return nil, err
	}
	before, err := ledger.ReadCommitteeAt(r, sys.Epoch-1)
	if err != nil {
		return nil, err
	}
	open := map[shard.Index]bool{}
	for _, m := range running.Members() {
		duty, err := ledger.ReadDuty(r, m.ID)
		if err != nil {
			return nil, err
		}
		for _, s := range duty.Take {
			open[s] = true
		}
	}
	held := map[committee.NodeID]*committee.Member{}
	var members []committee.Member
	for s := range shard.Index(running.Shards()) {
		from := running.Holder(s)
		if open[s] {
			from = before.Holder(s)
		}
		if held[from.ID] == nil {
			m := *from
			m.Shards = nil
			held[from.ID] = &m
		}
		held[from.ID].Shards = append(held[from.ID].Shards, s)
	}
	for _, m := range held {
		members = append(members, *m)
	}
	slices.SortFunc(members, func(a, b committee.Member) int { return a.ID.Compare(b.ID) })
	return committee.New(sys.Epoch, running.Shards(), members)
}

// former is repair.Holders over the network.
type former struct{ *Node }

// SyncShard implements [repair.Holders].
func (n former) SyncShard(ctx context.Context, from committee.Member, at shard.Index, first shard.BlobID) iter.Seq2[repair.Moved, error] {
	return func(yield func(repair.Moved, error) bool) {
		id := p2p.PeerID(from.NetworkKey)
		n.host.AddAddrs(id, from.Addrs) // it may be in no committee any more
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
func (c *chain) Older(ctx context.Context, epoch committee.Epoch) iter.Seq2[shard.BlobID, error] {
	return func(yield func(shard.BlobID, error) bool) {
		var ids []shard.BlobID // collected first: repairs must not hold a view of the state open
		err := c.ledger.View(ctx, func(r ledger.Reader, _ uint64) error {
			var fault error
			err := ledger.AscendAvailable(r, shard.BlobID{}, func(id shard.BlobID, _ committee.Epoch) bool {
				var s ledger.Status
				if s, fault = ledger.ReadStatus(r, id); fault == nil && s.Available() && s.Blob.Certified < epoch {
					ids = append(ids, id)
				}
				return fault == nil
			})
			return errors.Join(err, fault)
		})
		if err != nil {
			yield(shard.BlobID{}, err)
			return
		}
		for _, id := range ids {
			if !yield(id, nil) {
				return
			}
		}
	}
}
