package rs

import (
	"fmt"
	"math/bits"

	"github.com/klauspost/reedsolomon"
)

// matrixWidth is how many outputs the library's fused multiplication fills.
const matrixWidth = 8

// Decoder restores the missing source symbols from one set of known symbols. It
// is made once for a set and used for any number of rows.
type Decoder struct {
	code    *Code
	known   []int // symbols, in the order in which Decode takes them
	missing []int // source symbols, ascending

	// Exactly one of the two ways is prepared.
	matrix [][matrixWidth]uint16 // by ⌊missing/8⌋·k + known: the factor of a known symbol in 8 missing ones
	scale  []uint16              // by known: the locator there
	reveal []uint16              // by missing: the inverse of the locator there
}

// Decoder prepares to decode from the known symbols: exactly k distinct numbers
// in 0 … k+m-1, source first. Its error is an ErrShape. known is not kept.
func (c *Code) Decoder(known []int) (*Decoder, error) {
	if len(known) != c.k {
		return nil, fmt.Errorf("%w: %d known symbols, want %d", ErrShape, len(known), c.k)
	}
	have := make([]bool, c.k+c.m)
	for _, i := range known {
		if i < 0 || i >= len(have) || have[i] {
			return nil, fmt.Errorf("%w: known symbol %d of %d", ErrShape, i, len(have))
		}
		have[i] = true
	}
	d := &Decoder{code: c, known: append([]int(nil), known...)}
	for i := range c.k {
		if !have[i] {
			d.missing = append(d.missing, i)
		}
	}
	if len(d.missing) > 0 {
		d.prepare(have)
	}
	return d, nil
}

// Missing returns the source symbols that Decode restores, ascending. The slice
// must not be changed.
func (d *Decoder) Missing() []int { return d.missing }

// Known returns how many known symbols Decode takes: k.
func (d *Decoder) Known() int { return len(d.known) }

// prepare computes the locators and chooses the cheaper way. With S the points
// whose values are known, zeros among them, and E the others, interpolation is
//
//	F(x) = 1/loc(x) · Σ_{i known} loc(i)·F(i) / (x-i),   loc(x) = Π_{e∈E, e≠x} (x-e).
func (d *Decoder) prepare(have []bool) {
	c, t := d.code, tables()
	locator := c.locator(have)
	logKnown := make([]int, len(d.known))
	for j, i := range d.known {
		logKnown[j] = locator(c.point(i))
	}
	logMissing := make([]int, len(d.missing))
	for j, i := range d.missing {
		logMissing[j] = logModulus - locator(c.point(i))
	}
	size := pow2(c.span())
	// A factor of the matrix costs about a third of a butterfly.
	if len(d.missing)*c.k <= 3*size*bits.Len(uint(size)) {
		d.matrix = make([][matrixWidth]uint16, (len(d.missing)+matrixWidth-1)/matrixWidth*c.k)
		for j, m := range d.missing {
			x := c.point(m)
			for i, s := range d.known {
				inv := logModulus - int(t.log[x^c.point(s)])
				d.matrix[j/matrixWidth*c.k+i][j%matrixWidth] = t.exp[(logMissing[j]+logKnown[i]+inv)%logModulus]
			}
		}
		return
	}
	for _, l := range logKnown {
		d.scale = append(d.scale, t.exp[l%logModulus])
	}
	for _, l := range logMissing {
		d.reveal = append(d.reveal, t.exp[l%logModulus])
	}
}

// span returns the number of points from 0 on that hold symbols or padding.
func (c *Code) span() int {
	if c.low {
		return c.chunk + c.m
	}
	return c.chunk + c.k
}

// locator returns the function log loc. The product over all points other than x
// is 1, so it is taken over whichever of E and S is finite in the arrangement:
// both then have exactly chunk points.
func (c *Code) locator(have []bool) func(x int) int {
	set := make([]int, 0, c.chunk)
	for i, h := range have {
		if h == c.low {
			set = append(set, c.point(i))
		}
	}
	first, last := c.m, c.chunk // padding between the parity points and the chunk's end
	if c.low {
		first = c.k
	}
	for q := first; q < last; q++ {
		set = append(set, q)
	}
	t, low := tables(), c.low
	return func(x int) int {
		sum := 0
		for _, q := range set {
			if q != x {
				sum += int(t.log[x^q])
			}
		}
		sum %= logModulus
		if low {
			return logModulus - sum
		}
		return sum
	}
}

// Decode fills out with the missing source symbols, in the order of Missing, from
// in, the known ones in the order given to Code.Decoder. All have the same
// length, a multiple of 64; out overlaps nothing. Its error is an ErrShape.
func (d *Decoder) Decode(in, out [][]byte, w *Work) error {
	if len(in) != len(d.known) || len(out) != len(d.missing) {
		return fmt.Errorf("%w: %d known and %d missing symbols, want %d and %d",
			ErrShape, len(in), len(out), len(d.known), len(d.missing))
	}
	size, err := check(in, out)
	if err != nil || size == 0 || len(out) == 0 {
		return err
	}
	if d.matrix != nil {
		d.multiply(in, out, size, w)
	} else {
		d.transform(in, out, size, w)
	}
	return nil
}

// multiply is interpolation as it stands.
func (d *Decoder) multiply(in, out [][]byte, size int, w *Work) {
	var field reedsolomon.LowLevel
	step := stripe(2*matrixWidth, size)
	spare := w.reserve(matrixWidth, step)
	for off := 0; off < size; off += step {
		n := min(step, size-off)
		for first := 0; first < len(out); first += matrixWidth {
			var outs [matrixWidth][]byte
			for i := range outs {
				outs[i] = spare[i][:n] // takes what nobody asked for
				if first+i < len(out) {
					outs[i] = out[first+i][off : off+n]
					clear(outs[i])
				}
			}
			factors := d.matrix[first/matrixWidth*d.code.k:]
			for i := range in {
				field.GF16MulSliceXor8(&factors[i], in[i][off:off+n], &outs)
			}
		}
	}
}

// transform is interpolation in O(n log n) ([ENC] rate_high.rs, rate_low.rs):
// the sum is the derivative of the polynomial with values loc(i)·F(i).
func (d *Decoder) transform(in, out [][]byte, size int, w *Work) {
	c := d.code
	span := c.span()
	step := stripe(pow2(span), size)
	cells := w.reserve(pow2(span), step)
	from, to := c.point(d.missing[0]), c.point(d.missing[len(d.missing)-1])+1
	for off := 0; off < size; off += step {
		n := min(step, size-off)
		for i := range cells {
			cells[i] = cells[i][:n]
			clear(cells[i])
		}
		for j, i := range d.known {
			mulXor(cells[c.point(i)], in[j][off:off+n], d.scale[j])
		}
		t := newTransform(n, w.zeros(n))
		t.inverse(cells, cells[:span], 0)
		derive(cells)
		t.forward(cells, cells, 0, from, to)
		for j, i := range d.missing {
			dst := out[j][off : off+n]
			clear(dst)
			mulXor(dst, cells[c.point(i)], d.reveal[j])
		}
	}
}
