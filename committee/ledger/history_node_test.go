package ledger

import (
	"crypto/sha256"
	"slices"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// nodesOfHistory is how many nodes a history may come to have.
const nodesOfHistory = 9

// controls is the account that controls a node, or now and then another.
func (h *historian) controls(id committee.NodeID) byte {
	n, err := ReadNode(h.state, id)
	for i := range byte(testAccounts) {
		if err == nil && accountAddress(i) == n.Account && h.pick(12) > 0 {
			return i
		}
	}
	return h.pick(testAccounts)
}

// operating invents a message of the operator of a node, and who sends it. The
// founders stay; the nodes after them come and go.
func (h *historian) operating() (byte, []Message) {
	const founders = 4
	n := h.pick(nodesOfHistory)
	id := nodeID(n)
	from := h.controls(id)
	epoch := h.system().Epoch
	newcomer := founders + n%(nodesOfHistory-founders)
	switch h.pick(10) {
	case 0:
		return operator(newcomer), []Message{h.newcomer(newcomer)}
	case 1:
		return h.pick(testAccounts), []Message{Stake{nodeID(newcomer), h.rng.Uint64N(2000 * FrostPerWAL)}}
	case 2:
		if h.pick(4) > 0 {
			return from, []Message{UpdateNode{id, Profile{Name: "renamed"}, []string{"/dns/a"}}}
		}
		return h.controls(nodeID(newcomer)), []Message{ExitNode{nodeID(newcomer)}}
	case 3:
		v := Votes{StoragePrice: h.rng.Uint64N(100_000), WritePrice: h.rng.Uint64N(100_000), Capacity: h.rng.Uint64N(200 << 20)}
		return from, []Message{VotePrices{id, v}}
	case 4:
		if _, err := ReadNode(h.state, id); err == nil {
			return from, []Message{h.rotate(n, 20+h.pick(60))}
		}
		return from, []Message{RotateKey{Node: id}}
	case 5:
		return h.controls(nodeID(newcomer)), []Message{TransferNode{nodeID(newcomer), accountAddress(h.pick(testAccounts))}}
	}
	// Most report, some complain, and some complain of what they may not.
	running := h.committee(epoch).Members()
	m := running[h.rng.IntN(len(running))]
	if open := openMoves(h.state); len(open) > 0 && h.pick(5) > 0 {
		m.ID = open[h.rng.IntN(len(open))].To
	}
	d, err := ReadDuty(h.state, m.ID)
	take := value(h.world, d, err).Take
	lost := slices.DeleteFunc(take, func(shard.Index) bool { return h.pick(8) > 0 })
	if h.pick(20) == 0 {
		lost = append(lost, shard.Index(h.pick(12)))
	}
	return h.controls(m.ID), []Message{ReportSync{Node: m.ID, Epoch: epoch - committee.Epoch(h.pick(20)/19), Lost: lost}}
}

// misbehavior invents what a block proves: mostly nothing.
func (h *historian) misbehavior() []Misbehavior {
	if h.pick(30) > 0 {
		return nil
	}
	a, err := readAssignment(h.state, h.system().Epoch)
	members := value(h.world, a, err).Members
	hash := sha256.Sum256(members[h.rng.IntN(len(members))].ConsensusKey[:])
	v := Misbehavior{Validator: [20]byte(hash[:]), Height: h.height - uint64(h.pick(3)), Power: 1}
	return []Misbehavior{v, v, {Validator: [20]byte{h.pick(256)}, Height: 1}}
}
