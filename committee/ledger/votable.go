package ledger

import (
	"cmp"
	"math"
	"slices"
)

// maxChanges bounds the changes of one proposal.
const maxChanges = 32

// ParamID numbers a parameter that the committee's members vote on by
// proposals. A number never changes its meaning.
type ParamID uint16

// ParamChange gives a parameter another value, in the parameter's unit.
type ParamChange struct {
	Param ParamID
	Value uint64
}

func (v *ParamChange) fields(c *codec) {
	c.u16((*uint16)(&v.Param))
	c.u64(&v.Value)
}

const leastChange = 2 + 8 // bytes

func changes(c *codec, v *[]ParamChange) {
	list(c, v, maxChanges, leastChange, func(c *codec, v *ParamChange) { v.fields(c) })
}

// Votable describes a parameter that proposals can change.
type Votable struct {
	ID   ParamID
	Name string // stable; lower case and hyphens
	Unit string
	Doc  string // what it is, in a few words
}

// A slot is a parameter's description and its place in Params: one of the
// three is set.
type slot struct {
	Votable
	u16 *uint16
	u32 *uint32
	u64 *uint64
}

// slots lists the parameters of p that can be voted on, by number.
func (p *Params) slots() []slot {
	return []slot{
		{Votable{1, "epoch-duration", "ms", "from the end of the hand-over to the next epoch"}, nil, nil, &p.EpochDuration},
		{Votable{2, "handover-blocks", "blocks", "after which the hand-over of shards ends by itself"}, nil, nil, &p.HandoverBlocks},
		{Votable{3, "max-epochs-ahead", "epochs", "how far ahead storage is sold"}, nil, &p.MaxEpochsAhead, nil},
		{Votable{4, "committee-size", "nodes", "the most nodes that may hold shards"}, nil, &p.CommitteeSize, nil},
		{Votable{5, "fee-per-byte", "FROST", "for each byte of a transaction"}, nil, nil, &p.FeePerByte},
		{Votable{6, "fee-per-work", "FROST", "for each unit of work of a transaction"}, nil, nil, &p.FeePerWork},
		{Votable{7, "deposit-rate", "basis points", "of a registration's write fee, deposited until the blob is certified"}, &p.DepositRate, nil, nil},
		{Votable{8, "node-deposit", "FROST", "held from a node's registration to its end"}, nil, nil, &p.NodeDeposit},
		{Votable{9, "min-stake", "FROST", "the least stake object"}, nil, nil, &p.MinStake},
		{Votable{10, "burn-rate", "basis points", "of an epoch's revenue, burned"}, &p.BurnRate, nil, nil},
		{Votable{11, "double-sign-penalty", "basis points", "of the stake of a validator that signed two blocks of one height"}, &p.DoubleSignPenalty, nil, nil},
		{Votable{12, "sender-penalty", "basis points", "of the stake of a node that did not hand a shard over, per shard"}, &p.SenderPenalty, nil, nil},
		{Votable{13, "receiver-penalty", "basis points", "of the stake of a node that did not take a shard over, per shard"}, &p.ReceiverPenalty, nil, nil},
		{Votable{14, "subsidy-rate", "basis points", "of new revenue, added from the subsidy fund"}, nil, &p.SubsidyRate, nil},
		{Votable{15, "node-subsidy", "FROST", "for each member and epoch, from the subsidy fund"}, nil, nil, &p.NodeSubsidy},
		{Votable{16, "shard-subsidy", "FROST", "for each shard and epoch, from the subsidy fund"}, nil, nil, &p.ShardSubsidy},
	}
}

// Votables lists the parameters that proposals can change, by number. Capacity
// and the two prices are not among them: each node votes on those for itself.
func Votables() []Votable {
	var out []Votable
	for _, s := range new(Params).slots() {
		out = append(out, s.Votable)
	}
	return out
}

// VotableByName returns the parameter with the given name; false if there is none.
func VotableByName(name string) (Votable, bool) {
	all := Votables()
	i := slices.IndexFunc(all, func(v Votable) bool { return v.Name == name })
	if i < 0 {
		return Votable{}, false
	}
	return all[i], true
}

// Value returns what the parameter is in p; false if its number is unknown.
func (v Votable) Value(p Params) (uint64, bool) {
	s, ok := p.slot(v.ID)
	return s.get(), ok
}

// With returns p with parameters changed; an *[Error] of CodeBadParams if the
// changes are none or too many, not in the order of their numbers, of a
// parameter that cannot be voted on, or to values that it cannot have.
func (p Params) With(changes []ParamChange) (Params, error) {
	p, refusal := p.with(changes)
	if refusal != nil {
		return p, refusal
	}
	return p, nil
}

func (p Params) with(changes []ParamChange) (Params, *Error) {
	if len(changes) == 0 || len(changes) > maxChanges {
		return p, refuse(CodeBadParams, "%d changes of parameters, want 1 to %d", len(changes), maxChanges)
	}
	for i, c := range changes {
		if i > 0 && c.Param <= changes[i-1].Param {
			return p, refuse(CodeBadParams, "parameter %d is listed after %d", c.Param, changes[i-1].Param)
		}
		s, ok := p.slot(c.Param)
		if !ok {
			return p, refuse(CodeBadParams, "no parameter with number %d can be voted on", c.Param)
		}
		if !s.set(c.Value) {
			return p, refuse(CodeBadParams, "%s of %d %s is too much", s.Name, c.Value, s.Unit)
		}
	}
	if faults := p.faults(); len(faults) > 0 {
		return p, refuse(CodeBadParams, "%s", faults[0])
	}
	return p, nil
}

func (p *Params) slot(id ParamID) (slot, bool) {
	all := p.slots()
	i, ok := slices.BinarySearchFunc(all, id, func(s slot, id ParamID) int { return cmp.Compare(s.ID, id) })
	if !ok {
		return slot{}, false
	}
	return all[i], true
}

func (s slot) get() uint64 {
	switch {
	case s.u16 != nil:
		return uint64(*s.u16)
	case s.u32 != nil:
		return uint64(*s.u32)
	case s.u64 != nil:
		return *s.u64
	}
	return 0
}

// set returns false if the value does not fit.
func (s slot) set(value uint64) bool {
	switch {
	case s.u16 != nil && value <= math.MaxUint16:
		*s.u16 = uint16(value)
	case s.u32 != nil && value <= math.MaxUint32:
		*s.u32 = uint32(value)
	case s.u64 != nil:
		*s.u64 = value
	default:
		return false
	}
	return true
}
