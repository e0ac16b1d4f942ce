package ledger

import (
	"bytes"

	"github.com/google/btree"
)

// Reader is a state to be read, ordered by key. Disk faults are not for the
// ledger to judge: an implementation stops the process's ledger on one.
type Reader interface {
	// Get returns the value under key, nil if there is none. The caller must
	// not modify it.
	Get(key []byte) []byte
	// Ascend visits the keys in [start, end) in order until visit returns
	// false; a nil end means to the last key. The state must not be written
	// during the visit. visit must not keep or modify the slices.
	Ascend(start, end []byte, visit func(key, value []byte) bool)
}

// Store is a state to be read and written. It keeps the slices that it is given.
type Store interface {
	Reader
	Set(key, value []byte)
	Delete(key []byte)
}

// Overlay is a Store that keeps its writes in memory, above a Reader that it
// does not change. It is not safe for concurrent use.
type Overlay struct {
	base    Reader
	pending *btree.BTreeG[write]
}

// A write is one pending change.
type write struct {
	key, value []byte
	deleted    bool
}

const overlayDegree = 16

// NewOverlay returns an empty overlay above base.
func NewOverlay(base Reader) *Overlay {
	less := func(a, b write) bool { return bytes.Compare(a.key, b.key) < 0 }
	return &Overlay{base: base, pending: btree.NewG(overlayDegree, less)}
}

// Get implements [Reader].
func (o *Overlay) Get(key []byte) []byte {
	if w, ok := o.pending.Get(write{key: key}); ok {
		return w.value // nil if deleted
	}
	return o.base.Get(key)
}

// Set implements [Store]. An empty value is stored as such.
func (o *Overlay) Set(key, value []byte) {
	if value == nil {
		value = []byte{}
	}
	o.pending.ReplaceOrInsert(write{key: key, value: value})
}

// Delete implements [Store].
func (o *Overlay) Delete(key []byte) { o.pending.ReplaceOrInsert(write{key: key, deleted: true}) }

// Ascend implements [Reader]: it merges the pending writes into the base.
func (o *Overlay) Ascend(start, end []byte, visit func(key, value []byte) bool) {
	waiting := o.between(start, end)
	more := true
	next := func() { // visits the first waiting write
		w := waiting[0]
		waiting = waiting[1:]
		if !w.deleted {
			more = visit(w.key, w.value)
		}
	}
	o.base.Ascend(start, end, func(key, value []byte) bool {
		for more && len(waiting) > 0 && bytes.Compare(waiting[0].key, key) < 0 {
			next()
		}
		if !more {
			return false
		}
		if len(waiting) > 0 && bytes.Equal(waiting[0].key, key) {
			next()
		} else {
			more = visit(key, value)
		}
		return more
	})
	for more && len(waiting) > 0 {
		next()
	}
}

func (o *Overlay) between(start, end []byte) []write {
	var ws []write
	o.pending.AscendGreaterOrEqual(write{key: start}, func(w write) bool {
		if end != nil && bytes.Compare(w.key, end) >= 0 {
			return false
		}
		ws = append(ws, w)
		return true
	})
	return ws
}

// Flush applies the pending writes to s in key order and empties the overlay.
func (o *Overlay) Flush(s Store) {
	o.pending.Ascend(func(w write) bool {
		if w.deleted {
			s.Delete(w.key)
		} else {
			s.Set(w.key, w.value)
		}
		return true
	})
	o.Reset()
}

// Reset forgets the pending writes.
func (o *Overlay) Reset() { o.pending.Clear(false) }

// Len returns the count of pending writes.
func (o *Overlay) Len() int { return o.pending.Len() }
