package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// A store whose index is spoiled is set aside, and a new one takes its place.
func TestSetAside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 2 { // the second takes the place of the first
		filled(t, dir, 4)
		if err := os.Truncate(filepath.Join(dir, "db", "MANIFEST"), 20); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Open(dir, store.Config{}); !errors.Is(err, store.ErrCorrupt) {
			t.Fatalf("round %d: got %v, want ErrCorrupt", round, err)
		}
		if err := store.SetAside(dir); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(filepath.Join(dir, "damaged", "MANIFEST")); err != nil || info.Size() != 20 {
			t.Errorf("round %d: the damaged index is not kept: %v", round, err)
		}
		if n, _ := segmentFiles(t, dir); n != 0 {
			t.Errorf("round %d: %d segments are left", round, n)
		}
	}
	s := open(t, dir)
	if err := store.SetAside(dir); !errors.Is(err, store.ErrLocked) {
		t.Errorf("an open store: got %v, want ErrLocked", err)
	}
	if _, err := s.Sliver(blobID(1), 1, shard.Primary); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if err := s.PutSlivers(t.Context(), blobID(1), pair(1, 1, 5000)); err != nil {
		t.Error(err)
	}
}
