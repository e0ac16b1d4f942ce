package merkle

import (
	"fmt"

	"github.com/floe-storage/floe/shard/bcs"
)

// MaxDepth bounds the nodes of a proof that is read: enough for 65536 leaves.
const MaxDepth = 16

// Node is a sibling in a proof: a digest, or Empty, which is the zero Node.
// Empty and the digest of 32 zero bytes hash alike but are different values
// with different bytes.
type Node struct {
	digest Hash
	full   bool
}

// Digest returns the node that holds h.
func Digest(h Hash) Node { return Node{digest: h, full: true} }

// Hash returns what the node counts as when it is hashed; zero for Empty.
func (n Node) Hash() Hash { return n.digest }

// IsEmpty reports whether the node is the place holder.
func (n Node) IsEmpty() bool { return !n.full }

// EncodeTo writes the canonical form: 1 byte for Empty, else 33.
func (n Node) EncodeTo(e *bcs.Encoder) {
	e.Bool(n.full)
	if n.full {
		e.Fixed(n.digest[:])
	}
}

// DecodeFrom reads the canonical form.
func (n *Node) DecodeFrom(d *bcs.Decoder) {
	*n = Node{full: d.Bool()}
	if n.full {
		d.Fixed(n.digest[:])
	}
}

// Proof is the path of a leaf: its siblings from the lowest level up.
type Proof []Node

// EncodeTo writes the canonical form.
func (p Proof) EncodeTo(e *bcs.Encoder) {
	e.Count(len(p))
	for _, n := range p {
		n.EncodeTo(e)
	}
}

// DecodeFrom reads the canonical form; more than MaxDepth nodes are refused.
func (p *Proof) DecodeFrom(d *bcs.Decoder) {
	*p = make(Proof, d.Count(MaxDepth, 1))
	for i := range *p {
		(*p)[i].DecodeFrom(d)
	}
}

// AppendBinary appends the canonical form to b. It never fails.
func (p Proof) AppendBinary(b []byte) ([]byte, error) {
	e := bcs.NewEncoder(b)
	p.EncodeTo(e)
	return e.Data(), nil
}

// UnmarshalBinary reads the canonical form. Its error is a bcs.ErrMalformed.
func (p *Proof) UnmarshalBinary(b []byte) error {
	d := bcs.NewDecoder(b)
	p.DecodeFrom(d)
	if err := d.Finish(); err != nil {
		return fmt.Errorf("decode proof: %w", err)
	}
	return nil
}

// Verify reports whether leaf is at index among leaves leaves under root. As in
// [WAL], a path may be shorter than Depth(leaves), if index fits in it, but not
// longer. Indices out of range give false.
func Verify(root Hash, leaves int, leaf []byte, index int, proof Proof) bool {
	if index < 0 || index >= leaves || len(proof) > Depth(leaves) || index>>len(proof) != 0 {
		return false
	}
	var h Hasher
	at := h.Leaf(leaf)
	for _, sibling := range proof {
		other := sibling.Hash()
		if index&1 == 0 {
			at = h.Inner(&at, &other)
		} else {
			at = h.Inner(&other, &at)
		}
		index >>= 1
	}
	return at == root
}

// Tree keeps every level, so that proofs can be taken. It is immutable.
type Tree struct {
	levels [][]Hash // levels[0] are the leaf hashes
}

// New builds the tree over leaves, which are neither kept nor changed.
func New(leaves [][]byte) *Tree {
	hashes := make([]Hash, len(leaves))
	var h Hasher
	for i, leaf := range leaves {
		hashes[i] = h.Leaf(leaf)
	}
	return FromHashes(hashes)
}

// FromHashes builds the tree over leaf hashes, which it keeps.
func FromHashes(hashes []Hash) *Tree {
	var h Hasher
	t := &Tree{levels: [][]Hash{hashes}}
	for len(hashes) > 1 {
		next := make([]Hash, (len(hashes)+1)/2)
		n := len(hashes) / 2
		machine.pairs(next[:n], hashes[:2*n])
		if n < len(next) {
			next[n] = h.Inner(&hashes[2*n], new(Hash))
		}
		t.levels = append(t.levels, next)
		hashes = next
	}
	return t
}

// Len returns the number of leaves.
func (t *Tree) Len() int { return len(t.levels[0]) }

// Root returns the root; the zero Hash when there are no leaves.
func (t *Tree) Root() Hash {
	top := t.levels[len(t.levels)-1]
	if len(top) == 0 {
		return Hash{}
	}
	return top[0]
}

// Proof returns the path of leaf index, Depth(Len()) nodes; nil when there is no
// such leaf.
func (t *Tree) Proof(index int) Proof {
	if index < 0 || index >= t.Len() {
		return nil
	}
	p := make(Proof, 0, len(t.levels)-1)
	for _, level := range t.levels[:len(t.levels)-1] {
		if sibling := index ^ 1; sibling < len(level) {
			p = append(p, Digest(level[sibling]))
		} else {
			p = append(p, Node{})
		}
		index >>= 1
	}
	return p
}
