package store_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func blobID(n int) (id shard.BlobID) {
	binary.BigEndian.PutUint32(id[:], uint32(n))
	id[31] = 0xaa
	return id
}

// sliver makes a sliver whose bytes follow from its names, so that a reader can
// tell what it should be.
func sliver(blob int, a shard.Axis, i shard.SliverIndex, size int) shard.Sliver {
	data := make([]byte, size)
	src := rand.NewChaCha8([32]byte{byte(blob), byte(blob >> 8), byte(a), byte(i), byte(i >> 8)})
	_, _ = src.Read(data)
	return shard.Sliver{Axis: a, Index: i, SymbolSize: 2, Data: data}
}

func same(a, b shard.Sliver) bool {
	return a.Axis == b.Axis && a.Index == b.Index && a.SymbolSize == b.SymbolSize && bytes.Equal(a.Data, b.Data)
}

func pair(blob int, sh shard.Index, size int) []store.Item {
	return []store.Item{
		{Shard: sh, Sliver: sliver(blob, shard.Primary, shard.SliverIndex(sh), size)},
		{Shard: sh, Sliver: sliver(blob, shard.Secondary, 99-shard.SliverIndex(sh), size/2)},
	}
}

func metadata(n int) *shard.Metadata {
	md := &shard.Metadata{Size: 77, Hashes: make([]shard.PairHashes, n)}
	for i := range md.Hashes {
		md.Hashes[i].Primary[0], md.Hashes[i].Secondary[0] = byte(i), byte(i+1)
	}
	return md
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	ctx := t.Context()
	md := metadata(100)
	sizes := []int{0, 1, 100, 1 << 10, 70_000, 3 << 20}
	for blob, size := range sizes {
		if err := s.PutMetadata(ctx, blobID(blob), md); err != nil {
			t.Fatal(err)
		}
		if err := s.PutSlivers(ctx, blobID(blob), slices.Concat(pair(blob, 3, size), pair(blob, 700, size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutValue(ctx, "cursor", []byte("42")); err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, s *store.Store) {
		t.Helper()
		total := 0
		for blob, size := range sizes {
			total += 2 * (size + size/2)
			got, err := s.Metadata(blobID(blob))
			if err != nil || got.ID() != md.ID() {
				t.Fatalf("metadata of blob %d: %v", blob, err)
			}
			for _, sh := range []shard.Index{3, 700} {
				for _, want := range pair(blob, sh, size) {
					got, err := s.Sliver(blobID(blob), sh, want.Sliver.Axis)
					if err != nil || !same(got, want.Sliver) {
						t.Fatalf("sliver of %d bytes differs (%v)", size, err)
					}
				}
			}
		}
		if v, err := s.Value("cursor"); err != nil || string(v) != "42" {
			t.Fatalf("value: got %q, %v", v, err)
		}
		st, err := s.Stats()
		if err != nil || st.Slivers != 4*len(sizes) || st.SliverBytes != uint64(total) {
			t.Fatalf("stats: got %+v, %v; want %d slivers, %d bytes", st, err, 4*len(sizes), total)
		}
	}
	check(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, open(t, dir))
}

func TestAbsent(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	if _, err := s.Metadata(blobID(1)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("metadata: got %v, want ErrNotFound", err)
	}
	if _, err := s.Sliver(blobID(1), 1, shard.Primary); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("sliver: got %v, want ErrNotFound", err)
	}
	if _, err := s.Value("x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("value: got %v, want ErrNotFound", err)
	}
	if ok, err := s.HasMetadata(blobID(1)); ok || err != nil {
		t.Errorf("has metadata: got %v, %v", ok, err)
	}
	if err := s.DeleteBlob(t.Context(), blobID(1)); err != nil {
		t.Errorf("delete: %v", err)
	}
}

func TestHoldingsAndDelete(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ctx := t.Context()
	for blob := range 3 {
		if err := s.PutMetadata(ctx, blobID(blob), metadata(10)); err != nil {
			t.Fatal(err)
		}
		items := slices.Concat(pair(blob, 1, 5000), pair(blob, 2, 5000), pair(blob, 3, 5000))
		if err := s.PutSlivers(ctx, blobID(blob), items); err != nil {
			t.Fatal(err)
		}
		// The same again changes nothing.
		if err := s.PutSlivers(ctx, blobID(blob), items[:2]); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteSliver(ctx, blobID(1), 2, shard.Primary); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteBlob(ctx, blobID(2)); err != nil {
		t.Fatal(err)
	}
	full, half, none := [2]bool{true, true}, [2]bool{false, true}, [2]bool{}
	for blob, want := range [][4][2]bool{{full, full, full, none}, {full, half, full, none}, {none, none, none, none}} {
		got, err := s.Holdings(blobID(blob), []shard.Index{1, 2, 3, 4})
		if err != nil {
			t.Fatal(err)
		}
		for i, h := range got {
			if [2]bool{h.Primary, h.Secondary} != want[i] {
				t.Errorf("blob %d shard %d: got %+v, want %v", blob, h.Shard, h, want[i])
			}
			has, err := s.Has(blobID(blob), h.Shard, shard.Primary)
			if err != nil || has != want[i][0] {
				t.Errorf("blob %d shard %d: has primary: got %v, %v", blob, h.Shard, has, err)
			}
		}
	}
	var blobs []shard.BlobID
	for id, err := range s.Blobs() {
		if err != nil {
			t.Fatal(err)
		}
		blobs = append(blobs, id)
	}
	if want := []shard.BlobID{blobID(0), blobID(1)}; !slices.Equal(blobs, want) {
		t.Errorf("blobs: got %v, want %v", blobs, want)
	}
	var ids []store.SliverID
	for id, err := range s.Slivers(2, blobID(0)) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	want := []store.SliverID{
		{Blob: blobID(0), Shard: 2, Axis: shard.Primary},
		{Blob: blobID(0), Shard: 2, Axis: shard.Secondary},
		{Blob: blobID(1), Shard: 2, Axis: shard.Secondary},
	}
	if !slices.Equal(ids, want) {
		t.Errorf("slivers of shard 2: got %v, want %v", ids, want)
	}
	for id := range s.Slivers(2, blobID(1)) {
		if id != want[2] {
			t.Errorf("slivers from blob 1: got %v, want %v", id, want[2])
		}
	}
	if st, err := s.Stats(); err != nil || st.Slivers != 11 || st.SliverBytes != 5*5000+6*2500 {
		t.Errorf("stats: got %+v, %v", st, err)
	}
}

// A batch far beyond the limits of one Badger transaction, in bytes and in rows.
func TestLargeBatch(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var items []store.Item
	for i := range 6000 {
		items = append(items, store.Item{Shard: shard.Index(i), Sliver: sliver(1, shard.Primary, shard.SliverIndex(i), 900+i%400)})
	}
	for i := range 40 {
		items = append(items, store.Item{Shard: shard.Index(i), Sliver: sliver(1, shard.Secondary, shard.SliverIndex(i), 1<<20)})
	}
	if err := s.PutSlivers(t.Context(), blobID(1), items); err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		if got, err := s.Sliver(blobID(1), it.Shard, it.Sliver.Axis); err != nil || !same(got, it.Sliver) {
			t.Fatalf("%v of shard %d differs (%v)", &it.Sliver, it.Shard, err)
		}
	}
	if err := s.DeleteBlob(t.Context(), blobID(1)); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Stats(); err != nil || st.Slivers != 0 || st.SliverBytes != 0 {
		t.Errorf("after delete: got %+v, %v", st, err)
	}
}

func TestConcurrentWriters(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	const writers, blobs = 8, 20
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for b := range blobs {
				blob := w*blobs + b
				if err := s.PutSlivers(t.Context(), blobID(blob), pair(blob, 5, 3000)); err != nil {
					t.Error(err)
				}
				if got, err := s.Sliver(blobID(blob), 5, shard.Primary); err != nil || !same(got, pair(blob, 5, 3000)[0].Sliver) {
					t.Errorf("blob %d differs (%v)", blob, err)
				}
			}
		})
	}
	wg.Wait()
	if st, err := s.Stats(); err != nil || st.Slivers != 2*writers*blobs {
		t.Errorf("stats: got %+v, %v", st, err)
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.PutValue(ctx, "a", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err := s.Value("a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a canceled write was done: %v", err)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	ctx := t.Context()
	id := blobID(1)
	for name, call := range map[string]func() error{
		"PutMetadata":  func() error { return s.PutMetadata(ctx, id, metadata(4)) },
		"Metadata":     func() error { _, err := s.Metadata(id); return err },
		"HasMetadata":  func() error { _, err := s.HasMetadata(id); return err },
		"PutSlivers":   func() error { return s.PutSlivers(ctx, id, pair(1, 1, 10)) },
		"Sliver":       func() error { _, err := s.Sliver(id, 1, shard.Primary); return err },
		"Has":          func() error { _, err := s.Has(id, 1, shard.Primary); return err },
		"DeleteBlob":   func() error { return s.DeleteBlob(ctx, id) },
		"DeleteSliver": func() error { return s.DeleteSliver(ctx, id, 1, shard.Primary) },
		"PutValue":     func() error { return s.PutValue(ctx, "a", nil) },
		"Value":        func() error { _, err := s.Value("a"); return err },
		"Stats":        func() error { _, err := s.Stats(); return err },
		"Reclaim":      func() error { _, err := s.Reclaim(ctx); return err },
		"Blobs": func() error {
			for _, err := range s.Blobs() {
				return err
			}
			return nil
		},
	} {
		if err := call(); !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s: got %v, want ErrClosed", name, err)
		}
	}
}

func TestFull(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ctx := t.Context()
	var mu sync.Mutex
	free := uint64(1 << 30)
	s.SetFree(func() (uint64, error) {
		mu.Lock()
		defer mu.Unlock()
		return free, nil
	})
	set := func(n uint64) {
		mu.Lock()
		defer mu.Unlock()
		free = n
	}
	if err := s.PutSlivers(ctx, blobID(1), pair(1, 1, 4000)); err != nil {
		t.Fatal(err)
	}
	set(store.DefaultReserve + 4000)
	if err := s.PutSlivers(ctx, blobID(2), pair(2, 1, 4000)); !errors.Is(err, store.ErrFull) {
		t.Fatalf("got %v, want ErrFull", err)
	}
	if has, err := s.Has(blobID(2), 1, shard.Primary); err != nil || has {
		t.Errorf("a refused sliver is here: %v, %v", has, err)
	}
	set(store.DefaultReserve / 2)
	if err := s.PutValue(ctx, "a", nil); !errors.Is(err, store.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	if _, err := s.Sliver(blobID(1), 1, shard.Primary); err != nil {
		t.Errorf("read on a full disk: %v", err)
	}
	if err := s.DeleteBlob(ctx, blobID(1)); err != nil {
		t.Errorf("delete on a full disk: %v", err)
	}
	set(1 << 30)
	if err := s.PutSlivers(ctx, blobID(2), pair(2, 1, 4000)); err != nil {
		t.Errorf("write after there is room again: %v", err)
	}
}

// Ten stores in one process, idle, must cost little memory each.
func TestIdleMemory(t *testing.T) {
	const stores = 10
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range stores {
		s := open(t, t.TempDir())
		if err := s.PutSlivers(t.Context(), blobID(i), pair(i, 1, 4000)); err != nil {
			t.Fatal(err)
		}
	}
	each := float64(heap()-before) / stores / (1 << 20)
	t.Logf("%.1f MiB of heap per idle store", each)
	if each > 6 {
		t.Errorf("got %.1f MiB of heap per idle store, want at most 6", each)
	}
}

func BenchmarkPutSlivers(b *testing.B) {
	for _, writers := range []int{1, 8} {
		b.Run(fmt.Sprintf("256KiB/writers=%d", writers), func(b *testing.B) {
			s := open(b, b.TempDir())
			const size = 256 << 10
			item := []store.Item{{Shard: 1, Sliver: sliver(1, shard.Primary, 1, size)}}
			b.SetBytes(size)
			var mu sync.Mutex
			blob := 0
			b.SetParallelism(writers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					mu.Lock()
					blob++
					id := blobID(blob % 512)
					mu.Unlock()
					if err := s.PutSlivers(b.Context(), id, item); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
