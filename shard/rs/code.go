package rs

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/klauspost/reedsolomon"
)

// fieldSize is the number of elements, and so of points.
const fieldSize = 1 << 16

// ErrShape says that counts or lengths of symbols do not fit the code.
var ErrShape = errors.New("rs: wrong shape")

// Code is the code of k source and m parity symbols.
type Code struct {
	k, m  int
	low   bool
	chunk int                 // the transform's size: K for the low rate, M for the high
	high  reedsolomon.Encoder // does the high rate where we have no vector code; else nil
}

// New returns the code; k and m are positive, and both arrangements of points
// must fit the field, else the error is an ErrShape.
func New(k, m int) (*Code, error) {
	if k <= 0 || m <= 0 || k >= fieldSize || m >= fieldSize ||
		min(pow2(k), pow2(m))+max(k, m) > fieldSize {
		return nil, fmt.Errorf("%w: %d source and %d parity symbols", ErrShape, k, m)
	}
	if pow2(k) < pow2(m) {
		return &Code{k: k, m: m, low: true, chunk: pow2(k)}, nil
	}
	if hasVector {
		return &Code{k: k, m: m, chunk: pow2(m)}, nil
	}
	high, err := reedsolomon.New(k, m, reedsolomon.WithLeopardGF16(true))
	if err != nil {
		return nil, fmt.Errorf("code of %d source and %d parity symbols: %w", k, m, err)
	}
	return &Code{k: k, m: m, chunk: pow2(m), high: high}, nil
}

// point returns the point of symbol i, 0 … k+m-1, source first.
func (c *Code) point(i int) int {
	if c.low == (i < c.k) {
		if c.low {
			return i
		}
		return i - c.k
	}
	if c.low {
		return c.chunk + i - c.k
	}
	return c.chunk + i
}

// pow2 returns the least power of two that is not below x; x is positive.
func pow2(x int) int { return 1 << bits.Len(uint(x-1)) }

// Work is memory that calls use again. The zero value is ready. It grows to a few
// MiB, or to 256 bytes per point where that is more.
type Work struct {
	buf   []byte
	cells [][]byte
	heads [][]byte
	outs  [][]byte
	chunk [][]byte
	zero  []byte
}

// reserve returns count cells of size bytes with arbitrary contents.
func (w *Work) reserve(count, size int) [][]byte {
	if len(w.buf) < count*size {
		w.buf = make([]byte, count*size)
	}
	if cap(w.cells) < count {
		w.cells = make([][]byte, count)
	}
	w.cells = w.cells[:count]
	for i := range w.cells {
		w.cells[i] = w.buf[i*size : (i+1)*size : (i+1)*size]
	}
	return w.cells
}

// zeros returns that many zero bytes, which must not be changed.
func (w *Work) zeros(n int) []byte {
	if len(w.zero) < n {
		w.zero = make([]byte, n)
	}
	return w.zero[:n]
}

// stripe returns how many bytes of each symbol to work on at a time, so that
// cells of that size stay in a core's own cache.
func stripe(cells, size int) int {
	const cache, least = 1 << 20, 256
	return min(max(cache/cells&^(blockSize-1), least), size)
}

// check returns the common length of the symbols.
func check(lists ...[][]byte) (int, error) {
	size := -1
	for _, list := range lists {
		for _, s := range list {
			if size < 0 {
				size = len(s)
			}
			if len(s) != size || size%blockSize != 0 {
				return 0, fmt.Errorf("%w: symbols of %d and %d bytes", ErrShape, size, len(s))
			}
		}
	}
	return max(size, 0), nil
}
