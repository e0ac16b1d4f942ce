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
	if c.high != nil {
		w.heads = append(append(w.heads[:0], source...), parity...)
		if err := c.high.Encode(w.heads); err != nil {
			return fmt.Errorf("%w: %w", ErrShape, err)
		}
		return nil
	}
	step := stripe(2*c.chunk, size)
	for off := 0; off < size; off += step {
		n := min(step, size-off)
		cells := w.reserve(2*c.chunk, n)
		t := newTransform(n, w.zeros(n))
		s := stripes{transform: t, coeffs: cells[:c.chunk], spare: cells[c.chunk:]}
		w.heads = cut(w.heads, source, off, n)
		s.source = w.heads
		w.outs = cut(w.outs, parity, off, n)
		s.parity = w.outs
		if c.low {
			c.encodeLow(&s, w)
		} else {
			c.encodeHigh(&s, w)
		}
	}
	return nil
}

// cut fills list with bytes off … off+n of the symbols.
func cut(list, symbols [][]byte, off, n int) [][]byte {
	list = list[:0]
	for _, s := range symbols {
		list = append(list, s[off:off+n])
	}
	return list
}

// stripes is a part of all symbols that fits a core's own cache.
type stripes struct {
	*transform

	source, parity [][]byte
	coeffs, spare  [][]byte // chunk cells each
}

// encodeLow is [ENC] rate_low.rs: the coefficients are taken once and evaluated
// over one chunk of parity points after the other.
func (c *Code) encodeLow(s *stripes, w *Work) {
	s.inverse(s.coeffs, s.source, 0)
	for first := 0; first < c.m; first += c.chunk {
		wanted := min(c.chunk, c.m-first)
		s.forward(w.outputs(s.parity[first:first+wanted], s.spare), s.coeffs, first+c.chunk, 0, wanted)
	}
}

// encodeHigh is [ENC] rate_high.rs: the coefficients of all chunks of source
// points are added and evaluated at the parity points.
func (c *Code) encodeHigh(s *stripes, w *Work) {
	for first := 0; first < c.k; first += c.chunk {
		chunk := s.source[first:min(first+c.chunk, c.k)]
		if first == 0 {
			s.inverse(s.coeffs, chunk, c.chunk)
			continue
		}
		s.inverse(s.spare, chunk, first+c.chunk)
		for i, cell := range s.coeffs {
			xor(cell, s.spare[i])
		}
	}
	s.forward(w.outputs(s.parity, s.spare), s.coeffs, 0, 0, c.m)
}

// outputs returns the wanted cells and enough of spare to make a chunk.
func (w *Work) outputs(wanted, spare [][]byte) [][]byte {
	w.chunk = append(append(w.chunk[:0], wanted...), spare[len(wanted):]...)
	return w.chunk
}
