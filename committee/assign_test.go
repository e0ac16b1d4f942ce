package committee_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// [WL] §3.7, the first vector; the order of the list does not matter.
func TestAssignFirst(t *testing.T) {
	t.Parallel()
	id := func(n byte) committee.NodeID { return committee.NodeID{31: n} }
	want := [][]shard.Index{{0, 1}, {2, 3}, {4, 5}, {6, 7}}
	got := committee.AssignFirst([]committee.NodeID{id(0), id(1), id(2), id(3)}, []int{2, 2, 2, 2})
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("node %d: got %v, want %v", i, got[i], want[i])
		}
	}
	shuffled := committee.AssignFirst([]committee.NodeID{id(3), id(0), id(9), id(1)}, []int{1, 3, 2, 0})
	for i, want := range [][]shard.Index{{3}, {0, 1, 2}, {4, 5}, nil} {
		if !slices.Equal(shuffled[i], want) {
			t.Errorf("shuffled, node %d: got %v, want %v", i, shuffled[i], want)
		}
	}
	if got := committee.AssignFirst(nil, nil); len(got) != 0 {
		t.Errorf("no nodes: got %v", got)
	}
}

func nodeID(n byte) committee.NodeID { return committee.NodeID{31: n} }

func targets(idsAndCounts ...int) []committee.Target {
	var ts []committee.Target
	for i := 0; i < len(idsAndCounts); i += 2 {
		ts = append(ts, committee.Target{ID: nodeID(byte(idsAndCounts[i])), Count: idsAndCounts[i+1]})
	}
	return ts
}

// firstOf is the assignment of a first epoch.
func firstOf(ts []committee.Target) []committee.Holding {
	var ids []committee.NodeID
	var counts []int
	for _, t := range ts {
		ids, counts = append(ids, t.ID), append(counts, t.Count)
	}
	var hs []committee.Holding
	for i, shards := range committee.AssignFirst(ids, counts) {
		hs = append(hs, committee.Holding{ID: ids[i], Shards: shards})
	}
	return hs
}

func holdings(m map[byte][]shard.Index) []committee.Holding {
	var hs []committee.Holding
	for _, id := range slices.Sorted(maps.Keys(m)) {
		hs = append(hs, committee.Holding{ID: nodeID(id), Shards: m[id]})
	}
	return hs
}

func sameHoldings(a, b []committee.Holding) bool {
	return slices.EqualFunc(a, b, func(a, b committee.Holding) bool { return a.ID == b.ID && slices.Equal(a.Shards, b.Shards) })
}

// ascending is what a Committee makes of the shards.
func ascending(hs []committee.Holding) []committee.Holding {
	sorted := make([]committee.Holding, len(hs))
	for i, h := range hs {
		sorted[i] = committee.Holding{ID: h.ID, Shards: slices.Sorted(slices.Values(h.Shards))}
	}
	return sorted
}

type shards = []shard.Index

// The vectors of [WL] §3.7. Each step starts from what the one before gave, in
// that order. A ledger whose committees sort their shards starts each step from
// ascending ones: first steps hold exactly all the same; in later ones each node
// of these vectors gets the same shards in an order that may differ, see
// TestReassignFromAscending.
func TestReassign(t *testing.T) {
	t.Parallel()
	type step struct {
		to   []committee.Target
		want map[byte]shards
	}
	for _, tt := range []struct {
		name  string
		first []committee.Target
		steps []step
	}{
		{"shrink to two", targets(0, 2, 1, 2, 2, 2, 3, 2), []step{
			{targets(3, 4, 2, 4), map[byte]shards{2: {4, 5, 3, 2}, 3: {6, 7, 1, 0}}},
		}},
		{"default scenario", targets(1, 2, 2, 2, 3, 2, 4, 2, 5, 2), []step{
			{targets(1, 4, 2, 3, 3, 3), map[byte]shards{1: {0, 1, 9, 8}, 2: {2, 3, 7}, 3: {4, 5, 6}}},
			{targets(2, 3, 3, 3, 4, 2, 5, 2), map[byte]shards{2: {2, 3, 7}, 3: {4, 5, 6}, 4: {8, 9}, 5: {1, 0}}},
			{targets(1, 10), map[byte]shards{1: {0, 1, 9, 8, 6, 5, 4, 7, 3, 2}}},
		}},
		{"one gives one", targets(1, 2, 2, 2, 3, 2), []step{
			{targets(1, 1, 2, 3, 3, 2), map[byte]shards{1: {0}, 2: {2, 3, 1}, 3: {4, 5}}},
		}},
		{"new nodes, 5 first", targets(10, 4, 20, 3, 30, 3), []step{
			{targets(10, 2, 20, 4, 30, 2, 5, 1, 40, 1), map[byte]shards{5: {9}, 10: {0, 1}, 20: {4, 5, 6, 3}, 30: {7, 8}, 40: {2}}},
		}},
		{"new nodes, 40 first", targets(10, 4, 20, 3, 30, 3), []step{
			{targets(10, 2, 20, 4, 30, 2, 40, 1, 5, 1), map[byte]shards{5: {2}, 10: {0, 1}, 20: {4, 5, 6, 3}, 30: {7, 8}, 40: {9}}},
		}},
		{"targets of zero", targets(1, 2, 2, 2, 3, 2, 4, 2), []step{
			{targets(1, 0, 2, 3, 3, 3, 4, 2, 5, 0), map[byte]shards{2: {2, 3, 1}, 3: {4, 5, 0}, 4: {6, 7}}},
		}},
		{"nothing changes, in another order", targets(1, 1, 2, 2, 3, 3), []step{
			{targets(3, 3, 2, 2, 1, 1), map[byte]shards{1: {0}, 2: {1, 2}, 3: {3, 4, 5}}},
		}},
		{"everybody leaves", targets(1, 2, 2, 2), []step{
			{targets(9, 3, 8, 1), map[byte]shards{8: {0}, 9: {3, 2, 1}}},
		}},
		{"grow, shrink and join", targets(1, 1, 2, 3, 3, 0), []step{
			{targets(2, 1, 1, 2, 3, 1), map[byte]shards{1: {0, 2}, 2: {1}, 3: {3}}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asGot, sorted := firstOf(tt.first), firstOf(tt.first)
			for i, s := range tt.steps {
				var err error
				if asGot, err = committee.Reassign(asGot, s.to); err != nil {
					t.Fatal(err)
				}
				if want := holdings(s.want); !sameHoldings(asGot, want) {
					t.Errorf("step %d: got %v, want %v", i, asGot, want)
				}
				if sorted, err = committee.Reassign(ascending(sorted), s.to); err != nil {
					t.Fatal(err)
				}
				if want := ascending(asGot); !sameHoldings(ascending(sorted), want) {
					t.Errorf("step %d, from ascending shards: got %v, want %v in some order", i, sorted, want)
				}
			}
		})
	}
}

// From ascending shards, the only vector whose order differs: node 1 gives up
// 0, 1, 8, 9 and not 0, 1, 9, 8.
func TestReassignFromAscending(t *testing.T) {
	t.Parallel()
	start := holdings(map[byte]shards{1: {0, 1, 8, 9}, 2: {2, 3, 7}, 3: {4, 5, 6}})
	got, err := committee.Reassign(start, targets(2, 3, 3, 3, 4, 2, 5, 2))
	want := holdings(map[byte]shards{2: {2, 3, 7}, 3: {4, 5, 6}, 4: {9, 8}, 5: {1, 0}})
	if err != nil || !sameHoldings(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	got, err = committee.Reassign(ascending(got), targets(1, 10))
	want = holdings(map[byte]shards{1: {1, 0, 9, 8, 6, 5, 4, 7, 3, 2}})
	if err != nil || !sameHoldings(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestReassignRefuses(t *testing.T) {
	t.Parallel()
	current := holdings(map[byte]shards{1: {0, 1}, 2: {2, 3}, 3: {4}})
	for _, tt := range []struct {
		name    string
		current []committee.Holding
		targets []committee.Target
	}{
		{"more than there are", holdings(map[byte]shards{1: {0}, 2: {1, 2, 3}, 3: {4, 5}}), targets(1, 3, 2, 3, 3, 2)}, // reject_invalid_shard_assignment
		{"fewer than there are", current, targets(1, 2, 2, 2)},
		{"from nobody", nil, targets(1, 2)},
		{"to nobody", current, nil},
		{"a node twice in the targets", current, targets(1, 2, 2, 2, 1, 1)},
		{"a node twice in the assignment", append(slices.Clone(current), current[0]), targets(1, 2, 2, 2, 3, 3)},
		{"a shard twice", holdings(map[byte]shards{1: {0, 1}, 2: {1, 2}}), targets(1, 4)},
		{"a shard beyond the end", holdings(map[byte]shards{1: {0, 1}, 2: {2, 4}}), targets(1, 4)},
		{"fewer than none", current, targets(1, 6, 2, -1)},
		{"more than any network has", current, targets(1, shard.MaxShards+1)},
		{"so many that their sum wraps", current, targets(1, 1<<62, 2, 1<<62, 3, 1<<62, 4, 1<<62+5)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := committee.Reassign(tt.current, tt.targets); !errors.Is(err, committee.ErrAssignment) {
				t.Errorf("got %v, %v, want ErrAssignment", got, err)
			}
		})
	}
	if got, err := committee.Reassign(nil, targets(1, 0)); err != nil || len(got) != 0 {
		t.Errorf("no shards at all: got %v, %v", got, err)
	}
}

// Through random epochs: every shard has one holder, every node what it should,
// and no shard moves that may stay.
func TestReassignRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 7))
		n := 1 + r.IntN(200)
		draw := func() []committee.Target {
			counts := make([]int, 1+r.IntN(12))
			for range n {
				counts[r.IntN(len(counts))]++
			}
			var ts []committee.Target
			for i, id := range r.Perm(15)[:len(counts)] {
				ts = append(ts, committee.Target{ID: nodeID(byte(id)), Count: counts[i]})
			}
			return ts
		}
		current := firstOf(draw())
		for range 10 {
			to := draw()
			if r.IntN(2) == 0 {
				current = ascending(current)
			}
			shuffled := slices.Clone(current)
			r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			next, err := committee.Reassign(shuffled, to)
			if err != nil {
				t.Fatal(err)
			}
			checkReassigned(t, n, current, next, to)
			current = next
		}
	}
}

func checkReassigned(t *testing.T, n int, current, next []committee.Holding, to []committee.Target) {
	t.Helper()
	want := map[committee.NodeID]int{}
	for _, target := range to {
		want[target.ID] = target.Count
	}
	before := map[shard.Index]committee.NodeID{}
	fewest := 0 // shards that have to move
	for _, h := range current {
		for _, s := range h.Shards {
			before[s] = h.ID
		}
		fewest += max(0, len(h.Shards)-want[h.ID])
	}
	held := map[shard.Index]bool{}
	moved := 0
	for _, h := range next {
		if len(h.Shards) != want[h.ID] || len(h.Shards) == 0 {
			t.Errorf("node %v holds %d shards, want %d", h.ID, len(h.Shards), want[h.ID])
		}
		for _, s := range h.Shards {
			held[s] = true
			if before[s] != h.ID {
				moved++
			}
		}
	}
	if len(held) != n {
		t.Errorf("%d shards are held, want %d", len(held), n)
	}
	if moved != fewest {
		t.Errorf("%d shards moved, want %d", moved, fewest)
	}
	if !slices.IsSortedFunc(next, func(a, b committee.Holding) int { return a.ID.Compare(b.ID) }) {
		t.Error("nodes are not in the order of IDs")
	}
}
