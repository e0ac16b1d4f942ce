package comet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"

	corestore "cosmossdk.io/core/store"
	dbm "github.com/cometbft/cometbft-db"
	"github.com/cosmos/iavl"

	"github.com/floe-storage/floe/committee/ledger"
)

// diskFault is what the tree panics with when the disk fails. The state machine
// cannot go on and cannot be told; app.go turns it into an error that halts
// the chain at this node.
type diskFault struct{ err error }

// catchFault turns the panic of a diskFault into *err; other panics go on.
func catchFault(err *error) {
	switch f := recover().(type) { //nolint:revive // callers defer this function
	case nil:
	case diskFault:
		*err = fmt.Errorf("read or write the state: %w", f.err)
	default:
		panic(f) //nolint:forbidigo // invariant: not ours, as if it had not been recovered
	}
}

// catchPanic is catchFault for where a panic would end the process, not only
// consensus.
func catchPanic(err *error) {
	switch f := recover().(type) { //nolint:revive // callers defer this function
	case nil:
	case diskFault:
		*err = fmt.Errorf("read or write the state: %w", f.err)
	default:
		*err = fmt.Errorf("state machine: %v\n%s", f, debug.Stack())
	}
}

func fault(err error) {
	if err != nil {
		panic(diskFault{err}) //nolint:forbidigo // invariant: caught by catchFault in every ABCI method and in View
	}
}

// How many nodes of the tree stay in memory: with some 200 bytes each, 5 MiB
// when both caches are full.
const (
	workingNodes = 16_000
	readingNodes = 8_000
	prunedNodes  = 2_000
)

// tree is the state in an IAVL tree. Version v is the state after height v-1.
//
// It is opened twice, because IAVL writes to nodes that it shares between
// versions when it changes one of them: the working tree and base belong to
// the ABCI application, which is called by one goroutine at a time; the
// committed state comes from the other tree and may be read by anyone.
type tree struct {
	db      *treeDB
	working *iavl.MutableTree
	base    reader // the committed state, for the application alone
	reading *iavl.MutableTree
	oldest  int64 // version on disk, 0 if it is not known yet; the pruner's alone

	mu        sync.RWMutex        // mu guards the fields below.
	committed *iavl.ImmutableTree // nil before genesis
	previous  *iavl.ImmutableTree // the height before, whose hash the last header has; nil if there is none
	held      map[int64]int       // users of a version, which must not be pruned
}

func openTree(db *database) (*tree, error) {
	t := &tree{db: newTreeDB(db), held: map[int64]int{}}
	t.working = newIAVL(t.db, workingNodes)
	t.reading = newIAVL(t.db, readingNodes)
	version, err := t.working.Load()
	if err != nil {
		return nil, fmt.Errorf("load the state: %w", err)
	}
	if version == 0 {
		return t, nil
	}
	if t.reading.VersionExists(version - 1) {
		if t.previous, err = t.reading.GetImmutable(version - 1); err != nil {
			return nil, fmt.Errorf("load the state's version %d: %w", version-1, err)
		}
	}
	return t, t.show(version)
}

// newIAVL does not flush before a version is whole: SaveVersion is one batch.
func newIAVL(db *treeDB, cached int) *iavl.MutableTree {
	return iavl.NewMutableTree(db, cached, true, iavl.NewNopLogger(), iavl.FlushThresholdOption(math.MaxInt))
}

// show makes a saved version the committed state.
func (t *tree) show(version int64) error {
	base, err := t.working.GetImmutable(version)
	if err != nil {
		return fmt.Errorf("load the state's version %d: %w", version, err)
	}
	saved, err := t.reading.GetImmutable(version)
	if err != nil {
		return fmt.Errorf("load the state's version %d: %w", version, err)
	}
	t.base = reader{base}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.committed != nil {
		t.previous = t.committed
	}
	t.committed = saved
	return nil
}

// last returns the last committed state and its height; ok is false before genesis.
func (t *tree) last() (r reader, height uint64, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.committed == nil {
		return reader{}, 0, false
	}
	return reader{t.committed}, uint64(t.committed.Version()) - 1, true
}

// hold is last, and keeps the state from being pruned until release is called.
func (t *tree) hold() (r reader, height uint64, release func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.holdLocked(t.committed)
}

// provable returns the height of the newest state whose hash is in a header.
func (t *tree) provable() (height uint64, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.previous == nil {
		return 0, false
	}
	return uint64(t.previous.Version()) - 1, true
}

// holdProvable is hold of the state that provable tells of.
func (t *tree) holdProvable() (p prover, height uint64, release func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, height, release, ok := t.holdLocked(t.previous)
	return prover{r}, height, release, ok
}

func (t *tree) holdLocked(state *iavl.ImmutableTree) (r reader, height uint64, release func(), ok bool) {
	if state == nil {
		return reader{}, 0, func() {}, false
	}
	version := state.Version()
	t.held[version]++
	return reader{state}, uint64(version) - 1, func() { t.release(version) }, true
}

func (t *tree) release(version int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held[version]--; t.held[version] == 0 {
		delete(t.held, version)
	}
}

// stage replaces what is pending by the writes of o and returns the hash that
// the state then has. Nothing is on disk before commit.
func (t *tree) stage(o *ledger.Overlay) []byte {
	t.working.Rollback()
	o.Flush(staging{t.working})
	return t.working.WorkingHash()
}

// commit makes what is pending the last state, together with extra writes to
// the database itself, in one batch. If we crash before it, the height is
// applied again from the state before; after it, it is not applied again.
func (t *tree) commit(extra []keyValue) {
	t.db.extra = extra
	_, version, err := t.working.SaveVersion()
	t.db.extra = nil
	fault(err)
	fault(t.show(version))
}

// reader is a state as it was at one height. It stays valid while newer
// heights are committed.
type reader struct{ t *iavl.ImmutableTree }

// Get implements [ledger.Reader].
func (r reader) Get(key []byte) []byte {
	if r.t == nil {
		return nil
	}
	value, err := r.t.Get(key)
	fault(err)
	return value
}

// Ascend implements [ledger.Reader]. IAVL's iterators end early on an error
// and do not tell; treeDB therefore panics on one.
func (r reader) Ascend(start, end []byte, visit func(key, value []byte) bool) {
	if r.t == nil {
		return
	}
	r.t.IterateRange(start, end, true, func(key, value []byte) bool { return !visit(key, value) })
}

// prover is a reader that proves.
type prover struct{ reader }

// Proof implements [Prover].
func (p prover) Proof(key []byte) ([]byte, error) {
	proof, err := p.t.GetProof(key)
	if err != nil {
		return nil, fmt.Errorf("prove key %x: %w", key, err)
	}
	out, err := proof.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode the proof of key %x: %w", key, err)
	}
	return out, nil
}

// staging writes to the working tree. Setting a value that is already there
// would change the hash (IAVL hashes a leaf with the version that wrote it).
type staging struct{ t *iavl.MutableTree }

// Get implements [ledger.Store].
func (s staging) Get(key []byte) []byte {
	value, err := s.t.Get(key)
	fault(err)
	return value
}

// Ascend implements [ledger.Store].
func (s staging) Ascend(start, end []byte, visit func(key, value []byte) bool) {
	reader{s.t.ImmutableTree}.Ascend(start, end, visit)
}

// Set implements [ledger.Store].
func (s staging) Set(key, value []byte) {
	if old := s.Get(key); old != nil && string(old) == string(value) {
		return
	}
	_, err := s.t.Set(key, value)
	fault(err)
}

// Delete implements [ledger.Store].
func (s staging) Delete(key []byte) {
	_, _, err := s.t.Remove(key)
	fault(err)
}

// prune removes some of the versions that are neither among the last ones nor held, and reports whether
// there are more of them. It may run beside all other methods. Each time it sees the disk with fresh eyes,
// for it moves nodes that the other trees have in memory; those find them again where it has put them.
func (t *tree) prune() (more bool, err error) {
	t.mu.RLock()
	last := int64(0)
	if t.committed != nil {
		last = t.committed.Version() - keptVersions
	}
	for version := range t.held {
		last = min(last, version-1)
	}
	t.mu.RUnlock()
	if last < 1 || t.oldest > last {
		return false, nil
	}
	eyes := newIAVL(newTreeDB(t.db.raw), prunedNodes)
	if t.oldest == 0 {
		versions := eyes.AvailableVersions()
		if len(versions) == 0 {
			return false, nil
		}
		t.oldest = int64(versions[0])
	}
	to := min(last, t.oldest+pruneStep-1)
	if to >= t.oldest {
		if err := eyes.DeleteVersionsTo(to); err != nil {
			return false, err
		}
		t.oldest = to + 1
	}
	return to < last, nil
}

type keyValue struct{ key, value []byte }

func newTreeDB(db *database) *treeDB {
	return &treeDB{PrefixDB: dbm.NewPrefixDB(db, []byte("a/")), raw: db}
}

// treeDB gives IAVL its part of the database. It panics with a diskFault where
// IAVL would swallow an error.
type treeDB struct {
	*dbm.PrefixDB
	raw   *database
	extra []keyValue // goes into the next batch that is written
	// fault, if not nil, is given the first error of Get, which then does not
	// panic: IAVL reads in a goroutine of its own there.
	fault *atomic.Pointer[error]
}

var errNodeMissing = errors.New("comet: a node of the state's tree is missing")

// Get implements [idb.DB].
func (d *treeDB) Get(key []byte) ([]byte, error) {
	value, err := d.raw.Get(treeKey(key)) // PrefixDB would let only one read at a time
	if err == nil && value == nil {
		err = d.missing(key)
	}
	if err != nil && d.fault != nil {
		d.fault.CompareAndSwap(nil, &err)
		return nil, err
	}
	fault(err)
	return value, nil
}

func treeKey(key []byte) []byte { return append([]byte("a/"), key...) }

// missing judges a key that was not found. A node key is s<version><nonce>;
// nonces 0 and 1 are asked for to find out whether a version exists.
func (d *treeDB) missing(key []byte) error {
	if d.raw.isClosed() {
		return ErrClosed
	}
	const nodeKeyLen = 1 + 8 + 4
	if len(key) == nodeKeyLen && key[0] == 's' && binary.BigEndian.Uint32(key[9:]) > 1 {
		return errNodeMissing
	}
	return nil
}

// Iterator implements [idb.DB].
func (d *treeDB) Iterator(start, end []byte) (corestore.Iterator, error) {
	return d.PrefixDB.Iterator(start, end)
}

// ReverseIterator implements [idb.DB].
func (d *treeDB) ReverseIterator(start, end []byte) (corestore.Iterator, error) {
	return d.PrefixDB.ReverseIterator(start, end)
}

// NewBatch implements [idb.DB].
func (d *treeDB) NewBatch() corestore.Batch {
	return &treeBatch{Batch: d.raw.NewBatch(), db: d}
}

// NewBatchWithSize implements [idb.DB].
func (d *treeDB) NewBatchWithSize(int) corestore.Batch { return d.NewBatch() }

// treeBatch puts IAVL's writes under its prefix, and the extra writes beside them.
type treeBatch struct {
	dbm.Batch
	db   *treeDB
	size int
}

func (b *treeBatch) key(key []byte) []byte {
	b.size += len(key)
	return treeKey(key)
}

// Set implements [store.Batch].
func (b *treeBatch) Set(key, value []byte) error {
	b.size += len(value)
	return b.Batch.Set(b.key(key), value)
}

// Delete implements [store.Batch].
func (b *treeBatch) Delete(key []byte) error { return b.Batch.Delete(b.key(key)) }

// GetByteSize implements [store.Batch].
func (b *treeBatch) GetByteSize() (int, error) { return b.size, nil }

// Write implements [store.Batch].
func (b *treeBatch) Write() error {
	for _, kv := range b.db.extra {
		if err := b.Batch.Set(kv.key, kv.value); err != nil {
			return err
		}
	}
	return b.Batch.Write()
}

// WriteSync implements [store.Batch].
func (b *treeBatch) WriteSync() error { return b.Write() }
