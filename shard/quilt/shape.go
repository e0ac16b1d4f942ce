package quilt

import (
	"fmt"

	"github.com/floe-storage/floe/shard"
)

const (
	// version starts the index, every patch and every internal ID.
	version = 1
	// maxIndexColumns is how many columns the index may take ([QLT]
	// MAX_NUM_SLIVERS_FOR_QUILT_INDEX).
	maxIndexColumns = 10
	// indexPrefixSize is the version and the length before the index.
	indexPrefixSize = 1 + 4
	// symbolAlignment is what a symbol size is a multiple of.
	symbolAlignment = 2
)

// MaxPatches returns how many patches a quilt can have in a network of p: as many
// as there are columns, less one for the index.
func MaxPatches(p shard.Params) int { return max(p.Cols()-1, 0) }

// shape is the matrix of a quilt.
type shape struct {
	rows, cols int
	symbolSize int
}

// shapeOf returns the shape of a quilt of size bytes.
func shapeOf(p shard.Params, size uint64) (shape, error) {
	if p.Shards() == 0 {
		return shape{}, shard.ErrParams
	}
	s := shape{rows: p.Rows(), cols: p.Cols()}
	if size == 0 || size > p.MaxBlobSize() {
		return shape{}, malformed("a quilt of %d shards cannot have %d bytes", p.Shards(), size)
	}
	symbols := uint64(s.rows) * uint64(s.cols)
	if size%(symbols*symbolAlignment) != 0 {
		return shape{}, malformed("%d bytes do not fill a matrix of %d×%d symbols", size, s.rows, s.cols)
	}
	s.symbolSize = int(size / symbols)
	return s, nil
}

// rowSize returns the bytes of a row of the matrix.
func (s shape) rowSize() int64 { return int64(s.cols) * int64(s.symbolSize) }

// columnSize returns the bytes of a column of the matrix.
func (s shape) columnSize() int64 { return int64(s.rows) * int64(s.symbolSize) }

// size returns the bytes of the matrix.
func (s shape) size() int64 { return int64(s.rows) * s.rowSize() }

// columns returns how many columns size bytes take.
func (s shape) columns(size int64) int { return int(ceilDiv(size, s.columnSize())) }

// findSymbolSize returns the least even symbol size with which sizes, that of the
// index first, find room in whole columns ([QLT] compute_symbol_size).
func findSymbolSize(sizes []int64, cols, rows, indexCols int) (int, error) {
	if len(sizes) == 0 || len(sizes) > cols {
		return 0, fmt.Errorf("%w: %d, at most %d", ErrTooMany, len(sizes)-1, cols-1)
	}
	var sum, largest int64
	for _, size := range sizes {
		sum += size
		largest = max(largest, size)
	}
	c, r := int64(cols), int64(rows)
	lo := max(
		ceilDiv(sum, c*r),
		ceilDiv(sizes[0], r*int64(indexCols)),
		ceilDiv(indexPrefixSize, r), // the prefix of the index lies in column 0
	)
	hi := ceilDiv(largest, c/int64(len(sizes))*r) // the same number of columns for each
	for lo < hi {
		mid := (lo + hi) / 2
		if fits(sizes, c, mid*r) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	lo += lo % symbolAlignment
	if lo > shard.MaxSymbolSize {
		return 0, fmt.Errorf("%w: needs symbols of %d bytes, at most %d", ErrTooLarge, lo, shard.MaxSymbolSize)
	}
	return int(lo), nil
}

// fits reports whether sizes find room in that many columns of columnSize bytes.
func fits(sizes []int64, columns, columnSize int64) bool {
	for _, size := range sizes {
		columns -= ceilDiv(size, columnSize)
	}
	return columns >= 0
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
