package shardtest

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/floe-storage/floe/shard"
)

func TestGenerators(t *testing.T) {
	t.Parallel()
	first, second := sha256.Sum256([]byte("s:0")), sha256.Sum256([]byte("s:1"))
	want := append(first[:], second[:]...)
	for _, n := range []int{0, 1, 31, 32, 33, 64} {
		if got := Blob("s", n); !bytes.Equal(got, want[:n]) {
			t.Errorf("Blob of %d: got %x, want %x", n, got, want[:n])
		}
	}
	if got := Ramp(254, 4); !bytes.Equal(got, []byte{254, 255, 0, 1}) {
		t.Errorf("Ramp: got %v", got)
	}
}

// Every sliver of a wrong encoder matches the metadata, and one of them is not
// the blob's.
func TestReplaceSliver(t *testing.T) {
	t.Parallel()
	p := MustParams(10)
	blob := Blob("wrong", 500)
	right, good, err := shard.Encode(p, blob)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []shard.Axis{shard.Primary, shard.Secondary} {
		md, pairs, err := ReplaceSliver(p, blob, a, 4)
		if err != nil {
			t.Fatal(err)
		}
		if md.ID() == right.ID() {
			t.Errorf("%v: the blob ID is the right one", a)
		}
		changed := 0
		for i := range pairs {
			for _, s := range [][2]*shard.Sliver{{&pairs[i].Primary, &good[i].Primary}, {&pairs[i].Secondary, &good[i].Secondary}} {
				if err := shard.VerifySliver(p, md, s[0]); err != nil {
					t.Error(err)
				}
				if !bytes.Equal(s[0].Data, s[1].Data) {
					changed++
				}
			}
		}
		if changed != 1 {
			t.Errorf("%v: %d slivers differ, want 1", a, changed)
		}
	}
}
