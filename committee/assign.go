package committee

import (
	"math/bits"
	"slices"

	"github.com/floe-storage/floe/shard"
)

// Weighted is somebody with a stake in a distribution of shards.
type Weighted struct {
	ID    NodeID
	Stake uint64 // FROST
}

// Apportion divides n shards among nodes by stake: the method of D'Hondt, with
// no node above its cap (a tenth of the shards, or twice an equal share where
// there are fewer than twenty nodes). The result is parallel to nodes; a node
// may get none. The order of nodes breaks ties: earlier ones win. A node
// without stake gets only what the others' caps leave over: keep it out of nodes
// if it must not hold shards. It returns false if there is no stake, if all of it
// is beyond 64 bits, or if the caps leave shards without a holder. [WL] §3.6
func Apportion(nodes []Weighted, n int) ([]int, bool) {
	var total, carry uint64
	for _, w := range nodes {
		if total, carry = bits.Add64(total, w.Stake, 0); carry != 0 {
			return nil, false
		}
	}
	if total == 0 || n < 0 {
		return nil, false
	}
	out := make([]int, len(nodes))
	if n == 0 {
		return out, true
	}
	limit := shardLimit(len(nodes), n)
	divisor := total/uint64(n+1) + 1 // n > 0: no overflow
	left := n
	for i, w := range nodes {
		out[i] = int(min(w.Stake/divisor, uint64(limit)))
		left -= out[i]
	}
	for ; left > 0; left-- {
		best := -1
		var bestQuotient quotient
		for i, w := range nodes {
			if out[i] >= limit {
				continue
			}
			if q := divide(w.Stake, uint64(out[i]+1)); best < 0 || bestQuotient.less(q) {
				best, bestQuotient = i, q
			}
		}
		if best < 0 {
			return nil, false
		}
		out[best]++
	}
	return out, true
}

// shardLimit is the most shards that one of count nodes may hold of n.
func shardLimit(count, n int) int {
	const manyNodes, denominator = 20, 10
	if count >= manyNodes {
		return n / denominator
	}
	return (manyNodes*n + denominator*count - 1) / (denominator * count)
}

// quotient is floor(2^64*a/b) in 128 bits: the fixed-point number by which
// D'Hondt's method compares. [WL] §3.6
type quotient struct{ whole, fraction uint64 }

func divide(a, b uint64) quotient {
	fraction, _ := bits.Div64(a%b, 0, b)
	return quotient{a / b, fraction}
}

func (q quotient) less(r quotient) bool {
	return q.whole < r.whole || q.whole == r.whole && q.fraction < r.fraction
}

// AssignFirst hands out shards 0, 1, … in the order of the nodes' IDs: the
// assignment of a network's first epoch. counts is parallel to nodes, and so
// is the result. [WL] §3.6
func AssignFirst(nodes []NodeID, counts []int) [][]shard.Index {
	order := make([]int, len(nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return nodes[a].Compare(nodes[b]) })
	out := make([][]shard.Index, len(nodes))
	next := shard.Index(0)
	for _, i := range order {
		for range counts[i] {
			out[i] = append(out[i], next)
			next++
		}
	}
	return out
}
