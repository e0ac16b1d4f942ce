package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// segmentFiles returns the number of segments on the disk and the bytes of them.
func segmentFiles(t *testing.T, dir string) (count int, size int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "segments", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	return len(files), size
}

// What is replaced, and what is deleted by sliver, by blob and by shard, is
// counted as dead and comes back.
func TestReclaimEveryKindOfDelete(t *testing.T) {
	t.Parallel()
	const size = 100_000
	ctx := t.Context()
	for name, drop := range map[string]func(s *store.Store, blob int) error{
		"blob": func(s *store.Store, blob int) error { return s.DeleteBlob(ctx, blobID(blob)) },
		"sliver": func(s *store.Store, blob int) error {
			return errors.Join(s.DeleteSliver(ctx, blobID(blob), 1, shard.Primary), s.DeleteSliver(ctx, blobID(blob), 1, shard.Secondary))
		},
		"replaced by small": func(s *store.Store, blob int) error { return s.PutSlivers(ctx, blobID(blob), pair(blob, 1, 10)) },
		"quarantine": func(s *store.Store, blob int) error {
			bad := errors.New("bad")
			return errors.Join(s.Quarantine(ctx, store.SliverID{Blob: blobID(blob), Shard: 1, Axis: shard.Primary}, bad),
				s.Quarantine(ctx, store.SliverID{Blob: blobID(blob), Shard: 1, Axis: shard.Secondary}, bad))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := open(t, dir)
			for blob := range 40 {
				if err := s.PutSlivers(ctx, blobID(blob), pair(blob, 1, size)); err != nil {
					t.Fatal(err)
				}
			}
			for blob := range 40 {
				if blob%4 != 0 {
					if err := drop(s, blob); err != nil {
						t.Fatal(err)
					}
				}
			}
			st, err := s.Stats()
			if want := uint64(30 * (size + size/2)); err != nil || st.DeadBytes < want || st.DeadBytes > want+10_000 {
				t.Errorf("dead: got %d, %v, want about %d", st.DeadBytes, err, want)
			}
			if _, err := s.Reclaim(ctx); err != nil {
				t.Fatal(err)
			}
			if _, bytes := segmentFiles(t, dir); bytes < 10*(size+size/2) || bytes > 13*(size+size/2) {
				t.Errorf("got %d bytes of segments, want about %d", bytes, 10*(size+size/2))
			}
			// A restart comes to the same accounts.
			before, err := s.Stats()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir)
			if after, err := s.Stats(); err != nil || after.DeadBytes != before.DeadBytes || after.SliverBytes != before.SliverBytes || after.Quarantined != before.Quarantined {
				t.Errorf("after restart: got %+v, %v, want %+v", after, err, before)
			}
			for blob := 0; blob < 40; blob += 4 {
				for _, want := range pair(blob, 1, size) {
					if got, err := s.Sliver(blobID(blob), 1, want.Sliver.Axis); err != nil || !same(got, want.Sliver) {
						t.Fatalf("blob %d differs (%v)", blob, err)
					}
				}
			}
		})
	}
}

// A value that cannot be read does not keep its segment for ever.
func TestReclaimDamagedSegment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	ctx := t.Context()
	const size = 100_000
	for blob := range 8 {
		if err := s.PutSlivers(ctx, blobID(blob), pair(blob, 1, size)[:1]); err != nil {
			t.Fatal(err)
		}
	}
	for blob := range 4 {
		if err := s.DeleteBlob(ctx, blobID(blob)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "segments", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.Truncate(files[0], 7*size); err != nil { // in the last but one
		t.Fatal(err)
	}
	if _, err := s.Reclaim(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(files[0]); err == nil {
		t.Error("the damaged segment is still there")
	}
	if list := quarantined(t, s); len(list) != 2 && len(list) != 1 {
		t.Errorf("quarantine: got %v", list)
	}
	for blob := 4; blob < 6; blob++ {
		if got, err := s.Sliver(blobID(blob), 1, shard.Primary); err != nil || !same(got, pair(blob, 1, size)[0].Sliver) {
			t.Errorf("blob %d differs (%v)", blob, err)
		}
	}
}

// Reads, writes and deletes race with Reclaim.
func TestReclaimRaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	const workers, rounds, size = 4, 40, 70_000
	ctx, cancel := context.WithCancel(t.Context())
	var collecting sync.WaitGroup
	collecting.Go(func() {
		for ctx.Err() == nil {
			if _, err := s.Reclaim(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	})
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for r := range rounds {
				blob := w*8 + r%8
				if err := s.PutSlivers(t.Context(), blobID(blob), pair(blob, 1, size)); err != nil {
					t.Error(err)
				}
				for _, want := range pair(blob, 1, size) {
					if got, err := s.Sliver(blobID(blob), 1, want.Sliver.Axis); err != nil || !same(got, want.Sliver) {
						t.Errorf("blob %d differs (%v)", blob, err)
					}
				}
				if r%3 == 0 {
					if err := s.DeleteBlob(t.Context(), blobID(blob)); err != nil {
						t.Error(err)
					}
					if _, err := s.Sliver(blobID(blob), 1, shard.Primary); !errors.Is(err, store.ErrNotFound) {
						t.Errorf("a deleted sliver is back: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	cancel()
	collecting.Wait()
	if _, err := s.Reclaim(t.Context()); err != nil {
		t.Fatal(err)
	}
	st, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if _, bytes := segmentFiles(t, dir); uint64(bytes) > st.SliverBytes*5/4+10_000 {
		t.Errorf("got %d bytes of segments for %d alive", bytes, st.SliverBytes)
	}
}

func TestDeleteShard(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ctx := t.Context()
	for blob := range 10 {
		if err := s.PutSlivers(ctx, blobID(blob), slices.Concat(pair(blob, 1, 100), pair(blob, 2, 100))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Quarantine(ctx, store.SliverID{Blob: blobID(3), Shard: 1, Axis: shard.Primary}, errors.New("bad")); err != nil {
		t.Fatal(err)
	}
	var steps []int
	for {
		n, err := s.DeleteShard(ctx, 1, 7)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		steps = append(steps, n)
	}
	if want := []int{7, 7, 5, 1}; !slices.Equal(steps, want) {
		t.Errorf("got %v deleted, want %v", steps, want)
	}
	if st, err := s.Stats(); err != nil || st.Slivers != 20 || st.Quarantined != 0 {
		t.Errorf("got %+v, %v, want the slivers of shard 2", st, err)
	}
}

// An iteration goes over page ends, does not block writers, and goes on from
// where another stopped.
func TestSliversInPages(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ctx := t.Context()
	const blobs = 1500
	var wg sync.WaitGroup
	for w := range 20 {
		wg.Go(func() {
			for blob := w; blob < blobs; blob += 20 {
				if err := s.PutSlivers(ctx, blobID(blob), pair(blob, 9, 20)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen, last := 0, shard.BlobID{}
	for id, err := range s.Slivers(9, shard.BlobID{}) {
		if err != nil {
			t.Fatal(err)
		}
		if want := blobID(seen / 2); id.Blob != want || id.Axis != shard.Axis(seen%2) {
			t.Fatalf("sliver %d: got %v, want blob %v", seen, id, want)
		}
		if seen%500 == 0 { // writes, reads and deletes of other slivers
			if err := s.PutSlivers(ctx, blobID(blobs+seen), pair(seen, 8, 20)); err != nil {
				t.Fatal(err)
			}
		}
		seen++
		if last = id.Blob; seen == 2500 {
			break
		}
	}
	seen = seen / 2 * 2
	for id, err := range s.Slivers(9, last) {
		if err != nil || id.Blob != blobID((seen-2)/2) {
			t.Fatalf("sliver %d: got %v, %v", seen, id, err)
		}
		break
	}
	count := 0
	for _, err := range s.Slivers(9, last) {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if want := 2*blobs - (seen - 2); count != want {
		t.Errorf("went on over %d slivers, want %d", count, want)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	if err := s.PutSlivers(t.Context(), blobID(1), pair(1, 1, 200_000)); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteSliver(t.Context(), blobID(1), 1, shard.Secondary); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reclaim(t.Context()); err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewPedanticRegistry()
	for _, c := range s.Metrics() {
		if err := reg.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		m := f.GetMetric()[0]
		got[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	for name, want := range map[string]float64{
		"floe_store_slivers": 1, "floe_store_sliver_bytes": 200_000, "floe_store_dead_bytes": 0,
		"floe_store_quarantined_slivers": 0, "floe_store_reclaim_last_failed": 0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s: got %v, %v, want %v", name, v, ok, want)
		}
	}
	if got["floe_store_reclaim_last_run_seconds"] == 0 || got["floe_store_disk_bytes"] < 200_000 || got["floe_store_files"] < 3 {
		t.Errorf("got %v", got)
	}
}
