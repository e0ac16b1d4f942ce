package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// In the AVX-512 code the working vector is in Z0 … Z15 and the message in
// Z16 … Z31; lane l of every register belongs to message l.
func v(i int) VecPhysical { return zs[i] }
func m(i int) VecPhysical { return zs[16+i] }

// rounds512 emits the twelve rounds. Message words from words on are zero.
func rounds512(words int) {
	for _, s := range sigma {
		for half := 0; half < 8; half += 4 {
			step := func(f func(q [4]int, x, y int)) {
				for i := half; i < half+4; i++ {
					f(quads[i], s[2*i], s[2*i+1])
				}
			}
			add := func(word func(x, y int) int) {
				step(func(q [4]int, x, y int) { VPADDQ(v(q[1]), v(q[0]), v(q[0])) })
				step(func(q [4]int, x, y int) {
					if w := word(x, y); w < words {
						VPADDQ(m(w), v(q[0]), v(q[0]))
					}
				})
			}
			turn := func(d, a int, by uint64) {
				step(func(q [4]int, x, y int) { VPXORQ(v(q[a]), v(q[d]), v(q[d])) })
				step(func(q [4]int, x, y int) { VPRORQ(U8(by), v(q[d]), v(q[d])) })
			}
			sum := func() { step(func(q [4]int, x, y int) { VPADDQ(v(q[3]), v(q[2]), v(q[2])) }) }
			add(func(x, y int) int { return x })
			turn(3, 0, 32)
			sum()
			turn(1, 2, 24)
			add(func(x, y int) int { return y })
			turn(3, 0, 16)
			sum()
			turn(1, 2, 63)
		}
	}
}

// transpose512 turns eight rows of eight words in Z0 … Z7 into columns in
// out … out+7. It uses Z8 … Z15.
func transpose512(out int) {
	a, b := zs[8:16], zs[0:8]
	for i := 0; i < 8; i += 2 {
		VPUNPCKLQDQ(zs[i+1], zs[i], a[i])
		VPUNPCKHQDQ(zs[i+1], zs[i], a[i+1])
	}
	for odd := range 2 {
		// a[odd], a[2+odd], a[4+odd], a[6+odd] have words odd, 2+odd, 4+odd, 6+odd.
		VSHUFI64X2(U8(0x88), a[2+odd], a[odd], b[0])
		VSHUFI64X2(U8(0xdd), a[2+odd], a[odd], b[1])
		VSHUFI64X2(U8(0x88), a[6+odd], a[4+odd], b[2])
		VSHUFI64X2(U8(0xdd), a[6+odd], a[4+odd], b[3])
		VSHUFI64X2(U8(0x88), b[2], b[0], zs[out+odd])
		VSHUFI64X2(U8(0x88), b[3], b[1], zs[out+2+odd])
		VSHUFI64X2(U8(0xdd), b[2], b[0], zs[out+4+odd])
		VSHUFI64X2(U8(0xdd), b[3], b[1], zs[out+6+odd])
	}
}

// store512 writes the digests, words 0 … 3 in Z0 … Z3, as eight hashes. It uses
// Z8 … Z11.
func store512(dst Register) {
	VPUNPCKLQDQ(zs[1], zs[0], zs[8])
	VPUNPCKHQDQ(zs[1], zs[0], zs[9])
	VPUNPCKLQDQ(zs[3], zs[2], zs[10])
	VPUNPCKHQDQ(zs[3], zs[2], zs[11])
	for lane := range 8 {
		for half := range 2 {
			VEXTRACTI64X2(U8(lane/2), zs[8+lane%2+2*half], Mem{Base: dst, Disp: 32*lane + 16*half})
		}
	}
}

func inner512(name, doc string, pairs bool) {
	signature := "func(dst, left, right *[32]byte, batches int)"
	if pairs {
		signature = "func(dst, src *[32]byte, batches int)"
	}
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(doc)
	dst := pointer("dst")
	var left, right Register
	if pairs {
		left = pointer("src")
	} else {
		left, right = pointer("left"), pointer("right")
	}
	batches := pointer("batches").(GPVirtual)

	Label(name + "Loop")
	for i := range 8 {
		if pairs {
			VMOVDQU64(Mem{Base: left, Disp: 64 * i}, v(i))
		} else {
			VMOVDQU(Mem{Base: left, Disp: 32 * i}, ysOf(i))
			VINSERTI64X4(U8(1), Mem{Base: right, Disp: 32 * i}, v(i), v(i))
		}
	}
	transpose512(16)
	// The prefix moves every byte up by one place.
	VPSRLQ(U8(56), m(7), m(8))
	for i := 7; i > 0; i-- {
		VPSLLQ(U8(8), m(i), m(i))
		VPSRLQ(U8(56), m(i-1), v(i))
		VPORQ(v(i), m(i), m(i))
	}
	VPSLLQ(U8(8), m(0), m(0))
	VPORQ_BCST(constant(constOne), m(0), m(0))
	for i := range 8 {
		VPBROADCASTQ(constant(constInit+i), v(i))
		VPBROADCASTQ(constant(constIV+i), v(8+i))
	}
	VPBROADCASTQ(constant(constCount), v(12))
	VPBROADCASTQ(constant(constLast), v(14))
	rounds512(innerWords)
	for i := range 4 {
		VPTERNLOGQ_BCST(U8(0x96), constant(constInit+i), v(8+i), v(i))
	}
	store512(dst)
	ADDQ(U32(256), dst)
	if pairs {
		ADDQ(U32(512), left)
	} else {
		ADDQ(U32(256), left)
		ADDQ(U32(256), right)
	}
	DECQ(batches)
	JNZ(LabelRef(name + "Loop"))
	VZEROUPPER()
	RET()
}

func ysOf(i int) VecPhysical { return ys[i] }

// leaf512 hashes pieces of eight leaves that lie anywhere.
func leaf512() {
	TEXT("leafBlocks8", NOSPLIT,
		"func(state *[64]uint64, src *[8]*byte, carry *[8]byte, blocks int, count, total, low, high uint64, out *[8][32]byte)")
	Pragma("noescape")
	Doc(
		"leafBlocks8 compresses blocks of eight messages, lane by lane in the columns of state. Byte",
		"0 of the first block is carry, the others are at src. count is the number of bytes of a",
		"message up to the end of the first block. If out is not nil the messages end in the last",
		"block, after total bytes: of its two halves only the bytes in the masks low and high are",
		"there, and out gets the digests.",
	)
	state, src, carry := pointer("state"), pointer("src"), pointer("carry")
	blocks := pointer("blocks").(GPVirtual)
	count := pointer("count").(GPVirtual)
	out := pointer("out").(GPVirtual)
	off, mask := GP64(), GP64()
	XORQ(off, off)
	// K1 and K2 are the bytes of the halves; K1 leaves out the byte before src.
	MOVQ(I64(-2), mask)
	KMOVQ(mask, K1)
	MOVQ(I64(-1), mask)
	KMOVQ(mask, K2)

	Label("leafLoop")
	CMPQ(blocks, U8(1))
	JNE(LabelRef("leaf16"))
	TESTQ(out, out)
	JZ(LabelRef("leaf16"))
	{
		low, high := GP64(), GP64()
		Load(Param("low"), low)
		Load(Param("high"), high)
		KMOVQ(low, K3)
		KANDQ(K3, K1, K1)
		KMOVQ(high, K2)
		// Most message words of a short end are zero.
		TESTQ(high, high)
		JNZ(LabelRef("leaf16"))
		SHRQ(U8(32), low)
		JNZ(LabelRef("leaf8"))
	}
	at, tmp := GP64(), GP64()
	block := func(name string, words int) {
		Label(name)
		for half := 0; half < (words+7)/8; half++ {
			for i := range 8 {
				MOVQ(Mem{Base: src, Disp: 8 * i}, at)
				k := []OpmaskPhysical{K1, K2}[half]
				VMOVDQU8_Z(Mem{Base: at, Index: off, Scale: 1, Disp: 64*half - 1}, k, v(i))
			}
			transpose512(16 + 8*half)
		}
		TESTQ(off, off)
		JNZ(LabelRef(name + "Carried"))
		VPMOVZXBQ(Mem{Base: carry}, v(0))
		VPORQ(v(0), m(0), m(0))
		MOVQ(I64(-1), mask)
		KMOVQ(mask, K1)
		Label(name + "Carried")
		for i := range 8 {
			VMOVDQU64(Mem{Base: state, Disp: 64 * i}, v(i))
			VPBROADCASTQ(constant(constIV+i), v(8+i))
		}
		CMPQ(blocks, U8(1))
		JNE(LabelRef(name + "Count"))
		TESTQ(out, out)
		JZ(LabelRef(name + "Count"))
		Load(Param("total"), count)
		VPBROADCASTQ(constant(constLast), v(14))
		Label(name + "Count")
		MOVQ(constant(constIV+4), tmp)
		XORQ(count, tmp)
		VPBROADCASTQ(tmp, v(12))
		rounds512(words)
		for i := range 8 {
			VPTERNLOGQ(U8(0x96), Mem{Base: state, Disp: 64 * i}, v(8+i), v(i))
		}
		for i := range 8 {
			VMOVDQU64(v(i), Mem{Base: state, Disp: 64 * i})
		}
	}
	block("leaf4", 4)
	JMP(LabelRef("leafNext"))
	block("leaf8", 8)
	JMP(LabelRef("leafNext"))
	block("leaf16", 16)
	Label("leafNext")
	ADDQ(U32(128), off)
	ADDQ(U32(128), count)
	DECQ(blocks)
	JNZ(LabelRef("leafLoop"))
	TESTQ(out, out)
	JZ(LabelRef("leafReturn"))
	store512(out)
	Label("leafReturn")
	VZEROUPPER()
	RET()
}
