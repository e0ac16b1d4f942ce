package ledger

// begin does what is due at the beginning of a block.
func (m *Machine) begin(u *rules, s *Overlay, b Block) BlockResult {
	x := &execution{rules: *u, state: s}
	x.punish(b.Evidence)
	updates := x.turn(b.Time)
	x.expire()
	x.moveStakes()
	if x.system.Epoch != u.system.Epoch {
		var err error
		x.committee, err = m.committeeOf(s, &x.rules)
		sound(err)
	}
	*u = x.rules
	return BlockResult{Events: x.events, Validators: updates}
}

// sound stops the process on a fault that only a damaged state has.
func sound(err error) {
	if err != nil {
		panic("ledger: the state is damaged: " + err.Error()) //nolint:forbidigo // invariant: only this package writes the state
	}
}

// A Checker judges transactions that wait for a block. Those that it accepts
// change its view, so that an account may have several waiting. It is not safe
// for concurrent use.
type Checker struct {
	rules   rules
	pending *Overlay
	err     error
}

// Check carries tx out on the checker's view. A transaction that would be
// refused changes nothing there.
func (c *Checker) Check(tx []byte) TxResult {
	if c.err != nil {
		return refused(refuse(CodeMalformed, "no state yet: %v", c.err))
	}
	trial := NewOverlay(c.pending)
	work := uint64(0)
	r := c.rules.run(trial, tx, &work)
	if Code(r.Code) == CodeOK {
		trial.Flush(c.pending)
	}
	r.Events = nil
	return r
}
