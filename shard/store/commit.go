package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// maxGroup bounds the bytes that the writer applies before it syncs, so that a
// caller with one sliver does not wait for an endless group.
const maxGroup = 64 << 20

// rowRoom is what an operation may take on the disk besides its value: keys,
// log entries and table rows, several times over while they are compacted.
const rowRoom = 1 << 10

// op is one change. Its key and value are not modified once it is in a write.
type op struct {
	key    []byte
	parts  [][]byte // sealed under key when the writer comes to it; nil deletes
	row    []byte   // with parts: the holding's key, of which dataLength is the value; deleted with key
	length uint32   // with row: of the sliver's data
	urgent bool     // helps to make room, as deletes do
}

func (o *op) size() (n int) {
	for _, p := range o.parts {
		n += len(p)
	}
	return n + rowRoom
}

// write is the changes of one call, waiting for the writer.
type write struct {
	ops  []op
	size int
	done chan error // buffered; receives once
}

// commit applies ops and returns when they are on the disk. If ctx ends before
// the writer has taken them, nothing is written; afterwards it is not looked at,
// because the outcome is near. What ops refer to is not used after the return.
func (s *Store) commit(ctx context.Context, ops []op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &write{ops: ops, done: make(chan error, 1)}
	for i := range ops {
		w.size += ops[i].size()
	}
	select {
	case s.writes <- w:
		return <-w.done
	case <-ctx.Done():
		return ctx.Err()
	}
}

// writer applies the writes of all callers, one group after the other, until
// Close, which first waits for the callers.
func (s *Store) writer() {
	for {
		select {
		case w := <-s.writes:
			s.apply(s.gather(w))
		case fn := <-s.control:
			fn()
		case <-s.quit:
			return
		}
	}
}

// gather adds to first the writes that wait now.
func (s *Store) gather(first *write) []*write {
	group, size := []*write{first}, first.size
	for size < maxGroup {
		select {
		case w := <-s.writes:
			group = append(group, w)
			size += w.size
		default:
			return group
		}
	}
	return group
}

// apply writes a group, syncs once and tells every caller.
func (s *Store) apply(group []*write) {
	fitting := group[:0]
	var err error
	free, ferr := s.free(s.dir)
	for _, w := range group {
		if ferr == nil && !s.fits(w, free) {
			w.done <- fmt.Errorf("%w: %d bytes free, %d wanted, %d kept in reserve", ErrFull, free, w.size, s.cfg.Reserve)
			continue
		}
		free -= min(free, uint64(w.size))
		fitting = append(fitting, w)
	}
	if len(fitting) == 0 {
		return
	}
	t := txn{s: s, t: s.db.NewTransaction(true)}
	for _, w := range fitting {
		for i := range w.ops {
			if err == nil {
				err = t.add(&w.ops[i])
			}
		}
	}
	if err == nil {
		err = t.commit()
	}
	t.t.Discard()
	// If we crash here, some or all of the group is there and none of it was
	// acknowledged.
	if err == nil {
		table := s.logs.table
		err = s.logs.sync(s.db)
		if table != s.logs.table {
			s.measure()
		}
	}
	if err != nil {
		err = s.classify(err)
	}
	for _, w := range fitting {
		w.done <- err
	}
}

// fits tells whether w may be written with so many bytes free. What a compaction
// may need stays free as well as the reserve: the tables once more, at worst. Deletes
// may use most of the reserve, because they are how room is made.
func (s *Store) fits(w *write, free uint64) bool {
	reserve := s.cfg.Reserve + s.tables
	if !slices.ContainsFunc(w.ops, func(o op) bool { return o.parts != nil && !o.urgent }) {
		reserve = s.cfg.Reserve / 4
	}
	return free >= reserve && free-reserve >= uint64(w.size)
}

// measure notes how large the tables are; they change when a log is flushed.
func (s *Store) measure() {
	s.tables = 0
	for _, t := range s.db.Tables() {
		s.tables += uint64(t.OnDiskSize)
	}
}

// classify turns an error of Badger, which carries no kinds, into one of ours.
func (s *Store) classify(err error) error {
	if free, ferr := s.free(s.dir); ferr == nil && free < s.cfg.Reserve {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return fmt.Errorf("write: %w", err)
}

// txn spreads operations over Badger transactions, none of them larger than
// Badger and the package's profile allow. An op is never split.
type txn struct {
	s     *Store
	t     *badger.Txn
	bytes int   // of values
	rows  int64 // entries
	table int64 // bytes that count against Badger's limit: what goes into its tables
	// what the transaction changes of the store's counters
	slivers, length int64
}

func (t *txn) add(o *op) error {
	var value []byte
	if o.parts != nil {
		value = seal(o.key, o.parts...)
	}
	const entry = 32 // more than Badger adds to a key and a pointer
	table := int64(len(o.key) + len(o.row) + 2*entry)
	if len(value) < valueThreshold {
		table += int64(len(value))
	}
	// A quarter less than Badger's limits, which it computes a little differently.
	if t.bytes > 0 && (t.bytes+len(value) > maxTxnBytes ||
		t.rows+2 > t.s.db.MaxBatchCount()*3/4 || t.table+table > t.s.db.MaxBatchSize()*3/4) {
		if err := t.commit(); err != nil {
			return err
		}
	}
	t.bytes += max(len(value), 1)
	t.rows += 2
	t.table += table
	if o.row != nil {
		if err := t.hold(o, value != nil); err != nil {
			return err
		}
	}
	return t.set(o.key, value)
}

// hold writes or deletes a sliver's holding and keeps count.
func (t *txn) hold(o *op, present bool) error {
	old, ok, err := lengthOf(t.t, o.row)
	if err != nil {
		return err
	}
	if ok {
		t.slivers--
		t.length -= int64(old)
	}
	if !present {
		return t.set(o.row, nil)
	}
	t.slivers++
	t.length += int64(o.length)
	return t.set(o.row, binary.LittleEndian.AppendUint32(nil, o.length))
}

func (t *txn) set(key, value []byte) error {
	if value == nil {
		return t.t.Delete(key)
	}
	return t.t.Set(key, value)
}

// lengthOf reads a holding's row.
func lengthOf(t *badger.Txn, row []byte) (n uint32, ok bool, err error) {
	item, err := t.Get(row)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	err = item.Value(func(v []byte) error {
		if len(v) != 4 {
			return fmt.Errorf("%w: holding of %d bytes", ErrCorrupt, len(v))
		}
		n = binary.LittleEndian.Uint32(v)
		return nil
	})
	return n, err == nil, err
}

// commit ends the open transaction and begins the next.
func (t *txn) commit() error {
	err := t.t.Commit()
	if err == nil {
		t.s.slivers.Add(t.slivers)
		t.s.bytes.Add(t.length)
	}
	t.t = t.s.db.NewTransaction(true)
	t.bytes, t.rows, t.table, t.slivers, t.length = 0, 0, 0, 0, 0
	return err
}

// count reads the holdings once, when the store is opened.
func (s *Store) count() error {
	return s.db.View(func(t *badger.Txn) error {
		it := t.NewIterator(badger.IteratorOptions{Prefix: []byte{holdingPrefix}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			err := it.Item().Value(func(v []byte) error {
				if len(v) != 4 {
					return fmt.Errorf("%w: holding of %d bytes", ErrCorrupt, len(v))
				}
				s.slivers.Add(1)
				s.bytes.Add(int64(binary.LittleEndian.Uint32(v)))
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
