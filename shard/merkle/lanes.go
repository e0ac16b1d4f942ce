package merkle

import (
	"unsafe"

	"golang.org/x/crypto/blake2b"
)

// blockSize is what BLAKE2b compresses at a time.
const blockSize = blake2b.BlockSize

// maxLanes is the largest number of messages that are compressed at once.
const maxLanes = 8

// lanes is how many messages of one length the machine compresses at once:
// 8 with AVX-512, 4 with AVX2, else 1.
type lanes int

// machine is what this machine does best. It never changes.
var machine = detectLanes()

// pairs sets dst[i] to the node above src[2i] and src[2i+1]. dst may be the start
// of src, which has exactly twice as many.
func (l lanes) pairs(dst, src []Hash) {
	done := l.pairsVector(dst, src)
	rest := len(dst) - done
	if rest == 0 {
		return
	}
	if l == 1 {
		var h Hasher
		for i := done; i < len(dst); i++ {
			dst[i] = h.Inner(&src[2*i], &src[2*i+1])
		}
		return
	}
	var in [2 * maxLanes]Hash
	var out [maxLanes]Hash
	copy(in[:], src[2*done:])
	l.pairsVector(out[:l], in[:2*l])
	copy(dst[done:], out[:rest])
}

// cross sets dst[i] to the node above left[i] and right[i]. dst may be left.
func (l lanes) cross(dst, left, right []Hash) {
	done := l.crossVector(dst, left, right)
	rest := len(dst) - done
	if rest == 0 {
		return
	}
	if l == 1 {
		var h Hasher
		for i := done; i < len(dst); i++ {
			dst[i] = h.Inner(&left[i], &right[i])
		}
		return
	}
	var a, b, out [maxLanes]Hash
	copy(a[:], left[done:])
	copy(b[:], right[done:])
	l.crossVector(out[:l], a[:l], b[:l])
	copy(dst[done:], out[:rest])
}

// part is one piece of l leaves, all of one size and all at the same place of
// their leaf.
type part struct {
	src   [maxLanes]*byte // where the pieces are
	size  int             // of a piece; a multiple of blockSize but at the end
	done  int             // bytes of the leaf before the piece, a multiple of blockSize
	last  bool            // the leaf ends with the piece
	state *[8 * maxLanes]uint64
	// carry holds the byte of each message before the piece: the prefix of the
	// leaf or the last byte of the piece before.
	carry *[maxLanes]byte
}

// The message is the leaf behind a prefix of one byte, so a block of it starts
// one byte before a block of the leaf.

// blocks returns how many blocks the piece completes and how many bytes of the
// message the last of these has.
func (p *part) blocks() (count, tail int) {
	if !p.last {
		return p.size / blockSize, blockSize
	}
	count = (1 + p.size + blockSize - 1) / blockSize
	return count, 1 + p.size - (count-1)*blockSize
}

// advance keeps what the next piece needs.
func (p *part) advance(l lanes) {
	for i := range int(l) {
		p.carry[i] = unsafe.Slice(p.src[i], p.size)[p.size-1]
	}
}

// begin sets the state of l lanes to that of a hash of 32 bytes without a key.
func (l lanes) begin(state *[8 * maxLanes]uint64) {
	for w, word := range blakeInit {
		column := state[w*int(l) : (w+1)*int(l)]
		for i := range column {
			column[i] = word
		}
	}
}

// digests reads the digests out of the state.
func (l lanes) digests(state *[8 * maxLanes]uint64, out *[maxLanes]Hash) {
	for i := range int(l) {
		for w := range 4 {
			putWord(out[i][8*w:], state[w*int(l)+i])
		}
	}
}

// absorb compresses the piece. With the last one out gets the digests of the l
// leaves.
func (l lanes) absorb(p *part, out *[maxLanes]Hash) {
	if l == 8 {
		l.absorbMasked(p, out)
		return
	}
	count, tail := p.blocks()
	if count == 0 {
		return
	}
	// The first block has the carried byte and the last may be short: these are
	// put together here. The others are compressed where they are.
	var staged [4 * blockSize]byte
	var at [maxLanes]*byte
	for i := range int(l) {
		b := staged[i*blockSize : (i+1)*blockSize]
		b[0] = p.carry[i]
		copy(b[1:], unsafe.Slice(p.src[i], p.size))
		at[i] = &b[0]
	}
	l.compress(p.state, &at, 1, p.done+blockSize, p.done+tail, p.last && count == 1)
	middle := count - 1
	if p.last {
		middle--
	}
	if middle > 0 {
		for i := range int(l) {
			at[i] = &unsafe.Slice(p.src[i], p.size)[blockSize-1]
		}
		l.compress(p.state, &at, middle, p.done+2*blockSize, 0, false)
	}
	if p.last && count > 1 {
		end := p.size - tail
		clear(staged[:])
		for i := range int(l) {
			b := staged[i*blockSize : (i+1)*blockSize]
			copy(b, unsafe.Slice(p.src[i], p.size)[end:])
			at[i] = &b[0]
		}
		l.compress(p.state, &at, 1, 0, p.done+1+p.size, true)
	}
	if p.last {
		l.digests(p.state, out)
	} else {
		p.advance(l)
	}
}

// compress does blocks that lie at the pointers. count is the number of message
// bytes up to the end of the first; if last, the messages end in the last block
// after total bytes.
func (l lanes) compress(state *[8 * maxLanes]uint64, at *[maxLanes]*byte, blocks, count, total int, last bool) {
	if l > 1 {
		l.compressVector(state, at, blocks, count, total, last)
		return
	}
	src := unsafe.Slice(at[0], blocks*blockSize)
	for i := range blocks {
		end := last && i == blocks-1
		t := count + i*blockSize
		if end {
			t = total
		}
		compressOne((*[8]uint64)(state[:8]), (*[blockSize]byte)(src[i*blockSize:]), uint64(t), end)
	}
}

// leaves sets dst[i] to the hash of leaf i. The leaves have one length.
func (l lanes) leaves(dst []Hash, leaves [][]byte) {
	if l == 1 {
		var h Hasher
		for i, leaf := range leaves {
			dst[i] = h.Leaf(leaf)
		}
		return
	}
	var state [8 * maxLanes]uint64
	var out [maxLanes]Hash
	for first := 0; first < len(leaves); first += int(l) {
		l.begin(&state)
		carry := [maxLanes]byte{}
		p := part{size: len(leaves[0]), last: true, state: &state, carry: &carry}
		p.point(leaves[first:], l)
		l.absorb(&p, &out)
		copy(dst[first:len(leaves)], out[:l])
	}
}

// run sets dst[i] to the hash of leaf i of those that lie side by side.
func (l lanes) run(dst []Hash, run []byte, size int) {
	done := l.runVector(dst, run[:len(dst)*size], size)
	for done < len(dst) {
		var rest [maxLanes][]byte
		count := min(len(dst)-done, maxLanes)
		for i := range count {
			rest[i] = run[(done+i)*size : (done+i+1)*size]
		}
		l.leaves(dst[done:done+count], rest[:count])
		done += count
	}
}

// point sets src to the first l of the pieces; where there are fewer, lanes do
// the last one again.
func (p *part) point(pieces [][]byte, l lanes) {
	for i := range int(l) {
		p.src[i] = unsafe.SliceData(pieces[min(i, len(pieces)-1)])
	}
}

// maskOf returns a word with the lowest n bits set, all from 64 on.
func maskOf(n int) uint64 {
	if n <= 0 {
		return 0
	}
	return ^uint64(0) >> (64 - min(n, 64))
}
