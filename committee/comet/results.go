package comet

import (
	"slices"
	"sync"

	"github.com/floe-storage/floe/committee/ledger"
)

// Bounds of what is kept in memory about transactions.
const (
	maxRecent  = 4096  // accepted ones; older ones are found by the index on disk
	maxWaiters = 10000 // calls of Submit under way
)

// results tells those who submitted transactions what became of them.
type results struct {
	mu      sync.Mutex // mu guards the fields below.
	recent  map[[32]byte]TxResult
	order   [][32]byte // of recent, a ring
	next    int        // in order
	waiters map[[32]byte][]chan TxResult
	waiting int // in waiters
}

func newResults() *results {
	return &results{recent: map[[32]byte]TxResult{}, waiters: map[[32]byte][]chan TxResult{}}
}

// wait returns a channel that gets what becomes of a transaction, and how to
// stop waiting. ok is false when too many wait already.
func (r *results) wait(hash [32]byte) (done <-chan TxResult, stop func(), ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting >= maxWaiters {
		return nil, nil, false
	}
	ch := make(chan TxResult, 1)
	r.waiters[hash] = append(r.waiters[hash], ch)
	r.waiting++
	return ch, func() { r.forget(hash, ch) }, true
}

func (r *results) forget(hash [32]byte, ch chan TxResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := slices.DeleteFunc(r.waiters[hash], func(c chan TxResult) bool { return c == ch })
	r.waiting -= len(r.waiters[hash]) - len(left)
	if r.waiters[hash] = left; len(left) == 0 {
		delete(r.waiters, hash)
	}
}

// lookup finds a transaction that was accepted a short while ago.
func (r *results) lookup(hash [32]byte) (TxResult, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	res, ok := r.recent[hash]
	return res, ok
}

// committed takes in the outcomes of a block.
func (r *results) committed(outcomes []TxResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range outcomes {
		r.tellLocked(o)
		if o.Code != uint32(ledger.CodeOK) {
			continue
		}
		r.recent[o.Hash] = o
		if len(r.order) < maxRecent {
			r.order = append(r.order, o.Hash)
			continue
		}
		delete(r.recent, r.order[r.next])
		r.order[r.next] = o.Hash
		r.next = (r.next + 1) % maxRecent
	}
}

// refused tells those who wait for a transaction that left the mempool.
func (r *results) refused(o TxResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tellLocked(o)
}

func (r *results) tellLocked(o TxResult) {
	for _, ch := range r.waiters[o.Hash] {
		ch <- o // has room: a channel is told once and then forgotten
	}
	r.waiting -= len(r.waiters[o.Hash])
	delete(r.waiters, o.Hash)
}
