package ledger

import (
	"math/bits"

	"github.com/floe-storage/floe/committee"
)

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

// StorageCost returns the FROST for size bytes over a number of epochs, when
// they are bought at once: price·⌈size/2^20⌉ for each. [WL] §3.3
func (p Params) StorageCost(size uint64, epochs uint32) (uint64, error) {
	return asError(p.storageCost(size, epochs))
}

func (p Params) storageCost(size uint64, epochs uint32) (uint64, *Error) {
	perEpoch, err := mul(p.StoragePrice, Units(size))
	if err != nil {
		return 0, err
	}
	return mul(perEpoch, uint64(epochs))
}

// WriteCost returns the FROST for registering a blob of the given encoded
// size. [WL] §3.3
func (p Params) WriteCost(encodedSize uint64) (uint64, error) {
	return asError(p.writeCost(encodedSize))
}

func (p Params) writeCost(encodedSize uint64) (uint64, *Error) {
	return mul(p.WritePrice, Units(encodedSize))
}

// Deposit returns the FROST deposited when a blob of the given encoded size is
// registered, besides WriteCost; see Refund.
func (p Params) Deposit(encodedSize uint64) (uint64, error) {
	cost, err := p.WriteCost(encodedSize)
	return p.depositOf(cost), err
}

func (p Params) depositOf(writeCost uint64) uint64 {
	return share(writeCost, uint64(p.DepositRate), wholeRate)
}

// Refund returns what a blob's owner gets back of its deposit when nodes of the
// given weight have signed the certificate: their part of all shards.
func (p Params) Refund(deposit uint64, signed committee.Weight) uint64 {
	return share(deposit, min(uint64(signed), uint64(p.Shards)), uint64(p.Shards))
}

// asError makes no refusal of a nil *Error.
func asError(amount uint64, err *Error) (uint64, error) {
	if err != nil {
		return 0, err
	}
	return amount, nil
}

// Fee returns the least fee of a transaction: for its bytes and its work.
func (p Params) Fee(tx Tx) uint64 { return p.fee(tx.SignedSize(), workOf(tx.Messages)) }

func (p Params) fee(size int, work uint64) uint64 {
	return p.FeePerByte*uint64(size) + p.FeePerWork*work // bounded by maxPrice, MaxTxSize and MaxBlockWork
}
