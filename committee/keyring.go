package committee

import (
	"fmt"
	"sync"

	"github.com/floe-storage/floe/committee/bls"
)

// keyring is the members' BLS keys, read once when the first is wanted: reading
// one costs more than adding up dozens. It is safe for concurrent use.
type keyring struct {
	members []Member

	once   sync.Once
	keys   []bls.Key // parallel to members
	faults []error   // parallel to members; where it is not nil, the key is zero
	total  bls.Key   // the sum of keys
}

// read fills the keyring. It takes keys as proved: nobody becomes a member
// without a proof of possession, which was checked against the same bytes, and a
// set of members from elsewhere is worth nothing until it is known to be the
// ledger's. One key that is none does not touch what the others sign.
func (r *keyring) read() {
	r.once.Do(func() {
		r.keys = make([]bls.Key, len(r.members))
		r.faults = make([]error, len(r.members))
		for i := range r.members {
			m := &r.members[i]
			var err error
			if r.keys[i], err = m.BLSKey.ParseProved(); err != nil {
				r.faults[i] = fmt.Errorf("key of node %v: %w", m.ID, err)
			}
		}
		r.total = bls.Sum(r.keys)
	})
}

// member returns the key of the member at position i.
func (r *keyring) member(i int) (bls.Key, error) {
	r.read()
	return r.keys[i], r.faults[i]
}

// addends returns keys that add up to those of the marked members: theirs, or the
// total and, negated, those of the others, whichever are fewer. [WL] §3.9
func (r *keyring) addends(marked func(i int) bool) ([]bls.Key, error) {
	r.read()
	count := 0
	for i := range r.keys {
		if !marked(i) {
			continue
		}
		if r.faults[i] != nil {
			return nil, r.faults[i]
		}
		count++
	}
	if others := len(r.keys) - count; others < count {
		keys := append(make([]bls.Key, 0, 1+others), r.total)
		for i, k := range r.keys {
			if !marked(i) {
				keys = append(keys, k.Neg())
			}
		}
		return keys, nil
	}
	keys := make([]bls.Key, 0, count)
	for i, k := range r.keys {
		if marked(i) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}
