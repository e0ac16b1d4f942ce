package comet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	dbm "github.com/cometbft/cometbft-db"
	ldberrors "github.com/syndtr/goleveldb/leveldb/errors"
	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/opt"
)

// ErrLocked means that another process, or another node of this one, has the
// directory open.
var ErrLocked = errors.New("comet: directory is in use by another node")

// ErrCorrupt means that the files of the directory are damaged. The other
// nodes have all that is in them but the keys: move ledger.db and wal away,
// keep the rest, and start again.
var ErrCorrupt = errors.New("comet: the chain's files are damaged")

// ErrClosed is what every method returns after Close.
var ErrClosed = errors.New("comet: node is closed")

// Sizes of LevelDB's memory, small because a devnet has tens of nodes in one
// process: the buffer is allocated at once, the cache as it fills.
const (
	writeBufferSize = 2 << 20
	blockCacheSize  = 2 << 20
	maxOpenFiles    = 64
	bloomBits       = 10
)

// database is a node's one LevelDB. It may be used after Close: CometBFT's
// gossip goroutines outlive the parts that own them and would otherwise crash
// the process. Reads then find nothing and writes fail.
type database struct {
	dbm.DB
	path    string
	gate                 // of calls and iterators
	onWrite func() error // a test's: called before each write, which fails if it does
}

func openDatabase(dir string) (*database, error) {
	ldb, err := dbm.NewGoLevelDBWithOpts("ledger", dir, &opt.Options{
		WriteBuffer:            writeBufferSize,
		BlockCacheCapacity:     blockCacheSize,
		OpenFilesCacheCapacity: maxOpenFiles,
		Filter:                 filter.NewBloomFilter(bloomBits),
		DisableSeeksCompaction: true,
	})
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("open %s: %w", dir, ErrLocked)
	}
	path := filepath.Join(dir, "ledger.db")
	if ldberrors.IsCorrupted(err) {
		return nil, fmt.Errorf("open %s: %w: %w", path, ErrCorrupt, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &database{DB: ldb, path: path}, nil
}

// size returns how many bytes the files have.
func (d *database) size() (total int64, err error) {
	files, err := os.ReadDir(d.path)
	if err != nil {
		return 0, fmt.Errorf("measure the database: %w", err)
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil { // else it has just been removed
			total += info.Size()
		}
	}
	return total, nil
}

// Close waits for calls and iterators under way. It may be called again.
func (d *database) Close() error {
	idle, first := d.shut()
	<-idle
	if !first {
		return nil
	}
	return d.DB.Close()
}

func (d *database) isClosed() bool { return d.isShut() }

// Get implements [dbm.DB]; after Close it finds nothing.
func (d *database) Get(key []byte) ([]byte, error) {
	if !d.enter() {
		return nil, nil
	}
	defer d.leave()
	return d.DB.Get(key)
}

// Has implements [dbm.DB]; after Close it finds nothing.
func (d *database) Has(key []byte) (bool, error) {
	if !d.enter() {
		return false, nil
	}
	defer d.leave()
	return d.DB.Has(key)
}

func (d *database) write(f func() error) error {
	if !d.enter() {
		return ErrClosed
	}
	defer d.leave()
	if d.onWrite != nil {
		if err := d.onWrite(); err != nil {
			return err
		}
	}
	return f()
}

// Set implements [dbm.DB].
func (d *database) Set(key, value []byte) error {
	return d.write(func() error { return d.DB.Set(key, value) })
}

// SetSync implements [dbm.DB].
func (d *database) SetSync(key, value []byte) error {
	return d.write(func() error { return d.DB.SetSync(key, value) })
}

// Delete implements [dbm.DB].
func (d *database) Delete(key []byte) error {
	return d.write(func() error { return d.DB.Delete(key) })
}

// DeleteSync implements [dbm.DB].
func (d *database) DeleteSync(key []byte) error {
	return d.write(func() error { return d.DB.DeleteSync(key) })
}

// Compact implements [dbm.DB].
func (d *database) Compact(start, end []byte) error {
	return d.write(func() error { return d.DB.Compact(start, end) })
}

// Iterator implements [dbm.DB].
func (d *database) Iterator(start, end []byte) (dbm.Iterator, error) {
	return d.iterate(start, end, d.DB.Iterator)
}

// ReverseIterator implements [dbm.DB].
func (d *database) ReverseIterator(start, end []byte) (dbm.Iterator, error) {
	return d.iterate(start, end, d.DB.ReverseIterator)
}

func (d *database) iterate(start, end []byte, open func(start, end []byte) (dbm.Iterator, error)) (dbm.Iterator, error) {
	if !d.enter() {
		return nil, ErrClosed
	}
	it, err := open(start, end)
	if err != nil {
		d.leave()
		return nil, err
	}
	return &countedIterator{Iterator: it, leave: sync.OnceFunc(d.leave)}, nil
}

// countedIterator holds the database open until it is closed.
type countedIterator struct {
	dbm.Iterator
	leave func()
}

// Close implements [dbm.Iterator].
func (it *countedIterator) Close() error {
	defer it.leave()
	return it.Iterator.Close()
}

// NewBatch implements [dbm.DB].
func (d *database) NewBatch() dbm.Batch { return &guardedBatch{d.DB.NewBatch(), d} }

// guardedBatch refuses to be written after the database was closed.
type guardedBatch struct {
	dbm.Batch
	db *database
}

// Write implements [dbm.Batch].
func (b *guardedBatch) Write() error { return b.db.write(b.Batch.Write) }

// WriteSync implements [dbm.Batch].
func (b *guardedBatch) WriteSync() error { return b.db.write(b.Batch.WriteSync) }

// makeDir creates dir for this user alone.
func makeDir(dir string) error { return os.MkdirAll(dir, 0o700) }
