package light

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	ics23 "github.com/cosmos/ics23/go"
)

// around is what an [ICS23] proof holds: the leaf with the key, or the leaves
// beside the place where it would be, either of them nil at the tree's edge.
type around struct {
	key         []byte
	left, right *leaf
}

func (a *around) exists() bool { return a.left != nil && bytes.Equal(a.left.key, a.key) }

// before returns the leaves around a key that is absent, of which those before
// it and, if none is, nothing.
func (a *around) before() []leaf {
	if a.left == nil || a.exists() {
		return nil
	}
	return []leaf{*a.left}
}

// atOrAfter returns the leaf with the key or behind it.
func (a *around) atOrAfter() []leaf {
	switch {
	case a.exists():
		return []leaf{*a.left}
	case a.right != nil:
		return []leaf{*a.right}
	}
	return nil
}

func proofOf(r Prover, key []byte) (*around, error) {
	b, err := r.Proof(key)
	if err != nil {
		return nil, fmt.Errorf("prove key %x: %w", key, err)
	}
	a, err := parseProof(key, b)
	if err != nil {
		return nil, fmt.Errorf("prove key %x: %w", key, err)
	}
	return a, nil
}

// VerifyValue checks an [ICS23] proof in protobuf against a header's AppHash: that
// the state holds value under key or, if value is nil, nothing. Anything else
// is [ErrProof].
func VerifyValue(appHash [32]byte, key, value, proof []byte) error {
	a, err := parseProof(key, proof)
	if err != nil {
		return err
	}
	var leaves []leaf
	for _, l := range []*leaf{a.left, a.right} {
		if l == nil {
			continue
		}
		if l.root() != appHash {
			return fmt.Errorf("%w: it is not of the state that the header names", ErrProof)
		}
		leaves = append(leaves, *l)
	}
	if a.exists() != (value != nil) || a.exists() && !bytes.Equal(a.left.value, value) {
		return fmt.Errorf("%w: it is of another value", ErrProof)
	}
	if a.exists() {
		return nil
	}
	_, _, err = VerifyRange(appHash, key, append(bytes.Clone(key), 0), appendSpan(nil, bare(leaves)))
	return err
}

// bare returns leaves with the hash of their values only.
func bare(leaves []leaf) []leaf {
	for i := range leaves {
		leaves[i].value = nil
	}
	return leaves
}

// parseProof reads the canonical protobuf form of an [ICS23] proof for a key in
// IAVL's tree. It checks the form, not the hashes.
func parseProof(key, b []byte) (*around, error) {
	refuse := func(err error) (*around, error) { return nil, fmt.Errorf("%w: %w", ErrProof, err) }
	var p ics23.CommitmentProof
	if err := p.Unmarshal(b); err != nil {
		return refuse(err)
	}
	again, err := p.Marshal()
	if err != nil || !bytes.Equal(again, b) {
		return refuse(errors.New("not in the canonical form"))
	}
	a := &around{key: key}
	if e := p.GetExist(); e != nil {
		if a.left, err = leafOf(e); err != nil {
			return refuse(err)
		}
		if !a.exists() {
			return refuse(errors.New("it is of another key"))
		}
		return a, nil
	}
	n := p.GetNonexist()
	if n == nil || !bytes.Equal(n.Key, key) || n.Left == nil && n.Right == nil {
		return refuse(errors.New("it is of another kind or key"))
	}
	if n.Left != nil {
		if a.left, err = leafOf(n.Left); err != nil {
			return refuse(err)
		}
	}
	if n.Right != nil {
		if a.right, err = leafOf(n.Right); err != nil {
			return refuse(err)
		}
	}
	if a.left != nil && bytes.Compare(a.left.key, key) >= 0 || a.right != nil && bytes.Compare(a.right.key, key) <= 0 {
		return refuse(errors.New("its leaves are not on both sides of the key"))
	}
	return a, nil
}

func leafOf(e *ics23.ExistenceProof) (*leaf, error) {
	op := e.Leaf
	if op == nil || op.Hash != ics23.HashOp_SHA256 || op.PrehashKey != ics23.HashOp_NO_HASH ||
		op.PrehashValue != ics23.HashOp_SHA256 || op.Length != ics23.LengthOp_VAR_PROTO {
		return nil, errors.New("a leaf is not hashed as ours are")
	}
	var head [3]uint64
	rest, ok := numbers(op.Prefix, &head)
	if !ok || len(rest) != 0 || head[0] != 0 || head[1] != 1 || len(e.Key) > maxKey || len(e.Value) > maxValue || len(e.Path) > maxDepth {
		return nil, errors.New("a leaf is not one of ours")
	}
	l := &leaf{key: e.Key, value: e.Value, valueHash: sha256.Sum256(e.Value), version: head[2], path: make([]step, len(e.Path))}
	if l.value == nil {
		l.value = []byte{}
	}
	for i, op := range e.Path {
		if op == nil || op.Hash != ics23.HashOp_SHA256 {
			return nil, errors.New("a node is not hashed as ours are")
		}
		rest, ok := numbers(op.Prefix, &head)
		s := &l.path[i]
		switch {
		case !ok || head[0] > 127:
			return nil, errors.New("a node is not one of ours")
		case len(rest) == 1 && rest[0] == hashLen && len(op.Suffix) == 33 && op.Suffix[0] == hashLen:
			copy(s.sibling[:], op.Suffix[1:])
		case len(rest) == 34 && rest[0] == hashLen && rest[33] == hashLen && len(op.Suffix) == 0:
			s.right = true
			copy(s.sibling[:], rest[1:])
		default:
			return nil, errors.New("a node is not one of ours")
		}
		if s.height, s.size, s.version = uint8(head[0]), head[1], head[2]; !s.ok() {
			return nil, errors.New("a node is not one of ours")
		}
	}
	return l, nil
}

// numbers reads the three signed varints, none of them negative and each in its
// shortest form, with which every node begins.
func numbers(b []byte, out *[3]uint64) (rest []byte, ok bool) {
	for i := range out {
		v, n := binary.Varint(b)
		if n <= 0 || v < 0 || len(binary.AppendVarint(nil, v)) != n {
			return nil, false
		}
		out[i], b = uint64(v), b[n:]
	}
	return b, true
}
