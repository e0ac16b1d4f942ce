package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/floe-storage/floe/committee/ledger"
)

// original is what one object leaves in the state, to be copied with other IDs.
type original struct {
	ids   [][]byte // that are replaced in a copy
	pairs []pair   // by key
}

type pair struct{ key, value []byte }

// originalOf picks what has one of the IDs in its key out of a state.
func originalOf(r ledger.Reader, ids ...[]byte) original {
	o := original{ids: ids}
	r.Ascend(nil, nil, func(key, value []byte) bool {
		if slices.ContainsFunc(ids, func(id []byte) bool { return bytes.Contains(key, id) }) {
			o.pairs = append(o.pairs, pair{bytes.Clone(key), bytes.Clone(value)})
		}
		return true
	})
	return o
}

// copyPair returns the n-th pair with other IDs, given in the order of o.ids.
func (o *original) copyPair(n int, ids [][]byte) pair {
	key, value := bytes.Clone(o.pairs[n].key), bytes.Clone(o.pairs[n].value)
	for i, id := range o.ids {
		replace(key, id, ids[i])
		replace(value, id, ids[i])
	}
	return pair{key, value}
}

func replace(b, id, with []byte) {
	for at := 0; ; at += len(id) {
		i := bytes.Index(b[at:], id)
		if i < 0 {
			return
		}
		at += i
		copy(b[at:], with)
	}
}

// lead returns what stands in the n-th key before the first ID.
func (o *original) lead(n int) []byte {
	key := o.pairs[n].key
	at := len(key)
	for _, id := range o.ids {
		if i := bytes.Index(key, id); i >= 0 {
			at = min(at, i)
		}
	}
	return key[:at]
}

// inOrder makes the IDs of the n-th of count copies, of the sizes of ids: they
// sort like n.
func inOrder(ids [][]byte, n, count int) [][]byte {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("copy"), uint64(n)))
	step := ^uint64(0)/uint64(count+1) + 1
	out := make([][]byte, len(ids))
	for i, id := range ids {
		v := binary.BigEndian.AppendUint64(nil, step*uint64(n+1))
		v = append(v, byte(i))
		out[i] = append(v, seed[:len(id)-len(v)]...)
	}
	return out
}

// writeCopies writes count copies, the n-th with the IDs idsOf(n) and of the
// original classOf(n). If IDs sort like n, most of it is written in the order
// of the keys, which is fast.
func writeCopies(d *disk, classes []original, count int, idsOf func(n int) [][]byte, classOf func(n int) int) {
	for slot := range classes[0].pairs {
		together := !slices.ContainsFunc(classes, func(o original) bool { return !bytes.Equal(o.lead(slot), classes[0].lead(slot)) })
		order := make([]int, len(classes))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int {
			return cmp.Or(bytes.Compare(classes[a].lead(slot), classes[b].lead(slot)), cmp.Compare(a, b))
		})
		if together {
			order = []int{-1} // all classes in one pass
		}
		for _, class := range order {
			for n := range count {
				c := classOf(n)
				if class >= 0 && c != class {
					continue
				}
				p := classes[c].copyPair(slot, idsOf(n))
				d.Set(p.key, p.value)
				d.commitMany()
			}
		}
	}
	d.commit()
}
