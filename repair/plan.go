package repair

import (
	"cmp"
	"math/bits"
	"slices"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// Standing is what past requests say about a member. The zero value says nothing
// against it.
type Standing struct {
	Failures int           // requests failed since the last that succeeded
	Lies     int           // answers that were provably wrong
	Latency  time.Duration // of its answers, smoothed; 0 if none yet
}

// Belief is what gossip says about a pair.
type Belief uint8

// The beliefs, best first.
const (
	BelievedStored Belief = iota
	NothingKnown
	BelievedLost
)

// targets returns the lost slivers of a node's shards by axis, ascending. held
// has an entry for each of its shards.
func targets(p shard.Params, id shard.BlobID, held []Holding) (lost [2][]shard.SliverIndex) {
	for _, h := range held {
		pair := p.PairOf(id, h.Shard)
		if !h.Primary {
			lost[shard.Primary] = append(lost[shard.Primary], p.SliverOf(shard.Primary, pair))
		}
		if !h.Secondary {
			lost[shard.Secondary] = append(lost[shard.Secondary], p.SliverOf(shard.Secondary, pair))
		}
	}
	slices.Sort(lost[shard.Primary])
	slices.Sort(lost[shard.Secondary])
	return lost
}

// source is a sliver that another member should hold.
type source struct {
	index  shard.SliverIndex
	holder *committee.Member
	belief Belief
}

// sources returns the slivers of axis a that members other than self should hold,
// best first: those of members with nothing against them, before those of slow
// ones, failing ones and liars; those believed stored before those believed lost;
// of equals, members by turns, those that are twice as fast first, and then from
// member number first on, around the committee.
func sources(c *committee.Committee, self committee.NodeID, first int, id shard.BlobID, a shard.Axis,
	belief func(shard.PairIndex) Belief, standing func(committee.NodeID) Standing,
) []source {
	type ranked struct {
		source
		class, turn, pace, place int
	}
	p := c.Params()
	slow := slowness(c, standing)
	var all []ranked
	members := c.Members()
	first %= len(members)
	for i := range members {
		m := &members[i]
		if m.ID == self {
			continue
		}
		st := standing(m.ID)
		class := 0
		switch {
		case st.Lies > 0:
			class = 3
		case st.Failures > 0:
			class = 2
		case st.Latency > slow:
			class = 1
		}
		pace := bits.Len64(uint64(st.Latency / time.Millisecond))
		place := (i - first + len(members)) % len(members)
		for turn, sh := range m.Shards {
			pair := p.PairOf(id, sh)
			s := source{index: p.SliverOf(a, pair), holder: m, belief: belief(pair)}
			all = append(all, ranked{source: s, class: class, turn: turn, pace: pace, place: place})
		}
	}
	slices.SortFunc(all, func(x, y ranked) int {
		return cmp.Or(
			cmp.Compare(x.class, y.class),
			cmp.Compare(x.belief, y.belief),
			cmp.Compare(x.turn, y.turn),
			cmp.Compare(x.pace, y.pace),
			cmp.Compare(x.place, y.place),
		)
	})
	best := make([]source, len(all))
	for i := range all {
		best[i] = all[i].source
	}
	return best
}

// turnBytes is how much is pulled from the same members before others have their
// turn: the load is spread, and yet what small blobs want of a member is enough
// to go into one call.
const turnBytes = 8 << 20

// turn returns the member from which on sources are taken by member number self,
// when so many bytes have been pulled before. Each starts after itself, so that
// not all ask the same.
func turn(self int, pulled uint64, members int) int {
	return int((uint64(self) + 1 + pulled/turnBytes*(uint64(members)/3+1)) % uint64(members))
}

// slowFactor times the median latency of the members is slow.
const slowFactor = 4

func slowness(c *committee.Committee, standing func(committee.NodeID) Standing) time.Duration {
	var known []time.Duration
	for _, m := range c.Members() {
		if l := standing(m.ID).Latency; l > 0 {
			known = append(known, l)
		}
	}
	if len(known) == 0 {
		return 0 // nobody's latency is above it
	}
	slices.Sort(known)
	return slowFactor * known[len(known)/2]
}

// request is the sources to ask one member for.
type request struct {
	from    *committee.Member
	sources []shard.SliverIndex
}

// share gives each member one request for its part of the sources, in the order
// in which the members first appear.
func share(from []source) []request {
	var reqs []request
	for _, s := range from {
		i := slices.IndexFunc(reqs, func(r request) bool { return r.from.ID == s.holder.ID })
		if i < 0 {
			i = len(reqs)
			reqs = append(reqs, request{from: s.holder})
		}
		reqs[i].sources = append(reqs[i].sources, s.index)
	}
	return reqs
}

// priority orders the queue.
type priority struct {
	remaining int       // pairs not believed lost
	since     time.Time // when it was first enqueued
}

// before tells whether x is repaired before y: the blob that is closer to being
// unreadable first, then the one that waits longer.
func (x priority) before(y priority) bool {
	return cmp.Or(cmp.Compare(x.remaining, y.remaining), x.since.Compare(y.since)) < 0
}

// backoff returns how long a blob waits after its n-th failed attempt, n ≥ 1.
func backoff(n int, first, last time.Duration) time.Duration {
	d := first
	for range n - 1 {
		if d >= last {
			break
		}
		d *= 2
	}
	return min(d, last)
}
