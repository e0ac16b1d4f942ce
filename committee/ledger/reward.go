package ledger

import (
	"math/big"

	"github.com/floe-storage/floe/committee"
)

// shareOut burns a part of the ended epoch's revenue, shares the rest out among
// its members, and lets what is left go over into the next epoch. It returns
// the FROST burned and those that went over. [WL] §3.5
func (x *execution) shareOut(members assignment) (burned, carried uint64) {
	ended := x.system.Epoch
	ring, err := readRing(x.state, ended)
	sound(err)
	x.state.Delete(ringKey(ended))
	burned = share(ring.Rewards, uint64(x.params.BurnRate), wholeRate)
	carried = ring.Rewards - burned

	parts := make([]part, len(members.Members))
	nodes := make([]Node, len(members.Members))
	for i, m := range members.Members {
		nodes[i], err = ReadNode(x.state, m.ID)
		sound(err) // a member's record stays while it is one
		denied, err := ReadDenyList(x.state, m.ID)
		sound(err)
		parts[i] = part{weight: committee.Weight(len(m.Shards)), denied: denied.Size, score: nodes[i].Score}
	}
	for i, reward := range split(carried, ring.Used, parts) {
		if reward == 0 || x.credit(nodes[i].Account, reward) != nil {
			continue // stays in what goes over
		}
		carried -= reward
		x.emit(RewardPaid{Epoch: ended, Node: nodes[i].ID, To: nodes[i].Account, Amount: reward})
	}
	next, err := readRing(x.state, ended+1)
	sound(err)
	next.give(carried)
	if next != (ringEntry{}) {
		x.setRing(ended+1, next)
	}
	return burned, carried
}

// part is what a member has done in an epoch.
type part struct {
	weight committee.Weight
	denied uint64 // bytes of those sold that it did not keep
	score  uint16 // basis points of its part that it has earned
}

// split returns each member's part of the revenue of an epoch of which used
// bytes were sold: in proportion to the bytes that it kept, times its score,
// rounded down. What a member has not earned goes to nobody, so that none gains
// by another's bad score; nor does the revenue of an epoch without use.
// [WL] §3.5
func split(revenue, used uint64, parts []part) []uint64 {
	kept := make([]*big.Int, len(parts)) // the product with the revenue has up to 142 bits. [WL] §6.1 H15
	total := new(big.Int)
	for i, p := range parts {
		kept[i] = new(big.Int).SetUint64(used - min(p.denied, used))
		kept[i].Mul(kept[i], big.NewInt(int64(p.weight)))
		total.Add(total, kept[i])
	}
	out := make([]uint64, len(parts))
	if total.Sign() == 0 {
		return out
	}
	for i, p := range parts {
		reward := new(big.Int).SetUint64(revenue)
		reward.Mul(reward, kept[i]).Div(reward, total)
		out[i] = share(reward.Uint64(), uint64(min(p.score, wholeRate)), wholeRate)
	}
	return out
}
