package merkle

import (
	"encoding/hex"
	"math/bits"

	"golang.org/x/crypto/blake2b"
)

// HashSize is the size of a Hash in bytes.
const HashSize = 32

const (
	leafPrefix  = 0x00
	innerPrefix = 0x01
)

// Hash is a BLAKE2b-256 digest. The zero Hash stands for Empty inside a level.
type Hash [HashSize]byte

// String returns the 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// LeafHash returns the hash of a leaf. It copies data once; use a Hasher where
// many are hashed.
func LeafHash(data []byte) Hash {
	var h Hasher
	return h.Leaf(data)
}

// Hasher hashes leaves and nodes without an allocation per call. The zero value
// is ready. It belongs to one goroutine.
type Hasher struct {
	leaf  []byte               // leafPrefix ‖ data
	inner [1 + 2*HashSize]byte // innerPrefix ‖ left ‖ right
}

// Leaf returns the hash of a leaf. data is neither kept nor changed.
func (h *Hasher) Leaf(data []byte) Hash {
	copy(h.LeafBuffer(len(data)), data)
	return h.LeafInBuffer()
}

// LeafBuffer returns a buffer of size bytes to be filled with a leaf and hashed
// by LeafInBuffer, so that a leaf gathered from parts is copied only once. Its
// contents are arbitrary; it is valid until the next call of LeafBuffer or Leaf.
func (h *Hasher) LeafBuffer(size int) []byte {
	if cap(h.leaf) < 1+size {
		h.leaf = make([]byte, 1+size)
		h.leaf[0] = leafPrefix
	}
	h.leaf = h.leaf[:1+size]
	return h.leaf[1:]
}

// LeafInBuffer returns the hash of the leaf that the last LeafBuffer holds.
func (h *Hasher) LeafInBuffer() Hash { return blake2b.Sum256(h.leaf) }

// Inner returns the hash of the node above left and right.
func (h *Hasher) Inner(left, right *Hash) Hash {
	h.inner[0] = innerPrefix
	copy(h.inner[1:], left[:])
	copy(h.inner[1+HashSize:], right[:])
	return blake2b.Sum256(h.inner[:])
}

// Root returns the root over leaf hashes. It uses hashes as its working space:
// their values are lost.
func (h *Hasher) Root(hashes []Hash) Hash {
	if len(hashes) == 0 {
		return Hash{}
	}
	for len(hashes) > 1 {
		hashes = h.level(hashes)
	}
	return hashes[0]
}

// Climb replaces a level, or a part of it that starts at a multiple of
// 1<<levels, by what is above it that many levels higher, in place, and returns
// the shorter slice. A part is a part of a larger tree: where it ends with the
// level, a lone node is still paired with Empty, which Root would not do at the
// top. Use it to build the tree of a long row from groups of its cells.
func (h *Hasher) Climb(hashes []Hash, levels int) []Hash {
	for range levels {
		hashes = h.level(hashes)
	}
	return hashes
}

// level computes the next level in place.
func (h *Hasher) level(hashes []Hash) []Hash {
	n := len(hashes) / 2
	machine.pairs(hashes[:n], hashes[:2*n])
	if len(hashes)%2 == 1 {
		hashes[n] = h.Inner(&hashes[2*n], new(Hash))
		n++
	}
	return hashes[:n]
}

// Depth returns the length of a proof in a tree over that many leaves.
func Depth(leaves int) int {
	if leaves <= 1 {
		return 0
	}
	return bits.Len(uint(leaves - 1))
}
