package stake

import (
	"cmp"
	"errors"
	"slices"

	"github.com/floe-storage/floe/committee"
)

// ErrCommissionRate says that a commission rate is above [MaxCommission].
var ErrCommissionRate = errors.New("stake: commission rate above 10000 basis points")

// Commission is a commission rate that holds from an epoch on.
type Commission struct {
	Epoch committee.Epoch
	Rate  uint16 // basis points
}

// SetNextCommission sets the commission rate from the epoch after the next on,
// so that delegators can leave before it holds. It replaces one that was set
// in the same epoch. [WL] §2.4
func (p *Pool) SetNextCommission(b Book, m Moment, rate uint16) error {
	if rate > MaxCommission {
		return ErrCommissionRate
	}
	if err := p.Settle(b, m.Epoch); err != nil {
		return err
	}
	e, err := after(m.Epoch, 2)
	if err != nil {
		return err
	}
	i, ok := slices.BinarySearchFunc(p.NextCommissions, e, func(c Commission, e committee.Epoch) int { return cmp.Compare(c.Epoch, e) })
	if !ok {
		p.NextCommissions = slices.Insert(p.NextCommissions, i, Commission{Epoch: e})
	}
	p.NextCommissions[i].Rate = rate
	return nil
}

// applyCommission makes the rate hold that was set for p.Latest.
func (p *Pool) applyCommission() {
	n := 0
	for n < len(p.NextCommissions) && p.NextCommissions[n].Epoch <= p.Latest {
		p.CommissionRate = p.NextCommissions[n].Rate
		n++
	}
	p.NextCommissions = slices.Delete(p.NextCommissions, 0, n)
}

// Credit gives an amount to the node's operator: a donation or a subsidy. What
// is blocked can be collected after the next [Pool.Unblock].
func (p *Pool) Credit(amount uint64, blocked bool) error {
	if err := p.admit(amount); err != nil {
		return err
	}
	p.Commission += amount
	if blocked {
		p.Blocked += amount
	}
	return nil
}

// Unblock lets everything that was credited so far be collected. It is for the
// end of an epoch's voting, when it is known whether the node did its duty in
// the epoch before. [WL] §3.5
func (p *Pool) Unblock() { p.Blocked = 0 }

// CollectCommission takes out what is not blocked and returns it, in FROST.
func (p *Pool) CollectCommission() uint64 {
	free := p.Commission - p.Blocked
	p.Commission = p.Blocked
	return free
}

// ForfeitCommission takes out all of the commission, blocked or not, and
// returns it, in FROST. [WL] §2.9
func (p *Pool) ForfeitCommission() uint64 {
	all := p.Commission
	p.Commission, p.Blocked = 0, 0
	return all
}
