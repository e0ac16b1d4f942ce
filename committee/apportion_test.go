package committee

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

func weighted(stakes ...uint64) []Weighted {
	ws := make([]Weighted, len(stakes))
	for i, s := range stakes {
		ws[i] = Weighted{ID: NodeID{byte(i >> 8), byte(i)}, Stake: s}
	}
	return ws
}

func repeat(stake uint64, n int) []uint64 { return slices.Repeat([]uint64{stake}, n) }

// The numbers of Walrus's own tests. [WL] §3.6, §5.1, §5.2
func TestApportion(t *testing.T) {
	t.Parallel()
	thousand := slices.Concat(repeat(125, 50), repeat(60, 40), repeat(45, 10), repeat(1, 900))
	wantThousand := slices.Concat(slices.Repeat([]int{14}, 50), slices.Repeat([]int{7}, 10), slices.Repeat([]int{6}, 30),
		slices.Repeat([]int{5}, 10), make([]int, 900))
	hundred := slices.Concat(repeat(1250, 5), repeat(733, 4), []uint64{728}, repeat(1, 90))
	for _, basisPoints := range [][]uint64{thousand, hundred} {
		for i := range basisPoints {
			basisPoints[i] *= 1e15 // of 10^19 in all
		}
	}
	twenty := make([]uint64, 20)
	for i := range twenty {
		twenty[i] = uint64(1000+i) * 1e9
	}
	for _, tt := range []struct {
		name   string
		stakes []uint64
		n      int
		want   []int
	}{
		{"one node", []uint64{1000}, 10, []int{10}}, // [WL] §5.2, five
		{"even", repeat(1000, 3), 6, []int{2, 2, 2}},
		{"uneven, 10", []uint64{4000, 2000, 1000}, 10, []int{6, 3, 1}},
		{"three nodes, 10", repeat(5, 3), 10, []int{4, 3, 3}},
		{"twenty nodes", twenty, 100, slices.Repeat([]int{5}, 20)},
		{"active set", []uint64{200_000e9, 200_000e9, 600_000e9}, 300, []int{60, 60, 180}},
		{"epoch sync", []uint64{300_000e9, 700_000e9}, 300, []int{90, 210}},
		{"basic, equal, 4", repeat(25000, 4), 4, []int{1, 1, 1, 1}},
		{"basic, equal, 778", repeat(25000, 4), 778, []int{195, 195, 194, 194}},
		{"basic, equal, 1000", repeat(25000, 4), 1000, []int{250, 250, 250, 250}},
		{"basic, unequal, 4", []uint64{50000, 30000, 15000, 5000}, 4, []int{2, 2, 0, 0}},
		{"basic, unequal, 777", []uint64{50000, 30000, 15000, 5000}, 777, []int{389, 234, 116, 38}},
		{"basic, unequal, 1000", []uint64{50000, 30000, 15000, 5000}, 1000, []int{500, 300, 150, 50}},
		{"basic, six, 4", []uint64{50000, 50000, 30000, 15000, 15000, 5000}, 4, []int{2, 1, 1, 0, 0, 0}},
		{"basic, six, 777", []uint64{50000, 50000, 30000, 15000, 15000, 5000}, 777, []int{236, 236, 142, 70, 70, 23}},
		{"basic, six, 1000", []uint64{50000, 50000, 30000, 15000, 15000, 5000}, 1000, []int{303, 303, 182, 91, 91, 30}},
		{"ties, 7", repeat(25000, 4), 7, []int{2, 2, 2, 1}},
		{"ties, 6", repeat(25000, 4), 6, []int{2, 2, 1, 1}},
		{"ties, one smaller", []uint64{200, 200, 200, 100}, 7, []int{2, 2, 2, 1}},
		{"ties, two sizes", []uint64{200, 200, 200, 100, 100, 100}, 9, []int{2, 2, 2, 1, 1, 1}},
		{"ties, steps", []uint64{780_000, 650_000, 520_000, 390_000, 260_000}, 18, []int{6, 5, 4, 2, 1}},
		{"edge, no shards", []uint64{100, 90, 80}, 0, []int{0, 0, 0}},
		{"edge, no shards, all stake", []uint64{math.MaxUint64}, 0, []int{0}},
		{"edge, one stake", []uint64{1, 0, 0}, 5, []int{4, 1, 0}},
		{"edge, one less", []uint64{1_000_000, 999_999}, 3, []int{2, 1}},
		{"edge, large", []uint64{1e12, 9e11, 1e11}, 500, []int{250, 225, 25}},
		{"cap of 4 nodes", []uint64{600, 100, 200, 100}, 1000, []int{500, 125, 250, 125}},
		{"cap of 21 nodes", append([]uint64{200}, repeat(20, 20)...), 1000, append([]int{100}, slices.Repeat([]int{45}, 20)...)},
		{"hundred nodes", hundred, 1000, append(slices.Repeat([]int{100}, 10), make([]int, 90)...)},
		{"thousand nodes", thousand, 1000, wantThousand},
		// [WL] §3.6 has a cap of none here and fails; the least cap is one.
		{"fewer shards than ten", repeat(10, 20), 9, append(slices.Repeat([]int{1}, 9), make([]int, 11)...)},
		{"one shard", repeat(10, 21), 1, append([]int{1}, make([]int, 20)...)},
		{"the whole range", []uint64{math.MaxUint64 - 1, 1}, 1000, []int{1000, 0}},
		{"the whole range, halves", []uint64{1 << 63, 1<<63 - 1}, 7, []int{4, 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := Apportion(weighted(tt.stakes...), tt.n)
			if !ok || !slices.Equal(got, tt.want) {
				t.Errorf("got %v, %t, want %v", got, ok, tt.want)
			}
		})
	}
}

func TestApportionRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		stakes []uint64
		n      int
	}{
		{"no nodes", nil, 10},
		{"no stake", []uint64{0, 0, 0}, 10},
		{"fewer than no shards", []uint64{1, 2}, -1},
		{"stakes beyond 64 bits", []uint64{math.MaxUint64, 1}, 10},
		{"stakes far beyond 64 bits", repeat(math.MaxUint64, 9), 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, ok := Apportion(weighted(tt.stakes...), tt.n); ok {
				t.Errorf("got %v, want a refusal", got)
			}
		})
	}
}

// The caps of [WL] §3.6, and where they round.
func TestShardLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ nodes, want int }{
		{1, 2000}, {2, 1000}, {3, 667}, {4, 500}, {5, 400}, {7, 286}, {10, 200}, {15, 134}, {19, 106}, {20, 100}, {21, 100}, {500, 100},
	} {
		if got := shardLimit(tt.nodes, 1000); got != tt.want {
			t.Errorf("%d nodes: got %d, want %d", tt.nodes, got, tt.want)
		}
	}
	for _, tt := range []struct{ nodes, n, want int }{{20, 9, 1}, {20, 10, 1}, {19, 9, 1}, {20, 19, 1}, {1, 49155, 98310}, {1000, 49155, 4915}} {
		if got := shardLimit(tt.nodes, tt.n); got != tt.want {
			t.Errorf("%d nodes, %d shards: got %d, want %d", tt.nodes, tt.n, got, tt.want)
		}
	}
}

// apportionTwin hands out one shard after the other to the node with the
// greatest ⌊stake·2^64/(shards+1)⌋ below the cap: D'Hondt's method without the
// head start.
func apportionTwin(stakes []uint64, n int) ([]int, bool) {
	limit := max(1, n/10)
	if count := len(stakes); count > 0 && count < 20 {
		limit = int(math.Ceil(float64(20*n) / float64(10*count)))
	}
	total := new(big.Int)
	for _, s := range stakes {
		total.Add(total, new(big.Int).SetUint64(s))
	}
	if total.Sign() == 0 || !total.IsUint64() {
		return nil, false
	}
	out := make([]int, len(stakes))
	for range n {
		best, most := -1, new(big.Int)
		for i, s := range stakes {
			q := new(big.Int).Lsh(new(big.Int).SetUint64(s), 64)
			q.Quo(q, big.NewInt(int64(out[i]+1)))
			if out[i] < limit && (best < 0 || q.Cmp(most) > 0) {
				best, most = i, q
			}
		}
		if best < 0 {
			return nil, false
		}
		out[best]++
	}
	return out, true
}

// As many shards are handed out as there are, and, where a twin can keep up, to
// the same nodes. [WL] §5.1: test_larger_dhondt_inputs_…_random_stake
func TestApportionRandom(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		nodes, n int
		twin     bool
	}{{100, 1000, true}, {19, 2000, true}, {60, 3000, true}, {1000, 1000, false}, {1000, 49155, false}} {
		t.Run(fmt.Sprintf("%d nodes, %d shards", tt.nodes, tt.n), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(tt.nodes), uint64(tt.n)))
			stakes := make([]uint64, tt.nodes)
			for i := range stakes {
				stakes[i] = uint64(math.Exp(r.NormFloat64()*3+25)) % (math.MaxUint64 / 1000)
				if r.IntN(10) == 0 {
					stakes[i] = 0
				}
			}
			got, ok := Apportion(weighted(stakes...), tt.n)
			if !ok {
				t.Fatal("refused")
			}
			sum, limit := 0, shardLimit(tt.nodes, tt.n)
			for i, c := range got {
				sum += c
				if c > limit {
					t.Errorf("node %d: %d shards, above the cap of %d", i, c, limit)
				}
			}
			if sum != tt.n {
				t.Errorf("got %d shards in all, want %d", sum, tt.n)
			}
			if !tt.twin {
				return
			}
			if want, ok := apportionTwin(stakes, tt.n); !ok || !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func FuzzApportion(f *testing.F) {
	seed := func(n uint16, stakes ...uint64) {
		var b []byte
		for _, s := range stakes {
			b = binary.LittleEndian.AppendUint64(b, s)
		}
		f.Add(n, b)
	}
	seed(10, 1, 2, 3, 4)
	seed(100, repeat(1000, 25)...)
	seed(7, 0, 0, 5)
	seed(200, math.MaxUint64/2, math.MaxUint64/3, 1, 0)
	seed(9, repeat(10, 20)...)
	seed(50, math.MaxUint64, math.MaxUint64)
	seed(0, math.MaxUint64)
	f.Fuzz(func(t *testing.T, n uint16, b []byte) {
		n %= 300
		var stakes []uint64
		for len(b) >= 8 && len(stakes) < 40 {
			stakes = append(stakes, binary.LittleEndian.Uint64(b))
			b = b[8:]
		}
		got, ok := Apportion(weighted(stakes...), int(n))
		want, wantOK := apportionTwin(stakes, int(n))
		if ok != wantOK || !slices.Equal(got, want) {
			t.Fatalf("%d shards, stakes %v: got %v, %t, want %v, %t", n, stakes, got, ok, want, wantOK)
		}
		sum := 0
		for _, c := range got {
			sum += c
		}
		if ok && sum != int(n) {
			t.Errorf("%d shards, stakes %v: %d handed out", n, stakes, sum)
		}
	})
}

func BenchmarkApportion(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	equal, whales := make([]uint64, 1000), make([]uint64, 1000)
	for i := range equal {
		equal[i] = 1e15 + r.Uint64N(1e15)
		whales[i] = 1 + r.Uint64N(1000)
	}
	for i := range 5 {
		whales[i] = 1e18 // above their caps: most shards are handed out one by one
	}
	for name, stakes := range map[string][]uint64{"alike": equal, "five whales": whales} {
		nodes := weighted(stakes...)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, ok := Apportion(nodes, 49155); !ok {
					b.Fatal("refused")
				}
			}
		})
	}
}
