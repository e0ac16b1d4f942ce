//go:build !purego

package merkle

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate sh -c "cd gen && go run . -out ../lanes_gen_amd64.s -stubs ../lanes_gen_amd64.go -pkg merkle"

func detectLanes() lanes {
	switch {
	case cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ:
		return 8
	case cpu.X86.HasAVX2:
		return 4
	default:
		return 1
	}
}

// pairsVector does as many nodes as fill whole vectors and returns their number.
func (l lanes) pairsVector(dst, src []Hash) int {
	batches := len(dst) / int(l)
	switch {
	case batches == 0 || l == 1:
		return 0
	case l == 8:
		innerPairs8((*[HashSize]byte)(&dst[0]), (*[HashSize]byte)(&src[0]), batches)
	default:
		innerPairs4((*[HashSize]byte)(&dst[0]), (*[HashSize]byte)(&src[0]), batches)
	}
	return batches * int(l)
}

// crossVector does as many nodes as fill whole vectors and returns their number.
func (l lanes) crossVector(dst, left, right []Hash) int {
	batches := len(dst) / int(l)
	switch {
	case batches == 0 || l == 1:
		return 0
	case l == 8:
		innerCross8((*[HashSize]byte)(&dst[0]), (*[HashSize]byte)(&left[0]), (*[HashSize]byte)(&right[0]), batches)
	default:
		innerCross4((*[HashSize]byte)(&dst[0]), (*[HashSize]byte)(&left[0]), (*[HashSize]byte)(&right[0]), batches)
	}
	return batches * int(l)
}

// absorbMasked is absorb for eight lanes, whose code reads pieces byte by byte
// where they start and end and so needs no staging.
func (l lanes) absorbMasked(p *part, out *[maxLanes]Hash) {
	count, tail := p.blocks()
	if count == 0 {
		return
	}
	if !p.last {
		leafBlocks8(p.state, &p.src, p.carry, count, uint64(p.done+blockSize), 0, 0, 0, nil)
		p.advance(l)
		return
	}
	leafBlocks8(p.state, &p.src, p.carry, count, uint64(p.done+blockSize), uint64(p.done+1+p.size),
		maskOf(tail), maskOf(tail-blockSize/2), (*[maxLanes][HashSize]byte)(unsafe.Pointer(out)))
}

// compressVector is compress for four lanes.
func (l lanes) compressVector(state *[8 * maxLanes]uint64, at *[maxLanes]*byte, blocks, count, total int, last bool) {
	var end uint64
	if last {
		end = 1
	}
	leafBlocks4((*[8 * 4]uint64)(state[:8*4]), (*[4]*byte)(at[:4]), blocks, uint64(count), uint64(total), end)
}

// runVector hashes as many leaves as fill whole vectors and returns their number.
func (l lanes) runVector(dst []Hash, run []byte, size int) int {
	batches := len(dst) / maxLanes
	if l != maxLanes || batches == 0 || size == 0 {
		return 0
	}
	blocks := (size + blockSize) / blockSize
	tail := 1 + size - (blocks-1)*blockSize
	leafRun8((*[HashSize]byte)(&dst[0]), &run[0], size, batches, blocks, maskOf(tail), maskOf(tail-blockSize/2))
	return batches * maxLanes
}
