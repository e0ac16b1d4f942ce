package stake

import (
	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard/bcs"
)

// Encode writes p.
func (p *Pool) Encode(e *bcs.Encoder) {
	e.U32(uint32(p.Activation))
	e.U32(uint32(p.Latest))
	e.U64(p.Balance)
	e.U64(p.Shares)
	e.U32(p.Scale)
	e.U64(p.Positions)
	e.U64(p.Exited)
	for _, s := range []Schedule{p.Pending, p.Leaving, p.PreActive} {
		s.encode(e)
	}
	e.U16(p.CommissionRate)
	e.Count(len(p.NextCommissions))
	for _, c := range p.NextCommissions {
		e.U32(uint32(c.Epoch))
		e.U16(c.Rate)
	}
	e.U64(p.Commission)
	e.U64(p.Blocked)
}

// DecodePool reads what [Pool.Encode] writes. It refuses a pool that breaks an
// invariant on which the arithmetic relies.
func DecodePool(d *bcs.Decoder) Pool {
	var p Pool
	p.Activation, p.Latest = committee.Epoch(d.U32()), committee.Epoch(d.U32())
	p.Balance, p.Shares, p.Scale = d.U64(), d.U64(), d.U32()
	p.Positions, p.Exited = d.U64(), d.U64()
	p.Pending, p.Leaving, p.PreActive = decodeSchedule(d, p.Latest), decodeSchedule(d, p.Latest), decodeSchedule(d, p.Latest)
	p.CommissionRate = decodeRate(d)
	last := p.Latest
	for range d.Count(maxDue, 6) {
		c := Commission{Epoch: committee.Epoch(d.U32()), Rate: decodeRate(d)}
		if c.Epoch <= last {
			d.Fail("commission rates out of order")
		}
		last = c.Epoch
		p.NextCommissions = append(p.NextCommissions, c)
	}
	p.Commission, p.Blocked = d.U64(), d.U64()
	p.check(d)
	if d.Err() != nil {
		return Pool{}
	}
	return p
}

// check fails d if p could not have come about.
func (p *Pool) check(d *bcs.Decoder) {
	money, err := add(p.Balance, p.Commission)
	for _, s := range p.Pending {
		if err == nil {
			money, err = add(money, s.Amount)
		}
	}
	leaving, positions := p.Shares, p.Positions
	for _, s := range p.Leaving {
		if s.Amount > leaving || s.Positions > positions {
			d.Fail("more leaves the pool than is in it")
			return
		}
		leaving -= s.Amount
		positions -= s.Positions
	}
	for _, s := range p.PreActive {
		i, ok := p.Pending.find(s.Epoch)
		if !ok || s.Amount > p.Pending[i].Amount || s.Positions > p.Pending[i].Positions {
			d.Fail("more leaves the pool than comes")
			return
		}
	}
	switch {
	case err != nil || money > MaxMoney:
		d.Fail("pool of too much money")
	case p.Blocked > p.Commission:
		d.Fail("more commission blocked than there is")
	}
}

func (s Schedule) encode(e *bcs.Encoder) {
	e.Count(len(s))
	for _, d := range s {
		e.U32(uint32(d.Epoch))
		e.U64(d.Positions)
		e.U64(d.Amount)
	}
}

func decodeSchedule(d *bcs.Decoder, last committee.Epoch) Schedule {
	var s Schedule
	for range d.Count(maxDue, 20) {
		due := Due{Epoch: committee.Epoch(d.U32()), Positions: d.U64(), Amount: d.U64()}
		if due.Epoch <= last || due.Positions == 0 {
			d.Fail("schedule out of order")
		}
		last = due.Epoch
		s = append(s, due)
	}
	return s
}

func decodeRate(d *bcs.Decoder) uint16 {
	rate := d.U16()
	if rate > MaxCommission {
		d.Fail("commission rate above everything")
	}
	return rate
}

// Encode writes s.
func (s Position) Encode(e *bcs.Encoder) {
	e.U64(s.Principal)
	e.U32(uint32(s.Activation))
	e.U32(uint32(s.Withdraw))
	e.Bool(s.Fixed)
	if s.Fixed {
		e.U64(s.Shares)
		e.U32(s.Scale)
	}
}

// DecodePosition reads what [Position.Encode] writes.
func DecodePosition(d *bcs.Decoder) Position {
	s := Position{
		Principal: d.U64(), Activation: committee.Epoch(d.U32()), Withdraw: committee.Epoch(d.U32()), Fixed: d.Bool(),
	}
	if s.Fixed {
		s.Shares, s.Scale = d.U64(), d.U32()
	}
	return s
}

// Encode writes r.
func (r Rate) Encode(e *bcs.Encoder) {
	e.U64(r.WAL)
	e.U64(r.Shares)
	e.U32(r.Scale)
}

// DecodeRate reads what [Rate.Encode] writes.
func DecodeRate(d *bcs.Decoder) Rate {
	r := Rate{WAL: d.U64(), Shares: d.U64(), Scale: d.U32()}
	if (r.WAL == 0) != (r.Shares == 0) {
		d.Fail("rate of nothing for something")
	}
	return r
}

// Encode writes x.
func (x Exit) Encode(e *bcs.Encoder) {
	e.U64(x.Positions)
	e.U64(x.Shares)
	e.U64(x.WAL)
}

// DecodeExit reads what [Exit.Encode] writes.
func DecodeExit(d *bcs.Decoder) Exit {
	x := Exit{Positions: d.U64(), Shares: d.U64(), WAL: d.U64()}
	if x.Positions == 0 {
		d.Fail("exit without positions")
	}
	return x
}
