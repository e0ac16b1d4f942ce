package comet

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cstypes "github.com/cometbft/cometbft/consensus/types"

	"github.com/floe-storage/floe/committee/ledger"
)

// BenchmarkCommit measures from Submit to its return, on an idle chain of so many validators in one
// process over QUIC on loopback, and the time from the first Open to the first height at all nodes.
func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{1, 4, 10} {
		b.Run(fmt.Sprint("nodes=", n), func(b *testing.B) {
			c := newCluster(b, n)
			all := make([]int, n)
			for i := range n {
				all[i] = i
				c.hostUp(i)
			}
			before := rss(b)
			start := time.Now()
			c.startAll()
			c.waitHeight(1, all...)
			first := time.Since(start)
			eventually(b, "the mesh is full", func() bool {
				return !slices.ContainsFunc(c.members, func(m *member) bool { return m.node.Peers() != n-1 })
			})
			var took []time.Duration
			i := 0
			for b.Loop() {
				at := time.Now()
				res := c.mustSubmit(0, "ann %d k%d v", i, i)
				took = append(took, time.Since(at))
				c.waitHeight(res.Height+1, all...) // the proof block
				eventually(b, "the chain is idle", func() bool {
					return !slices.ContainsFunc(c.members, func(m *member) bool {
						r := m.node.chain.Load().engine.consensus.GetRoundState()
						return r.Height != int64(res.Height)+2 || r.Step != cstypes.RoundStepNewRound
					})
				})
				i++
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*9/10].Microseconds())/1000, "p90-ms")
			b.ReportMetric(float64(first.Milliseconds()), "first-height-ms")
			b.ReportMetric(float64(rss(b)-before)/float64(n)/1024, "RSS-MiB/node")
			b.ReportMetric(float64(runtime.NumGoroutine())/float64(n), "goroutines/node")
		})
	}
}

// BenchmarkLoad measures committed transactions of 300 bytes, submitted by many at once at all of four validators.
func BenchmarkLoad(b *testing.B) {
	c := newCluster(b, 4)
	c.startAll()
	const accounts = 400
	var next atomic.Int64
	var wg sync.WaitGroup
	for b.Loop() {
		for a := range accounts {
			wg.Go(func() {
				i := next.Add(1)
				res, err := submitAt(b.Context(), c.members[a%4].node, fmt.Appendf(nil, "acc%d 0 key%d %0280d", i, i, i))
				if err != nil || res.Code != 0 {
					b.Errorf("got %+v, %v", res, err)
				}
			})
		}
		wg.Wait()
	}
	b.ReportMetric(float64(next.Load())/b.Elapsed().Seconds(), "tx/s")
}

// rss returns the process's resident memory in KiB.
func rss(b *testing.B) int {
	runtime.GC()
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmRSS:" {
			kib, err := strconv.Atoi(f[1])
			if err != nil {
				b.Fatal(err)
			}
			return kib
		}
	}
	return 0
}

// BenchmarkJoin measures how long a node takes to join a chain of 10,000 blocks, by a snapshot and by
// replaying them, from Open to the same height as the one validator that there is.
func BenchmarkJoin(b *testing.B) {
	const blocks = 10_000
	c := newCluster(b, 1)
	c.time = time.Now().Add(-time.Hour)
	c.adjust = func(cfg *Config) { cfg.SnapshotEvery = blocks / 10 }
	start := time.Now()
	c.grow(0, blocks-1, func(height uint64) [][]byte {
		return [][]byte{fmt.Appendf(nil, "ann %d k%d %0100d", height-1, height, height)}
	})
	b.Logf("made %d blocks in %v", blocks, time.Since(start))
	c.start(0)
	var res ledger.Receipt
	for i := 0; res.Height < blocks+3; i++ {
		res = c.mustSubmit(0, "bob %d k v", i)
	}
	eventually(b, "the snapshot is there", func() bool { return c.members[0].node.shelf.has(blocks) })
	for _, bb := range []struct {
		name     string
		distance uint64
	}{{"snapshot", joinDistance}, {"replay", 10 * blocks}} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				i := c.add()
				c.adjust = func(cfg *Config) { cfg.joinDistance = bb.distance }
				start := time.Now()
				n := c.start(i)
				for n.Height() < res.Height {
					if err := n.WaitHeight(b.Context(), res.Height); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(time.Since(start).Seconds(), "s/join")
				if replayed := n.chain.Load().engine.blocks.Base() == 1; replayed != (bb.name == "replay") {
					b.Errorf("replayed: %v", replayed)
				}
				c.stop(i)
			}
		})
	}
}
