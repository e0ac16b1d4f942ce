package stake

import (
	"errors"
	"math"
	"slices"

	"github.com/floe-storage/floe/committee"
)

const (
	// MaxMoney is the most FROST that a pool holds. Below it no settlement can
	// overflow: there are at most twice as many shares as FROST.
	MaxMoney = 1<<63 - 1
	// MaxCommission is a commission rate of everything, in basis points.
	MaxCommission = 10_000
)

var (
	// ErrAdvanced says that the pool is settled for the epoch already, so what
	// it earned before can no longer be told apart.
	ErrAdvanced = errors.New("stake: pool is settled for the epoch already")
	// ErrNoStake says that nobody is there to earn a reward.
	ErrNoStake = errors.New("stake: reward for a pool without active stake")
)

// Moment is what a pool has to be told about the running epoch.
type Moment struct {
	Epoch     committee.Epoch // the running one
	Chosen    bool            // whether the next committee is chosen: stake changes come too late for it
	InCurrent bool            // whether the node is in the running epoch's committee
	InNext    bool            // whether it is in the next one; only if Chosen
	// HandedOver tells whether the node owes nothing to the change into the
	// running epoch any more: the shards it had to give are with their new
	// holders. What leaves in the running epoch is paid and safe from losses
	// only then.
	HandedOver bool
}

// Pool is one node's stake pool. Its fields are for reading; methods change it.
// A copy shares its schedules: see [Pool.Clone].
type Pool struct {
	Activation committee.Epoch // the first epoch in which its node may be in a committee
	Latest     committee.Epoch // settled up to and including this epoch

	Balance   uint64 // FROST of the active positions, with what they earned and lost
	Shares    uint64 // of Balance
	Scale     uint32 // how often shares were halved
	Positions uint64 // active ones, with those that will leave
	Exited    uint64 // positions that left and have not fetched their money

	Pending   Schedule // FROST that enters at an epoch
	Leaving   Schedule // shares, of scale Scale, that leave at an epoch
	PreActive Schedule // FROST that enters at an epoch and leaves at the one after; part of Pending

	CommissionRate  uint16       // basis points of each reward
	NextCommissions []Commission // ascending by epoch
	Commission      uint64       // FROST that the node's operator has earned
	Blocked         uint64       // the part of Commission that cannot be collected yet
}

// New returns the empty pool of a node that registers now. A rate above
// [MaxCommission] is [ErrCommissionRate]. [WL] §2.4
func New(m Moment, commission uint16) (Pool, error) {
	if commission > MaxCommission {
		return Pool{}, ErrCommissionRate
	}
	p := Pool{Activation: m.Epoch, Latest: m.Epoch, CommissionRate: commission}
	if m.Chosen {
		var err error
		if p.Activation, err = after(m.Epoch, 1); err != nil {
			return Pool{}, err
		}
	}
	return p, nil
}

// Clone returns a copy that shares nothing with p.
func (p *Pool) Clone() Pool {
	c := *p
	c.Pending, c.Leaving, c.PreActive = slices.Clone(p.Pending), slices.Clone(p.Leaving), slices.Clone(p.PreActive)
	c.NextCommissions = slices.Clone(p.NextCommissions)
	return c
}

// Money returns all FROST that p holds, at most [MaxMoney]. What lies in the
// exits is not in it.
func (p *Pool) Money() uint64 { return p.Balance + p.Pending.total().Amount + p.Commission }

// Empty tells whether p holds no money and no position depends on it, here or
// in an exit, so that it can be forgotten.
func (p *Pool) Empty() bool {
	return p.Money() == 0 && p.Positions == 0 && p.Exited == 0 && len(p.Pending) == 0
}

// admit returns [ErrOverflow] if p cannot hold that many FROST more.
func (p *Pool) admit(amount uint64) error {
	if amount > MaxMoney-p.Money() {
		return ErrOverflow
	}
	return nil
}

// Settle brings p to epoch e as one that earned nothing since: in each epoch
// on the way in which something is due, stake leaves and enters and new rates
// hold. An epoch that is over changes nothing.
func (p *Pool) Settle(b Book, e committee.Epoch) error {
	for p.Latest < e {
		due := p.nextDue()
		if due == 0 || due > e {
			p.pass(e)
			return nil
		}
		if err := p.turn(b, due); err != nil {
			return err
		}
	}
	return nil
}

// nextDue returns the first epoch in which stake enters or leaves, 0 if none
// is known. What is pre-active is pending too.
func (p *Pool) nextDue() committee.Epoch {
	var due committee.Epoch
	for _, s := range []Schedule{p.Pending, p.Leaving} {
		if len(s) > 0 && (due == 0 || s[0].Epoch < due) {
			due = s[0].Epoch
		}
	}
	return due
}

// Advance turns p to epoch e after its node earned a reward, 0 or more FROST,
// in the epoch before. The operator's commission is taken at the rate of that
// epoch, rounded down, and blocked until [Pool.Unblock]; the rest goes to the
// shares that were active. It returns [ErrAdvanced] unless e is beyond
// p.Latest, and [ErrNoStake] for a reward if there is no balance to share it:
// the caller keeps it. [WL] §3.5
func (p *Pool) Advance(b Book, e committee.Epoch, reward uint64) error {
	if e <= p.Latest {
		return ErrAdvanced
	}
	if err := p.Settle(b, e-1); err != nil {
		return err
	}
	if reward > 0 {
		if p.Balance == 0 {
			return ErrNoStake
		}
		if err := p.admit(reward); err != nil {
			return err
		}
		commission, err := mulDiv(reward, uint64(p.CommissionRate), MaxCommission)
		if err != nil {
			return err
		}
		p.Commission += commission // admitted
		p.Blocked += commission
		p.Balance += reward - commission
	}
	return p.turn(b, e)
}

// turn begins epoch e, before which nothing is due: the rate is fixed, the
// positions that leave take their money out at this rate, and those that enter
// get shares at it. [WL] §3.5
func (p *Pool) turn(b Book, e committee.Epoch) error {
	if err := p.halve(); err != nil {
		return err
	}
	rate := p.rate()
	if old, _ := b.Rate(e); !rate.same(old) {
		b.SetRate(e, rate)
	}
	if err := p.letOut(b, e, rate); err != nil {
		return err
	}
	in, err := p.Pending.take(e)
	if err != nil {
		return err
	}
	if err := p.enter(in, rate); err != nil {
		return err
	}
	pre, err := p.PreActive.take(e)
	if err != nil {
		return err
	}
	if pre.Positions > 0 {
		shares, err := rate.ToShares(pre.Amount)
		if err != nil {
			return err
		}
		next, err := after(e, 1)
		if err != nil {
			return err
		}
		if err := p.Leaving.add(next, pre.Positions, shares); err != nil {
			return err
		}
	}
	p.pass(e)
	return nil
}

// enter makes pending stake active.
func (p *Pool) enter(in Due, rate Rate) error {
	shares, err := rate.ToShares(in.Amount)
	if err != nil {
		return err
	}
	if p.Balance, err = add(p.Balance, in.Amount); err != nil {
		return err
	}
	if p.Positions, err = add(p.Positions, in.Positions); err != nil {
		return err
	}
	p.Shares, err = add(p.Shares, shares)
	return err
}

// letOut moves the money of those who leave into the exit of epoch e. If nobody
// stays, they take the whole balance.
func (p *Pool) letOut(b Book, e committee.Epoch, rate Rate) error {
	out, err := p.Leaving.take(e)
	if err != nil || out.Positions == 0 {
		return err
	}
	x := Exit{Positions: out.Positions, Shares: out.Amount}
	if out.Positions == p.Positions {
		x.WAL = p.Balance
		p.Shares = out.Amount // and so none
	} else if x.WAL, err = rate.ToWAL(out.Amount); err != nil {
		return err
	}
	if err := p.remove(out.Positions, out.Amount, x.WAL); err != nil {
		return err
	}
	if p.Exited, err = add(p.Exited, out.Positions); err != nil {
		return err
	}
	b.SetExit(e, x)
	return nil
}

// remove takes active positions with their shares and money out of p.
func (p *Pool) remove(positions, shares, amount uint64) error {
	if positions > p.Positions || shares > p.Shares || amount > p.Balance {
		return ErrInconsistent
	}
	p.Positions -= positions
	p.Shares -= shares
	p.Balance -= amount
	return nil
}

// pass notes that epoch e has begun.
func (p *Pool) pass(e committee.Epoch) {
	p.Latest = e
	p.applyCommission()
}

// rate returns what a share is worth now.
func (p *Pool) rate() Rate {
	if p.Balance == 0 || p.Shares == 0 {
		return Rate{Scale: p.Scale}
	}
	return Rate{WAL: p.Balance, Shares: p.Shares, Scale: p.Scale}
}

// halve makes one share out of two while there are more than two for a FROST;
// if nothing is left, until no share is left either. Halving each part by
// itself keeps the sum of all positions' shares, each rounded down, within the
// part it belongs to.
func (p *Pool) halve() error {
	for p.Shares > 2*p.Balance {
		if p.Scale == math.MaxUint32 {
			return ErrOverflow
		}
		p.Scale++
		staying := p.Shares - p.Leaving.total().Amount
		p.Shares = staying / 2
		for i := range p.Leaving {
			p.Leaving[i].Amount /= 2
			p.Shares += p.Leaving[i].Amount
		}
	}
	return nil
}

// StakeAt returns the balance that p will have when epoch e has begun, if it
// earns and loses nothing until then: the node's weight in choosing that
// epoch's committee. For an epoch that has begun it is the balance. [WL] §3.5
func (p *Pool) StakeAt(e committee.Epoch) (uint64, error) {
	c := p.Clone()
	if err := c.Settle(&forecast{}, e); err != nil {
		return 0, err
	}
	return c.Balance, nil
}
