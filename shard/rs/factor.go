package rs

import "sync"

// factor is multiplication by an element as the vector code takes it: four
// matrices of bits, from low to low, high to high, high to low and low to high
// bytes of words. Row b of a matrix, which gives bit b, is byte 7-b.
type factor = [4]uint64

// factors builds the table of all elements at first use; it never changes. It is
// 2 MiB, of which a code touches what it needs.
var factors = sync.OnceValue(func() *[fieldSize]factor {
	t := tables()
	list := new([fieldSize]factor)
	for top := 1; top < fieldSize; top *= 2 {
		f := &list[top]
		for j := range 16 {
			product := t.exp[(int(t.log[top])+int(t.log[1<<j]))%logModulus]
			for b := range 16 {
				if product>>b&1 == 0 {
					continue
				}
				// From byte j/8 to byte b/8 of a word.
				matrix := [2][2]int{{0, 3}, {2, 1}}[j/8][b/8]
				f[matrix] |= 1 << (8*(7-b%8) + j%8)
			}
		}
		// Multiplication is linear in the factor too.
		for rest := 1; rest < top; rest++ {
			for i := range f {
				list[top+rest][i] = f[i] ^ list[rest][i]
			}
		}
	}
	return list
})
