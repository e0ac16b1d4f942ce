package stake

// AtRisk returns the FROST from which a loss would be taken now: the balance
// and, until the node has handed over its shards, what left in the running
// epoch.
func (p *Pool) AtRisk(b Book, m Moment) (uint64, error) {
	c := p.Clone()
	f := &forecast{book: b}
	if err := c.Settle(f, m.Epoch); err != nil {
		return 0, err
	}
	return add(c.Balance, atRisk(f, m).WAL)
}

// atRisk returns the exit from which losses are still taken.
func atRisk(b Book, m Moment) Exit {
	if m.HandedOver {
		return Exit{}
	}
	return b.Exit(m.Epoch)
}

// Lose takes part/whole, at most 1, of what is at risk, rounded up for the
// balance and for the exit, and returns the FROST taken, which the caller
// burns or gives to somebody. Shares do not change, so everybody who is active
// or leaves loses alike; pending stake and commission lose nothing.
func (p *Pool) Lose(b Book, m Moment, part, whole uint64) (uint64, error) {
	if part > whole || whole == 0 {
		return 0, ErrAmount
	}
	if err := p.Settle(b, m.Epoch); err != nil {
		return 0, err
	}
	kept, err := mulDiv(p.Balance, whole-part, whole)
	if err != nil {
		return 0, err
	}
	taken := p.Balance - kept
	p.Balance = kept
	x := atRisk(b, m)
	if x.WAL == 0 {
		return taken, nil
	}
	if kept, err = mulDiv(x.WAL, whole-part, whole); err != nil {
		return 0, err
	}
	if taken, err = add(taken, x.WAL-kept); err != nil {
		return 0, err
	}
	x.WAL = kept
	b.SetExit(m.Epoch, x)
	return taken, nil
}
