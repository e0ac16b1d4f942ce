package repair

import (
	"container/list"
	"errors"
	"math/bits"
	"sync"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

var (
	// ErrNotMember says that an announcement does not come from a member.
	ErrNotMember = errors.New("repair: announcement of a node that is not a member")
	// ErrOld says that an announcement is not newer than the last one of its sender.
	ErrOld = errors.New("repair: announcement seen before")
)

// Availability is what members have announced: for a bounded number of blobs,
// which pairs are believed stored or lost. It is a hint. Nothing is deleted,
// signed or paid because of it.
type Availability struct {
	limit int

	// mu guards the fields below.
	mu     sync.Mutex
	blobs  map[shard.BlobID]*list.Element // of *beliefs
	recent list.List                      // the blob announced last at the front
	seen   map[committee.NodeID]mark
}

// mark is the newest announcement of a node.
type mark struct {
	epoch committee.Epoch
	seq   uint64
}

// beliefs is what is believed of one blob, a bit per pair.
type beliefs struct {
	id           shard.BlobID
	stored, lost []uint64
}

// NewAvailability returns an empty map that keeps what it knows of at most limit
// blobs, forgetting the one that was announced longest ago.
func NewAvailability(limit int) *Availability {
	return &Availability{limit: max(1, limit), blobs: map[shard.BlobID]*list.Element{}, seen: map[committee.NodeID]mark{}}
}

// Apply folds an announcement in. It returns [ErrNotMember] if from is not in c,
// and [ErrOld] if a newer one of the same node, or this one, was applied before;
// then nothing changes. Pairs on shards that c does not assign to from are left
// out: nobody speaks for others.
func (v *Availability) Apply(c *committee.Committee, from committee.NodeID, a Announcement) error {
	if c.Member(from) == nil {
		return ErrNotMember
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	last, ok := v.seen[from]
	if ok && (a.Epoch < last.epoch || a.Epoch == last.epoch && a.Seq <= last.seq) {
		return ErrOld
	}
	if len(v.seen) > 2*len(c.Members()) { // those of earlier epochs
		for id := range v.seen {
			if c.Member(id) == nil {
				delete(v.seen, id)
			}
		}
	}
	v.seen[from] = mark{a.Epoch, a.Seq}
	for _, en := range a.Entries {
		var b *beliefs // made for a pair that counts
		for _, p := range en.Pairs {
			if int(p) >= c.Shards() || c.HolderOfPair(en.Blob, p).ID != from {
				continue
			}
			if b == nil {
				b = v.blobLocked(en.Blob, c.Shards())
			}
			b.set(p, en.Kind)
		}
	}
	return nil
}

func (v *Availability) blobLocked(id shard.BlobID, shards int) *beliefs {
	words := (shards + 63) / 64
	if el := v.blobs[id]; el != nil {
		b := el.Value.(*beliefs)
		if len(b.lost) == words {
			v.recent.MoveToFront(el)
			return b
		}
		v.recent.Remove(el)
	} else if len(v.blobs) >= v.limit {
		oldest := v.recent.Back()
		delete(v.blobs, oldest.Value.(*beliefs).id)
		v.recent.Remove(oldest)
	}
	b := &beliefs{id: id, stored: make([]uint64, words), lost: make([]uint64, words)}
	v.blobs[id] = v.recent.PushFront(b)
	return b
}

func (b *beliefs) set(p shard.PairIndex, k Kind) {
	word, bit := p/64, uint64(1)<<(p%64)
	b.stored[word] &^= bit
	b.lost[word] &^= bit
	if k == Stored {
		b.stored[word] |= bit
	} else {
		b.lost[word] |= bit
	}
}

// Belief returns what is believed of a pair.
func (v *Availability) Belief(id shard.BlobID, p shard.PairIndex) Belief {
	v.mu.Lock()
	defer v.mu.Unlock()
	el := v.blobs[id]
	if el == nil {
		return NothingKnown
	}
	b := el.Value.(*beliefs)
	word, bit := int(p/64), uint64(1)<<(p%64)
	switch {
	case word >= len(b.lost):
		return NothingKnown
	case b.lost[word]&bit != 0:
		return BelievedLost
	case b.stored[word]&bit != 0:
		return BelievedStored
	}
	return NothingKnown
}

// Remaining returns how many of a blob's pairs, one for each shard, are not
// believed lost.
func (v *Availability) Remaining(id shard.BlobID, shards int) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	if el := v.blobs[id]; el != nil {
		for _, w := range el.Value.(*beliefs).lost {
			shards -= bits.OnesCount64(w)
		}
	}
	return shards
}
