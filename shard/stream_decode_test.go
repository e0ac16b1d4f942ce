package shard_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// A Decoder gives the blob from any slivers, from memory and from files.
func TestDecoder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ n, size int }{{4, 0}, {4, 1000}, {10, 1}, {10, 100000}, {31, 70000}, {100, 300000}} {
		for _, memory := range []int{0, littleMemory} {
			t.Run(fmt.Sprintf("n=%d/size=%d/memory=%d", tt.n, tt.size, memory), func(t *testing.T) {
				t.Parallel()
				p := shardtest.MustParams(tt.n)
				blob := shardtest.Blob("decoder", tt.size)
				md, pairs, err := shard.Encode(p, blob)
				if err != nil {
					t.Fatal(err)
				}
				r := rand.New(rand.NewPCG(uint64(tt.n), uint64(tt.size)))
				for _, a := range axes {
					all := ofAxis(pairs, a)
					for name, slivers := range map[string][]shard.Sliver{
						"first": all[:p.Threshold(a)],
						"last":  all[tt.n-p.Threshold(a):],
						"some":  pick(r, all, p.Threshold(a)),
					} {
						for c := shard.CheckDefault; c <= shard.CheckStrict; c++ {
							dir := t.TempDir()
							d := newDecoder(t, p, md, shard.StreamConfig{TempDir: dir, Memory: memory})
							// Some of the other axis, and some again, change nothing.
							addAll(t, d, ofAxis(pairs, a.Other())[:1])
							addAll(t, d, slivers[:1])
							if d.Ready() {
								t.Error("ready too early")
							}
							addAll(t, d, slivers)
							addAll(t, d, all)
							if !d.Ready() {
								t.Error("not ready")
							}
							var got bytes.Buffer
							if err := d.Decode(&got, c); err != nil {
								t.Fatalf("%v, %s, check %d: %v", a, name, c, err)
							}
							if !bytes.Equal(got.Bytes(), blob) {
								t.Fatalf("%v, %s, check %d: got another blob", a, name, c)
							}
							closeTwice(t, d)
							nothingLeft(t, dir)
						}
					}
				}
			})
		}
	}
}

func newDecoder(t *testing.T, p shard.Params, md *shard.Metadata, cfg shard.StreamConfig) *shard.Decoder {
	t.Helper()
	d, err := shard.NewDecoder(p, md, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func addAll(t *testing.T, d *shard.Decoder, slivers []shard.Sliver) {
	t.Helper()
	for i := range slivers {
		if err := d.Add(slivers[i]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDecoderRefuses(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(7)
	md, pairs, err := shard.Encode(p, shardtest.Blob("refused", 3000))
	if err != nil {
		t.Fatal(err)
	}
	for _, memory := range []int{0, littleMemory} {
		d := newDecoder(t, p, md, shard.StreamConfig{TempDir: t.TempDir(), Memory: memory})
		good := pairs[0].Primary
		for name, tt := range map[string]struct {
			change func(s *shard.Sliver)
			want   error
		}{
			"index":       {func(s *shard.Sliver) { s.Index = 7 }, shard.ErrIndex},
			"axis":        {func(s *shard.Sliver) { s.Axis = 2 }, shard.ErrAxis},
			"size":        {func(s *shard.Sliver) { s.Data = s.Data[1:] }, shard.ErrSliverSize},
			"symbol size": {func(s *shard.Sliver) { s.SymbolSize += 2 }, shard.ErrSymbolSize},
		} {
			s := good
			tt.change(&s)
			if err := d.Add(s); !errors.Is(err, tt.want) {
				t.Errorf("%s: got %v, want %v", name, err, tt.want)
			}
		}
		addAll(t, d, []shard.Sliver{good})
		var out bytes.Buffer
		if err := d.Decode(&out, shard.CheckDefault); !errors.Is(err, shard.ErrNotEnough) {
			t.Errorf("too few: got %v", err)
		}
		closeTwice(t, d)
		if err := d.Add(good); !errors.Is(err, shard.ErrClosed) {
			t.Errorf("add after Close: got %v", err)
		}
		if err := d.Decode(&out, shard.CheckSkip); !errors.Is(err, shard.ErrClosed) {
			t.Errorf("decode after Close: got %v", err)
		}
	}
	if _, err := shard.NewDecoder(shardtest.MustParams(10), md, shard.StreamConfig{}); !errors.Is(err, shard.ErrMetadata) {
		t.Errorf("other shape: got %v", err)
	}
}

// decodeBy gives the slivers to a Decoder.
func decodeBy(t *testing.T, p shard.Params, md *shard.Metadata, slivers []shard.Sliver, c shard.Check, memory int) ([]byte, error) {
	t.Helper()
	d := newDecoder(t, p, md, shard.StreamConfig{TempDir: t.TempDir(), Memory: memory})
	addAll(t, d, slivers)
	var out bytes.Buffer
	err := d.Decode(&out, c)
	if err != nil && out.Len() > 0 {
		t.Errorf("%d bytes written, then %v", out.Len(), err)
	}
	closeTwice(t, d)
	return out.Bytes(), err
}
