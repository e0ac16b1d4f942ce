package stake

import (
	"errors"

	"github.com/floe-storage/floe/committee"
)

var (
	// ErrAmount says that a part is larger than the whole, or all of it where
	// something has to be left.
	ErrAmount = errors.New("stake: not a part of the whole")
	// ErrMismatch says that two positions differ in more than their amounts.
	ErrMismatch = errors.New("stake: positions cannot be joined")
	// ErrBelowMinimum says that a position would be smaller than allowed.
	ErrBelowMinimum = errors.New("stake: amount below the least stake")
	// ErrNotStaked says that a position was asked back before.
	ErrNotStaked = errors.New("stake: withdrawal was requested already")
	// ErrWithdrawDirectly says that a position serves no committee, so it needs
	// no request: withdraw it.
	ErrWithdrawDirectly = errors.New("stake: can be withdrawn without a request")
	// ErrNotWithdrawing says that a position serves a committee: request first.
	ErrNotWithdrawing = errors.New("stake: withdrawal was not requested")
	// ErrWithdrawEpoch says that a position was asked back and has not left yet.
	ErrWithdrawEpoch = errors.New("stake: withdraw epoch is not reached")
	// ErrNotReleased says that a position has left and is held until its node's
	// shards are handed over.
	ErrNotReleased = errors.New("stake: held until the shards are handed over")
)

// Position is one delegator's stake in one pool. Its fields are for reading.
type Position struct {
	Principal  uint64          // FROST paid in
	Activation committee.Epoch // the first epoch in which it earns
	Withdraw   committee.Epoch // the first in which it does not any more; 0: not asked back
	// Fixed tells whether its shares are determined by Shares and Scale: from
	// when it is asked back while active. Else they follow from the Principal
	// and the rate of the activation epoch, and both are 0.
	Fixed  bool
	Shares uint64
	Scale  uint32
}

// activation returns the epoch in which stake that comes now begins to earn.
func (m Moment) activation() (committee.Epoch, error) {
	if m.Chosen {
		return after(m.Epoch, 2)
	}
	return after(m.Epoch, 1)
}

// early tells whether s was never counted for a committee, so that it can still
// be taken back as it came. [WL] §2.5
func (s Position) early(m Moment) bool {
	return s.Withdraw == 0 && s.Activation > m.Epoch && (!m.InNext || s.Activation-m.Epoch >= 2)
}

// sharesAt returns the shares of s counted in a scale at or after its own;
// s has been activated.
func (s Position) sharesAt(b Book, scale uint32) (uint64, error) {
	if err := s.fix(b); err != nil {
		return 0, err
	}
	return rescale(s.Shares, s.Scale, scale), nil
}

// fix fills in the shares of s, which has been activated.
func (s *Position) fix(b Book) error {
	if s.Fixed {
		return nil
	}
	rate := rateAt(b, s.Activation)
	shares, err := rate.ToShares(s.Principal)
	if err != nil {
		return err
	}
	s.Fixed, s.Shares, s.Scale = true, shares, rate.Scale
	return nil
}

// Stake pays an amount of FROST, at least the given least amount and at least
// 1, into p and returns the position that stands for it. It becomes active in
// the next epoch, or the one after if the next committee is chosen already.
// The errors are [ErrBelowMinimum] and [ErrOverflow]. [WL] §2.5
func (p *Pool) Stake(b Book, m Moment, amount, least uint64) (Position, error) {
	if amount < max(least, 1) {
		return Position{}, ErrBelowMinimum
	}
	if err := p.Settle(b, m.Epoch); err != nil {
		return Position{}, err
	}
	if err := p.admit(amount); err != nil {
		return Position{}, err
	}
	e, err := m.activation()
	if err != nil {
		return Position{}, err
	}
	if err := p.Pending.add(e, 1, amount); err != nil {
		return Position{}, err
	}
	return Position{Principal: amount, Activation: e}, nil
}

// RequestWithdraw asks a position back that serves a committee. It goes on to
// earn until its withdraw epoch: the next, or the one after if it counts for
// the next committee. This cannot be undone. The errors are [ErrNotStaked] and
// [ErrWithdrawDirectly]. [WL] §2.5
func (p *Pool) RequestWithdraw(b Book, m Moment, s *Position) error {
	switch {
	case s.Withdraw != 0:
		return ErrNotStaked
	case s.early(m):
		return ErrWithdrawDirectly
	}
	if err := p.Settle(b, m.Epoch); err != nil {
		return err
	}
	if s.Activation > m.Epoch {
		return p.requestPreActive(s)
	}
	var ahead committee.Epoch
	switch {
	case m.InNext:
		ahead = 2
	case m.InCurrent:
		ahead = 1
	default:
		return ErrWithdrawDirectly
	}
	e, err := after(m.Epoch, ahead)
	if err != nil {
		return err
	}
	shares, err := s.sharesAt(b, p.Scale)
	if err != nil {
		return err
	}
	if leaving := p.Leaving.total(); shares > p.Shares-leaving.Amount || leaving.Positions >= p.Positions {
		return ErrInconsistent
	}
	if err := p.Leaving.add(e, 1, shares); err != nil {
		return err
	}
	s.Withdraw, s.Fixed, s.Shares, s.Scale = e, true, shares, p.Scale
	return nil
}

// requestPreActive asks back a position that begins in the next epoch and
// counts for its committee: it leaves after one epoch.
func (p *Pool) requestPreActive(s *Position) error {
	e, err := after(s.Activation, 1)
	if err != nil {
		return err
	}
	if err := p.PreActive.add(s.Activation, 1, s.Principal); err != nil {
		return err
	}
	s.Withdraw = e
	return nil
}

// Withdraw ends a position and returns the FROST it is paid; s is void then.
// It pays the principal of one that was never counted for a committee, at once
// what an active one is worth if its node is in no committee, and otherwise,
// from the withdraw epoch on, what it was worth when that began. The errors are
// [ErrNotWithdrawing], [ErrWithdrawEpoch] and [ErrNotReleased]. [WL] §2.5
func (p *Pool) Withdraw(b Book, m Moment, s Position) (uint64, error) {
	if err := p.Settle(b, m.Epoch); err != nil {
		return 0, err
	}
	switch {
	case s.early(m):
		if err := p.Pending.drop(s.Activation, 1, s.Principal); err != nil {
			return 0, err
		}
		return s.Principal, nil
	case s.Withdraw == 0 && (m.InCurrent || m.InNext):
		return 0, ErrNotWithdrawing
	case s.Withdraw == 0:
		return p.withdrawDirectly(b, m, s)
	case s.Withdraw > m.Epoch:
		return 0, ErrWithdrawEpoch
	case s.Withdraw == m.Epoch && !m.HandedOver:
		return 0, ErrNotReleased
	}
	return p.withdrawExit(b, s)
}

// withdrawDirectly pays an active position out of the balance.
func (p *Pool) withdrawDirectly(b Book, m Moment, s Position) (uint64, error) {
	if !m.HandedOver {
		return 0, ErrNotReleased
	}
	shares, err := s.sharesAt(b, p.Scale)
	if err != nil {
		return 0, err
	}
	if shares > p.Shares-p.Leaving.total().Amount {
		return 0, ErrInconsistent
	}
	paid := uint64(0)
	switch {
	case p.Positions == 1:
		paid, shares = p.Balance, p.Shares
	case p.Shares > 0:
		if paid, err = mulDiv(p.Balance, shares, p.Shares); err != nil {
			return 0, err
		}
	}
	if err := p.remove(1, shares, paid); err != nil {
		return 0, err
	}
	return paid, nil
}

// withdrawExit pays a position that has left out of its exit.
func (p *Pool) withdrawExit(b Book, s Position) (uint64, error) {
	x := b.Exit(s.Withdraw)
	shares, err := s.sharesAt(b, rateAt(b, s.Withdraw).Scale)
	if err != nil {
		return 0, err
	}
	if x.Positions == 0 || p.Exited == 0 || shares > x.Shares {
		return 0, ErrInconsistent
	}
	p.Exited--
	if x.Positions == 1 {
		b.SetExit(s.Withdraw, Exit{})
		return x.WAL, nil
	}
	paid := uint64(0)
	if x.Shares > 0 {
		if paid, err = mulDiv(x.WAL, shares, x.Shares); err != nil {
			return 0, err
		}
	}
	b.SetExit(s.Withdraw, Exit{Positions: x.Positions - 1, Shares: x.Shares - shares, WAL: x.WAL - paid})
	return paid, nil
}

// Value returns the FROST that s is worth in epoch e, as far as is known now:
// what it would be paid if it could leave then and p earned and lost nothing
// until then. It is for showing, so it reads and changes nothing.
func (p *Pool) Value(b Book, e committee.Epoch, s Position) (uint64, error) {
	c := p.Clone()
	f := &forecast{book: b}
	if err := c.Settle(f, e); err != nil {
		return 0, err
	}
	if s.Activation > e {
		return s.Principal, nil
	}
	if s.Withdraw != 0 && s.Withdraw <= e {
		return c.withdrawExit(f, s)
	}
	shares, err := s.sharesAt(f, c.Scale)
	if err != nil {
		return 0, err
	}
	if c.Positions == 1 {
		return c.Balance, nil
	}
	if c.Shares == 0 {
		return 0, nil
	}
	return mulDiv(c.Balance, shares, c.Shares)
}
