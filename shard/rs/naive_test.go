package rs

// A second implementation that shares nothing with the product: the code as
// products of differences of points, in the polynomial representation, one word
// at a time.

type naiveField struct {
	poly   [fieldSize]uint16 // by coordinates
	coords [fieldSize]uint16 // by polynomial
}

func newNaiveField() *naiveField {
	basis := []uint16{
		0x0001, 0xACCA, 0x3C0E, 0x163E, 0xC582, 0xED2E, 0x914C, 0x4012,
		0x6C98, 0x10D8, 0x6A72, 0xB900, 0xFDB8, 0xFB34, 0xFF38, 0x991E,
	}
	f := new(naiveField)
	for e := range fieldSize {
		for i, b := range basis {
			if e>>i&1 == 1 {
				f.poly[e] ^= b
			}
		}
		f.coords[f.poly[e]] = uint16(e)
	}
	return f
}

func (f *naiveField) mul(a, b uint16) uint16 {
	x, y, sum := uint32(f.poly[a]), uint32(f.poly[b]), uint32(0)
	for ; y != 0; y >>= 1 {
		if y&1 == 1 {
			sum ^= x
		}
		if x <<= 1; x&0x10000 != 0 {
			x ^= 0x1002D
		}
	}
	return f.coords[sum]
}

func (f *naiveField) inv(a uint16) uint16 {
	// a^(2^16-2)
	result, square := uint16(1), f.mul(a, a)
	for range 15 {
		result = f.mul(result, square)
		square = f.mul(square, square)
	}
	return result
}

// generator returns the m×k matrix of the code.
func (f *naiveField) generator(k, m int) [][]uint16 {
	k2, m2 := 1, 1
	for k2 < k {
		k2 *= 2
	}
	for m2 < m {
		m2 *= 2
	}
	g := make([][]uint16, m)
	for j := range g {
		g[j] = make([]uint16, k)
		for i := range g[j] {
			v := uint16(1)
			if k2 < m2 { // F(K2+j) of degree < K2, zero at k…K2-1
				for t := range k2 {
					if t != i {
						v = f.mul(v, f.mul(uint16((k2+j)^t), f.inv(uint16(i^t))))
					}
				}
			} else { // F(j) with zeros from M2+k on
				d := func(x int) uint16 {
					p := uint16(1)
					for q := range m2 + k {
						if q != x {
							p = f.mul(p, uint16(x^q))
						}
					}
					return p
				}
				v = f.mul(d(m2+i), f.inv(d(j)))
				for t := range k {
					if t != i {
						v = f.mul(v, f.mul(uint16(j^(m2+t)), f.inv(uint16((m2+i)^(m2+t)))))
					}
				}
			}
			g[j][i] = v
		}
	}
	return g
}

// word reads word w of a symbol, and setWord writes it ([ENC] shards.rs).
func word(symbol []byte, w int) uint16 {
	lo, hi := wordAt(len(symbol), w)
	return uint16(symbol[lo]) | uint16(symbol[hi])<<8
}

func setWord(symbol []byte, w int, v uint16) {
	lo, hi := wordAt(len(symbol), w)
	symbol[lo], symbol[hi] = byte(v), byte(v>>8)
}

func wordAt(size, w int) (lo, hi int) {
	block := w / 32
	half := min(64, size-64*block) / 2
	return 64*block + w%32, 64*block + w%32 + half
}

func (f *naiveField) encode(source [][]byte, m int) [][]byte {
	g := f.generator(len(source), m)
	parity := make([][]byte, m)
	for j := range parity {
		parity[j] = make([]byte, len(source[0]))
		for w := range len(source[0]) / 2 {
			v := uint16(0)
			for i, s := range source {
				v ^= f.mul(g[j][i], word(s, w))
			}
			setWord(parity[j], w, v)
		}
	}
	return parity
}
