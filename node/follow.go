package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/comet"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// cursorName is under which the store keeps the last height followed.
const cursorName = "followed-height"

// chain is the ledger as this node has followed it. It is repair.Ledger.
type chain struct {
	ledger ledgerrpc.Backend
	now    atomic.Pointer[committee.Committee] // of the running epoch; nil before it is known
	// holders are who has the shards while some are handed over; nil if none is.
	holders atomic.Pointer[committee.Committee]
}

// refresh reads the committee of the running epoch.
func (c *chain) refresh(ctx context.Context) error {
	return c.ledger.View(ctx, func(r ledger.Reader, _ uint64) error {
		members, err := ledger.ReadCommittee(r)
		if err != nil {
			return err
		}
		holders, err := ledger.ReadHolders(r)
		if err == nil {
			c.now.Store(members)
			c.holders.Store(holders)
		}
		return err
	})
}

// Committee returns the committee of the running epoch, nil before it is known.
func (c *chain) Committee() *committee.Committee { return c.now.Load() }

// peers returns the network keys of the committee.
func (c *chain) peers() []p2p.PeerID {
	var ids []p2p.PeerID
	if members := c.Committee(); members != nil {
		for _, m := range members.Members() {
			ids = append(ids, m.NetworkKey)
		}
	}
	return ids
}

// status returns what the ledger says of a blob.
func (c *chain) status(ctx context.Context, id shard.BlobID) (ledger.Status, error) {
	var s ledger.Status
	err := c.ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
		s, err = ledger.ReadStatus(r, id)
		return err
	})
	return s, err
}

// claim is what the ledger says of keeping a blob in some way.
type claim struct {
	lives  bool // there is a living object that calls for it
	epoch  committee.Epoch
	height uint64 // at which this is said
}

// claim returns whether a blob is to be kept with the given persistence.
func (c *chain) claim(ctx context.Context, id shard.BlobID, p committee.Persistence) (claim, error) {
	var out claim
	err := c.ledger.View(ctx, func(r ledger.Reader, height uint64) error {
		sys, err := ledger.ReadSystem(r)
		if err != nil {
			return err
		}
		out.epoch, out.height = sys.Epoch, height
		_, out.lives, err = ledger.ReadClaim(r, id, p)
		return err
	})
	return out, err
}

// Wanted tells whether a blob is certified and has not ended.
func (c *chain) Wanted(id shard.BlobID) bool {
	s, err := c.status(context.Background(), id) //nolint:forbidigo // reads memory and local disk; repair.Ledger has no context
	return err == nil && s.Available()
}

// Blobs iterates over the certified blobs that have not ended.
func (c *chain) Blobs() iter.Seq[shard.BlobID] {
	return func(yield func(shard.BlobID) bool) {
		var ids []shard.BlobID                                                          // collected first: repairs must not hold a view of the state open
		_ = c.ledger.View(context.Background(), func(r ledger.Reader, _ uint64) error { //nolint:forbidigo // as in Wanted
			return ledger.AscendAvailable(r, shard.BlobID{}, func(id shard.BlobID, _ committee.Epoch) bool {
				ids = append(ids, id)
				return true
			})
		}) // a node that cannot read its ledger has halted, which its Run reports
		for _, id := range ids {
			if !yield(id) {
				return
			}
		}
	}
}

// follow reacts to every block from where the node left off, until ctx ends. Where
// it missed blocks that nobody has any more, it goes by what is true now.
func (n *Node) follow(ctx context.Context) error {
	from, err := n.cursor()
	for err == nil {
		if err = n.followFrom(ctx, from); errors.Is(err, comet.ErrNoBlock) {
			from, err = n.skip(ctx, from)
		}
	}
	return err
}

// skip makes up for the blocks from a height on that were not seen, and returns
// the height from which on they are to be. What ended meanwhile is forgotten; what
// was certified meanwhile is found as after an epoch's beginning.
func (n *Node) skip(ctx context.Context, from uint64) (uint64, error) {
	var next uint64
	if err := n.chain.ledger.View(ctx, func(_ ledger.Reader, height uint64) error {
		next = height + 1
		return nil
	}); err != nil {
		return 0, err
	}
	n.log.InfoContext(ctx, "blocks were missed", "from", from, "to", next-1)
	if err := n.chain.refresh(ctx); err != nil {
		return 0, err
	}
	for id, err := range n.store.Blobs() {
		if err == nil {
			err = n.forget(ctx, id)
		}
		if err != nil {
			return 0, fmt.Errorf("look for blobs that have ended: %w", err)
		}
	}
	n.turn()
	return next, n.record(ctx, next-1)
}

func (n *Node) followFrom(ctx context.Context, from uint64) error {
	for block, err := range n.chain.ledger.Events(ctx, from) {
		if err != nil {
			return fmt.Errorf("follow the ledger: %w", err)
		}
		for _, ev := range block.Events {
			if err := n.react(ctx, ev.Event); err != nil {
				return fmt.Errorf("follow the ledger at height %d: %w", block.Height, err)
			}
		}
		if len(block.Events) == 0 {
			continue // what is not recorded is only looked at again
		}
		if err := n.record(ctx, block.Height); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// record notes the last height that was reacted to.
func (n *Node) record(ctx context.Context, height uint64) error {
	err := n.store.PutValue(ctx, cursorName, binary.BigEndian.AppendUint64(nil, height))
	if err != nil && !errors.Is(err, store.ErrFull) {
		return fmt.Errorf("record height %d: %w", height, err)
	}
	return nil
}

func (n *Node) cursor() (uint64, error) {
	b, err := n.store.Value(cursorName)
	if errors.Is(err, store.ErrNotFound) {
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	const size = 8
	if len(b) != size {
		return 0, fmt.Errorf("%w: recorded height of %d bytes", store.ErrCorrupt, len(b))
	}
	return binary.BigEndian.Uint64(b) + 1, nil
}

// react does what an event calls for. Events are seen again after a crash, so
// everything here may be repeated.
func (n *Node) react(ctx context.Context, ev ledger.Event) error {
	v, err := ev.Parse()
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case ledger.BlobCertified:
		if !v.Extension {
			n.repairer.Certified(v.BlobID)
		}
	case ledger.BlobDeleted:
		return n.forget(ctx, v.BlobID)
	case ledger.BlobExpired:
		return n.forget(ctx, v.BlobID)
	case ledger.BlobInvalid:
		return n.forget(ctx, v.BlobID)
	case ledger.EpochChanged:
		if err := n.chain.refresh(ctx); err != nil {
			return err
		}
		n.log.InfoContext(ctx, "epoch began", "epoch", v.Epoch)
		n.introduce()
		n.turn()
	case ledger.ShardsReceived, ledger.ShardsUnreported, ledger.HandoverEnded:
		if err := n.chain.refresh(ctx); err != nil {
			return err
		}
		signal(n.released)
	}
	return nil
}

// turn has takeOver look for what the node should hold and does not.
func (n *Node) turn() { signal(n.turned); signal(n.released) }

// signal wakes who waits on c; one that is not looking finds it later.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it has not come to the last one yet
	}
}

// introduce tells the host where the members of the running committee say they
// are, and to keep its connections to them.
func (n *Node) introduce() {
	for _, m := range n.Committee().Members() {
		if id := p2p.PeerID(m.NetworkKey); n.host != nil && id != n.host.ID() {
			n.learn(m)
			n.host.Protect(id)
		}
	}
}

// learn tells the host where a member says it is, if it says anything: what
// else is known of it must not be lost.
func (n *Node) learn(m committee.Member) {
	if len(m.Addrs) > 0 {
		n.host.AddAddrs(p2p.PeerID(m.NetworkKey), m.Addrs)
	}
}
