package ledger

import (
	"bytes"

	"github.com/google/btree"
)

// maxSignatures bounds how many transactions are remembered: more than a mempool
// holds.
const maxSignatures = 8192

// signatures remembers the hashes of transactions that were seen to be signed
// by their senders. A transaction is judged when it comes in, again after each
// block while it waits, and once more in its block; its signature stays as it is.
type signatures struct {
	known *btree.BTreeG[[32]byte]
	order [][32]byte // a ring of the known, the oldest at next once it is full
	next  int
}

// verify tells whether a transaction is signed by its sender's key.
func (v *signatures) verify(tx *Signed) bool {
	if v.known == nil {
		v.known = btree.NewG(overlayDegree, func(a, b [32]byte) bool { return bytes.Compare(a[:], b[:]) < 0 })
	}
	if v.known.Has(tx.hash) {
		return true
	}
	if !tx.Verify() {
		return false
	}
	v.remember(tx.hash)
	return true
}

func (v *signatures) remember(hash [32]byte) {
	if len(v.order) < maxSignatures {
		v.order = append(v.order, hash)
	} else {
		v.known.Delete(v.order[v.next])
		v.order[v.next] = hash
		v.next = (v.next + 1) % maxSignatures
	}
	v.known.ReplaceOrInsert(hash)
}
