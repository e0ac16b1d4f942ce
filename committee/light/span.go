package light

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/shard/bcs"
)

const (
	maxLeaves  = 1 << 12 // of a span
	maxDepth   = 96      // of a tree: IAVL is balanced, so this is more than 2⁶⁰ leaves
	maxKey     = 1 << 10 // bytes
	maxValue   = 16 << 20
	leastLeaf  = 1 + 1 + 1 + 8 + 1
	leastStep  = 1 + 8 + 8 + 32
	valueForms = 2
)

// ErrProof says that a proof does not prove what it should: it is malformed,
// altered, or of another state. Who sent it is wrong.
var ErrProof = errors.New("light: the proof does not hold")

// Entry is a key of the state with its value.
type Entry struct{ Key, Value []byte }

// Prover is a state that can prove what it holds, as comet.Prover is.
type Prover interface {
	ledger.Reader
	// Proof returns a [ICS23] CommitmentProof in protobuf: of the key with its
	// value, or of its absence.
	Proof(key []byte) ([]byte, error)
}

// ProveRange returns a span that proves what r holds in [start, end), from the
// first key on and in all at most limit entries, or as many as fit into about
// size bytes of keys and values, but at least one. An empty start is before
// every key, a nil end behind.
func ProveRange(r Prover, start, end []byte, limit, size int) ([]byte, error) {
	var keys [][]byte
	more, used := false, 0
	limit = min(limit, maxLeaves-2)
	r.Ascend(start, end, func(key, value []byte) bool {
		used += len(key) + len(value)
		if more = len(keys) > 0 && (len(keys) >= limit || used > size); !more {
			keys = append(keys, bytes.Clone(key))
		}
		return !more
	})
	var leaves []leaf
	if len(start) > 0 && (len(keys) == 0 || !bytes.Equal(keys[0], start)) {
		around, err := proofOf(r, start)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, around.before()...)
	}
	for _, key := range keys {
		p, err := proofOf(r, key)
		if err != nil {
			return nil, err
		}
		if !p.exists() {
			return nil, fmt.Errorf("%w: the state does not prove key %x, which it has", ErrProof, key)
		}
		leaves = append(leaves, *p.left)
	}
	if !more && end != nil && (len(keys) == 0 || !adjacent(keys[len(keys)-1], end)) {
		around, err := proofOf(r, end)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, around.atOrAfter()...)
	} else if len(keys) == 0 && len(leaves) == 0 {
		return nil, fmt.Errorf("%w: the state is empty", ErrProof)
	}
	for i := range leaves {
		l := &leaves[i]
		if bytes.Compare(l.key, start) < 0 || end != nil && bytes.Compare(l.key, end) >= 0 {
			l.value = nil
		}
	}
	return appendSpan(nil, leaves), nil
}

// adjacent tells whether no key fits between key and end.
func adjacent(key, end []byte) bool {
	return len(end) == len(key)+1 && end[len(key)] == 0 && bytes.HasPrefix(end, key)
}

// appendSpan writes neighboring leaves, each with its whole path.
func appendSpan(b []byte, leaves []leaf) []byte {
	e := bcs.NewEncoder(b)
	e.Count(len(leaves))
	for i := range leaves {
		l := &leaves[i]
		e.Bytes(l.key)
		if l.value == nil {
			e.ULEB(0)
			e.Fixed(l.valueHash[:])
		} else {
			e.ULEB(1)
			e.Bytes(l.value)
		}
		e.U64(l.version)
		path := l.path
		if i > 0 {
			own := 0 // below the node at which it parts from the leaf before
			for own < len(path) && !path[own].right {
				own++
			}
			path = path[:own]
		}
		e.Count(len(path))
		for _, s := range path {
			e.U8(s.height)
			e.U64(s.size)
			e.U64(s.version)
			if i == 0 {
				e.Bool(s.right)
			}
			e.Fixed(s.sibling[:])
		}
	}
	return e.Data()
}

// decodeSpan reads what appendSpan wrote; the paths are as written. Keys and
// values are parts of what d reads.
func decodeSpan(d *bcs.Decoder) []leaf {
	leaves := make([]leaf, d.Count(maxLeaves, leastLeaf))
	for i := range leaves {
		l := &leaves[i]
		l.key = d.Bytes(maxKey)
		if d.Variant(valueForms) == 0 {
			d.Fixed(l.valueHash[:])
		} else {
			if l.value = d.Bytes(maxValue); l.value == nil {
				l.value = []byte{}
			}
			l.valueHash = sha256.Sum256(l.value)
		}
		l.version = d.U64()
		l.path = make([]step, d.Count(maxDepth, leastStep))
		for j := range l.path {
			s := &l.path[j]
			s.height, s.size, s.version = d.U8(), d.U64(), d.U64()
			s.right = i == 0 && d.Bool()
			d.Fixed(s.sibling[:])
			if !s.ok() {
				d.Fail("a node of no tree")
			}
		}
	}
	return leaves
}

// VerifyRange checks a span against a header's AppHash and returns what the
// state holds in [start, end), or, if more is true, what it holds up to and with
// the last of the entries, of which there is at least one. Nothing in between is
// missing. A nil end is behind every key. The entries are parts of proof.
func VerifyRange(appHash [32]byte, start, end, proof []byte) (entries []Entry, more bool, err error) {
	d := bcs.NewDecoder(proof)
	leaves := decodeSpan(d)
	if err := d.Finish(); err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrProof, err)
	}
	entries, more, err = verifySpan(appHash, start, end, leaves)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return entries, more, nil
}

func verifySpan(appHash [32]byte, start, end []byte, leaves []leaf) (entries []Entry, more bool, err error) {
	if len(leaves) == 0 {
		return nil, false, errors.New("it is empty")
	}
	var at climb
	if at.first(&leaves[0]) != appHash {
		return nil, false, errors.New("it is not of the state that the header names")
	}
	// Nothing may be missing in front.
	if bytes.Compare(leaves[0].key, start) > 0 && !at.leftmost() {
		return nil, false, errors.New("keys are missing at the beginning")
	}
	for i := range leaves {
		l := &leaves[i]
		if i > 0 && !at.next(l) {
			return nil, false, errors.New("leaves are no neighbors")
		}
		if i > 0 && bytes.Compare(leaves[i-1].key, l.key) >= 0 {
			return nil, false, errors.New("keys are out of order")
		}
		before, behind := bytes.Compare(l.key, start) < 0, end != nil && bytes.Compare(l.key, end) >= 0
		switch {
		case before && i > 0 || behind && i < len(leaves)-1,
			before && len(leaves) > 1 && bytes.Equal(leaves[1].key, start), behind && i > 0 && adjacent(leaves[i-1].key, end):
			return nil, false, errors.New("it has leaves that prove nothing")
		case before || behind:
			if l.value != nil {
				return nil, false, errors.New("it has a value outside of the range")
			}
		case l.value == nil:
			return nil, false, errors.New("a value is missing")
		default:
			entries = append(entries, Entry{l.key, l.value})
		}
	}
	last := leaves[len(leaves)-1].key
	complete := at.rightmost() || end != nil && (bytes.Compare(last, end) >= 0 || adjacent(last, end))
	if !complete && len(entries) == 0 {
		return nil, false, errors.New("keys are missing at the end")
	}
	return entries, !complete, nil
}
