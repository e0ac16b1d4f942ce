package store

import (
	"bytes"
	"context"
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
	value  []byte  // sealed under key; nil deletes
	row    []byte  // the holding's key, deleted with key; nil if key is no sliver's
	held   holding // with row and value: what the row says
	expect []byte  // if not nil: the value that key must have, or nothing is done
	bad    []byte  // if not nil: with no value, what is noted of a sliver in quarantine
	urgent bool    // helps to make room, as deletes do
}

func (o *op) size() int { return len(o.value) + rowRoom }

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
			close(s.applied)
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

// apply writes a group and hands it to the syncer, which tells every caller. So
// the next group is written while this one is synced.
func (s *Store) apply(group []*write) {
	fitting := group[:0]
	free, ferr := s.free(s.dir)
	for _, w := range group {
		if err := s.broken(); err != nil {
			w.done <- err
			continue
		}
		if ferr == nil && !s.fits(w, free) {
			s.refused.Add(1)
			w.done <- fmt.Errorf("%w: %d bytes free, %d wanted, %d kept in reserve", ErrFull, free, w.size, s.cfg.Reserve)
			continue
		}
		free -= min(free, uint64(w.size))
		fitting = append(fitting, w)
	}
	if len(fitting) == 0 {
		return
	}
	// Before any of it can be read, so that Settle knows that it must wait.
	s.written.Add(1)
	if err := s.transact(fitting); err != nil {
		err = s.classify(err)
		for _, w := range fitting {
			w.done <- err
		}
		fitting = nil // some may be there all the same: it is synced like the others
	}
	// If we crash here, some or all of the group is there and none of it was
	// acknowledged.
	s.applied <- fitting
}

// transact applies a group's operations.
func (s *Store) transact(group []*write) error {
	t := txn{s: s, t: s.db.NewTransaction(true)}
	defer func() { t.t.Discard() }()
	for _, w := range group {
		for i := range w.ops {
			if err := t.add(&w.ops[i]); err != nil {
				return err
			}
		}
	}
	return t.commit()
}

// fits tells whether w may be written with so many bytes free. What a compaction
// may need stays free as well as the reserve: the tables once more, at worst. Deletes
// may use most of the reserve, because they are how room is made.
func (s *Store) fits(w *write, free uint64) bool {
	reserve := s.cfg.Reserve + s.tables.Load()
	if !slices.ContainsFunc(w.ops, func(o op) bool { return o.value != nil && !o.urgent }) {
		reserve = s.cfg.Reserve / 4
	}
	return free >= reserve && free-reserve >= uint64(w.size)
}

// measure notes how large the tables are; they change when a log is flushed.
func (s *Store) measure() {
	size := uint64(0)
	for _, t := range s.db.Tables() {
		size += uint64(t.OnDiskSize)
	}
	s.tables.Store(size)
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
	rows  int64 // entries, at most
	table int64 // bytes that count against Badger's limit
	// what the transaction changes of the store's counters
	slivers, length, bad int64
	segments             map[uint32]int64
}

func (t *txn) add(o *op) error {
	value := o.value
	const entry = 32 // more than Badger adds to a key and a pointer
	table := int64(2*len(o.key) + len(o.row) + holdingLen + len(o.bad) + len(value) + 3*entry)
	// A quarter less than Badger's limits, which it computes a little differently.
	if t.rows > 0 && (t.rows+3 > t.s.db.MaxBatchCount()*3/4 || t.table+table > t.s.db.MaxBatchSize()*3/4) {
		if err := t.commit(); err != nil {
			return err
		}
	}
	if o.expect != nil {
		if same, err := t.has(o.key, o.expect); err != nil || !same {
			return err
		}
	}
	t.rows += 3
	t.table += table
	var err error
	switch {
	case o.row != nil:
		err = t.hold(o)
	case o.key[0] == metadataPrefix:
		err = t.know(o)
	}
	if err != nil {
		return err
	}
	return t.set(o.key, value)
}

// has tells whether a key has a value.
func (t *txn) has(key, value []byte) (same bool, err error) {
	item, err := t.t.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = item.Value(func(v []byte) error {
		same = bytes.Equal(v, value)
		return nil
	})
	return same, err
}

// hold writes or deletes a sliver's holding and its place in the quarantine, and
// keeps count.
func (t *txn) hold(o *op) error {
	old, ok, err := heldAt(t.t, o.row)
	if err != nil {
		return err
	}
	if ok {
		t.change(old, -1)
	}
	if err := t.quarantine(o); err != nil {
		return err
	}
	if o.value == nil {
		return t.set(o.row, nil)
	}
	t.change(o.held, 1)
	return t.set(o.row, o.held.append(nil))
}

// know keeps count of a blob's metadata that comes or goes.
func (t *txn) know(o *op) error {
	item, err := t.t.Get(o.key)
	if err == nil {
		err = item.Value(func(old []byte) error {
			t.point(o.key, old, -1)
			return nil
		})
	}
	if err != nil && !errors.Is(err, badger.ErrKeyNotFound) {
		return err
	}
	t.point(o.key, o.value, 1)
	return nil
}

// point counts what a row says of a segment.
func (t *txn) point(key, row []byte, sign int64) {
	if p, away, err := unsealAway(key, row); away && err == nil {
		t.place(p.segment, sign*int64(p.length))
	}
}

func (t *txn) place(segment uint32, bytes int64) {
	if t.segments == nil {
		t.segments = map[uint32]int64{}
	}
	t.segments[segment] += bytes
}

// quarantine notes a sliver as bad, or takes it out when another is put in its
// place or it is deleted.
func (t *txn) quarantine(o *op) error {
	if o.bad == nil && t.s.quarantined.Load()+t.bad <= 0 {
		return nil // spares nearly every call a look
	}
	key := quarantineOf(o.row)
	there, err := has(t.t, key)
	if err != nil {
		return err
	}
	switch {
	case o.bad != nil:
		if !there {
			t.bad++
		}
		return t.t.Set(key, o.bad)
	case there:
		t.bad--
		return t.t.Delete(key)
	}
	return nil
}

// change counts a holding that comes or goes.
func (t *txn) change(h holding, sign int64) {
	t.slivers += sign
	t.length += sign * int64(h.length)
	if h.stored > 0 {
		t.place(h.segment, sign*int64(h.stored))
	}
}

func (t *txn) set(key, value []byte) error {
	if value == nil {
		return t.t.Delete(key)
	}
	return t.t.Set(key, value)
}

// commit ends the open transaction and begins the next.
func (t *txn) commit() error {
	err := t.t.Commit()
	if err == nil {
		t.s.slivers.Add(t.slivers)
		t.s.bytes.Add(t.length)
		t.s.quarantined.Add(t.bad)
		for n, bytes := range t.segments {
			t.s.segments.count(n, bytes)
		}
	}
	t.t = t.s.db.NewTransaction(true)
	t.rows, t.table, t.slivers, t.length, t.bad, t.segments = 0, 0, 0, 0, 0, nil
	return err
}
