// Command store measures one node's store on this machine and prints a table of
// what it found beside the bars of the project: the rate of synced writes, the
// room that comes back after deletes while reads and writes go on, and the memory
// and the time to start with many small slivers.
//
// Usage: go run ./scripts/bench/store [-dir DIR] [-only write,reclaim,rest] [-size 4294967296] [-small 1000000]
package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

const (
	mib        = 1 << 20
	sliverSize = 256 << 10
	middleSize = 16 << 10 // of slivers of small blobs
	uploadSize = 8 << 20  // bytes of slivers that a node stores with a call
	writers    = 8        // at the same time, as many uploads are
)

// options is what the flags say.
type options struct {
	dir   string
	size  int64 // bytes of slivers for the steps with large ones
	small int   // slivers for the step with small ones
}

// steps are what can be measured, in the order in which it is done.
var steps = []struct {
	name string
	run  func(context.Context, options) ([]row, error)
}{{"write", writing}, {"reclaim", reclaiming}, {"rest", resting}}

// row is a line of the table.
type row struct{ what, measured, bar string }

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", os.TempDir(), "where to make the stores")
	flag.Int64Var(&o.size, "size", 4<<30, "bytes of 256 KiB slivers")
	flag.IntVar(&o.small, "small", 1_000_000, "number of small slivers")
	only := flag.String("only", "write,reclaim,rest", "what to measure")
	rest := flag.String("resident", "", "used by the command itself: open this store, print what it costs and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := func() error {
		if *rest != "" {
			return resident(*rest)
		}
		return measure(ctx, o, strings.Split(*only, ","))
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, o options, only []string) error {
	fmt.Print("| what | measured | bar |\n| --- | --- | --- |\n")
	for _, step := range steps {
		if !strings.Contains(","+strings.Join(only, ",")+",", ","+step.name+",") {
			continue
		}
		rows, err := step.run(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		for _, r := range rows {
			fmt.Printf("| %s | %s | %s |\n", r.what, r.measured, r.bar)
		}
	}
	return nil
}

// temporary opens a new store and returns it with what removes it.
func temporary(o options) (s *store.Store, dir string, remove func(), err error) {
	dir, err = os.MkdirTemp(o.dir, "floe-bench-store")
	if err != nil {
		return nil, "", nil, err
	}
	s, err = store.Open(dir, store.Config{})
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, "", nil, err
	}
	return s, dir, func() {
		_ = s.Close()
		_ = os.RemoveAll(dir)
	}, nil
}

// blobID spreads the blobs over the keys as hashes are spread.
func blobID(n int) (id shard.BlobID) {
	src := rand.NewPCG(uint64(n), 0x666c6f65)
	for i := range 4 {
		binary.BigEndian.PutUint64(id[8*i:], src.Uint64())
	}
	return id
}

// item is the primary sliver of a blob; its bytes begin with the blob's number.
func item(n, size int, noise []byte) []store.Item {
	data := append([]byte(nil), noise[:size]...)
	binary.BigEndian.PutUint64(data, uint64(n))
	return []store.Item{{Shard: shard.Index(n % 8), Sliver: shard.Sliver{Axis: shard.Primary, SymbolSize: 2, Data: data}}}
}

// noise returns bytes that do not compress.
func noise(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}
