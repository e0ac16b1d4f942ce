package comet

import (
	"slices"
	"sync"

	"github.com/floe-storage/floe/committee/ledger"
)

// Bounds of what is kept in memory about transactions.
const (
	maxRecent  = 4096  // of each sort; older ones that were accepted are found by the index on disk
	maxWaiters = 10000 // calls of Await under way
)

// results tells those who submitted transactions what became of them.
type results struct {
	mu         sync.Mutex // mu guards the fields below.
	recent     memory[ledger.Receipt]
	waitingTxs memory[[]byte] // offered here, not in a block yet
	waiters    map[[32]byte][]chan ledger.Receipt
	waiting    int // in waiters
}

func newResults() *results {
	return &results{waiters: map[[32]byte][]chan ledger.Receipt{}}
}

// wait returns a channel that gets what becomes of a transaction, and how to
// stop waiting. ok is false when too many wait already.
func (r *results) wait(hash [32]byte) (done <-chan ledger.Receipt, stop func(), ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting >= maxWaiters {
		return nil, nil, false
	}
	ch := make(chan ledger.Receipt, 1)
	r.waiters[hash] = append(r.waiters[hash], ch)
	r.waiting++
	return ch, func() { r.forget(hash, ch) }, true
}

func (r *results) forget(hash [32]byte, ch chan ledger.Receipt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := slices.DeleteFunc(r.waiters[hash], func(c chan ledger.Receipt) bool { return c == ch })
	r.waiting -= len(r.waiters[hash]) - len(left)
	if r.waiters[hash] = left; len(left) == 0 {
		delete(r.waiters, hash)
	}
}

// lookup finds what became of a transaction a short while ago.
func (r *results) lookup(hash [32]byte) (ledger.Receipt, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	res, ok := r.recent.get(hash)
	return res, ok
}

// offered remembers a transaction that the mempool has taken; what became of
// it when it was offered before, and refused, is of no more interest.
func (r *results) offered(hash [32]byte, tx []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recent.drop(hash)
	r.waitingTxs.put(hash, tx)
}

// offer returns a transaction that still waits to enter a block, nil if it
// does not or was forgotten.
func (r *results) offer(hash [32]byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	tx, _ := r.waitingTxs.get(hash)
	return tx
}

// committed takes in the outcomes of a block.
func (r *results) committed(outcomes []ledger.Receipt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range outcomes {
		r.endLocked(o)
	}
}

// refused tells those who wait for a transaction that left the mempool.
func (r *results) refused(o ledger.Receipt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endLocked(o)
}

// endLocked remembers what became of a transaction and tells who waits for it.
func (r *results) endLocked(o ledger.Receipt) {
	r.waitingTxs.drop(o.Hash)
	r.recent.put(o.Hash, o)
	for _, ch := range r.waiters[o.Hash] {
		ch <- o // has room: a channel is told once and then forgotten
	}
	r.waiting -= len(r.waiters[o.Hash])
	delete(r.waiters, o.Hash)
}

// memory keeps the newest maxRecent values by transaction. The zero value is empty.
type memory[V any] struct {
	values map[[32]byte]V
	order  [][32]byte // a ring of the keys put; one that was dropped may stand in it
	next   int
}

func (m *memory[V]) get(hash [32]byte) (V, bool) {
	v, ok := m.values[hash]
	return v, ok
}

func (m *memory[V]) drop(hash [32]byte) { delete(m.values, hash) }

func (m *memory[V]) put(hash [32]byte, v V) {
	if m.values == nil {
		m.values = map[[32]byte]V{}
	}
	m.values[hash] = v
	if len(m.order) < maxRecent {
		m.order = append(m.order, hash)
		return
	}
	if old := m.order[m.next]; old != hash {
		delete(m.values, old)
	}
	m.order[m.next] = hash
	m.next = (m.next + 1) % maxRecent
}
