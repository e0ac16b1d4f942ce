package ledger

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
)

// candidateKey is where a node stands among those that the next committee is
// chosen from: most stake first, then by ID. It is nil for a node that is not
// one of them.
func candidateKey(n *Node) []byte {
	if n.Stake == 0 || n.Exiting {
		return nil
	}
	return append(binary.BigEndian.AppendUint64([]byte{keyCandidate}, ^n.Stake), n.ID[:]...)
}

// AscendCandidates visits the nodes that the next committee is chosen from, most
// stake first, until visit returns false. stake is in FROST.
func AscendCandidates(r Reader, visit func(id committee.NodeID, stake uint64) bool) {
	r.Ascend([]byte{keyCandidate}, []byte{keyCandidate + 1}, func(key, _ []byte) bool {
		const size = 1 + 8 + 32
		return len(key) == size && visit(committee.NodeID(key[9:]), ^binary.BigEndian.Uint64(key[1:]))
	})
}

// selectCommittee chooses who holds the shards in the next epoch: those with
// the most stake, with the keys and votes that they have now. If nobody can be
// chosen, the present committee stays. [WL] §2.6, §3.6
func (x *execution) selectCommittee() {
	x.unblock()
	next := x.system.Epoch + 1
	before := x.assignment(x.system.Epoch)
	after, ok := x.choose(before)
	if !ok {
		after = before
	}
	moved := moves(before, after)
	if after.Since = before.Since; bytes.Equal(encode(after), encode(before)) {
		keepAssignment(x.state, next, before)
	} else {
		setAssignment(x.state, next, after)
	}
	sys := x.system
	sys.Phase, sys.Capacity = PhaseSelected, x.votedCapacity(after)
	x.setSystem(sys)
	x.emit(CommitteeSelected{
		Epoch: next, Members: uint32(len(after.Members)), Moved: uint16(len(moved)), Capacity: sys.Capacity,
	})
}

// choose apportions the shards among the candidates and moves as few as that
// takes; false if nobody has stake.
func (x *execution) choose(before assignment) (assignment, bool) {
	var stakes []committee.Weighted
	AscendCandidates(x.state, func(id committee.NodeID, stake uint64) bool {
		stakes = append(stakes, committee.Weighted{ID: id, Stake: stake})
		return len(stakes) < int(x.params.CommitteeSize)
	})
	counts, ok := committee.Apportion(stakes, int(x.params.Shards))
	if !ok {
		return assignment{}, false
	}
	holders := make([]committee.Holding, len(before.Members))
	for i, m := range before.Members {
		holders[i] = committee.Holding{ID: m.ID, Shards: m.Shards}
	}
	targets := make([]committee.Target, len(stakes))
	for i, w := range stakes {
		targets[i] = committee.Target{ID: w.ID, Count: counts[i]}
	}
	holders, err := committee.Reassign(holders, targets)
	sound(err)
	var after assignment
	for _, h := range holders {
		n, err := ReadNode(x.state, h.ID)
		sound(err)
		m := n.assigned(h.ID, h.Shards)
		if n.NextKey != (bls.PublicKey{}) {
			m.BLSKey = n.NextKey
		}
		after.Members = append(after.Members, m)
	}
	return after, true
}

// find returns the position of a node among the members, -1 if it is none.
func (a *assignment) find(id committee.NodeID) int {
	return slices.IndexFunc(a.Members, func(m assigned) bool { return m.ID == id })
}

// votedCapacity returns what the members of the next committee want the network
// to sell: the greatest number of bytes that a quorum of them can keep its part
// of. A vote of 0 means as it is. [WL] §3.4
func (x *execution) votedCapacity(a assignment) uint64 {
	var votes []vote
	for _, m := range a.Members {
		v := vote{x.params.Capacity, committee.Weight(len(m.Shards))}
		n, err := ReadNode(x.state, m.ID)
		sound(ignoreNotFound(err))
		if c := n.Votes.Capacity; err == nil && c != 0 {
			high, low := bits.Mul64(c, uint64(x.params.Shards))
			v.value = maxCapacity
			if weight := uint64(len(m.Shards)); high < weight {
				q, _ := bits.Div64(high, low, weight)
				v.value = min(q, maxCapacity)
			}
		}
		votes = append(votes, v)
	}
	return quorumAbove(votes, int(x.params.Shards))
}

// vote is a value with the weight of those who want it.
type vote struct {
	value  uint64
	weight committee.Weight
}

// quorumBelow returns the least value that a quorum of n does not vote above;
// 0 if the votes are no quorum. [WL] §3.4
func quorumBelow(votes []vote, n int) uint64 {
	slices.SortFunc(votes, func(a, b vote) int { return cmp.Compare(a.value, b.value) })
	return firstQuorum(votes, n)
}

// quorumAbove returns the greatest value that a quorum of n does not vote
// below; 0 if the votes are no quorum. [WL] §3.4
func quorumAbove(votes []vote, n int) uint64 {
	slices.SortFunc(votes, func(a, b vote) int { return cmp.Compare(b.value, a.value) })
	return firstQuorum(votes, n)
}

func firstQuorum(votes []vote, n int) uint64 {
	var sum committee.Weight
	for _, v := range votes {
		if sum += v.weight; committee.Quorum(sum, n) {
			return v.value
		}
	}
	return 0
}
