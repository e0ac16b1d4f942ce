// Command repair wipes one storage node of a network in this process and measures what it costs to bring
// its slivers back over QUIC: the bytes that its socket receives, everything counted, for each byte
// restored, and the time.
//
// Usage (-cpuprofile names a file to write a profile to):
//
//	go run ./scripts/bench/repair                 the table of bytes
//	go run ./scripts/bench/repair -speed          how fast a node of ten comes back, with a store on disk
//	go run ./scripts/bench/repair -network        the same of a whole network: ledger, gossip, ten stores
//
// But for -network the other nodes answer from memory. Bytes are those of the datagrams with 28 bytes each for the headers
// of IP and UDP. Restored are slivers and, of whole pairs, metadata.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"

	"github.com/floe-storage/floe/shard"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

func main() {
	speed := flag.Bool("speed", false, "measure speed, not bytes")
	whole := flag.Bool("network", false, "as -speed, with ten whole nodes in this process")
	share := flag.Int64("restore", 256*mib, "with -speed and -network, bytes to restore")
	size := flag.Int("size", 4*mib, "with -speed and -network, bytes of a blob")
	profile := flag.String("cpuprofile", "", "file to write a processor profile to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	run := table
	if *profile != "" {
		f, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
	if *speed {
		run = func(ctx context.Context) error { return fast(ctx, *share, *size) }
	}
	if *whole {
		run = func(ctx context.Context) error { return network(ctx, *share, *size) }
	}
	err := run(ctx)
	pprof.StopCPUProfile()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// table measures bytes: each node with one shard, and ten nodes with all of them.
func table(ctx context.Context) error {
	fmt.Println("| shards | nodes | blobs | lost | restored KiB | received KiB | ratio | symbols KiB | calls | seconds | bar |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, shards := range []int{31, 100} {
		for _, nodes := range []int{shards, 10} {
			for _, blobs := range []struct{ count, size int }{{256, 64 * kib}, {16, 4 * mib}} {
				w, err := newWorld(ctx, shards, nodes, blobs.count, blobs.size, true)
				if err != nil {
					return err
				}
				// Once unmeasured: connections stand, and each has found how long its datagrams may be.
				if _, err := w.mend(ctx, w.shelf([]shard.Axis{shard.Primary, shard.Secondary})); err != nil {
					return errors.Join(err, w.close())
				}
				for _, axes := range [][]shard.Axis{{shard.Secondary}, {shard.Primary, shard.Secondary}} {
					if err := w.row(ctx, axes); err != nil {
						return errors.Join(err, w.close())
					}
				}
				if err := w.close(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// row wipes axes, repairs and prints a line.
func (w *world) row(ctx context.Context, axes []shard.Axis) error {
	shelf := w.shelf(axes)
	m, err := w.mend(ctx, shelf)
	if err != nil {
		return err
	}
	if err := w.whole(shelf); err != nil {
		return err
	}
	lost, limit := "secondary", 1.10
	if len(axes) == 2 {
		lost, limit = "pairs", 1.15
	}
	ratio := float64(m.received) / float64(m.stats.BytesRestored)
	bar := "-"
	if w.size >= 4*mib {
		if bar = fmt.Sprintf("%.2f met", limit); ratio > limit {
			bar = fmt.Sprintf("%.2f MISSED", limit)
		}
	}
	fmt.Printf("| %d | %d | %d × %d KiB | %s | %d | %d | %.3f | %d | %d | %.2f | %s |\n",
		w.params.Shards(), w.nodes, len(w.blobs), w.size/kib, lost, m.stats.BytesRestored/kib, m.received/kib, ratio,
		m.stats.BytesPulled/kib, m.stats.Calls, m.wall.Seconds(), bar)
	return nil
}
