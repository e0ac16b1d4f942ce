package ledger

import (
	"errors"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/stake"
)

// SetCommission sets the part of a node's rewards that is its operator's, from
// the epoch after the next on, so that those who staked on it can leave before.
// Only the node's account may send it. [WL] §2.4, §3.5
type SetCommission struct {
	Node committee.NodeID
	Rate uint16 // basis points
}

func (SetCommission) kind() byte { return kindSetCommission }

func (SetCommission) work() uint64 { return workPlain + workPool }

func (m *SetCommission) fields(c *codec) {
	c.node(&m.Node)
	c.u16(&m.Rate)
}

func (m SetCommission) apply(x *execution) *Error {
	n, refusal := x.node(m.Node)
	if refusal != nil {
		return refusal
	}
	p := x.stakePool(n.ID)
	if err := p.SetNextCommission(x.stakeBook(n.ID), x.moment(n.ID), m.Rate); err != nil {
		if errors.Is(err, stake.ErrCommissionRate) {
			return refuse(CodeBadRate, "commission of %d basis points is above %d", m.Rate, wholeRate)
		}
		return refuse(CodeOverflow, "commission of node %v: %v", n.ID, err)
	}
	if err := x.setStakePool(n, p); err != nil {
		return err
	}
	x.emit(CommissionSet{Epoch: x.system.Epoch, Node: n.ID, Rate: m.Rate})
	return nil
}

// CollectCommission pays out what a node's operator has earned, but for what
// it earned last: that is held until the next committee is chosen. Nothing to
// pay is no fault. Only the node's account may send it. [WL] §2.4, §3.5
type CollectCommission struct{ Node committee.NodeID }

func (CollectCommission) kind() byte { return kindCollect }

func (CollectCommission) work() uint64 { return workPlain + workPool }

func (m *CollectCommission) fields(c *codec) { c.node(&m.Node) }

func (m CollectCommission) apply(x *execution) *Error {
	n, err := x.node(m.Node)
	if err != nil {
		return err
	}
	p := x.stakePool(n.ID)
	amount := p.CollectCommission()
	if err := x.credit(x.sender, amount); err != nil {
		return err
	}
	x.emit(CommissionCollected{Node: n.ID, To: x.sender, Amount: amount})
	return x.setStakePool(n, p)
}
