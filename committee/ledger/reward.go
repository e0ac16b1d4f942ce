package ledger

import (
	"errors"
	"math/big"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/stake"
)

// shareOut burns a part of the ended epoch's revenue, shares the rest out among
// its members' pools, and lets what is left go over into the next epoch. It returns
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
		if reward == 0 {
			continue
		}
		id := nodes[i].ID
		p := x.stakePool(id)
		before := p.Commission
		switch err := p.Advance(x.stakeBook(id), ended+1, reward); {
		case errors.Is(err, stake.ErrNoStake):
			continue // stays in what goes over
		default:
			sound(err)
		}
		if refusal := x.setStakePool(nodes[i], p); refusal != nil {
			sound(refusal)
		}
		carried -= reward
		x.emit(RewardPaid{Epoch: ended, Node: id, Amount: reward, Commission: p.Commission - before})
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

// unblock lets the members of the last epoch collect what they earned in it:
// they have served through the hand-over after it. [WL] §3.5
func (x *execution) unblock() {
	if x.system.Epoch == firstEpoch {
		return
	}
	for _, m := range x.assignment(x.system.Epoch - 1).Members {
		p, err := ReadStakePool(x.state, m.ID)
		sound(ignoreNotFound(err))
		if err == nil && p.Blocked > 0 {
			p.Unblock()
			x.state.Set(stakePoolKey(keyStakePool, m.ID), encode(stakePool{p}))
		}
	}
}
