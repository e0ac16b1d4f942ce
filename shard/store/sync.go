package store

import (
	"context"
	"fmt"
	"sync"
)

// maxApplied bounds the groups that are written and not yet synced. Each is of
// callers that wait, so there are never more than callers.
const maxApplied = 4

// syncer makes groups durable and tells their callers, until the writer has
// ended. All that have been written meanwhile share the next sync.
func (s *Store) syncer() {
	for group := range s.applied {
		groups := [][]*write{group}
		for more := true; more && len(groups) < maxApplied; {
			select {
			case g, ok := <-s.applied:
				if more = ok; ok {
					groups = append(groups, g)
				}
			default:
				more = false
			}
		}
		s.finish(groups)
	}
}

// finish syncs once and tells the callers of groups.
func (s *Store) finish(groups [][]*write) {
	table := s.logs.table
	err := s.broken()
	if err == nil {
		if err = s.syncLogs(); err != nil {
			err = fmt.Errorf("%w: %w", ErrBroken, err)
			s.settled.fail(err)
			s.cfg.Logger.Error("disk does not keep what is written: restart the node when it does", "err", err)
		}
	}
	if table != s.logs.table {
		s.measure()
	}
	s.settled.advance(len(groups))
	for _, g := range groups {
		for _, w := range g {
			w.done <- err
		}
	}
}

// broken returns the error of the sync that went wrong, if one did.
func (s *Store) broken() error {
	s.settled.mu.Lock()
	defer s.settled.mu.Unlock()
	return s.settled.err
}

// Settle returns when all that a read could see at the time of the call is on
// the disk: a Put by another caller is seen a moment before it is. Call it
// before promising anyone to keep what [Store.Has] or [Store.Holdings] tell of.
// It returns [ErrBroken] if the disk has refused to keep it.
func (s *Store) Settle(ctx context.Context) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.calls.Done()
	return s.settled.wait(ctx, s.written.Load())
}

// tide is how many groups have been synced, for those who wait for one.
type tide struct {
	// mu guards the fields below.
	mu    sync.Mutex
	count uint64
	err   error
	moved chan struct{} // closed and replaced when count changes; nil while nobody waits
}

// advance tells that n more groups are done with.
func (t *tide) advance(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count += uint64(n)
	if t.moved != nil {
		close(t.moved)
		t.moved = nil
	}
}

func (t *tide) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
}

// wait returns when count groups are synced.
func (t *tide) wait(ctx context.Context, count uint64) error {
	for {
		t.mu.Lock()
		err, done := t.err, t.count >= count
		if !done && t.moved == nil {
			t.moved = make(chan struct{})
		}
		moved := t.moved
		t.mu.Unlock()
		if err != nil || done {
			return err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
