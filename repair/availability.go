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
	mu    sync.Mutex
	blobs map[shard.BlobID]*list.Element // of *beliefs
	// told has what each node was the first to announce, what was announced last at
	// the front. Who announces the most makes room, so a flood displaces itself.
	told map[committee.NodeID]*list.List
	seen map[committee.NodeID]mark
}

// mark is the newest announcement of a node.
type mark struct {
	epoch committee.Epoch
	seq   uint64
}

// beliefs is what is believed of one blob, a bit per pair.
type beliefs struct {
	id           shard.BlobID
	teller       committee.NodeID
	stored, lost []uint64
}

// NewAvailability returns an empty map that keeps what it knows of at most limit
// blobs. It forgets first what the node that told of the most blobs told longest
// ago.
func NewAvailability(limit int) *Availability {
	return &Availability{limit: max(1, limit), blobs: map[shard.BlobID]*list.Element{}, told: map[committee.NodeID]*list.List{}, seen: map[committee.NodeID]mark{}}
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
				b = v.blobLocked(en.Blob, from, c.Shards())
			}
			b.set(p, en.Kind)
		}
	}
	return nil
}

func (v *Availability) blobLocked(id shard.BlobID, from committee.NodeID, shards int) *beliefs {
	words := (shards + 63) / 64
	if el := v.blobs[id]; el != nil {
		b := el.Value.(*beliefs)
		if len(b.lost) == words {
			v.told[b.teller].MoveToFront(el)
			return b
		}
		v.forgetLocked(el)
	} else if len(v.blobs) >= v.limit {
		var most *list.List
		for _, l := range v.told {
			if most == nil || l.Len() > most.Len() {
				most = l
			}
		}
		v.forgetLocked(most.Back())
	}
	l := v.told[from]
	if l == nil {
		l = list.New()
		v.told[from] = l
	}
	b := &beliefs{id: id, teller: from, stored: make([]uint64, words), lost: make([]uint64, words)}
	v.blobs[id] = l.PushFront(b)
	return b
}

func (v *Availability) forgetLocked(el *list.Element) {
	b := el.Value.(*beliefs)
	delete(v.blobs, b.id)
	l := v.told[b.teller]
	if l.Remove(el); l.Len() == 0 {
		delete(v.told, b.teller)
	}
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
