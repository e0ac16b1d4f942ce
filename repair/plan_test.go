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
	got := sources(c, c.Members()[0].ID, id, shard.Primary, belief, standing)
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
	secondary := sources(c, c.Members()[0].ID, id, shard.Secondary, belief, standing)
	if got, want := secondary[0].index, shard.SliverIndex(20-1-6); got != want {
		t.Errorf("secondary: got %d first, want %d", got, want)
	}
}

func TestChunks(t *testing.T) {
	t.Parallel()
	five := []shard.SliverIndex{1, 2, 3, 4, 5}
	for _, tc := range []struct {
		limit int64
		want  int
	}{{0, 5}, {199, 5}, {200, 3}, {399, 2}, {500, 1}, {1 << 40, 1}} {
		if got := chunks(five, 10, 10, tc.limit); len(got) != tc.want || !slices.Equal(slices.Concat(got...), five) {
			t.Errorf("limit %d: got %v, want %d chunks", tc.limit, got, tc.want)
		}
	}
	if got := chunks(nil, 10, 10, 5); len(got) != 0 {
		t.Errorf("no targets: got %v", got)
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
