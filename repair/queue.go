package repair

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/floe-storage/floe/shard"
)

// item is a blob in the queue.
type item struct {
	id       shard.BlobID
	priority priority
	due      time.Time // not before
	attempts int       // that failed
	active   bool      // taken by a worker; in neither heap
	kept     bool      // belongs into the journal: known to be lost, or said to be
	again    bool      // while active: was enqueued once more
	waiting  bool      // in the heap of those not due yet
	place    int       // in its heap
}

// queue holds the blobs to repair, each once: the ready ones by priority, the
// others by the time when they are due.
type queue struct {
	limit int

	// mu guards the fields below.
	mu       sync.Mutex
	items    map[shard.BlobID]*item
	ready    itemHeap
	later    itemHeap
	active   int
	overflow bool          // something was turned away since the last reset
	dirty    [pages]bool   // pages of the journal that are not what the queue is
	changed  chan struct{} // closed and replaced at every change
}

func newQueue(limit int) *queue {
	return &queue{
		limit:   limit,
		items:   map[shard.BlobID]*item{},
		ready:   itemHeap{less: func(x, y *item) bool { return x.priority.before(y.priority) }},
		later:   itemHeap{less: func(x, y *item) bool { return x.due.Before(y.due) }},
		changed: make(chan struct{}),
	}
}

func (q *queue) changedLocked() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// add enqueues a blob that is due after delay; without delay it is kept. One that
// waits already becomes due at the earlier of the two times. It returns false if
// there is no room.
func (q *queue) add(id shard.BlobID, remaining int, delay time.Duration) bool {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	it := q.items[id]
	if it != nil && delay == 0 {
		q.keepLocked(it)
	}
	switch {
	case it != nil && it.active:
		it.again = true
		return true
	case it != nil && it.waiting && now.Add(delay).Before(it.due):
		heap.Remove(&q.later, it.place)
	case it != nil:
		return true
	case len(q.items) >= q.limit:
		q.overflow = true
		return false
	default:
		it = &item{id: id, priority: priority{remaining: remaining, since: now}}
		q.items[id] = it
		if delay == 0 {
			q.keepLocked(it)
		}
	}
	it.due = now.Add(delay)
	q.pushLocked(it, now)
	return true
}

func (q *queue) keepLocked(it *item) {
	if !it.kept {
		it.kept = true
		q.dirty[pageOf(it.id)] = true
	}
}

func (q *queue) pushLocked(it *item, now time.Time) {
	it.waiting = it.due.After(now)
	if it.waiting {
		heap.Push(&q.later, it)
	} else {
		heap.Push(&q.ready, it)
	}
	q.changedLocked()
}

// reorder notes how many pairs of a blob remain.
func (q *queue) reorder(id shard.BlobID, remaining int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	it := q.items[id]
	if it == nil || it.priority.remaining == remaining {
		return
	}
	it.priority.remaining = remaining
	q.fixLocked(it)
}

// fixLocked puts an item where its new priority belongs.
func (q *queue) fixLocked(it *item) {
	if !it.active && !it.waiting {
		heap.Fix(&q.ready, it.place)
	}
}

// next waits for a blob that is due and takes it, or returns the error of ctx.
// Each one taken is given back with done.
func (q *queue) next(ctx context.Context) (*item, error) {
	for {
		q.mu.Lock()
		now := time.Now()
		for len(q.later.items) > 0 && !q.later.items[0].due.After(now) {
			it := heap.Pop(&q.later).(*item)
			it.waiting = false
			heap.Push(&q.ready, it)
		}
		if len(q.ready.items) > 0 && ctx.Err() == nil {
			it := heap.Pop(&q.ready).(*item)
			it.active = true
			q.active++
			q.mu.Unlock()
			return it, nil
		}
		changed := q.changed
		var due <-chan time.Time
		if len(q.later.items) > 0 {
			due = time.After(q.later.items[0].due.Sub(now))
		}
		q.mu.Unlock()
		select {
		case <-changed:
		case <-due:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// done gives an item back: for good, or to wait for retry.
func (q *queue) done(it *item, retry time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.active--
	it.active = false
	switch {
	case retry > 0:
		it.attempts++
		q.keepLocked(it)
	case it.again:
		it.attempts = 0
	default:
		delete(q.items, it.id)
		if it.kept {
			q.dirty[pageOf(it.id)] = true
		}
		q.changedLocked()
		return
	}
	it.again = false
	now := time.Now()
	it.due = now.Add(retry)
	q.pushLocked(it, now)
}

// drained tells whether there is much room again after something was turned away,
// and forgets the latter. Some blobs may wait for their next attempt for long.
func (q *queue) drained() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) > q.limit/2 || !q.overflow {
		return false
	}
	q.overflow = false
	return true
}

// idle returns whether the queue is empty, and what is closed when that may have changed.
func (q *queue) idle() (bool, <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) == 0, q.changed
}

// sizes returns the number of blobs waiting, the number being repaired, and since
// when the one waits that has waited longest, zero if none does.
func (q *queue) sizes() (waiting, active int, oldest time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, it := range q.items {
		if oldest.IsZero() || it.priority.since.Before(oldest) {
			oldest = it.priority.since
		}
	}
	return len(q.items) - q.active, q.active, oldest
}

// margins returns how many blobs have how many pairs left beyond those that a
// reader needs, in quarters of what there is at most: the last class is of blobs
// of which nothing else is believed lost, the first of those that are believed
// unreadable.
func (q *queue) margins(needed, shards int) (classes [5]int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, it := range q.items {
		left := min(it.priority.remaining, shards) - needed
		switch {
		case left < 0 || shards <= needed:
			classes[0]++
		default:
			classes[1+min(3, 4*left/(shards-needed))]++
		}
	}
	return classes
}

// itemHeap implements [heap.Interface].
type itemHeap struct {
	items []*item
	less  func(x, y *item) bool
}

// Len implements [heap.Interface].
func (h *itemHeap) Len() int { return len(h.items) }

// Less implements [heap.Interface].
func (h *itemHeap) Less(i, j int) bool { return h.less(h.items[i], h.items[j]) }

// Swap implements [heap.Interface].
func (h *itemHeap) Swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	h.items[i].place, h.items[j].place = i, j
}

// Push implements [heap.Interface].
func (h *itemHeap) Push(x any) {
	it := x.(*item)
	it.place = len(h.items)
	h.items = append(h.items, it)
}

// Pop implements [heap.Interface].
func (h *itemHeap) Pop() any {
	last := len(h.items) - 1
	it := h.items[last]
	h.items[last] = nil
	h.items = h.items[:last]
	return it
}
