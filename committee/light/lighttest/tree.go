package lighttest

import (
	"bytes"

	"github.com/cosmos/iavl"
	idb "github.com/cosmos/iavl/db"

	"github.com/floe-storage/floe/committee/ledger"
)

const cachedNodes = 1000

// tree is a state that is saved and does not change any more, with the
// database that it lies in. Each reader has a tree of its own: IAVL writes to
// the nodes that it reads.
type tree struct {
	db      *idb.MemDB
	version int64
}

func newTree() *tree { return &tree{db: idb.NewMemDB()} }

// clone returns a tree with the same versions in a database of its own.
func (t *tree) clone() *tree {
	c := newTree()
	c.version = t.version
	it, err := t.db.Iterator(nil, nil)
	must(err)
	for ; it.Valid(); it.Next() {
		must(c.db.Set(append([]byte{}, it.Key()...), append([]byte{}, it.Value()...)))
	}
	must(it.Close())
	return c
}

func must(err error) {
	if err != nil {
		panic(err) // invariant: a tree in memory does not fail
	}
}

// write saves a version with what fn changes.
func (t *tree) write(fn func(s ledger.Store)) {
	m := iavl.NewMutableTree(t.db, cachedNodes, true, iavl.NewNopLogger())
	_, err := m.Load()
	must(err)
	overlay := ledger.NewOverlay(&reader{m.ImmutableTree})
	fn(overlay)
	overlay.Flush(&writer{reader{m.ImmutableTree}, m})
	_, t.version, err = m.SaveVersion()
	must(err)
}

// open returns the saved version as a tree of the caller's own.
func (t *tree) open() *reader {
	m := iavl.NewMutableTree(t.db, cachedNodes, true, iavl.NewNopLogger())
	_, err := m.Load()
	must(err)
	saved, err := m.GetImmutable(t.version)
	must(err)
	return &reader{saved}
}

func (t *tree) hash() []byte { return t.open().t.Hash() }

// reader is a light.Prover.
type reader struct{ t *iavl.ImmutableTree }

// Proof implements light.Prover.
func (r *reader) Proof(key []byte) ([]byte, error) {
	p, err := r.t.GetProof(key)
	if err != nil {
		return nil, err
	}
	return p.Marshal()
}

// Get implements ledger.Reader.
func (r *reader) Get(key []byte) []byte {
	v, err := r.t.Get(key)
	must(err)
	return v
}

// Ascend implements ledger.Reader.
func (r *reader) Ascend(start, end []byte, visit func(key, value []byte) bool) {
	r.t.IterateRange(start, end, true, func(key, value []byte) bool { return !visit(key, value) })
}

type writer struct {
	reader
	m *iavl.MutableTree
}

// Set implements ledger.Store. A value that is there already is left, for its
// leaf would get another version.
func (w *writer) Set(key, value []byte) {
	if old := w.Get(key); old != nil && bytes.Equal(old, value) {
		return
	}
	_, err := w.m.Set(key, value)
	must(err)
}

// Delete implements ledger.Store.
func (w *writer) Delete(key []byte) {
	_, _, err := w.m.Remove(key)
	must(err)
}
