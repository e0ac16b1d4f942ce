package shard

import "fmt"

// Limits of the encoding.
const (
	// MinShards is the least number of shards: below, no fault is tolerated and
	// there is nothing to code.
	MinShards = 4
	// MaxShards is the greatest number of shards whose two codes fit the field of
	// 65536 elements.
	MaxShards = 49155
	// MaxSymbolSize is the largest symbol in bytes: the largest even number that
	// fits 16 bits.
	MaxSymbolSize = 65534
)

// symbolAlignment is what a symbol size is a multiple of: a field element.
const symbolAlignment = 2

// Params says how blobs are cut in a network of n shards. It is a comparable
// value that is made by NewParams; functions refuse the zero Params with
// ErrParams, and its methods return zeros.
type Params struct {
	n int
}

// NewParams returns the parameters for n shards, MinShards ≤ n ≤ MaxShards.
func NewParams(n int) (Params, error) {
	if n < MinShards || n > MaxShards {
		return Params{}, fmt.Errorf("shard: %d shards: want %d to %d", n, MinShards, MaxShards)
	}
	return Params{n: n}, nil
}

// Shards returns n.
func (p Params) Shards() int { return p.n }

// Faulty returns f = ⌊(n-1)/3⌋, how many shards may be faulty.
func (p Params) Faulty() int { return max(p.n-1, 0) / 3 }

// Rows returns n-2f: the rows of the matrix before it is expanded, the symbols of
// a secondary sliver, and how many primary slivers give the blob.
func (p Params) Rows() int { return p.n - 2*p.Faulty() }

// Cols returns n-f: the columns of the matrix before it is expanded, the symbols
// of a primary sliver, and how many secondary slivers give the blob.
func (p Params) Cols() int { return p.n - p.Faulty() }

// SourceSymbols returns the number of symbols in a sliver of axis a: Cols for
// Primary, Rows for Secondary. As many symbols recover one such sliver.
func (p Params) SourceSymbols(a Axis) int {
	if a == Primary {
		return p.Cols()
	}
	return p.Rows()
}

// Threshold returns how many distinct slivers of axis a give the blob: Rows for
// Primary, Cols for Secondary.
func (p Params) Threshold(a Axis) int { return p.SourceSymbols(a.Other()) }

// blobSymbols returns the number of symbols of a blob.
func (p Params) blobSymbols() uint64 { return uint64(p.Rows()) * uint64(p.Cols()) }

// MaxBlobSize returns the size of the largest blob in bytes.
func (p Params) MaxBlobSize() uint64 { return p.blobSymbols() * MaxSymbolSize }

// SymbolSize returns the size of a symbol of a blob of blobSize bytes: the least
// even number that gives the matrix room for it; 2 for the empty blob. Its error
// is a *TooLargeError, or ErrParams.
func (p Params) SymbolSize(blobSize uint64) (int, error) {
	if p.n == 0 {
		return 0, ErrParams
	}
	if blobSize > p.MaxBlobSize() {
		return 0, &TooLargeError{Size: blobSize, Max: p.MaxBlobSize(), Shards: p.n}
	}
	count := p.blobSymbols()
	size := (max(blobSize, 1) + count - 1) / count
	return int(size + size%symbolAlignment), nil
}

// SliverSize returns the size in bytes of a sliver of axis a.
func (p Params) SliverSize(a Axis, symbolSize int) int { return p.SourceSymbols(a) * symbolSize }

// EncodedSize returns how many bytes a blob is accounted for in the whole
// network: all slivers, and the metadata once per shard. It is the accounting
// figure of [ENC], in which metadata counts 64 bytes per shard and 32 for the ID;
// MetadataSize is a little more. Its error is a *TooLargeError, or ErrParams.
func (p Params) EncodedSize(blobSize uint64) (uint64, error) {
	symbolSize, err := p.SymbolSize(blobSize)
	if err != nil {
		return 0, err
	}
	n := uint64(p.n)
	return n * (uint64(p.Rows()+p.Cols())*uint64(symbolSize) + 64*n + 32), nil
}

// MetadataSize returns the size in bytes of the canonical form of a blob's
// metadata; all blobs have the same.
func (p Params) MetadataSize() int {
	size := 1 + 1 + 8 + p.n*metadataPairSize
	for v := p.n; ; v >>= 7 {
		size++
		if v < 0x80 {
			return size
		}
	}
}
