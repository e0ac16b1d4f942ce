package stake

import (
	"cmp"
	"errors"
	"slices"

	"github.com/floe-storage/floe/committee"
)

// ErrInconsistent says that a position is not what the pool's books have of
// it. Positions made and changed by the pool alone never give it.
var ErrInconsistent = errors.New("stake: position and pool do not agree")

// Due is what happens to a pool when an epoch begins.
type Due struct {
	Epoch     committee.Epoch
	Positions uint64 // how many positions it is about, at least 1
	Amount    uint64 // FROST or shares, as the schedule says
}

// Schedule is what is due in the epochs after [Pool.Latest], ascending by
// epoch: at most the next and the one after.
type Schedule []Due

// maxDue bounds the entries of a schedule: stake and commission rates change at
// most two epochs ahead of the epoch that the pool is settled for.
const maxDue = 2

func (s Schedule) find(e committee.Epoch) (int, bool) {
	return slices.BinarySearchFunc(s, e, func(d Due, e committee.Epoch) int { return cmp.Compare(d.Epoch, e) })
}

// add books an amount and a number of positions for epoch e.
func (s *Schedule) add(e committee.Epoch, positions, amount uint64) error {
	i, ok := s.find(e)
	if !ok {
		*s = slices.Insert(*s, i, Due{Epoch: e})
	}
	d := &(*s)[i]
	var err error
	if d.Positions, err = add(d.Positions, positions); err != nil {
		return err
	}
	d.Amount, err = add(d.Amount, amount)
	return err
}

// drop takes positions and their amount back from epoch e. What the last
// position leaves over is gone.
func (s *Schedule) drop(e committee.Epoch, positions, amount uint64) error {
	i, ok := s.find(e)
	if !ok || (*s)[i].Positions < positions || (*s)[i].Amount < amount {
		return ErrInconsistent
	}
	d := &(*s)[i]
	d.Positions -= positions
	d.Amount -= amount
	if d.Positions == 0 {
		*s = slices.Delete(*s, i, i+1)
	}
	return nil
}

// take removes what is due up to epoch e and returns its sum.
func (s *Schedule) take(e committee.Epoch) (Due, error) {
	sum := Due{Epoch: e}
	n := 0
	for _, d := range *s {
		if d.Epoch > e {
			break
		}
		var err error
		if sum.Positions, err = add(sum.Positions, d.Positions); err != nil {
			return Due{}, err
		}
		if sum.Amount, err = add(sum.Amount, d.Amount); err != nil {
			return Due{}, err
		}
		n++
	}
	*s = slices.Delete(*s, 0, n)
	return sum, nil
}

// total returns the sums over all epochs; a pool's invariants bound them.
func (s Schedule) total() Due {
	var sum Due
	for _, d := range s {
		sum.Positions += d.Positions
		sum.Amount += d.Amount
	}
	return sum
}
