package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/floe-storage/floe/committee"
)

// treasuryTag hashes to the treasury's address.
const treasuryTag = "floe/treasury/1"

// Treasury returns the address of the account that takes what is left over and
// belongs to nobody. It has no key; what it has joins the revenue of the next
// epoch.
func Treasury() Address { return sha256.Sum256([]byte(treasuryTag)) }

// fund is what subsidies are paid from.
type fund struct{ Balance uint64 }

func (f *fund) fields(c *codec) { c.u64(&f.Balance) }

func (f *fund) money() uint64 { return f.Balance }

// ReadSubsidyFund returns the FROST in the subsidy fund.
func ReadSubsidyFund(r Reader) (uint64, error) {
	if r.Get([]byte{keySubsidies}) == nil {
		return 0, nil
	}
	f, err := read[fund](r, []byte{keySubsidies}, "subsidy fund")
	return f.Balance, err
}

func setSubsidyFund(s Store, balance uint64) {
	if balance == 0 {
		s.Delete([]byte{keySubsidies})
		return
	}
	s.Set([]byte{keySubsidies}, encode(fund{balance}))
}

// give adds FROST that are no revenue, for which no subsidy is due. All FROST
// together are below 2^63.
func (r *ringEntry) give(amount uint64) {
	r.Rewards += amount
	r.Subsidized += amount
}

// dues are what the subsidy fund owes at the end of an epoch, and what of it
// it can pay.
type dues struct {
	fixed, usage         uint64 // FROST due to members, and on revenue
	fixedPaid, usagePaid uint64 // at most these
	revenue              uint64 // FROST gained since the last time
}

// duesOf works out what is due. Where the fund is short, members and revenue
// get less in the same proportion.
func (p Params) duesOf(balance, revenue uint64, members []assigned) dues {
	d := dues{revenue: revenue}
	for _, m := range members { // less than 2^58 for 1000 members of 65,535 shards, by maxPrice
		d.fixed += p.memberSubsidy(m)
	}
	d.usage = math.MaxInt64 // more than there can be
	if high, low := bits.Mul64(revenue, uint64(p.SubsidyRate)); high < wholeRate {
		q, _ := bits.Div64(high, low, wholeRate)
		d.usage = min(q, math.MaxInt64)
	}
	d.fixedPaid, d.usagePaid = d.fixed, d.usage
	if total := d.fixed + d.usage; total > balance {
		d.fixedPaid, d.usagePaid = share(balance, d.fixed, total), share(balance, d.usage, total)
	}
	return d
}

func (p Params) memberSubsidy(m assigned) uint64 {
	return p.NodeSubsidy + p.ShardSubsidy*uint64(len(m.Shards))
}

// toMember returns what a member gets; the rest of the division stays in the fund.
func (d dues) toMember(due uint64) uint64 {
	if due == 0 {
		return 0
	}
	return share(d.fixedPaid, due, d.fixed)
}

// toRevenue returns what an epoch gets whose revenue has grown by gain; the
// rest of the division stays in the fund.
func (d dues) toRevenue(gain uint64, rate uint32) uint64 {
	switch {
	case gain == 0:
		return 0
	case d.usagePaid == d.usage:
		return share(gain, uint64(rate), wholeRate)
	}
	return share(d.usagePaid, gain, d.revenue)
}

// subsidize pays, at the end of the running epoch, what the subsidy fund owes:
// to each of the epoch's members a fixed sum and one for each shard, as
// commission that can be collected when the next committee is chosen, and to
// each epoch a part of the revenue that it has gained. [WL] §2.10
func (x *execution) subsidize(members []assigned) {
	balance, err := ReadSubsidyFund(x.state)
	sound(err)
	epochs, entries := x.rings()
	revenue := uint64(0)
	for _, r := range entries {
		revenue += r.Rewards - r.Subsidized // together at most the supply
	}
	d := x.params.duesOf(balance, revenue, members)
	left := balance
	for _, m := range members {
		amount := d.toMember(x.params.memberSubsidy(m))
		if amount == 0 {
			continue
		}
		n, err := ReadNode(x.state, m.ID)
		sound(err) // a member's record stays while it is one
		p := x.stakePool(m.ID)
		sound(p.Credit(amount, true))
		if refusal := x.setStakePool(n, p); refusal != nil {
			sound(refusal)
		}
		left -= amount
		x.emit(SubsidyPaid{Epoch: x.system.Epoch, Node: m.ID, Amount: amount})
	}
	toMembers := balance - left
	for i, r := range entries {
		if r.Rewards == r.Subsidized {
			continue
		}
		amount := d.toRevenue(r.Rewards-r.Subsidized, x.params.SubsidyRate)
		left -= amount
		r.Rewards += amount
		r.Subsidized = r.Rewards
		x.setRing(epochs[i], r)
	}
	if left != balance {
		setSubsidyFund(x.state, left)
	}
	if due := d.fixed + d.usage; due > 0 {
		x.emit(SubsidiesPaid{
			Epoch: x.system.Epoch, Due: due, ToMembers: toMembers, ToRevenue: balance - toMembers - left, Left: left,
		})
	}
}

// rings returns what is sold of the running epoch and those after it.
func (x *execution) rings() ([]committee.Epoch, []ringEntry) {
	var epochs []committee.Epoch
	var entries []ringEntry
	sound(ascend(x.state, []byte{keyRing}, func(key, _ []byte) error {
		e := committee.Epoch(binary.BigEndian.Uint32(key[1:]))
		r, err := readRing(x.state, e)
		epochs, entries = append(epochs, e), append(entries, r)
		return err
	}))
	return epochs, entries
}

// emptyTreasury moves what the treasury has into the running epoch's revenue.
func (x *execution) emptyTreasury() {
	a, err := ReadAccount(x.state, Treasury())
	sound(err)
	if a.Balance == 0 {
		return
	}
	ring, err := readRing(x.state, x.system.Epoch)
	sound(err)
	ring.give(a.Balance)
	x.state.Delete(accountKey(Treasury())) // it sends nothing, so it has no nonce
	x.setRing(x.system.Epoch, ring)
	x.emit(TreasuryEmptied{Epoch: x.system.Epoch, Amount: a.Balance})
}
