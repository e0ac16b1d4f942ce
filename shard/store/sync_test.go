package store_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// Nothing is acknowledged, and nothing settled, before it is synced, though it can
// be read.
func TestSettle(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	if err := s.Settle(t.Context()); err != nil {
		t.Fatalf("nothing to settle: %v", err)
	}
	syncing, goOn := make(chan struct{}), make(chan struct{})
	s.SetSync(func() error {
		syncing <- struct{}{}
		<-goOn
		return nil
	})
	put, settled := make(chan error, 1), make(chan error, 1)
	go func() { put <- s.PutSlivers(t.Context(), blobID(1), pair(1, 1, 1000)) }()
	<-syncing
	if has, err := s.Has(blobID(1), 1, shard.Primary); !has || err != nil {
		t.Fatalf("written and not seen: %v, %v", has, err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Settle(canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("settled before the sync: %v", err)
	}
	go func() { settled <- s.Settle(t.Context()) }()
	select {
	case err := <-put:
		t.Fatalf("acknowledged before the sync: %v", err)
	case err := <-settled:
		t.Fatalf("settled before the sync: %v", err)
	default:
	}
	close(goOn)
	if err := errors.Join(<-put, <-settled); err != nil {
		t.Fatal(err)
	}
	go func() { // for Close and what is left
		for range syncing {
		}
	}()
}

// Groups that wait share a sync.
func TestGroups(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var syncs atomic.Int64
	first, goOn := make(chan struct{}), make(chan struct{})
	s.SetSync(func() error {
		if syncs.Add(1) == 1 {
			close(first)
			<-goOn
		}
		return nil
	})
	done := make(chan error)
	put := func(blob int) { done <- s.PutSlivers(t.Context(), blobID(blob), pair(blob, 1, 100)) }
	go put(0)
	<-first
	const waiting = 3 // fewer than groups that may wait
	for blob := range waiting {
		go put(1 + blob)
	}
	for blob := range waiting { // until all are written
		for has := false; !has; {
			var err error
			if has, err = s.Has(blobID(1+blob), 1, shard.Primary); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(goOn)
	for range 1 + waiting {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := syncs.Load(); n > 3 {
		t.Errorf("got %d syncs, want the waiting ones to share", n)
	}
}

// After a sync that failed nothing more is taken: the next one may succeed though
// the disk has dropped what the first was about.
func TestBroken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	ctx := t.Context()
	if err := s.PutSlivers(ctx, blobID(1), pair(1, 1, 100_000)); err != nil {
		t.Fatal(err)
	}
	fault := errors.New("input/output error")
	s.SetSync(func() error { return fault })
	if err := s.PutSlivers(ctx, blobID(2), pair(2, 1, 100)); !errors.Is(err, store.ErrBroken) || !errors.Is(err, fault) {
		t.Fatalf("got %v, want ErrBroken", err)
	}
	s.SetSync(func() error { return nil })
	for name, call := range map[string]func() error{
		"small":  func() error { return s.PutSlivers(ctx, blobID(3), pair(3, 1, 100)) },
		"large":  func() error { return s.PutSlivers(ctx, blobID(3), pair(3, 1, 100_000)) },
		"delete": func() error { return s.DeleteBlob(ctx, blobID(1)) },
		"settle": func() error { return s.Settle(ctx) },
	} {
		if err := call(); !errors.Is(err, store.ErrBroken) {
			t.Errorf("%s: got %v, want ErrBroken", name, err)
		}
	}
	if got, err := s.Sliver(blobID(1), 1, shard.Primary); err != nil || !same(got, pair(1, 1, 100_000)[0].Sliver) {
		t.Errorf("what was acknowledged before is not read: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if err := s.PutSlivers(ctx, blobID(3), pair(3, 1, 100)); err != nil {
		t.Errorf("opened again: %v", err)
	}
}

// Large slivers are refused before they are written, callers at the same time see
// each other, and Reclaim makes room while the disk is full.
func TestFullSegments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	ctx := t.Context()
	const size = 1 << 20
	disk := int64(store.DefaultReserve + 20*size)
	s.SetFree(func() (uint64, error) { // a disk with only segments on it
		_, used := segmentFiles(t, dir)
		return uint64(max(disk-used, 0)), nil
	})
	put := 0
	for ; ; put++ {
		err := s.PutSlivers(ctx, blobID(put), pair(put, 1, size)[:1])
		if errors.Is(err, store.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, used := segmentFiles(t, dir); put < 15 || used > 20*size {
		t.Fatalf("got %d slivers on the disk, %d bytes, before it was full", put, used)
	}
	for blob := range put / 2 {
		if err := s.DeleteBlob(ctx, blobID(blob)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutSlivers(ctx, blobID(put), pair(put, 1, size)[:1]); !errors.Is(err, store.ErrFull) {
		t.Errorf("got %v, want ErrFull until Reclaim", err)
	}
	if _, err := s.Reclaim(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.PutSlivers(ctx, blobID(put), pair(put, 1, size)[:1]); err != nil {
		t.Errorf("after Reclaim: %v", err)
	}
	if st, err := s.Stats(); err != nil || st.Refused != 2 {
		t.Errorf("got %+v, %v, want 2 refused", st, err)
	}
	for blob := put / 2; blob <= put; blob++ {
		if got, err := s.Sliver(blobID(blob), 1, shard.Primary); err != nil || !same(got, pair(blob, 1, size)[0].Sliver) {
			t.Errorf("blob %d differs (%v)", blob, err)
		}
	}
}
