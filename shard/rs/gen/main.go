// Command gen writes the vector code of package rs: multiplication in GF(2^16)
// and the butterflies of its transforms, with GFNI and AVX-512.
//
// A lane is blocks of 64 bytes, 32 low bytes of words and 32 high bytes. A factor
// is linear over bits, so it is four matrices of 8×8 bits: from low and high
// bytes to low and high bytes. With x a block and y the block with its halves
// swapped,
//
//	factor·block = same(x) ^ other(y)
//
// where same has the matrices low→low and high→high in its halves, and other
// high→low and low→high.
//
// Run it by go generate in the package above.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	butterflies("forward4", "forward4 does two levels of forward: factors[0] joins cells 0 and 2, 1 and 3, "+
		"then factors[1] joins 0 and 1, factors[2] 2 and 3. out may be in. size is a positive multiple of 64.", 4, forward)
	butterflies("inverse4", "inverse4 undoes forward4.", 4, inverse)
	butterflies("forward2", "forward2 is one level of forward on two cells, joined by factors[0].", 2, forward)
	butterflies("inverse2", "inverse2 undoes forward2.", 2, inverse)
	streamCopy()
	Generate()
}

// streamCopy writes past the cache.
func streamCopy() {
	TEXT("streamCopy", NOSPLIT, "func(dst, src *byte, head, lines int, headMask, tailMask uint64)")
	Pragma("noescape")
	Doc(
		"streamCopy copies head bytes, so many that dst is then a multiple of 64, lines of 64 bytes,",
		"and the bytes in tailMask; headMask has head bits.",
	)
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	head, lines := Load(Param("head"), GP64()), Load(Param("lines"), GP64())
	mask := GP64()
	Load(Param("headMask"), mask)
	KMOVQ(mask, K1)
	VMOVDQU8_Z(Mem{Base: src}, K1, Z0)
	VMOVDQU8(Z0, K1, Mem{Base: dst})
	ADDQ(head, dst)
	ADDQ(head, src)
	TESTQ(lines, lines)
	JZ(LabelRef("streamTail"))
	Label("streamLoop")
	VMOVDQU64(Mem{Base: src}, Z0)
	VMOVNTDQ(Z0, Mem{Base: dst})
	ADDQ(U32(64), dst)
	ADDQ(U32(64), src)
	DECQ(lines)
	JNZ(LabelRef("streamLoop"))
	Label("streamTail")
	Load(Param("tailMask"), mask)
	KMOVQ(mask, K1)
	VMOVDQU8_Z(Mem{Base: src}, K1, Z0)
	VMOVDQU8(Z0, K1, Mem{Base: dst})
	VZEROUPPER()
	RET()

	TEXT("streamFence", NOSPLIT, "func()")
	Doc("streamFence orders the writes of streamCopy before those that follow.")
	SFENCE()
	RET()
}

var zs = []VecPhysical{
	Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
	Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31,
}

// factor is the register pair of a factor's matrices.
type factor struct{ same, other VecPhysical }

// loadFactors sets K1 and loads count factors that lie one after the other, or at
// the pointers, from register 31 downwards.
func loadFactors(at func(i int) Mem, count int) []factor {
	half := GP64()
	MOVQ(U32(0xf0), half)
	KMOVQ(half, K1)
	list := make([]factor, count)
	for i := range list {
		f := factor{zs[31-2*i], zs[30-2*i]}
		m := at(i)
		VPBROADCASTQ(m, f.same)
		VPBROADCASTQ(m.Offset(8), K1, f.same)
		VPBROADCASTQ(m.Offset(16), f.other)
		VPBROADCASTQ(m.Offset(24), K1, f.other)
		list[i] = f
	}
	return list
}

// mulXor emits a ^= f·b with three scratch registers.
func mulXor(f factor, b, a VecPhysical, t []VecPhysical) {
	VSHUFI64X2(U8(0x4e), b, b, t[0])
	VGF2P8AFFINEQB(U8(0), f.same, b, t[1])
	VGF2P8AFFINEQB(U8(0), f.other, t[0], t[2])
	VPTERNLOGQ(U8(0x96), t[1], t[2], a)
}

func forward(f factor, a, b VecPhysical, t []VecPhysical) {
	mulXor(f, b, a, t)
	VPXORQ(a, b, b)
}

func inverse(f factor, a, b VecPhysical, t []VecPhysical) {
	VPXORQ(a, b, b)
	mulXor(f, b, a, t)
}

// butterflies emits one function: radix cells, log2(radix) levels.
func butterflies(name, doc string, radix int, join func(f factor, a, b VecPhysical, t []VecPhysical)) {
	factorCount := radix - 1
	TEXT(name, NOSPLIT, fmt.Sprintf("func(in, out *[%d]*byte, size int, factors *[%d]*[4]uint64)", radix, factorCount))
	Pragma("noescape")
	Doc(doc)
	inList, outList := Load(Param("in"), GP64()), Load(Param("out"), GP64())
	size := Load(Param("size"), GP64())
	factors := Load(Param("factors"), GP64())
	at := GP64()
	f := loadFactors(func(i int) Mem {
		MOVQ(Mem{Base: factors, Disp: 8 * i}, at)
		return Mem{Base: at}
	}, factorCount)
	ins, outs := make([]Register, radix), make([]Register, radix)
	// In place the pointers are the same, but the code does not ask. There are 15
	// general registers: eight pointers, the size, the offset.
	for i := range radix {
		ins[i], outs[i] = GP64(), GP64()
		MOVQ(Mem{Base: inList, Disp: 8 * i}, ins[i])
		MOVQ(Mem{Base: outList, Disp: 8 * i}, outs[i])
	}
	off := GP64()
	XORQ(off, off)
	Label(name + "Loop")
	c := zs[:radix]
	for i := range radix {
		VMOVDQU64(Mem{Base: ins[i], Index: off, Scale: 1}, c[i])
	}
	scratch := func(i int) []VecPhysical { return zs[4+3*i : 7+3*i] }
	far := func() {
		join(f[0], c[0], c[2], scratch(0))
		join(f[0], c[1], c[3], scratch(1))
	}
	near := func() {
		join(f[1], c[0], c[1], scratch(2))
		join(f[2], c[2], c[3], scratch(3))
	}
	switch {
	case radix == 2:
		join(f[0], c[0], c[1], scratch(0))
	case name[0] == 'f':
		far()
		near()
	default:
		near()
		far()
	}
	for i := range radix {
		VMOVDQU64(c[i], Mem{Base: outs[i], Index: off, Scale: 1})
	}
	ADDQ(U32(64), off)
	CMPQ(off, size)
	JB(LabelRef(name + "Loop"))
	VZEROUPPER()
	RET()
}
