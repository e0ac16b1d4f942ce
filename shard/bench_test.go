package shard_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// shapes runs a benchmark for numbers of shards and sizes of blobs.
func shapes(b *testing.B, run func(b *testing.B, p shard.Params, blob []byte)) {
	for _, n := range []int{10, 100, 1000} {
		for _, s := range []struct {
			name string
			size int
		}{{"1KB", 1 << 10}, {"1MB", 1 << 20}, {"1.8MB", 1800000}, {"32MiB", 32 << 20}} {
			p := shardtest.MustParams(n)
			if uint64(s.size) > p.MaxBlobSize() || s.name == "1.8MB" && n > 10 {
				continue
			}
			b.Run(fmt.Sprintf("n=%d/%s", n, s.name), func(b *testing.B) {
				run(b, p, shardtest.Ramp(1, s.size))
			})
		}
	}
}

func encoded(b *testing.B, p shard.Params, blob []byte) (*shard.Metadata, []shard.SliverPair) {
	b.Helper()
	md, pairs, err := shard.Encode(p, blob)
	if err != nil {
		b.Fatal(err)
	}
	return md, pairs
}

func BenchmarkEncode(b *testing.B) {
	shapes(b, func(b *testing.B, p shard.Params, blob []byte) {
		b.SetBytes(int64(len(blob)))
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := shard.Encode(p, blob); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCodec encodes into memory that is there already.
func BenchmarkCodec(b *testing.B) {
	shapes(b, func(b *testing.B, p shard.Params, blob []byte) {
		c, err := shard.NewCodec(p)
		if err != nil {
			b.Fatal(err)
		}
		_, pairs, err := c.Encode(blob, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(blob)))
		b.ReportAllocs()
		for b.Loop() {
			if _, pairs, err = c.Encode(blob, pairs); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkComputeMetadata(b *testing.B) {
	shapes(b, func(b *testing.B, p shard.Params, blob []byte) {
		b.SetBytes(int64(len(blob)))
		for b.Loop() {
			if _, err := shard.ComputeMetadata(p, blob); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDecode has the last slivers, as few source ones as can be, and checks as
// readers do.
func BenchmarkDecode(b *testing.B) {
	shapes(b, func(b *testing.B, p shard.Params, blob []byte) {
		md, pairs := encoded(b, p, blob)
		for _, a := range axes {
			slivers := ofAxis(pairs, a)
			slivers = slivers[p.Shards()-p.Threshold(a):]
			b.Run(a.String(), func(b *testing.B) {
				b.SetBytes(int64(len(blob)))
				for b.Loop() {
					if _, err := shard.Decode(p, md, slivers, shard.CheckDefault); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}

// BenchmarkDecodeSource has the source slivers and does not check.
func BenchmarkDecodeSource(b *testing.B) {
	shapes(b, func(b *testing.B, p shard.Params, blob []byte) {
		md, pairs := encoded(b, p, blob)
		for _, a := range axes {
			slivers := ofAxis(pairs, a)[:p.Threshold(a)]
			b.Run(a.String(), func(b *testing.B) {
				b.SetBytes(int64(len(blob)))
				for b.Loop() {
					if _, err := shard.Decode(p, md, slivers, shard.CheckSkip); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}

// BenchmarkRecoverSliver restores one sliver, the last of an axis.
func BenchmarkRecoverSliver(b *testing.B) {
	shapes(b, func(b *testing.B, p shard.Params, blob []byte) {
		md, pairs := encoded(b, p, blob)
		for _, a := range axes {
			target := ofAxis(pairs, a)[p.Shards()-1]
			var syms []shard.DecodingSymbol
			for _, s := range ofAxis(pairs, a.Other())[p.Shards()-p.SourceSymbols(a):] {
				cells, err := shard.Symbols(p, s, []shard.SliverIndex{target.Index})
				if err != nil {
					b.Fatal(err)
				}
				syms = append(syms, shard.DecodingSymbol{Source: s.Index, Data: cells[0]})
			}
			b.Run(a.String(), func(b *testing.B) {
				b.SetBytes(int64(len(target.Data)))
				for b.Loop() {
					if _, err := shard.RecoverSliver(p, md, a, target.Index, syms); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}

// BenchmarkStream takes a blob from a reader, with and without its slivers.
func BenchmarkStream(b *testing.B) {
	for _, n := range []int{100, 1000} {
		const size = 128 << 20
		p := shardtest.MustParams(n)
		blob := shardtest.Ramp(1, size)
		cfg := shard.StreamConfig{TempDir: b.TempDir()}
		b.Run(fmt.Sprintf("n=%d/metadata", n), func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				if _, err := shard.ComputeMetadataFrom(p, bytes.NewReader(blob), size, cfg); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("n=%d/pairs", n), func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				e, err := shard.NewEncoder(p, bytes.NewReader(blob), size, cfg)
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range e.Pairs() {
					if err != nil {
						b.Fatal(err)
					}
				}
				if err := e.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerifySlivers verifies what one of ten equal nodes receives.
func BenchmarkVerifySlivers(b *testing.B) {
	shapes(b, func(b *testing.B, p shard.Params, blob []byte) {
		md, pairs := encoded(b, p, blob)
		var slivers []shard.Sliver
		size := 0
		for _, pair := range pairs[:p.Shards()/10] {
			slivers = append(slivers, pair.Primary, pair.Secondary)
			size += len(pair.Primary.Data) + len(pair.Secondary.Data)
		}
		b.SetBytes(int64(size))
		for b.Loop() {
			for _, err := range shard.VerifySlivers(p, md, slivers) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkRecoverSlivers restores what one of ten equal nodes holds of an axis.
func BenchmarkRecoverSlivers(b *testing.B) {
	shapes(b, func(b *testing.B, p shard.Params, blob []byte) {
		md, pairs := encoded(b, p, blob)
		for _, a := range axes {
			k := p.SourceSymbols(a)
			targets := make([]shard.SliverIndex, p.Shards()/10)
			syms := make([][][]byte, len(targets))
			for i := range targets {
				targets[i] = shard.SliverIndex(10 * i)
				syms[i] = make([][]byte, k)
			}
			sources := make([]shard.SliverIndex, k)
			for j, s := range ofAxis(pairs, a.Other())[p.Shards()-k:] {
				sources[j] = s.Index
				cells, err := shard.Symbols(p, s, targets)
				if err != nil {
					b.Fatal(err)
				}
				for i := range cells {
					syms[i][j] = cells[i]
				}
			}
			b.Run(a.String(), func(b *testing.B) {
				b.SetBytes(int64(len(targets) * len(ofAxis(pairs, a)[0].Data)))
				for b.Loop() {
					_, errs := shard.RecoverSlivers(p, md, a, targets, sources, syms)
					for _, err := range errs {
						if err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	})
}
