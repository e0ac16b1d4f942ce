package rs

import "sync"

// logModulus is the order of the multiplicative group.
const logModulus = fieldSize - 1

// logTables are discrete logarithms of elements, by their Cantor coordinates, to
// the base x of the polynomial representation. log[0] is not meaningful.
type logTables struct {
	log [fieldSize]uint16
	exp [fieldSize]uint16 // exp[logModulus] == exp[0] == 1
}

// tables builds the tables at first use; they never change.
var tables = sync.OnceValue(func() *logTables {
	const polynomial = 0x1002D
	// cantor[i] is the polynomial representation of the element 1<<i ([LEO]).
	cantor := [16]uint16{
		0x0001, 0xACCA, 0x3C0E, 0x163E, 0xC582, 0xED2E, 0x914C, 0x4012,
		0x6C98, 0x10D8, 0x6A72, 0xB900, 0xFDB8, 0xFB34, 0xFF38, 0x991E,
	}
	t := new(logTables)
	var byPoly [fieldSize]uint16 // logarithms by polynomial representation
	power := 1
	for i := range logModulus {
		byPoly[power] = uint16(i)
		power <<= 1
		if power >= fieldSize {
			power ^= polynomial
		}
	}
	var poly [fieldSize]uint16 // polynomial representation by coordinates
	for i, b := range cantor {
		for j := range 1 << i {
			poly[1<<i+j] = poly[j] ^ b
		}
	}
	for e := 1; e < fieldSize; e++ {
		t.log[e] = byPoly[poly[e]]
		t.exp[t.log[e]] = uint16(e)
	}
	t.exp[logModulus] = t.exp[0]
	return t
})
