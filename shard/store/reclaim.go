package store

import (
	"context"
	"fmt"
	"time"
)

// flushMark names a value that Reclaim writes and drops.
const flushMark = "!flush"

// Reclaim gives the room of deleted and replaced slivers back to the disk, as
// far as that takes no more copying than it is worth, and returns the number of
// files that went. Reads and writes go on, but for the moment in which a table is
// flushed. It works on a disk that is full for PutSlivers, moving then only what
// fits; with less than a quarter of Config.Reserve it is [ErrFull]. It returns
// when it is done or, between two steps of a few MiB, when ctx ends: the next
// call goes on from there. See [Stats] for whether a call is worth it.
func (s *Store) Reclaim(ctx context.Context) (files int, err error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	defer s.calls.Done()
	s.gc.Lock()
	defer s.gc.Unlock()
	began := time.Now()
	before, _, _ := s.sizes()
	files, err = s.collect(ctx)
	if err == nil && s.tablesLoose() {
		err = s.compact(ctx)
	}
	after, _, _ := s.sizes()
	s.reclaimed.Store(&Reclaimed{At: began, Took: time.Since(began), Files: files, Bytes: before - min(before, after), Err: err})
	if err != nil {
		return files, fmt.Errorf("reclaim: %w", err)
	}
	return files, nil
}

const (
	// rowSpace is about what a sliver takes in tables besides its data: its row, its
	// holding, their places in the index.
	rowSpace = 256
	// looseTables is how large tables must be for Reclaim to compact them.
	looseTables = 16 << 20
)

// tablesLoose tells whether compacting Badger's tables is likely to shrink them a
// good deal: Badger does it by itself, but long after deletes, which are small.
func (s *Store) tablesLoose() bool {
	_, alive, _ := s.segments.totals()
	small := uint64(max(s.bytes.Load(), 0))
	small -= min(small, alive)
	wanted := small + uint64(max(s.slivers.Load(), 0))*rowSpace
	tables := s.tables.Load()
	return tables > looseTables && tables > wanted+wanted/4
}

// compact brings Badger to drop what is deleted from its tables. Writers wait while
// it flushes the table in memory, which is of [memTableSize]; not afterwards.
func (s *Store) compact(ctx context.Context) error {
	if free, err := s.free(s.dir); err == nil && free < s.tables.Load()+openRoom {
		return nil // the new tables could fill the disk
	}
	if err := s.commit(ctx, []op{{key: keyOfValue(flushMark), value: seal(keyOfValue(flushMark)), urgent: true}}); err != nil {
		return err
	}
	// Dropping a prefix under which there is something flushes the table in
	// memory; nothing else does while the database is open. Writes fail meanwhile,
	// so it is the writer that does it.
	err := s.exclusively(func() error { return s.db.DropPrefix(keyOfValue(flushMark)) })
	if err == nil {
		err = s.db.Flatten(2)
	}
	s.measure()
	return err
}

// exclusively runs fn in the writer, between two groups.
func (s *Store) exclusively(fn func() error) error {
	done := make(chan error, 1)
	s.control <- func() { done <- fn() }
	return <-done
}
