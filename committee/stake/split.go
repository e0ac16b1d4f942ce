package stake

import "github.com/floe-storage/floe/committee"

// Split takes a part of the principal, in FROST, out of s and returns it as a
// position of its own that is like s in everything else. Its shares go along in
// proportion, rounded down. Both must keep the least amount, else
// [ErrBelowMinimum]; a part that leaves nothing is [ErrAmount]. [WL] §2.5
func (p *Pool) Split(b Book, m Moment, s *Position, amount, least uint64) (Position, error) {
	switch {
	case amount >= s.Principal:
		return Position{}, ErrAmount
	case amount < max(least, 1), s.Principal-amount < least:
		return Position{}, ErrBelowMinimum
	}
	if err := p.Settle(b, m.Epoch); err != nil {
		return Position{}, err
	}
	if err := p.recount(b, *s, true); err != nil {
		return Position{}, err
	}
	shares, err := mulDiv(s.Shares, amount, s.Principal)
	if err != nil {
		return Position{}, err
	}
	part := *s
	part.Principal, part.Shares = amount, shares
	s.Principal -= amount
	s.Shares -= shares
	return part, nil
}

// Join adds the position other of the same pool to s; other is void then. Both
// have begun, and leave, in the same epochs, else [ErrMismatch]. [WL] §2.5
func (p *Pool) Join(b Book, m Moment, s *Position, other Position) error {
	if s.Activation != other.Activation || s.Withdraw != other.Withdraw {
		return ErrMismatch
	}
	if err := p.Settle(b, m.Epoch); err != nil {
		return err
	}
	if err := p.recount(b, *s, false); err != nil {
		return err
	}
	if s.Withdraw != 0 && s.Activation <= m.Epoch { // asked back before and after activation
		if err := s.fix(b); err != nil {
			return err
		}
		if err := other.fix(b); err != nil {
			return err
		}
	}
	scale := max(s.Scale, other.Scale)
	shares, err := add(rescale(s.Shares, s.Scale, scale), rescale(other.Shares, other.Scale, scale))
	if err != nil {
		return err
	}
	if s.Principal, err = add(s.Principal, other.Principal); err != nil {
		return err
	}
	s.Shares, s.Scale = shares, scale
	return nil
}

// recount books that s is one position more, or less, wherever p counts it.
func (p *Pool) recount(b Book, s Position, more bool) error {
	switch {
	case s.Activation > p.Latest:
		if err := p.Pending.recount(s.Activation, more); err != nil || s.Withdraw == 0 {
			return err
		}
		return p.PreActive.recount(s.Activation, more)
	case s.Withdraw == 0:
		return recount(&p.Positions, more)
	case s.Withdraw > p.Latest:
		if err := recount(&p.Positions, more); err != nil {
			return err
		}
		return p.Leaving.recount(s.Withdraw, more)
	}
	x := b.Exit(s.Withdraw)
	if err := recount(&x.Positions, more); err != nil {
		return err
	}
	b.SetExit(s.Withdraw, x)
	return recount(&p.Exited, more)
}

func (s Schedule) recount(e committee.Epoch, more bool) error {
	i, ok := s.find(e)
	if !ok {
		return ErrInconsistent
	}
	return recount(&s[i].Positions, more)
}

func recount(n *uint64, more bool) error {
	switch {
	case more && *n+1 != 0:
		*n++
	case !more && *n > 1: // the other one stays
		*n--
	default:
		return ErrInconsistent
	}
	return nil
}

// Redelegate moves what s is worth, when it can be withdrawn, from one node's
// pool to another's, without paying it out, and returns the position there; s
// is void then. It enters like new stake: what serves a committee has to be
// asked back first, earns in the old pool until its withdraw epoch, and is at
// risk there until that pool's shards are handed over. The least stake does not
// hold for it, as it may have lost; worth nothing it is [ErrBelowMinimum]. The
// pools must not be the same.
func Redelegate(s Position, from *Pool, fromBook Book, fromMoment Moment, to *Pool, toBook Book, toMoment Moment) (Position, error) {
	amount, err := from.Withdraw(fromBook, fromMoment, s)
	if err != nil {
		return Position{}, err
	}
	return to.Stake(toBook, toMoment, amount, 1)
}
