package ledger

import (
	"errors"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/stake"
)

// Stake puts FROST of the sender's behind a node: it makes a stake object. The
// stake earns, and counts when committees are chosen, from the next epoch on,
// or from the one after if the next committee is chosen already. It shares what
// the node earns and loses. [WL] §2.5
type Stake struct {
	Node   committee.NodeID
	Amount uint64 // FROST, at least Params.MinStake and more than 0
}

func (Stake) kind() byte { return kindStake }

func (Stake) work() uint64 { return workPlain + workPool }

func (m *Stake) fields(c *codec) {
	c.fixed(m.Node[:])
	c.u64(&m.Amount)
}

func (m Stake) apply(x *execution) *Error {
	if err := x.takesStake(m.Node); err != nil {
		return err
	}
	if err := x.pay(m.Amount); err != nil {
		return err
	}
	p := x.stakePool(m.Node)
	position, err := p.Stake(x.stakeBook(m.Node), x.moment(m.Node), m.Amount, x.params.MinStake)
	switch {
	case errors.Is(err, stake.ErrBelowMinimum):
		return refuse(CodeStakeTooSmall, "%d FROST: %v, %d", m.Amount, err, x.params.MinStake)
	case err != nil:
		return unfit(err)
	}
	if err := x.changeStake(m.Node, p); err != nil {
		return unfit(err)
	}
	s := StakeObject{ID: x.newObject(), Owner: x.sender, Node: m.Node, Position: position}
	put(x.state, nil, s)
	x.emit(StakeAdded{
		Epoch: x.system.Epoch, Object: s.ID, Owner: s.Owner, Node: s.Node, Amount: m.Amount, Activation: position.Activation,
	})
	return nil
}

// RequestWithdraw asks a stake back that serves a committee, running or chosen.
// It goes on to earn until it leaves, with the next epoch or the one after; then
// Withdraw pays it. This cannot be undone. A stake that was to move to another
// node stays to be withdrawn. What serves no committee needs no request. Only
// the stake's owner may send it. [WL] §2.5
type RequestWithdraw struct{ Stake Ref }

func (RequestWithdraw) kind() byte { return kindRequestWithdraw }

func (RequestWithdraw) work() uint64 { return workPlain + workPool }

func (m *RequestWithdraw) fields(c *codec) { m.Stake.fields(c) }

func (m RequestWithdraw) apply(x *execution) *Error {
	before, err := x.staked(m.Stake)
	if err != nil {
		return err
	}
	s := before
	if s.To != (committee.NodeID{}) { // asked back already
		s.To = committee.NodeID{}
	} else if err := x.requestWithdraw(&s); err != nil {
		return err
	}
	put(x.state, before, s)
	x.emit(WithdrawalRequested{Epoch: x.system.Epoch, Object: s.ID, Node: s.Node, Withdraw: s.Position.Withdraw})
	return nil
}

// requestWithdraw asks a stake back from its node's pool.
func (x *execution) requestWithdraw(s *StakeObject) *Error {
	p := x.stakePool(s.Node)
	err := p.RequestWithdraw(x.stakeBook(s.Node), x.moment(s.Node), &s.Position)
	switch {
	case errors.Is(err, stake.ErrNotStaked):
		return refuse(CodeStakeRequested, "stake %v: %v", s.ID, err)
	case errors.Is(err, stake.ErrWithdrawDirectly):
		return refuse(CodeStakeIdle, "stake %v: %v", s.ID, err)
	case err != nil:
		return unfit(err)
	}
	if err := x.changeStake(s.Node, p); err != nil {
		return unfit(err)
	}
	return nil
}

// Withdraw ends a stake and pays the sender what it is worth: at once if it
// serves no committee, else when it has left after a RequestWithdraw and the
// shards that its node had to give are handed over. Only the stake's owner may
// send it. [WL] §2.5
type Withdraw struct{ Stake Ref }

func (Withdraw) kind() byte { return kindWithdraw }

func (Withdraw) work() uint64 { return workPlain + workPool }

func (m *Withdraw) fields(c *codec) { m.Stake.fields(c) }

func (m Withdraw) apply(x *execution) *Error {
	s, refusal := x.staked(m.Stake)
	if refusal != nil {
		return refusal
	}
	p := x.stakePool(s.Node)
	paid, err := p.Withdraw(x.stakeBook(s.Node), x.moment(s.Node), s.Position)
	switch {
	case errors.Is(err, stake.ErrNotWithdrawing):
		return refuse(CodeStakeServes, "stake %v: %v", s.ID, err)
	case errors.Is(err, stake.ErrWithdrawEpoch):
		return refuse(CodeStakeEarly, "stake %v: %v, %d", s.ID, err, s.Position.Withdraw)
	case errors.Is(err, stake.ErrNotReleased):
		return refuse(CodeStakeHeld, "stake %v: %v", s.ID, err)
	case err != nil:
		return unfit(err)
	}
	if err := x.credit(x.sender, paid); err != nil {
		return err
	}
	if err := x.changeStake(s.Node, p); err != nil {
		return unfit(err)
	}
	put(x.state, s, nil)
	x.emit(StakeWithdrawn{
		Epoch: x.system.Epoch, Object: s.ID, Owner: s.Owner, Node: s.Node, Principal: s.Position.Principal, Amount: paid,
	})
	return nil
}

// SplitStake makes a stake object of a part of another, alike in all but the
// amount: of its principal, in FROST, so that both keep what they have earned
// or lost. Both keep at least Params.MinStake. Only the stake's owner may send
// it. [WL] §2.5
type SplitStake struct {
	Stake  Ref
	Amount uint64 // FROST of the principal that go to the new object
}

func (SplitStake) kind() byte { return kindSplitStake }

func (SplitStake) work() uint64 { return workPlain + workPool }

func (m *SplitStake) fields(c *codec) {
	m.Stake.fields(c)
	c.u64(&m.Amount)
}

func (m SplitStake) apply(x *execution) *Error {
	before, refusal := x.staked(m.Stake)
	if refusal != nil {
		return refusal
	}
	s, p := before, x.stakePool(before.Node)
	position, err := p.Split(x.stakeBook(s.Node), x.moment(s.Node), &s.Position, m.Amount, x.params.MinStake)
	switch {
	case errors.Is(err, stake.ErrAmount):
		return refuse(CodeStakePart, "%d FROST of %d: %v", m.Amount, before.Position.Principal, err)
	case errors.Is(err, stake.ErrBelowMinimum):
		return refuse(CodeStakeTooSmall, "%d FROST of %d: %v, %d", m.Amount, before.Position.Principal, err, x.params.MinStake)
	case err != nil:
		return unfit(err)
	}
	if err := x.changeStake(s.Node, p); err != nil {
		return unfit(err)
	}
	put(x.state, before, s)
	part := s
	part.ID, part.Position = x.newObject(), position
	put(x.state, nil, part)
	x.emit(StakeSplit{Object: s.ID, Part: part.ID, Node: s.Node, Amount: m.Amount})
	return nil
}

// JoinStake adds one stake object to another of the same node, which began and
// leaves in the same epochs and, if it is to move, moves to the same node. The
// second object is gone then. Only the owner of both may send it. [WL] §2.5
type JoinStake struct {
	First  Ref // stays
	Second Ref
}

func (JoinStake) kind() byte { return kindJoinStake }

func (JoinStake) work() uint64 { return workPlain + workPool }

func (m *JoinStake) fields(c *codec) {
	m.First.fields(c)
	m.Second.fields(c)
}

func (m JoinStake) apply(x *execution) *Error {
	before, refusal := x.staked(m.First)
	if refusal != nil {
		return refusal
	}
	other, refusal := x.staked(m.Second)
	if refusal != nil {
		return refusal
	}
	if before.ID == other.ID || before.Node != other.Node || before.To != other.To {
		return refuse(CodeStakeMismatch, "stakes %v and %v are one, or not of the same nodes", before.ID, other.ID)
	}
	s, p := before, x.stakePool(before.Node)
	err := p.Join(x.stakeBook(s.Node), x.moment(s.Node), &s.Position, other.Position)
	switch {
	case errors.Is(err, stake.ErrMismatch):
		return refuse(CodeStakeMismatch, "stakes %v and %v: %v", before.ID, other.ID, err)
	case err != nil:
		return unfit(err)
	}
	if err := x.changeStake(s.Node, p); err != nil {
		return unfit(err)
	}
	put(x.state, before, s)
	put(x.state, other, nil)
	x.emit(StakeJoined{Object: s.ID, Joined: other.ID, Node: s.Node, Principal: s.Position.Principal})
	return nil
}

// Redelegate moves a stake to another node without paying it out. What serves
// no committee, or has left, moves at once. Any other is asked back, earns until
// it leaves, and then moves by itself as soon as every shard is handed over;
// until then another Redelegate can send it elsewhere and RequestWithdraw keeps
// it for its owner. There it is like new stake of what it is worth. Only the
// stake's owner may send it.
type Redelegate struct {
	Stake Ref
	To    committee.NodeID
}

func (Redelegate) kind() byte { return kindRedelegate }

func (Redelegate) work() uint64 { return 2 * (workPlain + workPool) }

func (m *Redelegate) fields(c *codec) {
	m.Stake.fields(c)
	c.fixed(m.To[:])
}

func (m Redelegate) apply(x *execution) *Error {
	before, refusal := x.staked(m.Stake)
	if refusal != nil {
		return refusal
	}
	if m.To == before.Node {
		return refuse(CodeSameNode, "stake %v is with node %v", before.ID, m.To)
	}
	if err := x.takesStake(m.To); err != nil {
		return err
	}
	s := before
	switch err := x.move(before, m.To); {
	case err == nil:
		return nil
	case errors.Is(err, stake.ErrBelowMinimum):
		return refuse(CodeStakeTooSmall, "stake %v is worth nothing", s.ID)
	case errors.Is(err, stake.ErrNotWithdrawing):
		if err := x.requestWithdraw(&s); err != nil {
			return err
		}
	case s.Position.Withdraw != 0 && (errors.Is(err, stake.ErrWithdrawEpoch) || errors.Is(err, stake.ErrNotReleased)):
	case errors.Is(err, stake.ErrNotReleased):
		return refuse(CodeStakeHeld, "stake %v: %v", s.ID, err)
	default:
		return unfit(err)
	}
	s.To = m.To
	put(x.state, before, s)
	x.emit(RedelegationRequested{Epoch: x.system.Epoch, Object: s.ID, From: s.Node, To: s.To, Withdraw: s.Position.Withdraw})
	return nil
}

// unfit is the refusal of what no stake pool of this ledger's answers: more than
// there can be.
func unfit(err error) *Error { return refuse(CodeOverflow, "%v", err) }
