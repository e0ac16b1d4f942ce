// Command gen writes the vector code of package merkle: BLAKE2b compressions of
// eight messages at a time with AVX-512 and of four with AVX2.
//
// Run it by go generate in the package above.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

var iv = [8]uint64{
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
}

// param is the parameter block's first word: 32 bytes of digest, no key,
// fanout and depth 1.
const param = 0x01010020

var sigma = [12][16]int{
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
	{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
	{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
	{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
	{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
	{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
	{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
	{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
	{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
}

// quads are the words that the eight steps of a round mix: columns, then
// diagonals.
var quads = [8][4]int{
	{0, 4, 8, 12},
	{1, 5, 9, 13},
	{2, 6, 10, 14},
	{3, 7, 11, 15},
	{0, 5, 10, 15},
	{1, 6, 11, 12},
	{2, 7, 8, 13},
	{3, 4, 9, 14},
}

// innerWords is how many message words of an inner node are not zero: 65 bytes.
const innerWords = 9

// consts are the words that the code loads: at 8·i iv[i], then the initial state
// of a hash, then the counter and the end mark of an inner node mixed into the
// vector they meet.
var consts Mem

func constant(i int) Mem { return consts.Offset(8 * i) }

const (
	constIV    = 0
	constInit  = 8
	constCount = 16 // iv[4] ^ 65
	constLast  = 17 // ^iv[6]
	constOne   = 18 // the prefix of an inner node
)

func main() {
	ConstraintExpr("!purego")
	consts = GLOBL("blakeWords", RODATA|NOPTR)
	for i, w := range iv {
		DATA(8*(constIV+i), U64(w))
	}
	for i, w := range iv {
		if i == 0 {
			w ^= param
		}
		DATA(8*(constInit+i), U64(w))
	}
	DATA(8*constCount, U64(iv[4]^65))
	DATA(8*constLast, U64(^iv[6]))
	DATA(8*constOne, U64(1))

	inner512("innerPairs8", "innerPairs8 sets dst[i] = inner(src[2i], src[2i+1]) for 8·batches nodes. dst may be src.", true)
	inner512("innerCross8", "innerCross8 sets dst[i] = inner(left[i], right[i]) for 8·batches nodes. dst may be left or right.", false)
	leaf512()
	run512()
	ror24 = table("ror24", 3)
	ror16 = table("ror16", 2)
	inner256("innerPairs4", "innerPairs4 sets dst[i] = inner(src[2i], src[2i+1]) for 4·batches nodes. dst may be src.", true)
	inner256("innerCross4", "innerCross4 sets dst[i] = inner(left[i], right[i]) for 4·batches nodes. dst may be left or right.", false)
	blocks256()
	Generate()
}

// pointer loads a parameter.
func pointer(name string) Register { return Load(Param(name), GP64()) }

// zs and ys name vector registers by number.
var (
	zs = []VecPhysical{
		Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
		Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31,
	}
	ys = []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}
)
