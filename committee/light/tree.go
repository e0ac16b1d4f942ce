package light

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// step is a node above a leaf: what of it is not the way that we come from.
type step struct {
	height  uint8  // above the leaves, 1 to 127
	size    uint64 // leaves below
	version uint64
	right   bool     // we come from the right child
	sibling [32]byte // hash of the other child
}

// leaf is a key with its value, or with the value's hash if the value is nil.
type leaf struct {
	key       []byte
	value     []byte
	valueHash [32]byte
	version   uint64
	path      []step // from the leaf upwards
}

const hashLen = 0x20 // stands before every hash

// hash returns the leaf's hash.
func (l *leaf) hash() [32]byte {
	b := make([]byte, 0, 64+len(l.key))
	b = append(b, 0, 2) // height 0 and size 1 as signed varints
	b = binary.AppendVarint(b, int64(l.version))
	b = binary.AppendUvarint(b, uint64(len(l.key)))
	b = append(b, l.key...)
	b = append(b, hashLen)
	b = append(b, l.valueHash[:]...)
	return sha256.Sum256(b)
}

// over returns the hash of the node, given that of the child that we come from.
func (s *step) over(child [32]byte) [32]byte {
	left, right := child, s.sibling
	if s.right {
		left, right = s.sibling, child
	}
	b := make([]byte, 0, 3*binary.MaxVarintLen64+2*(1+32))
	b = binary.AppendVarint(b, int64(s.height))
	b = binary.AppendVarint(b, int64(s.size))
	b = binary.AppendVarint(b, int64(s.version))
	b = append(b, hashLen)
	b = append(b, left[:]...)
	b = append(b, hashLen)
	b = append(b, right[:]...)
	return sha256.Sum256(b)
}

// ok tells whether the numbers are such as a tree has. A height of 0 would make
// a node out of what is a leaf.
func (s *step) ok() bool {
	return s.height >= 1 && s.height <= math.MaxInt8 && s.size <= math.MaxInt64 && s.version <= math.MaxInt64
}

// root returns the hash at the end of the leaf's path.
func (l *leaf) root() [32]byte {
	h := l.hash()
	for i := range l.path {
		h = l.path[i].over(h)
	}
	return h
}

// climb is where a verifier stands: a leaf's path to the root, and below each
// of its steps the hash that leads there.
type climb struct {
	path []step
	from [][32]byte // len(path)
}

// first begins with a leaf and returns the root's hash.
func (c *climb) first(l *leaf) [32]byte {
	h := l.hash()
	for _, s := range l.path {
		c.path, c.from = append(c.path, s), append(c.from, h)
		h = s.over(h)
	}
	return h
}

// next goes on to the right neighbor, whose path ends below the node at which
// it parts from the present one. It returns false if l is not the neighbor.
func (c *climb) next(l *leaf) bool {
	parting := 0 // the lowest node that we come to from the left
	for parting < len(c.path) && c.path[parting].right {
		parting++
	}
	if parting == len(c.path) {
		return false // nothing is to the right
	}
	path := make([]step, 0, len(l.path)+len(c.path)-parting)
	from := make([][32]byte, 0, cap(path))
	h := l.hash()
	for _, s := range l.path {
		if s.right {
			return false
		}
		path, from = append(path, s), append(from, h)
		h = s.over(h)
	}
	node := c.path[parting]
	if h != node.sibling {
		return false
	}
	node.right, node.sibling = true, c.from[parting]
	path, from = append(path, node), append(from, h)
	c.path, c.from = append(path, c.path[parting+1:]...), append(from, c.from[parting+1:]...)
	return len(c.path) <= maxDepth
}

// leftmost tells whether nothing is to the left of the present leaf.
func (c *climb) leftmost() bool {
	for i := range c.path {
		if c.path[i].right {
			return false
		}
	}
	return true
}

// rightmost tells whether nothing is to the right of the present leaf.
func (c *climb) rightmost() bool {
	for i := range c.path {
		if !c.path[i].right {
			return false
		}
	}
	return true
}
