package store_test

import (
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

func TestReclaim(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ctx := t.Context()
	// Three segments' worth, of which three quarters are deleted.
	const blobs, size = 300, 512 << 10
	item := []store.Item{{Shard: 1, Sliver: sliver(1, shard.Primary, 1, size)}}
	for blob := range blobs {
		if err := s.PutSlivers(ctx, blobID(blob), item); err != nil {
			t.Fatal(err)
		}
	}
	before, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	for blob := range blobs {
		if blob%4 != 0 {
			if err := s.DeleteBlob(ctx, blobID(blob)); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Reads and writes go on meanwhile.
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for blob := 1000; ; blob++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.PutSlivers(ctx, blobID(blob), pair(blob, 1, 2000)); err != nil {
				t.Error(err)
			}
			if got, err := s.Sliver(blobID(blob-blob%4-1000), 1, shard.Primary); err == nil && !same(got, item[0].Sliver) {
				t.Errorf("sliver differs while its file is moved")
			}
		}
	}()
	files, err := s.Reclaim(ctx)
	close(stop)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	after, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d MiB -> %d MiB, %d MiB of slivers", files, before.DiskBytes>>20, after.DiskBytes>>20, after.SliverBytes>>20)
	if files < 2 || after.DiskBytes > before.DiskBytes*2/3 {
		t.Errorf("got %d -> %d bytes on disk in %d files", before.DiskBytes, after.DiskBytes, files)
	}
	for blob := 0; blob < blobs; blob += 4 {
		if got, err := s.Sliver(blobID(blob), 1, shard.Primary); err != nil || !same(got, item[0].Sliver) {
			t.Fatalf("blob %d differs after reclaim (%v)", blob, err)
		}
	}
}
