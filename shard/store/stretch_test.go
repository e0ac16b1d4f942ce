package store_test

import (
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// A shard is walked in stretches, none of which repeats or leaves out a sliver;
// what is deleted is not met any more, whole blobs with their metadata.
func TestStretch(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.TempDir(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for i := range byte(10) {
		items := []store.Item{
			{Shard: 3, Sliver: shard.Sliver{Axis: shard.Primary, SymbolSize: 2, Data: make([]byte, 10)}},
			{Shard: 3, Sliver: shard.Sliver{Axis: shard.Secondary, SymbolSize: 2, Data: make([]byte, 10)}},
			{Shard: 4, Sliver: shard.Sliver{Axis: shard.Secondary, SymbolSize: 2, Data: make([]byte, 10)}},
		}
		if err := s.PutSlivers(t.Context(), shard.BlobID{i}, items); err != nil {
			t.Fatal(err)
		}
	}
	walk := func(sh shard.Index) (all []store.SliverID) {
		for next := new(store.SliverID); next != nil; {
			found, after, err := s.Stretch(sh, *next, 3)
			if err != nil || len(found) > 3 || after != nil && len(found) < 3 {
				t.Fatalf("got %d slivers, next %v, %v", len(found), after, err)
			}
			all, next = append(all, found...), after
		}
		return all
	}
	all := walk(3)
	for i, id := range all {
		if want := (store.SliverID{Blob: shard.BlobID{byte(i / 2)}, Shard: 3, Axis: shard.Axis(i % 2)}); id != want {
			t.Errorf("%d: got %v, want %v", i, id, want)
		}
	}
	if len(all) != 20 {
		t.Fatalf("got %d slivers, want 20", len(all))
	}
	if err := s.DeleteSlivers(t.Context(), all[:8], false); err != nil || len(walk(3)) != 12 || len(walk(4)) != 10 {
		t.Errorf("got %v, %d and %d slivers, want 12 and 10", err, len(walk(3)), len(walk(4)))
	}
	if err := s.DeleteSlivers(t.Context(), all[8:], true); err != nil || len(walk(3)) != 0 || len(walk(4)) != 4 {
		t.Errorf("got %v, %d and %d slivers, want 0 and 4", err, len(walk(3)), len(walk(4)))
	}
}
