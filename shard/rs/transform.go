package rs

import (
	"crypto/subtle"
	"unsafe"

	"github.com/klauspost/reedsolomon"
)

// The transforms of [LCH] between the values of a polynomial at the points
// base … base+len(cells)-1 and its coefficients in the basis of that paper. The
// number of cells is a power of two that divides base. A level joins cells of
// distance d; in the block that starts at cell r its factor is the element
// (base+r)/d. Two levels are done at a time, so that cells go through the
// registers half as often.

// transform does transforms of cells of one size.
type transform struct {
	size  int // of a cell in bytes, a multiple of blockSize
	zero  []byte
	table *[fieldSize]factor // nil where there is no vector code
}

// newTransform returns a transform of cells of that many bytes; zero has as many
// and is zero.
func newTransform(size int, zero []byte) *transform {
	t := &transform{size: size, zero: zero}
	if hasVector {
		t.table = factors()
	}
	return t
}

// inverse turns values into coefficients. Where there are more cells in out than
// in in, the values are zero. in and out are the same cells or do not overlap.
func (t *transform) inverse(out, in [][]byte, base int) {
	count := len(out)
	if count == 1 {
		copy(out[0], in[0])
		return
	}
	d := 1
	if count == 2 {
		t.pairs(true, out, in, 0, d, base)
		return
	}
	used := len(in)
	for r := 0; r < used; r += 4 {
		t.quads(true, out, in, r, d, base)
	}
	for i := (used + 3) &^ 3; i < count; i++ {
		clear(out[i])
	}
	for d = 4; 4*d <= count; d *= 4 {
		for r := 0; r < used; r += 4 * d {
			t.quads(true, out, out, r, d, base)
		}
	}
	if d < count {
		t.pairs(true, out, out, 0, d, base)
	}
}

// forward turns coefficients into values. Only cells from … to-1 of out are right
// afterwards; the others hold remainders. in and out have as many cells; they are
// the same or do not overlap.
func (t *transform) forward(out, in [][]byte, base, from, to int) {
	width := len(out)
	if width == 1 {
		copy(out[0], in[0])
		return
	}
	for ; width >= 4; width /= 4 {
		for r := from &^ (width - 1); r < to; r += width {
			t.quads(false, out, in, r, width/4, base)
		}
		in = out
	}
	if width == 2 {
		for r := from &^ 1; r < to; r += 2 {
			t.pairs(false, out, in, r, 1, base)
		}
	}
}

// quads does two levels of the block of 4d cells that starts at r.
func (t *transform) quads(inverse bool, out, in [][]byte, r, d, base int) {
	f := [3]uint16{uint16((base + r) / (2 * d)), uint16((base + r) / d), uint16((base + r + 2*d) / d)}
	var src, dst [4]*byte
	if t.table == nil {
		for i := r; i < r+d; i++ {
			for j := range 4 {
				t.move(out, in, i+j*d)
			}
			if inverse {
				t.join(inverse, out[i], out[i+d], f[1])
				t.join(inverse, out[i+2*d], out[i+3*d], f[2])
			}
			t.join(inverse, out[i], out[i+2*d], f[0])
			t.join(inverse, out[i+d], out[i+3*d], f[0])
			if !inverse {
				t.join(inverse, out[i], out[i+d], f[1])
				t.join(inverse, out[i+2*d], out[i+3*d], f[2])
			}
		}
		return
	}
	table := [3]*factor{&t.table[f[0]], &t.table[f[1]], &t.table[f[2]]}
	for i := r; i < r+d; i++ {
		for j := range 4 {
			src[j], dst[j] = t.at(in, i+j*d), &out[i+j*d][0]
		}
		if inverse {
			inverse4(&src, &dst, t.size, &table)
		} else {
			forward4(&src, &dst, t.size, &table)
		}
	}
}

// pairs does one level of the block of 2d cells that starts at r.
func (t *transform) pairs(inverse bool, out, in [][]byte, r, d, base int) {
	f := uint16((base + r) / d)
	if t.table == nil {
		for i := r; i < r+d; i++ {
			t.move(out, in, i)
			t.move(out, in, i+d)
			t.join(inverse, out[i], out[i+d], f)
		}
		return
	}
	table := [1]*factor{&t.table[f]}
	for i := r; i < r+d; i++ {
		src, dst := [2]*byte{t.at(in, i), t.at(in, i+d)}, [2]*byte{&out[i][0], &out[i+d][0]}
		if inverse {
			inverse2(&src, &dst, t.size, &table)
		} else {
			forward2(&src, &dst, t.size, &table)
		}
	}
}

// at returns where cell i is; cells beyond the list are zero.
func (t *transform) at(cells [][]byte, i int) *byte {
	if i < len(cells) {
		return &cells[i][0]
	}
	return &t.zero[0]
}

// move copies cell i to out, if it is not the same.
func (t *transform) move(out, in [][]byte, i int) {
	if i >= len(in) {
		clear(out[i])
	} else if unsafe.SliceData(out[i]) != unsafe.SliceData(in[i]) {
		copy(out[i], in[i])
	}
}

// join is one butterfly, without vector code of our own.
func (t *transform) join(inverse bool, a, b []byte, factor uint16) {
	if inverse {
		xor(b, a)
	}
	mulXor(a, b, factor)
	if !inverse {
		xor(b, a)
	}
}

// derive replaces coefficients by those of the formal derivative, in place.
func derive(cells [][]byte) {
	for i := 1; i < len(cells); i++ {
		width := i & -i
		for j := range width {
			xor(cells[i-width+j], cells[i+j])
		}
	}
}

// xor adds b to a.
func xor(a, b []byte) { subtle.XORBytes(a, a, b) }

// mulXor adds factor·b to a.
func mulXor(a, b []byte, factor uint16) {
	var field reedsolomon.LowLevel
	field.GF16MulSliceXor(factor, b, a)
}
