package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

const (
	// reclaimRatio is the part of a value log file that must be deleted values for
	// Reclaim to move the rest: the lower, the more is copied for each byte gained.
	reclaimRatio = 0.3
	// longestLog is the length that a value log file can reach.
	longestLog = valueLogSize + maxTxnBytes
	// reclaimRoom is what Reclaim leaves free while it works.
	reclaimRoom = openRoom
)

// flushMark names a value that Reclaim writes and drops.
const flushMark = "!flush"

// Reclaim gives the room of deleted and replaced slivers back to the disk, as
// far as whole value log files can be rewritten, and returns the number of files
// that went. It copies what is left in them: call it now and then, not after
// each delete. Writers wait while it flushes; reads go on. It works on a disk that
// is full for PutSlivers, moving then only what fits; with less than a quarter of
// Config.Reserve it is [ErrFull]. It returns when it is done or, between two
// files, when ctx ends.
func (s *Store) Reclaim(ctx context.Context) (files int, err error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	defer s.calls.Done()
	s.gc.Lock()
	defer s.gc.Unlock()
	if err := s.countDeleted(ctx); err != nil {
		return 0, fmt.Errorf("reclaim: %w", err)
	}
	for ctx.Err() == nil {
		moved, err := s.moveOne()
		if err != nil {
			return files, fmt.Errorf("reclaim: %w", err)
		}
		if !moved {
			return files, nil
		}
		files++
	}
	return files, ctx.Err()
}

// countDeleted brings Badger to know what is deleted in which value log file: it
// counts when a delete and what it deletes meet in a compaction, and that can
// be long after, because rows are few and small.
func (s *Store) countDeleted(ctx context.Context) error {
	if err := s.commit(ctx, []op{{key: keyOfValue(flushMark), parts: [][]byte{nil}, urgent: true}}); err != nil {
		return err
	}
	// Dropping a prefix under which there is something flushes the table in
	// memory; nothing else does while the database is open. Writes fail meanwhile,
	// so it is the writer that does it.
	err := s.exclusively(func() error { return s.db.DropPrefix(keyOfValue(flushMark)) })
	if err != nil {
		return err
	}
	return s.db.Flatten(2)
}

// moveOne rewrites the value log file with the most deleted values, if it is
// worth it. Badger removes the file as soon as it has written the values anew,
// but has not synced them; an iterator that is open makes it wait.
func (s *Store) moveOne() (bool, error) {
	ratio := reclaimRatio
	if free, err := s.free(s.dir); err == nil {
		if free < 2*reclaimRoom {
			return false, nil // moving anything could fill the disk
		}
		ratio = max(ratio, 1-float64(free-reclaimRoom)/longestLog)
	}
	t := s.db.NewTransaction(false)
	defer t.Discard()
	it := t.NewIterator(badger.IteratorOptions{Prefix: keyOfValue(flushMark)})
	defer it.Close()
	err := s.db.RunValueLogGC(ratio)
	if errors.Is(err, badger.ErrNoRewrite) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// If we crash before this has returned, the old file is still there and serves
	// whatever did not reach the disk in the new one; it stays until the next
	// values in it are deleted.
	return true, s.exclusively(func() error { return s.logs.sync(s.db) })
}

// exclusively runs fn in the writer, between two groups.
func (s *Store) exclusively(fn func() error) error {
	done := make(chan error, 1)
	s.control <- func() { done <- fn() }
	return <-done
}
