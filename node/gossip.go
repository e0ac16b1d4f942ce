package node

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
)

const (
	availabilityTopic = "availability"
	announceEvery     = time.Second // what was stored meanwhile goes out together
	maxWaiting        = 4096        // entries; more are left out: gossip is a hint
	entriesAtOnce     = 64          // entries of one announcement
)

// gossip tells the others what this node has stored and restored, and hears
// the same from them.
type gossip struct {
	node  *Node
	topic *p2p.Topic
	log   *slog.Logger
	seq   uint64 // of the last announcement; owned by run

	// mu guards the field below.
	mu      sync.Mutex
	waiting []repair.Entry
}

func newGossip(n *Node) (*gossip, error) {
	g := &gossip{node: n, log: n.log, seq: uint64(time.Now().UnixMicro())} // ascends over restarts, too
	var err error
	g.topic, err = n.host.Join(availabilityTopic, p2p.TopicConfig{MaxSize: repair.MaxAnnouncement, Validate: g.validate})
	return g, err
}

// validate lets announcements of members pass, if they can be read.
func (g *gossip) validate(from p2p.PeerID, data []byte) p2p.Verdict {
	if g.node.Committee().ByNetworkKey(from) == nil {
		return p2p.Ignore
	}
	if _, err := repair.ParseAnnouncement(data, g.node.params.Shards()); err != nil {
		return p2p.Reject
	}
	return p2p.Accept
}

// stored has those of the pairs announced that are whole now.
func (g *gossip) stored(id shard.BlobID, pairs []shard.PairIndex) {
	slices.Sort(pairs)
	pairs = slices.Compact(pairs)
	shards := make([]shard.Index, len(pairs))
	for i, p := range pairs {
		shards[i] = g.node.params.ShardOf(id, p)
	}
	held, err := g.node.store.Holdings(id, shards)
	if err != nil {
		g.log.Debug("what was stored is not announced", "blob", id, "err", err)
		return
	}
	var whole []shard.PairIndex
	for i, h := range held {
		if h.Primary && h.Secondary {
			whole = append(whole, pairs[i])
		}
	}
	if len(whole) == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) < maxWaiting {
		g.waiting = append(g.waiting, repair.Entry{Blob: id, Kind: repair.Stored, Pairs: whole})
	}
}

// restored is repair.Config.OnRestored.
func (g *gossip) restored(id shard.BlobID, slivers []repair.Restored) {
	var pairs []shard.PairIndex
	for _, s := range slivers {
		pairs = append(pairs, g.node.params.PairOf(id, s.Shard))
	}
	g.stored(id, pairs)
}

// run announces and listens until ctx ends.
func (g *gossip) run(ctx context.Context) error {
	var listening sync.WaitGroup
	listening.Go(func() { g.listen(ctx) }) // ends with ctx
	defer listening.Wait()
	tick := time.NewTicker(announceEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			g.announce(ctx)
		}
	}
}

func (g *gossip) announce(ctx context.Context) {
	g.mu.Lock()
	waiting := g.waiting
	g.waiting = nil
	g.mu.Unlock()
	for len(waiting) > 0 && ctx.Err() == nil {
		b, n, err := g.next(waiting)
		waiting = waiting[n:]
		if err == nil {
			err = g.topic.Publish(ctx, b)
		}
		if err != nil {
			g.log.DebugContext(ctx, "announcement was not sent", "err", err)
		}
	}
}

// next returns an announcement of the first n entries, as many as fit.
func (g *gossip) next(waiting []repair.Entry) (b []byte, n int, err error) {
	g.seq++
	for n = min(len(waiting), entriesAtOnce); ; n /= 2 {
		a := repair.Announcement{Epoch: g.node.Committee().Epoch(), Seq: g.seq, Entries: waiting[:n]}
		if b, err = a.AppendBinary(nil); err == nil || n == 1 {
			return b, n, err
		}
	}
}

func (g *gossip) listen(ctx context.Context) {
	for {
		m, err := g.topic.Next(ctx)
		if err != nil {
			return
		}
		if err := g.hear(m.From, m.Data); err != nil && !errors.Is(err, repair.ErrOld) {
			g.log.DebugContext(ctx, "announcement was dropped", "peer", m.From, "err", err)
		}
	}
}

// hear folds in what a member has announced.
func (g *gossip) hear(from p2p.PeerID, data []byte) error {
	sender := g.node.Committee().ByNetworkKey(from)
	if sender == nil { // the committee has changed since the message was let in
		return repair.ErrNotMember
	}
	a, err := repair.ParseAnnouncement(data, g.node.params.Shards())
	if err != nil {
		return err
	}
	return g.node.repairer.Observe(sender.ID, a)
}

func (g *gossip) close() error { return g.topic.Close() }
