package ledger

import "math/bits"

const (
	// FrostPerWAL is the number of FROST in one WAL. All amounts are in FROST.
	FrostPerWAL = 1_000_000_000
	// StorageUnit is the number of bytes by which storage is priced; sizes are
	// rounded up. [WL] §0.9
	StorageUnit = 1 << 20

	wholeRate = 10_000 // basis points
)

// add returns a+b.
func add(a, b uint64) (uint64, *Error) {
	sum, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return 0, refuse(CodeOverflow, "%d + %d is beyond 64 bits", a, b)
	}
	return sum, nil
}

// mul returns a*b.
func mul(a, b uint64) (uint64, *Error) {
	high, low := bits.Mul64(a, b)
	if high != 0 {
		return 0, refuse(CodeOverflow, "%d * %d is beyond 64 bits", a, b)
	}
	return low, nil
}

// share returns floor(a*b/c) without overflow of the product; c must be
// positive and the quotient fit, which it does when a <= c or b <= c.
func share(a, b, c uint64) uint64 {
	high, low := bits.Mul64(a, b)
	q, _ := bits.Div64(high, low, c)
	return q
}

// Units returns the storage units that size bytes are priced as.
func Units(size uint64) uint64 {
	units := size / StorageUnit
	if size%StorageUnit != 0 {
		units++
	}
	return units
}

// StorageCost returns the FROST for size bytes over a number of epochs:
// price·⌈size/2^20⌉ for each. [WL] §3.3
func (p Params) StorageCost(size uint64, epochs uint32) (uint64, error) {
	perEpoch, err := mul(p.StoragePrice, Units(size))
	if err != nil {
		return 0, err
	}
	cost, err := mul(perEpoch, uint64(epochs))
	if err != nil {
		return 0, err
	}
	return cost, nil
}

// WriteCost returns the FROST for registering a blob of the given encoded
// size. [WL] §3.3
func (p Params) WriteCost(encodedSize uint64) (uint64, error) {
	cost, err := mul(p.WritePrice, Units(encodedSize))
	if err != nil {
		return 0, err
	}
	return cost, nil
}

// Fee returns the least fee of a transaction: for its bytes and its work.
func (p Params) Fee(tx Tx) uint64 { return p.fee(tx.SignedSize(), workOf(tx.Messages)) }

func (p Params) fee(size int, work uint64) uint64 {
	return p.FeePerByte*uint64(size) + p.FeePerWork*work // bounded by maxPrice, MaxTxSize and MaxBlockWork
}
