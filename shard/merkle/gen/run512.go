package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// run512 hashes whole leaves that lie side by side.
func run512() {
	TEXT("leafRun8", NOSPLIT, "func(dst *[32]byte, src *byte, size, batches, blocks int, low, high uint64)")
	Pragma("noescape")
	Doc(
		"leafRun8 sets dst to the hashes of 8·batches leaves of size bytes, side by side at src. Of",
		"the two halves of the last of their blocks the bytes in the masks low and high are there.",
	)
	dst, src := pointer("dst"), pointer("src")
	size := pointer("size").(GPVirtual)
	batches := pointer("batches").(GPVirtual)
	size3, size5, size7 := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: size, Index: size, Scale: 2}, size3)
	LEAQ(Mem{Base: size, Index: size, Scale: 4}, size5)
	LEAQ(Mem{Base: size3, Index: size, Scale: 4}, size7)
	state := AllocLocal(8 * 64)
	mask := GP64()
	at, left, count := GP64(), GP64(), GP64()
	// lane is the address of a byte of a lane's block.
	lane := func(i, disp int) Mem {
		m := Mem{Base: at, Disp: disp}
		switch i {
		case 1, 2, 4:
			m.Index, m.Scale = size, uint8(i)
		case 3:
			m.Index, m.Scale = size3, 1
		case 5:
			m.Index, m.Scale = size5, 1
		case 6:
			m.Index, m.Scale = size3, 2
		case 7:
			m.Index, m.Scale = size7, 1
		}
		return m
	}

	Label("runBatch")
	for i := range 8 {
		VPBROADCASTQ(constant(constInit+i), v(i))
		VMOVDQU64(v(i), state.Offset(64*i))
	}
	MOVQ(src, at)
	Load(Param("blocks"), left)
	XORQ(count, count)
	// The first block starts with the prefix, which is zero.
	MOVQ(I64(-2), mask)
	KMOVQ(mask, K1)
	MOVQ(I64(-1), mask)
	KMOVQ(mask, K2)

	Label("runBlock")
	CMPQ(left, U8(1))
	JNE(LabelRef("run16"))
	Load(Param("low"), mask)
	KMOVQ(mask, K3)
	KANDQ(K3, K1, K1)
	high := GP64()
	Load(Param("high"), high)
	KMOVQ(high, K2)
	TESTQ(high, high)
	JNZ(LabelRef("run16"))
	SHRQ(U8(32), mask)
	JNZ(LabelRef("run8"))
	block := func(name string, words int) {
		Label(name)
		for half := 0; half < (words+7)/8; half++ {
			for i := range 8 {
				k := []OpmaskPhysical{K1, K2}[half]
				VMOVDQU8_Z(lane(i, 64*half-1), k, v(i))
			}
			transpose512(16 + 8*half)
		}
		for i := range 8 {
			VMOVDQU64(state.Offset(64*i), v(i))
			VPBROADCASTQ(constant(constIV+i), v(8+i))
		}
		ADDQ(U32(128), count)
		CMPQ(left, U8(1))
		JNE(LabelRef(name + "Count"))
		MOVQ(size, count)
		INCQ(count)
		VPBROADCASTQ(constant(constLast), v(14))
		Label(name + "Count")
		MOVQ(constant(constIV+4), mask)
		XORQ(count, mask)
		VPBROADCASTQ(mask, v(12))
		rounds512(words)
	}
	block("run4", 4)
	JMP(LabelRef("runLast"))
	block("run8", 8)
	JMP(LabelRef("runLast"))
	block("run16", 16)
	DECQ(left)
	JZ(LabelRef("runLast"))
	for i := range 8 {
		VPTERNLOGQ(U8(0x96), state.Offset(64*i), v(8+i), v(i))
		VMOVDQU64(v(i), state.Offset(64*i))
	}
	MOVQ(I64(-1), mask)
	KMOVQ(mask, K1)
	ADDQ(U32(128), at)
	JMP(LabelRef("runBlock"))

	Label("runLast")
	for i := range 4 {
		VPTERNLOGQ(U8(0x96), state.Offset(64*i), v(8+i), v(i))
	}
	store512(dst)
	ADDQ(U32(256), dst)
	LEAQ(Mem{Base: src, Index: size, Scale: 8}, src)
	DECQ(batches)
	JNZ(LabelRef("runBatch"))
	VZEROUPPER()
	RET()
}
