package exchange

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/p2ptest"
	"github.com/floe-storage/floe/shard"
)

// BenchmarkUpload sends n slivers of one size to a node that keeps none.
func BenchmarkUpload(b *testing.B) {
	for _, listen := range []struct{ name, addr string }{{"quic", "/ip4/127.0.0.1/udp/0/quic-v1"}, {"tcp", tcp}} {
		for _, symbolSize := range []int{64, 4096, 65534} {
			b.Run(fmt.Sprintf("%s/symbol=%d", listen.name, symbolSize), func(b *testing.B) {
				client, to, p := bench(b, listen.addr)
				var slivers []shard.Sliver
				for i := range 10 {
					slivers = append(slivers, shard.Sliver{Index: shard.SliverIndex(i), SymbolSize: symbolSize, Data: make([]byte, p.SliverSize(shard.Primary, symbolSize))})
				}
				size := uint64(p.Rows()*p.Cols()) * uint64(symbolSize)
				b.SetBytes(int64(10 * p.SliverSize(shard.Primary, symbolSize)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := client.Upload(b.Context(), to, Upload{Size: size, Slivers: slices.Values(slivers)}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkStatus is one small call on a stream of its own.
func BenchmarkStatus(b *testing.B) {
	client, to, _ := bench(b, "/ip4/127.0.0.1/udp/0/quic-v1")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Status(b.Context(), to, []shard.BlobID{{}}); err != nil {
			b.Fatal(err)
		}
	}
}

func bench(b *testing.B, listen string) (*Client, p2p.PeerID, shard.Params) {
	b.Helper()
	p, err := shard.NewParams(10)
	if err != nil {
		b.Fatal(err)
	}
	hosts := p2ptest.New(b, 2, func(i int, cfg *p2p.Config) {
		if i == 0 {
			cfg.Listen = []string{listen}
		}
	})
	m := newMemory(p)
	m.onUpload = func(_ context.Context, slivers iter.Seq2[shard.Sliver, error]) (r UploadResult, err error) {
		for _, err := range slivers {
			if err != nil {
				return r, err
			}
			r.Stored++
		}
		return r, nil
	}
	server, err := Serve(hosts[0], m, ServerConfig{Params: p})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Close() })
	return NewClient(hosts[1], p), hosts[0].ID(), p
}
