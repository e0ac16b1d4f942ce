package store

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
)

var (
	// ErrNotFound says that the store does not hold what was asked for: ask another node.
	ErrNotFound = errors.New("store: not here")
	// ErrCorrupt says that the disk returned something else than was written. If
	// a value is corrupt, delete and repair it; if Open says so, the error tells what to do.
	ErrCorrupt = errors.New("store: corrupt")
	// ErrLocked says that the directory is open in another store.
	ErrLocked = errors.New("store: directory in use")
	// ErrClosed says that the store has been closed.
	ErrClosed = errors.New("store: closed")
	// ErrFull says that the disk has too little room for the write, of which
	// nothing can be relied on. Reads and deletes go on; the same write works
	// once there is room.
	ErrFull = errors.New("store: disk full")
	// ErrBroken says that the disk once refused to keep what was written. What had
	// been acknowledged before is there; nothing more is taken until the store is
	// opened again, because nobody can tell what else the disk has dropped.
	ErrBroken = errors.New("store: disk does not keep what is written")
)

// DefaultReserve is the room that a store leaves on its disk unless told
// otherwise: 64 MiB, enough for Badger to flush and compact.
const DefaultReserve = 64 << 20

// Config says how a store behaves.
type Config struct {
	// Reserve is the number of bytes that must remain free on the disk after a
	// write; less is [ErrFull]. It must be more than zero, because Badger writes
	// through memory maps, and a map that finds no room kills the process. Zero
	// means [DefaultReserve].
	Reserve uint64
	// Logger receives what an operator should know. Nil discards it.
	Logger *slog.Logger
}

// Store is one node's slivers and metadata.
type Store struct {
	cfg  Config
	dir  string // Badger's directory
	lock *dirLock
	db   *badger.DB
	free func(dir string) (uint64, error)

	writes  chan *write   // to the writer
	applied chan []*write // from the writer to the syncer
	control chan func()   // to the writer, see exclusively
	quit    chan struct{} // closed by Close when nobody can send on the others any more
	wg      sync.WaitGroup

	logs     logs          // owned by the syncer
	syncLogs func() error  // logs.sync
	tables   atomic.Uint64 // bytes in Badger's tables when last measured
	written  atomic.Uint64 // groups that the writer has begun to apply
	settled  tide          // those of them that are on the disk

	segments segments
	coming   atomic.Uint64 // bytes that calls are about to append to segments

	slivers     atomic.Int64
	bytes       atomic.Int64
	quarantined atomic.Int64
	refused     atomic.Uint64 // writes for want of room
	scrubbed    atomic.Uint64 // bytes
	scrubBad    atomic.Uint64

	gc        sync.Mutex // held by Reclaim, one at a time
	reclaimed atomic.Pointer[Reclaimed]

	closing  sync.Once
	closeErr error

	// mu guards the fields below.
	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup // calls under way; Add only while !closed
}

// Open opens the store in dir, making it if there is none. It returns
// [ErrLocked] if another store, here or in another process, has it open, and
// [ErrCorrupt] if files are damaged in a way that would lose slivers silently;
// either says what is wrong and what to do. The caller closes the store.
func Open(dir string, cfg Config) (*Store, error) {
	if cfg.Reserve == 0 {
		cfg.Reserve = DefaultReserve
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(filepath.Join(dir, "db"), 0o700); err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	lock, err := acquire(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	s := &Store{
		cfg: cfg, dir: filepath.Join(dir, "db"), lock: lock, free: freeBytes,
		writes: make(chan *write), applied: make(chan []*write, maxApplied), control: make(chan func()), quit: make(chan struct{}),
	}
	s.syncLogs = s.logs.sync
	if err := s.open(); err != nil {
		_ = lock.release()
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	s.wg.Go(s.writer) // ended by Close through quit
	s.wg.Go(s.syncer) // ended by the writer
	return s, nil
}

// corruptHint is what an operator can do about damaged files.
const corruptHint = "check the disk, move the directory away and start again: " +
	"an empty store is filled from the other nodes"

func (s *Store) open() error {
	err := checkMark(s.dir)
	if err == nil {
		err = inspect(s.dir)
	}
	if err != nil {
		return fmt.Errorf("%w (%s)", err, corruptHint)
	}
	if free, err := s.free(s.dir); err == nil && free < openRoom {
		return fmt.Errorf("%w: %d bytes free, opening needs %d: make room", ErrFull, free, openRoom)
	}
	if err := dropMark(s.dir); err != nil {
		return err
	}
	db, err := openBadger(s.dir, s.cfg.Logger)
	if err != nil {
		return fmt.Errorf("%w: %w (%s)", ErrCorrupt, err, corruptHint)
	}
	s.db = db
	s.measure()
	err = s.logs.start(s.dir)
	if err == nil {
		err = s.segments.load(filepath.Join(filepath.Dir(s.dir), "segments"))
	}
	if err == nil {
		err = s.count()
	}
	if err != nil {
		_ = db.Close()
	}
	return err
}

// Close ends the store: it waits for calls under way, iterations included, and
// for everything acknowledged to be on the disk. Later calls return [ErrClosed].
// It may be called more than once.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.calls.Wait()
		close(s.quit)
		s.wg.Wait()
		s.segments.close()
		err := s.db.Close()
		if err == nil {
			err = setMark(s.dir)
		}
		s.closeErr = errors.Join(err, s.lock.release())
	})
	return s.closeErr
}

// begin announces a call; the caller runs s.calls.Done when it is over.
func (s *Store) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.calls.Add(1)
	return nil
}
