package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// In the AVX2 code the working vector is in Y0 … Y11, but for its third row,
// which is in memory as the message is; Y12 and Y13 are scratch, Y14 and Y15 hold
// the byte orders of two rotations.

var ror24, ror16 Mem

// table is the byte order that rotates words right by that many bytes.
func table(name string, bytes int) Mem {
	t := GLOBL(name, RODATA|NOPTR)
	for i := range 32 {
		DATA(i, U8(i&^7%16|(i+bytes)&7))
	}
	return t
}

// vector256 is the working vector and message in a function's frame.
type vector256 struct{ third, message Mem }

func newVector256() vector256 {
	frame := AllocLocal(20 * 32)
	return vector256{third: frame, message: frame.Offset(4 * 32)}
}

// reg returns the register of word i, which is not in the third row.
func (v vector256) reg(i int) VecPhysical {
	if i >= 12 {
		return ys[i-4]
	}
	return ys[i]
}

func (v vector256) mem(i int) Mem  { return v.third.Offset(32 * (i - 8)) }
func (v vector256) word(i int) Mem { return v.message.Offset(32 * i) }

// rounds emits the twelve rounds. Message words from words on are zero.
func (v vector256) rounds(words int) {
	for _, s := range sigma {
		for half := 0; half < 8; half += 4 {
			step := func(f func(i int, q [4]int)) {
				for i := half; i < half+4; i++ {
					f(i, quads[i])
				}
			}
			add := func(second int) {
				step(func(i int, q [4]int) { VPADDQ(v.reg(q[1]), v.reg(q[0]), v.reg(q[0])) })
				step(func(i int, q [4]int) {
					if w := s[2*i+second]; w < words {
						VPADDQ(v.word(w), v.reg(q[0]), v.reg(q[0]))
					}
				})
				step(func(i int, q [4]int) { VPXOR(v.reg(q[0]), v.reg(q[3]), v.reg(q[3])) })
			}
			sum := func() {
				step(func(i int, q [4]int) {
					t := ys[12+i%2]
					VPADDQ(v.mem(q[2]), v.reg(q[3]), t)
					VMOVDQU(t, v.mem(q[2]))
					VPXOR(t, v.reg(q[1]), v.reg(q[1]))
				})
			}
			add(0)
			step(func(i int, q [4]int) { VPSHUFD(U8(0xb1), v.reg(q[3]), v.reg(q[3])) })
			sum()
			step(func(i int, q [4]int) { VPSHUFB(Y14, v.reg(q[1]), v.reg(q[1])) })
			add(1)
			step(func(i int, q [4]int) { VPSHUFB(Y15, v.reg(q[3]), v.reg(q[3])) })
			sum()
			step(func(i int, q [4]int) {
				t := ys[12+i%2]
				VPADDQ(v.reg(q[1]), v.reg(q[1]), t)
				VPSRLQ(U8(63), v.reg(q[1]), v.reg(q[1]))
				VPOR(t, v.reg(q[1]), v.reg(q[1]))
			})
		}
	}
}

// transpose256 turns the rows in the first four registers into columns in the
// last four.
func transpose256(r, t, c []VecPhysical) {
	VPUNPCKLQDQ(r[1], r[0], t[0])
	VPUNPCKHQDQ(r[1], r[0], t[1])
	VPUNPCKLQDQ(r[3], r[2], t[2])
	VPUNPCKHQDQ(r[3], r[2], t[3])
	VPERM2I128(U8(0x20), t[2], t[0], c[0])
	VPERM2I128(U8(0x20), t[3], t[1], c[1])
	VPERM2I128(U8(0x31), t[2], t[0], c[2])
	VPERM2I128(U8(0x31), t[3], t[1], c[3])
}

func inner256(name, doc string, pairs bool) {
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
	v := newVector256()
	VMOVDQU(ror24, Y14)
	VMOVDQU(ror16, Y15)

	Label(name + "Loop")
	for i := range 4 {
		if pairs {
			VMOVDQU(Mem{Base: left, Disp: 64 * i}, ys[i])
			VMOVDQU(Mem{Base: left, Disp: 64*i + 32}, ys[4+i])
		} else {
			VMOVDQU(Mem{Base: left, Disp: 32 * i}, ys[i])
			VMOVDQU(Mem{Base: right, Disp: 32 * i}, ys[4+i])
		}
	}
	transpose256(ys[0:4], ys[8:12], ys[0:4])
	transpose256(ys[4:8], ys[8:12], ys[4:8])
	// The prefix moves every byte up by one place.
	VPBROADCASTQ(constant(constOne), Y8)
	for i := range 8 {
		VPSLLQ(U8(8), ys[i], Y9)
		VPOR(Y8, Y9, Y9)
		VMOVDQU(Y9, v.word(i))
		VPSRLQ(U8(56), ys[i], Y8)
	}
	VMOVDQU(Y8, v.word(8))
	for i := range 8 {
		VPBROADCASTQ(constant(constInit+i), ys[i])
	}
	for i := range 4 {
		VPBROADCASTQ(constant(constIV+i), Y12)
		VMOVDQU(Y12, v.mem(8+i))
	}
	for i, c := range []int{constCount, constIV + 5, constLast, constIV + 7} {
		VPBROADCASTQ(constant(c), v.reg(12+i))
	}
	v.rounds(innerWords)
	for i := range 4 {
		VPBROADCASTQ(constant(constInit+i), Y12)
		VPXOR(Y12, ys[i], ys[i])
		VPXOR(v.mem(8+i), ys[i], ys[i])
	}
	transpose256(ys[0:4], ys[4:8], ys[8:12])
	for i := range 4 {
		VMOVDQU(ys[8+i], Mem{Base: dst, Disp: 32 * i})
	}
	ADDQ(U32(128), dst)
	if pairs {
		ADDQ(U32(256), left)
	} else {
		ADDQ(U32(128), left)
		ADDQ(U32(128), right)
	}
	DECQ(batches)
	JNZ(LabelRef(name + "Loop"))
	VZEROUPPER()
	RET()
}

// blocks256 compresses whole blocks that lie anywhere.
func blocks256() {
	TEXT("leafBlocks4", NOSPLIT,
		"func(state *[32]uint64, src *[4]*byte, blocks int, count, total, last uint64)")
	Pragma("noescape")
	Doc(
		"leafBlocks4 compresses blocks of four messages, lane by lane in the columns of state. The",
		"blocks are at src. count is the number of bytes of a message up to the end of the first",
		"block. If last is not zero, the messages end in the last block, after total bytes.",
	)
	state, src := pointer("state"), pointer("src")
	blocks := pointer("blocks").(GPVirtual)
	count := pointer("count").(GPVirtual)
	last := pointer("last").(GPVirtual)
	off, at, tmp := GP64(), GP64(), GP64()
	XORQ(off, off)
	v := newVector256()
	VMOVDQU(ror24, Y14)
	VMOVDQU(ror16, Y15)

	Label("blocksLoop")
	for part := range 4 {
		for i := range 4 {
			MOVQ(Mem{Base: src, Disp: 8 * i}, at)
			VMOVDQU(Mem{Base: at, Index: off, Scale: 1, Disp: 32 * part}, ys[i])
		}
		transpose256(ys[0:4], ys[4:8], ys[8:12])
		for i := range 4 {
			VMOVDQU(ys[8+i], v.word(4*part+i))
		}
	}
	for i := range 8 {
		VMOVDQU(Mem{Base: state, Disp: 32 * i}, ys[i])
	}
	for i := range 4 {
		VPBROADCASTQ(constant(constIV+i), Y12)
		VMOVDQU(Y12, v.mem(8+i))
		VPBROADCASTQ(constant(constIV+4+i), v.reg(12+i))
	}
	CMPQ(blocks, U8(1))
	JNE(LabelRef("blocksRounds"))
	TESTQ(last, last)
	JZ(LabelRef("blocksRounds"))
	Load(Param("total"), count)
	VPBROADCASTQ(constant(constLast), v.reg(14))
	Label("blocksRounds")
	MOVQ(count, tmp)
	VMOVQ(tmp, X12)
	VPBROADCASTQ(X12, Y12)
	VPXOR(Y12, v.reg(12), v.reg(12))
	v.rounds(16)
	for i := range 8 {
		VPXOR(Mem{Base: state, Disp: 32 * i}, ys[i], ys[i])
		if i < 4 {
			VPXOR(v.mem(8+i), ys[i], ys[i])
		} else {
			VPXOR(v.reg(8+i), ys[i], ys[i])
		}
		VMOVDQU(ys[i], Mem{Base: state, Disp: 32 * i})
	}
	ADDQ(U32(128), off)
	ADDQ(U32(128), count)
	DECQ(blocks)
	JNZ(LabelRef("blocksLoop"))
	VZEROUPPER()
	RET()
}
