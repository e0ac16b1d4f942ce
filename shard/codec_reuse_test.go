package shard_test

import (
	"errors"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// Nothing of a blob is left in the next one, whatever their sizes.
func TestCodecIsUsedAgain(t *testing.T) {
	t.Parallel()
	for _, n := range []int{4, 7, 10, 31, 100} {
		p := shardtest.MustParams(n)
		codec, err := shard.NewCodec(p)
		if err != nil {
			t.Fatal(err)
		}
		var pairs []shard.SliverPair
		for _, size := range []int{5000, 0, 300000, 1, 70000, 299999, 64, 300000} {
			blob := shardtest.Blob("again", size)
			wantMeta, want, err := shard.Encode(p, blob)
			if err != nil {
				t.Fatal(err)
			}
			md, err := codec.Metadata(blob)
			if err != nil {
				t.Fatal(err)
			}
			if md.ID() != wantMeta.ID() {
				t.Fatalf("n=%d, %d bytes: metadata of blob %v, want %v", n, size, md.ID(), wantMeta.ID())
			}
			if md, pairs, err = codec.Encode(blob, pairs); err != nil {
				t.Fatal(err)
			}
			if md.ID() != wantMeta.ID() || len(pairs) != n {
				t.Fatalf("n=%d, %d bytes: blob %v in %d pairs, want %v", n, size, md.ID(), len(pairs), wantMeta.ID())
			}
			for i := range pairs {
				samePair(t, pairs[i], want[i])
			}
		}
		if _, _, err := codec.Encode(make([]byte, 400000), nil); n == 4 {
			if _, ok := errors.AsType[*shard.TooLargeError](err); !ok {
				t.Errorf("too large: got %v", err)
			}
		}
	}
	if _, err := shard.NewCodec(shard.Params{}); !errors.Is(err, shard.ErrParams) {
		t.Errorf("no parameters: got %v", err)
	}
}

// So many bytes of slivers that they are written in another way.
func TestEncodeLarge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ n, size int }{{100, 9<<20 + 1}, {103, 8 << 20}, {1000, 8 << 20}} {
		p := shardtest.MustParams(tt.n)
		blob := shardtest.Ramp(3, tt.size)
		md, pairs, err := shard.Encode(p, blob)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := shard.ComputeMetadata(p, blob)
		if err != nil || alone.ID() != md.ID() {
			t.Fatalf("n=%d: metadata alone: blob %v, %v, want %v", tt.n, alone.ID(), err, md.ID())
		}
		var slivers []shard.Sliver
		for i := range pairs {
			if tt.n < 1000 || i%50 == 0 {
				slivers = append(slivers, pairs[i].Primary, pairs[i].Secondary)
			}
		}
		for i, err := range shard.VerifySlivers(p, md, slivers) {
			if err != nil {
				t.Fatalf("n=%d, %v: %v", tt.n, &slivers[i], err)
			}
		}
	}
}
