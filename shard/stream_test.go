package shard_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"testing/iotest"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// littleMemory makes blobs large and tiles small.
const littleMemory = 1

// A blob that comes from a reader has the pieces of one in memory, whatever the
// size of tiles.
func TestEncoderAgainstEncode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ n, size, memory int }{
		{4, 0, littleMemory},
		{4, 1, 0},
		{4, 5000, littleMemory},
		{4, 390000, littleMemory},
		{7, 100000, littleMemory},
		{10, 1, littleMemory},
		{10, 28 * 128, littleMemory},
		{10, 28*128 + 1, littleMemory},
		{10, 28*256 - 40, littleMemory},
		{10, 1800000, littleMemory},
		{10, 100000, 0},
		{25, 300000, littleMemory},
		{31, 200000, littleMemory},
		{100, 2278 * 300, littleMemory},
		{100, 2278*384 - 500, 1 << 20},
		{103, 2000000, 2 << 20},
	} {
		t.Run(fmt.Sprintf("n=%d/size=%d/memory=%d", tt.n, tt.size, tt.memory), func(t *testing.T) {
			t.Parallel()
			p := shardtest.MustParams(tt.n)
			blob := shardtest.Blob("stream", tt.size)
			wantMeta, want, err := shard.Encode(p, blob)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			cfg := shard.StreamConfig{TempDir: dir, Memory: tt.memory}
			md, err := shard.ComputeMetadataFrom(p, bytes.NewReader(blob), uint64(len(blob)), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if md.ID() != wantMeta.ID() {
				t.Errorf("metadata alone: got blob %v, want %v", md.ID(), wantMeta.ID())
			}
			r := io.MultiReader(iotest.HalfReader(bytes.NewReader(blob)), bytes.NewReader([]byte("beyond")))
			e, err := shard.NewEncoder(p, r, uint64(len(blob)), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got := e.Metadata(); got.ID() != wantMeta.ID() || got.Size != wantMeta.Size {
				t.Fatalf("got blob %v of %d bytes, want %v of %d", got.ID(), got.Size, wantMeta.ID(), wantMeta.Size)
			}
			i := 0
			for pair, err := range e.Pairs() {
				if err != nil {
					t.Fatal(err)
				}
				samePair(t, pair, want[i])
				i++
			}
			if i != tt.n {
				t.Errorf("got %d pairs, want %d", i, tt.n)
			}
			for _, i := range []int{tt.n - 1, 0, tt.n / 2} {
				pair, err := e.Pair(shard.PairIndex(i))
				if err != nil {
					t.Fatal(err)
				}
				samePair(t, pair, want[i])
			}
			if _, err := e.Pair(shard.PairIndex(tt.n)); !errors.Is(err, shard.ErrIndex) {
				t.Errorf("pair beyond the last: got %v, want %v", err, shard.ErrIndex)
			}
			closeTwice(t, e)
			if _, err := e.Pair(0); !errors.Is(err, shard.ErrClosed) {
				t.Errorf("after Close: got %v, want %v", err, shard.ErrClosed)
			}
			nothingLeft(t, dir)
		})
	}
}

func samePair(t *testing.T, got, want shard.SliverPair) {
	t.Helper()
	for _, s := range [][2]shard.Sliver{{got.Primary, want.Primary}, {got.Secondary, want.Secondary}} {
		if s[0].Axis != s[1].Axis || s[0].Index != s[1].Index || s[0].SymbolSize != s[1].SymbolSize ||
			!bytes.Equal(s[0].Data, s[1].Data) {
			t.Fatalf("%v differs", &s[1])
		}
	}
}

func closeTwice(t *testing.T, c io.Closer) {
	t.Helper()
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

// nothingLeft checks that temporary files are gone.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

func TestEncoderErrors(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(10)
	broken := errors.New("broken")
	for _, memory := range []int{0, littleMemory} {
		dir := t.TempDir()
		cfg := shard.StreamConfig{TempDir: dir, Memory: memory}
		tests := []struct {
			name string
			r    io.Reader
			size uint64
			want error
		}{
			{"short", bytes.NewReader(make([]byte, 99)), 100, io.ErrUnexpectedEOF},
			{"empty", bytes.NewReader(nil), 100, io.ErrUnexpectedEOF},
			{"failing", io.MultiReader(bytes.NewReader(make([]byte, 50)), iotest.ErrReader(broken)), 100, broken},
		}
		for _, tt := range tests {
			if _, err := shard.NewEncoder(p, tt.r, tt.size, cfg); !errors.Is(err, tt.want) {
				t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
			}
		}
		var tooLarge *shard.TooLargeError
		if _, err := shard.NewEncoder(p, nil, p.MaxBlobSize()+1, cfg); !errors.As(err, &tooLarge) {
			t.Errorf("too large: got %v", err)
		}
		if _, err := shard.NewEncoder(shard.Params{}, nil, 1, cfg); !errors.Is(err, shard.ErrParams) {
			t.Errorf("no parameters: got %v", err)
		}
		nothingLeft(t, dir)
	}
	cfg := shard.StreamConfig{TempDir: t.TempDir() + "/missing", Memory: littleMemory}
	if _, err := shard.NewEncoder(p, bytes.NewReader(make([]byte, 9)), 9, cfg); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: got %v", err)
	}
}
