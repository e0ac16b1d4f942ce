package repair

import (
	"slices"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

func planCommittee(t *testing.T) *committee.Committee {
	t.Helper()
	ms := make([]committee.Member, 5)
	for i := range ms {
		ms[i].ID[0] = byte(i)
	}
	for s := range 20 {
		m := &ms[s%5]
		m.Shards = append(m.Shards, shard.Index(s))
	}
	c, err := committee.New(1, 20, ms)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTargets(t *testing.T) {
	t.Parallel()
	p := planCommittee(t).Params()
	id := shard.BlobID{31: 3} // pair i is on shard i+3
	lost := targets(p, id, []Holding{{Shard: 5, Primary: true}, {Shard: 4}, {Shard: 9, Primary: true, Secondary: true}})
	if want := []shard.SliverIndex{1}; !slices.Equal(lost[shard.Primary], want) {
		t.Errorf("primary: got %v, want %v", lost[shard.Primary], want)
	}
	if want := []shard.SliverIndex{17, 18}; !slices.Equal(lost[shard.Secondary], want) {
		t.Errorf("secondary: got %v, want %v", lost[shard.Secondary], want)
	}
}

// Sources come from members by turns; slow, failing and lying members come after
// the others, and of a member, what is believed lost comes last.
func TestSources(t *testing.T) {
	t.Parallel()
	c := planCommittee(t)
	id := shard.BlobID{}
	belief := func(p shard.PairIndex) Belief {
		if p == 1 {
			return BelievedLost
		}
		return NothingKnown
	}
	standing := func(id committee.NodeID) Standing {
		return []Standing{{Latency: time.Millisecond}, {Latency: time.Millisecond}, {Latency: time.Second}, {Failures: 1}, {Lies: 1}}[id[0]]
	}
	// Member m holds pairs m, m+5, m+10, m+15; the median latency is a millisecond.
	got := sources(c, c.Members()[0].ID, 0, id, shard.Primary, belief, standing)
	var order []shard.SliverIndex
	for _, s := range got {
		order = append(order, s.index)
	}
	want := []shard.SliverIndex{6, 11, 16, 1, 2, 7, 12, 17, 3, 8, 13, 18, 4, 9, 14, 19}
	if !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
	reqs := share(got[2:6])
	if len(reqs) != 2 || !slices.Equal(reqs[0].sources, []shard.SliverIndex{16, 1}) || !slices.Equal(reqs[1].sources, []shard.SliverIndex{2, 7}) {
		t.Errorf("requests: got %+v", reqs)
	}
	secondary := sources(c, c.Members()[0].ID, 0, id, shard.Secondary, belief, standing)
	if got, want := secondary[0].index, shard.SliverIndex(20-1-6); got != want {
		t.Errorf("secondary: got %d first, want %d", got, want)
	}
}

// Members have their turns one after the other, each asker after itself.
func TestTurn(t *testing.T) {
	t.Parallel()
	for _, members := range []int{1, 2, 10, 31, 99, 100} {
		seen := make([]bool, members)
		for step := range 3 * members {
			first := turn(members-1, uint64(step)*turnBytes+5, members)
			if first < 0 || first >= members {
				t.Fatalf("%d members: got %d", members, first)
			}
			seen[first] = true
		}
		count := 0
		for _, s := range seen {
			if s {
				count++
			}
		}
		if count < min(members, 3) {
			t.Errorf("%d members: only %d had a turn", members, count)
		}
		if got, want := turn(0, 0, members), 1%members; got != want {
			t.Errorf("%d members: got %d first, want %d", members, got, want)
		}
	}
	// The order goes around the committee from the first on.
	c := planCommittee(t)
	nothing := func(shard.PairIndex) Belief { return NothingKnown }
	got := sources(c, c.Members()[0].ID, 3, shard.BlobID{}, shard.Primary, nothing, func(committee.NodeID) Standing { return Standing{} })
	var order []byte
	for _, s := range got[:4] {
		order = append(order, s.holder.ID[0])
	}
	if want := []byte{3, 4, 1, 2}; !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
}

func TestPriority(t *testing.T) {
	t.Parallel()
	at := time.Unix(1000, 0)
	ordered := []priority{{50, at.Add(time.Hour)}, {70, at}, {70, at.Add(time.Second)}, {100, at.Add(-time.Hour)}}
	for i := range ordered {
		for j := range ordered {
			if got, want := ordered[i].before(ordered[j]), i < j; got != want {
				t.Errorf("%d before %d: got %v", i, j, got)
			}
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{1: 2, 2: 4, 3: 8, 4: 10, 1000: 10} {
		if got := backoff(n, 2, 10); got != want {
			t.Errorf("attempt %d: got %d, want %d", n, got, want)
		}
	}
}
