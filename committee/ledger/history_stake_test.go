package ledger

import (
	"math"
	"slices"

	"github.com/floe-storage/floe/committee"
)

// handStakes gives the founders' stakes to the accounts, so that they move.
func (h *historian) handStakes() {
	for _, s := range h.allStakes() {
		given := s
		given.Owner = accountAddress(h.pick(testAccounts - 1))
		put(h.state, s, given)
	}
}

// allStakes lists the stake objects by ID.
func (h *historian) allStakes() []StakeObject {
	var out []StakeObject
	h.state.Ascend([]byte{keyStake}, []byte{keyStake + 1}, func(key, _ []byte) bool {
		s, err := ReadStake(h.state, committee.ObjectID(key[1:]))
		out = append(out, value(h.world, s, err))
		return true
	})
	return out
}

// ownerOf is the account that has a stake, or now and then another.
func (h *historian) ownerOf(s StakeObject) byte {
	for i := range byte(testAccounts) {
		if accountAddress(i) == s.Owner && h.pick(12) > 0 {
			return i
		}
	}
	return h.pick(testAccounts)
}

// staking invents a message about stake, and who sends it.
func (h *historian) staking() (byte, []Message) {
	node := nodeID(h.pick(testAccounts)) // one more than there are
	all := h.allStakes()
	if len(all) == 0 || len(all) < 40 && h.pick(4) == 0 {
		amounts := []uint64{0, 999, 1000, 1001, h.rng.Uint64N(50_000), h.rng.Uint64N(500 * FrostPerWAL), rich / 2, math.MaxUint64}
		return h.pick(testAccounts), []Message{Stake{node, amounts[h.pick(len(amounts))]}}
	}
	s := all[h.rng.IntN(len(all))]
	from, it := h.ownerOf(s), Object(s.ID)
	switch h.pick(9) {
	case 0, 1:
		return from, []Message{RequestWithdraw{it}}
	case 2, 3:
		return from, []Message{Withdraw{it}}
	case 4:
		amounts := []uint64{0, 1000, s.Position.Principal / 2, h.rng.Uint64N(s.Position.Principal + 1), s.Position.Principal}
		return from, []Message{SplitStake{it, amounts[h.pick(len(amounts))]}}
	case 5:
		alike := slices.DeleteFunc(slices.Clone(all), func(o StakeObject) bool {
			return o.ID != s.ID && (o.Node != s.Node || o.Owner != s.Owner || o.Position.Activation != s.Position.Activation)
		})
		return from, []Message{JoinStake{it, Object(alike[h.rng.IntN(len(alike))].ID)}}
	case 6:
		return from, []Message{TransferObject{it, accountAddress(h.pick(testAccounts))}}
	case 7:
		rates := []uint16{0, uint16(h.rng.IntN(5000)), wholeRate, wholeRate + 1}
		from = h.pick(testAccounts - 1)
		return from, []Message{CollectCommission{nodeID(from)}, SetCommission{nodeID(from), rates[h.pick(4)]}}
	}
	return from, []Message{Redelegate{it, node}}
}

// drain takes back all stake that there is: everybody is paid, and no pool
// keeps anything. [WL] §5.3
func (h *historian) drain() {
	h.with(func(p *Params) { p.FeePerByte, p.FeePerWork = 0, 0 })
	account := func(s StakeObject) byte {
		for i := range byte(testAccounts) {
			if accountAddress(i) == s.Owner {
				return i
			}
		}
		h.t.Fatalf("stake %+v belongs to none of the accounts", s)
		return 0
	}
	for range 8 { // epochs: what is pending enters, what serves leaves, and what moves is asked back again
		for range 2 * h.params().HandoverBlocks {
			h.block()
		}
		for _, s := range h.allStakes() {
			from := account(s)
			r := h.block(h.signed(from, Withdraw{Object(s.ID)})).Txs[0]
			switch Code(r.Code) {
			case CodeOK, CodeStakeHeld, CodeStakeEarly:
			case CodeStakeServes:
				h.must(from, RequestWithdraw{Object(s.ID)})
			default:
				h.t.Fatalf("stake %+v: %s", s, r.Info)
			}
		}
		h.turn()
	}
	if left := h.allStakes(); len(left) != 0 {
		h.t.Fatalf("stakes that cannot be withdrawn: %+v", left)
	}
	h.state.Ascend([]byte{keyStakePool}, []byte{keyStakePool + 1}, func(key, _ []byte) bool {
		p, err := ReadStakePool(h.state, committee.NodeID(key[1:]))
		if err != nil || p.Money() != p.Commission || p.Positions != 0 || p.Exited != 0 {
			h.t.Fatalf("node %x: got %+v, %v, want a pool without stake", key[1:], p, err)
		}
		return true
	})
	for i := range byte(testAccounts - 1) {
		h.must(i, CollectCommission{nodeID(i)})
		if p, err := ReadStakePool(h.state, nodeID(i)); err != nil || !p.Empty() || h.node(i).Stake != 0 {
			h.t.Fatalf("node %d: got %+v, %v, want an empty pool", i, p, err)
		}
	}
}
