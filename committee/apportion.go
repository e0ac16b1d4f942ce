package committee

import (
	"container/heap"
	"math/bits"
)

// Weighted is somebody with a stake in a distribution of shards.
type Weighted struct {
	ID    NodeID
	Stake uint64 // FROST
}

// Apportion divides n shards among nodes by stake: the method of D'Hondt, with
// no node above its cap (a tenth of the shards and at least one, or twice an equal
// share where there are fewer than twenty nodes). The result is parallel to nodes; a node
// may get none. The order of nodes breaks ties: earlier ones win. A node
// without stake gets only what the others' caps leave over: keep it out of nodes
// if it must not hold shards. It returns false if there is no stake, if all of it
// is beyond 64 bits, or if n is negative. [WL] §3.6, §6.1 H12
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
	q := make(queue, 0, len(nodes))
	for i, w := range nodes {
		out[i] = int(min(w.Stake/divisor, uint64(limit)))
		left -= out[i]
		if out[i] < limit {
			q = append(q, claimant{at: i, quotient: divide(w.Stake, uint64(out[i]+1))})
		}
	}
	heap.Init(&q)
	for ; left > 0; left-- {
		first := &q[0] // there is one: the caps together are at least n
		out[first.at]++
		if out[first.at] == limit {
			heap.Pop(&q)
			continue
		}
		first.quotient = divide(nodes[first.at].Stake, uint64(out[first.at]+1))
		heap.Fix(&q, 0)
	}
	return out, true
}

// claimant is a node below its cap, with what its next shard would be worth.
type claimant struct {
	at       int // position among the nodes
	quotient quotient
}

// queue is a heap of claimants, for container/heap: the first is who gets the next
// shard.
type queue []claimant

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q queue) Less(i, j int) bool {
	if q[i].quotient == q[j].quotient {
		return q[i].at < q[j].at
	}
	return q[j].quotient.less(q[i].quotient)
}

// Push implements [heap.Interface].
func (q *queue) Push(x any) { *q = append(*q, x.(claimant)) }

// Pop implements [heap.Interface].
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// shardLimit is the most shards that one of count nodes may hold of n.
func shardLimit(count, n int) int {
	const manyNodes, denominator = 20, 10
	if count >= manyNodes {
		return max(1, n/denominator) // 0 would leave shards without a holder. [WL] §6.1 H12
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
