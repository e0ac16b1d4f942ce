package rs

import (
	"crypto/subtle"

	"github.com/klauspost/reedsolomon"
)

// The transforms of [LCH] between the values of a polynomial at the points
// base … base+len(cells)-1 and its coefficients in the basis of that paper. The
// number of cells is a power of two that divides base. A level joins cells of
// distance d; in the block that starts at cell r its factor is the element
// (base+r)/d.

// inverse turns values into coefficients, in place. Cells from used on are zero.
func inverse(cells [][]byte, base, used int) {
	for d := 1; d < len(cells); d *= 2 {
		for r := 0; r < used; r += 2 * d {
			factor := uint16((base + r) / d)
			for i := r; i < r+d; i++ {
				a, b := cells[i], cells[i+d]
				xor(b, a)
				mulXor(a, b, factor)
			}
		}
	}
}

// forward turns coefficients into values, in place. Only cells from … to-1 are
// right afterwards; the others hold remainders.
func forward(cells [][]byte, base, from, to int) {
	for d := len(cells) / 2; d > 0; d /= 2 {
		for r := from &^ (2*d - 1); r < to; r += 2 * d {
			factor := uint16((base + r) / d)
			for i := r; i < r+d; i++ {
				a, b := cells[i], cells[i+d]
				mulXor(a, b, factor)
				// The upper half is left alone where nobody asks for it.
				if r+d < to {
					xor(b, a)
				}
			}
		}
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
