package ledger

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
)

// Votes of 1 to 10 by weights that add up to 50, of which 34 are a quorum; and
// one vote. [WL] §3.4, §5.2
func TestQuorumOfVotes(t *testing.T) {
	t.Parallel()
	votes := func(weights ...committee.Weight) []vote {
		var out []vote
		for i, w := range weights {
			out = append(out, vote{uint64(i + 1), w})
		}
		return out
	}
	for _, tt := range []struct {
		name string
		got  uint64
		want uint64
	}{
		{"test_quorum_above", quorumAbove(votes(5, 5, 4, 6, 3, 7, 2, 8, 1, 9), 50), 4},
		{"test_quorum_above_all_above", quorumAbove(votes(17, 1, 1, 1, 3, 7, 2, 8, 1, 9), 50), 1},
		{"test_quorum_above_one_value", quorumAbove(votes(50), 50), 1},
		{"test_quorum_below", quorumBelow(votes(5, 5, 4, 6, 3, 7, 4, 6, 1, 9), 50), 7},
		{"test_quorum_below_all_below", quorumBelow(votes(5, 5, 4, 6, 3, 7, 1, 1, 1, 17), 50), 10},
		{"test_quorum_below_one_value", quorumBelow(votes(50), 50), 1},
		{"nobody above", quorumAbove(nil, 50), 0},
		{"too few below", quorumBelow(votes(33), 50), 0},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, tt.got, tt.want)
		}
	}
}

// What a quorum accepts is right by definition: a quorum votes at most the
// price, and none votes below it; the reverse for the capacity.
func TestQuorumOfRandomVotes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var votes []vote
		n := 0
		for range 1 + rng.IntN(9) {
			w := 1 + rng.IntN(20)
			votes = append(votes, vote{uint64(rng.IntN(6)), committee.Weight(w)})
			n += w
		}
		weight := func(in func(v uint64) bool) bool {
			var sum committee.Weight
			for _, v := range votes {
				if in(v.value) {
					sum += v.weight
				}
			}
			return committee.Quorum(sum, n)
		}
		price, capacity := quorumBelow(slices.Clone(votes), n), quorumAbove(slices.Clone(votes), n)
		if !weight(func(v uint64) bool { return v <= price }) || price > 0 && weight(func(v uint64) bool { return v < price }) {
			t.Fatalf("price of %v: got %d", votes, price)
		}
		if !weight(func(v uint64) bool { return v >= capacity }) || weight(func(v uint64) bool { return v > capacity }) {
			t.Fatalf("capacity of %v: got %d", votes, capacity)
		}
	}
}

// ten is a world of ten equal members, each of one shard.
func ten(t testing.TB) *world {
	t.Helper()
	genesis, err := testGenesis(10).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, state: newMemory(), time: testStart}
	if _, err := InitChain(w.state, genesis); err != nil {
		t.Fatal(err)
	}
	return w.operated(10)
}

func (w *world) vote(n byte, v Votes) {
	w.t.Helper()
	w.must(operator(n), VotePrices{nodeID(n), v})
}

// [WL] §5.4 immediate_price_change_on_vote: seven of ten raise the storage
// price at once; to fall it takes seven too. The prices outlast the epoch.
func TestImmediatePrices(t *testing.T) {
	t.Parallel()
	w := ten(t).with(func(p *Params) { p.StoragePrice, p.WritePrice = 10_000, 20_000 })
	votes := slices.Repeat([]Votes{{StoragePrice: 10_000, WritePrice: 20_000}}, 10)
	set := func(change func(v *Votes), who ...byte) {
		t.Helper()
		for _, n := range who {
			change(&votes[n])
			w.vote(n, votes[n])
		}
	}
	check := func(step string, storage, write uint64) {
		t.Helper()
		if p := w.params(); p.StoragePrice != storage || p.WritePrice != write {
			t.Errorf("%s: got %d and %d, want %d and %d", step, p.StoragePrice, p.WritePrice, storage, write)
		}
	}
	storage := func(price uint64) func(*Votes) { return func(v *Votes) { v.StoragePrice = price } }
	all := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	set(storage(10_000), all...)
	check("as before", 10_000, 20_000)
	set(storage(50_000), 0, 1, 2)
	check("three of ten", 10_000, 20_000)
	set(storage(50_000), 3)
	check("four of ten", 50_000, 20_000) // [WL] §3.4: from k = 4
	set(storage(50_000), 4, 5, 6)
	check("seven of ten", 50_000, 20_000)
	set(func(v *Votes) { v.WritePrice = 100_000 }, all...)
	check("all", 50_000, 100_000)
	set(storage(1), 0)
	check("one down", 50_000, 100_000)
	set(storage(1), 1, 2, 3, 4)
	check("five at 1, two at 50,000, three at 10,000", 10_000, 100_000)
	w.turn()
	check("in the next epoch", 10_000, 100_000)
	if out := w.block(w.signed(operator(1), VotePrices{nodeID(1), votes[1]})); kinds(out.Txs[0].Events) != "prices_voted" {
		t.Errorf("a vote that changes no price: got %q", kinds(out.Txs[0].Events))
	}
}

// [WL] §5.4 node_voting_parameters: prices of 1000 to 10,000 make 7000; node
// capacities of 1000 to 10,000, each for a tenth, make 40,000, which are sold
// from the next epoch on. There the prices are of the greatest votes in epoch
// 0, as nobody votes; here they are as they were.
func TestNodeVotingParameters(t *testing.T) {
	t.Parallel()
	w := ten(t)
	for n := range byte(10) {
		v := 1000 * uint64(n+1)
		w.vote(n, Votes{StoragePrice: v, WritePrice: v, Capacity: v})
	}
	if p := w.params(); p.StoragePrice != 7000 || p.WritePrice != 7000 || p.Capacity != 100<<20 {
		t.Errorf("got %+v, want prices of 7000 and the capacity as it was", p)
	}
	w.at(testDuration / 2)
	if got := w.system().Capacity; got != 40_000 {
		t.Errorf("voted: got %d, want 40,000", got)
	}
	w.at(testDuration)
	if got := w.params().Capacity; got != 40_000 {
		t.Errorf("capacity: got %d, want 40,000", got)
	}
}

// What is sold is kept: the capacity does not fall below what any epoch holds.
// [WL] §6.1 H7
func TestCapacityCoversWhatIsSold(t *testing.T) {
	t.Parallel()
	w := ten(t).with(func(p *Params) { p.FeePerByte, p.FeePerWork = 0, 0 })
	w.must(0, ReserveStorage{Size: 1 << 20, Epochs: 5})
	w.must(0, ReserveStorage{Size: 5 << 20, Epochs: 1})
	for n := range byte(10) {
		w.vote(n, Votes{Capacity: 1000})
	}
	if out := w.turn(); w.params().Capacity != 1<<20 {
		t.Errorf("got %d, want what is sold of the next epochs, after %q", w.params().Capacity, kinds(out.Events))
	}
	if r := w.block(w.signed(0, ReserveStorage{Size: 1, Epochs: 1})).Txs[0]; Code(r.Code) != CodeNoCapacity {
		t.Errorf("one byte more: got code %d, want %d", r.Code, CodeNoCapacity)
	}
	for n := range byte(10) {
		w.vote(n, Votes{Capacity: math.MaxUint64})
	}
	w.turn()
	if got := w.params().Capacity; got != maxCapacity {
		t.Errorf("all there can be: got %d, want %d", got, int64(maxCapacity))
	}
}

// selected lets nodes with the given stakes, by number, be all there are and
// returns the shards of each in the next committee.
func (w *world) selected(stakes ...uint64) []int {
	w.t.Helper()
	for n, s := range stakes {
		if _, err := ReadNode(w.state, nodeID(byte(n))); err != nil {
			w.must(operator(byte(n)), w.newcomer(byte(n)))
		}
		w.restake(byte(n), s)
	}
	w.at(testDuration / 2)
	out := make([]int, len(stakes))
	for n := range stakes {
		if m := w.committee(w.system().Epoch + 1).Member(nodeID(byte(n))); m != nil {
			out[n] = int(m.Weight())
		}
	}
	return out
}

// [WL] §5.1 staking_inner_compute_tests, by the whole machine on ten shards;
// ties go to the lower ID.
func TestSelect(t *testing.T) {
	t.Parallel()
	const wal = FrostPerWAL
	for _, tt := range []struct {
		name   string
		stakes []uint64
		want   []int
	}{
		{"test_compute_single_node", []uint64{1000 * wal, 0, 0, 0}, []int{10, 0, 0, 0}},
		{"test_compute_uneven_distribution", []uint64{4000 * wal, 2000 * wal, 1000 * wal, 0}, []int{6, 3, 1, 0}},
		{"test_compute_equal_stake_nodes", []uint64{1000 * wal, 1000 * wal, 1000 * wal, 0}, []int{4, 3, 3, 0}},
		{"test_staking_active_set, 100k and 100k joined, 200k, 600k", []uint64{200_000 * wal, 200_000 * wal, 600_000 * wal, 0}, []int{2, 2, 6, 0}},
		{"the least stakes", []uint64{2, 1, 1, 1, 1, 1}, []int{4, 2, 1, 1, 1, 1}},
		{"more nodes than shards", []uint64{3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).operated(4)
			got := w.selected(tt.stakes...)
			// Among equal stakes the order is that of the IDs.
			for i, s := range tt.stakes {
				for j := range i {
					if tt.stakes[j] == s && nodeID(byte(j)).Compare(nodeID(byte(i))) < 0 && got[j] < got[i] {
						t.Errorf("node %d has %d shards, node %d, which comes first, %d", i, got[i], j, got[j])
					}
				}
			}
			slices.SortFunc(got, func(a, b int) int { return cmp.Compare(b, a) })
			slices.SortFunc(tt.want, func(a, b int) int { return cmp.Compare(b, a) })
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// [WL] §5.1 test_staking_rejoin_active_set and §5.2 kick_out_attack: who falls
// out of the greatest by a newcomer is back as soon as the newcomer's stake
// goes: candidates are ordered, not evicted, so nobody has to ask to be let in.
// test_update_active_set_max_size: the size is a parameter.
func TestNobodyIsEvicted(t *testing.T) {
	t.Parallel()
	const wal = FrostPerWAL
	w := newWorld(t).operated(4).with(func(p *Params) { p.CommitteeSize = 3 })
	if got := w.selected(100*wal, 200*wal, 300*wal, 0, 101*wal); got[0] != 0 || got[4] == 0 {
		t.Errorf("the newcomer has more: got %v", got)
	}
	w.at(testDuration)
	w.time += 100
	for range 11 {
		w.block()
	}
	w.restake(4, 0)
	w.at(testDuration / 2)
	if c := w.committee(3); c.Member(nodeID(0)) == nil || c.Member(nodeID(4)) != nil || len(c.Members()) != 3 {
		t.Errorf("the newcomer's stake is gone: got %+v", c.Members())
	}
	w.with(func(p *Params) { p.CommitteeSize = 2 })
	w.at(testDuration)
	for range 11 {
		w.block()
	}
	w.at(testDuration / 2)
	if c := w.committee(4); c.Member(nodeID(0)) != nil || len(c.Members()) != 2 {
		t.Errorf("a committee of two: got %+v", c.Members())
	}
}

// If nobody has stake, the committee stays: an epoch never waits for one.
// [WL] §5.1 test_dhondt_no_stake has ENoStake and stops.
func TestNobodyToSelect(t *testing.T) {
	t.Parallel()
	w := newWorld(t).operated(4)
	before := w.committee(1).Members()
	if got := w.selected(0, 0, 0, 0); slices.Contains(got, 0) {
		t.Errorf("got %v, want all of them", got)
	}
	for e := committee.Epoch(2); e < 5; e++ {
		w.turn()
		if got := w.committee(e); got.Epoch() != e || len(got.Members()) != len(before) {
			t.Errorf("epoch %d: got %+v", e, got.Members())
		}
	}
}

// The votes of nodes count from the epoch on in which they are members, at its
// very beginning. [WL] §2.6: prices follow from the new committee.
func TestPricesOfTheNewCommittee(t *testing.T) {
	t.Parallel()
	w := newWorld(t).operated(4)
	w.join(4, 3000*FrostPerWAL)
	w.join(5, 3000*FrostPerWAL)
	for n := range byte(4) {
		w.restake(n, FrostPerWAL)
	}
	w.vote(4, Votes{StoragePrice: 77, WritePrice: 78})
	w.vote(5, Votes{StoragePrice: 77, WritePrice: 78})
	before := w.params()
	w.at(testDuration / 2)
	if got := w.params(); got.StoragePrice != before.StoragePrice || got.WritePrice != before.WritePrice {
		t.Errorf("before they are members: got %d and %d", got.StoragePrice, got.WritePrice)
	}
	out := w.at(testDuration)
	if got := w.params(); got.StoragePrice != 77 || got.WritePrice != 78 || !strings.Contains(kinds(out.Events), "epoch_changed prices_changed") {
		t.Errorf("got %d and %d, want 77 and 78; %q", got.StoragePrice, got.WritePrice, kinds(out.Events))
	}
}
