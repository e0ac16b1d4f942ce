package stake

import (
	"errors"
	"math/bits"

	"github.com/floe-storage/floe/committee"
)

// ErrOverflow says that an amount or an epoch does not fit its type. No pool
// gets there with a supply below 2^63 FROST.
var ErrOverflow = errors.New("stake: number out of range")

// add returns a+b or [ErrOverflow].
func add(a, b uint64) (uint64, error) {
	sum, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return 0, ErrOverflow
	}
	return sum, nil
}

// mulDiv returns ⌊a·b/c⌋, or [ErrOverflow] if that needs more than 64 bits or
// c is 0.
func mulDiv(a, b, c uint64) (uint64, error) {
	high, low := bits.Mul64(a, b)
	if high >= c {
		return 0, ErrOverflow
	}
	q, _ := bits.Div64(high, low, c)
	return q, nil
}

// after returns the epoch n later or [ErrOverflow].
func after(e, n committee.Epoch) (committee.Epoch, error) {
	if e+n < e {
		return 0, ErrOverflow
	}
	return e + n, nil
}

// Rate is what a pool's shares were worth when an epoch began: that many
// shares for that many FROST. Either both are 0, which means one for one, or
// neither. The zero value is the rate of a pool that has never earned or lost.
type Rate struct {
	WAL, Shares uint64 // FROST and shares; there are more shares than FROST after losses
	Scale       uint32 // how often shares were halved before; see the package comment
}

// flat tells whether one share is one FROST.
func (r Rate) flat() bool { return r.WAL == r.Shares }

// ToWAL returns the FROST for a number of shares of scale r.Scale, rounded down.
func (r Rate) ToWAL(shares uint64) (uint64, error) {
	if r.flat() {
		return shares, nil
	}
	return mulDiv(shares, r.WAL, r.Shares)
}

// ToShares returns the shares, of scale r.Scale, for an amount of FROST,
// rounded down.
func (r Rate) ToShares(amount uint64) (uint64, error) {
	if r.flat() {
		return amount, nil
	}
	return mulDiv(amount, r.Shares, r.WAL)
}

// same tells whether both rates give the same results for all arguments.
func (r Rate) same(o Rate) bool {
	if r.Scale != o.Scale {
		return false
	}
	if r.flat() || o.flat() {
		return r.flat() == o.flat()
	}
	h1, l1 := bits.Mul64(r.WAL, o.Shares)
	h2, l2 := bits.Mul64(o.WAL, r.Shares)
	return h1 == h2 && l1 == l2
}

// rescale returns what is left of shares of one scale when counted in a later one.
func rescale(shares uint64, from, to uint32) uint64 {
	if to <= from {
		return shares
	}
	return shares >> (to - from) // Go shifts out everything from 64 on
}

// Exit is the money of the positions that left a pool in one epoch and have
// not fetched it yet. The zero value is one that nobody is left in.
type Exit struct {
	Positions uint64 // that have not fetched their money
	Shares    uint64 // theirs, of the scale of the rate of that epoch
	WAL       uint64 // FROST; theirs in proportion to their shares
}

// Book keeps what a pool needs to know of each epoch. It belongs to one pool,
// answers with what was set last, and need not survive an operation that
// returned an error.
type Book interface {
	// Rate returns the rate that was set for the greatest epoch up to e; false
	// if there is none.
	Rate(e committee.Epoch) (Rate, bool)
	SetRate(e committee.Epoch, r Rate)
	// Exit returns the exit of epoch e, the zero value if there is none.
	Exit(e committee.Epoch) Exit
	// SetExit replaces the exit of epoch e; the zero value deletes it.
	SetExit(e committee.Epoch, x Exit)
}

// rateAt returns the rate of an epoch that the pool was settled for.
func rateAt(b Book, e committee.Epoch) Rate {
	r, _ := b.Rate(e) // none: never earned or lost
	return r
}
