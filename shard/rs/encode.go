package rs

import "fmt"

// Encode fills parity, m symbols, from source, k symbols; all have the same
// length, a multiple of 64, and do not overlap. source is not changed. Its error
// is an ErrShape.
func (c *Code) Encode(source, parity [][]byte, w *Work) error {
	if len(source) != c.k || len(parity) != c.m {
		return fmt.Errorf("%w: %d source and %d parity symbols, want %d and %d",
			ErrShape, len(source), len(parity), c.k, c.m)
	}
	size, err := check(source, parity)
	if err != nil || size == 0 {
		return err
	}
	if c.low {
		c.encodeLow(source, parity, size, w)
		return nil
	}
	w.heads = append(append(w.heads[:0], source...), parity...)
	if err := c.high.Encode(w.heads); err != nil {
		return fmt.Errorf("%w: %w", ErrShape, err)
	}
	return nil
}

// encodeLow is [ENC] rate_low.rs: the coefficients are taken once and evaluated
// over one chunk of parity points after the other.
func (c *Code) encodeLow(source, parity [][]byte, size int, w *Work) {
	step := stripe(2*c.chunk, size)
	cells := w.reserve(2*c.chunk, step)
	if cap(w.outs) < c.chunk {
		w.outs = make([][]byte, c.chunk)
	}
	outs := w.outs[:c.chunk]
	for off := 0; off < size; off += step {
		n := min(step, size-off)
		for i := range cells {
			cells[i] = cells[i][:n]
		}
		coeffs, spare := cells[:c.chunk], cells[c.chunk:]
		for i := range coeffs {
			if i < c.k {
				copy(coeffs[i], source[i][off:])
			} else {
				clear(coeffs[i])
			}
		}
		inverse(coeffs, 0, c.k)
		for first := 0; first < c.m; first += c.chunk {
			wanted := min(c.chunk, c.m-first)
			for i := range outs {
				outs[i] = spare[i]
				if i < wanted {
					outs[i] = parity[first+i][off : off+n]
				}
				copy(outs[i], coeffs[i])
			}
			forward(outs, first+c.chunk, 0, wanted)
		}
	}
}
