package store

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	if err == nil || errors.Is(err, ErrFull) && ctx.Err() == nil {
		n, vlogErr := s.reclaimValueLogs(ctx)
		files += n
		err = errors.Join(err, vlogErr)
	}
	after, _, _ := s.sizes()
	s.reclaimed.Store(&Reclaimed{At: began, Took: time.Since(began), Files: files, Bytes: before - min(before, after), Err: err})
	if err != nil {
		return files, fmt.Errorf("reclaim: %w", err)
	}
	return files, nil
}

// reclaimValueLogs rewrites Badger's value logs, in which the slivers are that are
// neither tiny nor large.
func (s *Store) reclaimValueLogs(ctx context.Context) (files int, err error) {
	if err := s.countDeleted(ctx); err != nil {
		return 0, err
	}
	for ctx.Err() == nil {
		moved, err := s.moveOne()
		if err != nil || !moved {
			return files, err
		}
		files++
	}
	return files, ctx.Err()
}

// countDeleted brings Badger to know what is deleted in which value log file: it
// counts when a delete and what it deletes meet in a compaction, and that can
// be long after, because rows are few and small.
func (s *Store) countDeleted(ctx context.Context) error {
	if err := s.commit(ctx, []op{{key: keyOfValue(flushMark), value: seal(keyOfValue(flushMark)), urgent: true}}); err != nil {
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
	return true, s.exclusively(s.barrier)
}

// exclusively runs fn in the writer, between two groups.
func (s *Store) exclusively(fn func() error) error {
	done := make(chan error, 1)
	s.control <- func() { done <- fn() }
	return <-done
}

// barrier makes everything written so far durable. The writer calls it.
func (s *Store) barrier() error {
	w := &write{done: make(chan error, 1)}
	s.written.Add(1)
	s.applied <- []*write{w}
	return <-w.done
}
