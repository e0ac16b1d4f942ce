package ledger

import (
	"math"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// handNodes gives control of the nodes to the accounts, so that they can vote.
func (h *historian) handNodes() {
	for i := range byte(testAccounts - 1) {
		n, err := ReadNode(h.state, nodeID(i))
		n = value(h.world, n, err)
		n.Account = accountAddress(i)
		h.state.Set(nodeKey(n.ID), encode(n))
	}
}

// governance invents a message of votes and funds, and who sends it.
func (h *historian) governance() (byte, []Message) {
	from := h.pick(testAccounts)
	node := nodeID(from)
	if h.pick(20) == 0 {
		node = nodeID(h.pick(testAccounts))
	}
	weight, epoch := committee.Weight(1+h.pick(10)), h.system().Epoch
	switch h.pick(9) {
	case 0, 1:
		changes := [][]ParamChange{
			{{3, uint64(4 + h.pick(4))}},
			{{5, uint64(1 + h.pick(3))}, {10, uint64(h.rng.IntN(1000))}},
			{{14, uint64(h.rng.IntN(20_000))}, {15, uint64(h.rng.IntN(1000))}, {16, uint64(h.rng.IntN(1000))}},
			{{10, 10_001}},
			nil,
		}
		return from, []Message{ProposeParams{node, changes[h.pick(5)]}}
	case 2:
		return from, []Message{VoteUpgrade{Node: node, Version: h.system().Version() + uint64(h.pick(3)), Epoch: epoch + committee.Epoch(h.pick(3))}}
	case 3:
		v := committee.ProtocolVersion{Epoch: epoch, Start: epoch + committee.Epoch(h.pick(3)), Version: h.system().Version() + uint64(h.pick(3))}
		return from, []Message{UpdateProtocol{h.certificateOf(v.Message(), weight)}}
	case 4:
		return from, []Message{AnnounceDenyList{Node: node, Sequence: uint64(h.pick(10))}}
	case 5:
		u := committee.DenyListUpdate{Epoch: epoch, Node: node, Sequence: uint64(h.rng.IntN(100)), Size: h.rng.Uint64()}
		return from, []Message{UpdateDenyList{node, h.certificateOf(u.Message(), weight)}}
	case 6:
		d := committee.DenyListedBlob{Epoch: epoch, Blob: shard.BlobID{h.pick(10)}}
		return from, []Message{DeleteDenied{h.certificateOf(d.Message(), weight)}}
	case 7:
		amounts := []uint64{0, 1, uint64(h.rng.IntN(5000)), math.MaxUint64}
		if h.pick(2) == 0 {
			return from, []Message{AddRewards{amounts[h.pick(4)], uint32(h.pick(7))}}
		}
		return from, []Message{AddRewardsByEpoch{[]uint64{amounts[h.pick(4)], amounts[h.pick(4)]}}}
	}
	return from, []Message{FundSubsidies{uint64(h.rng.IntN(50_000))}, Send{To: Treasury(), Amount: uint64(h.rng.IntN(50))}}
}
