package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// disk is a [repair.Store] on disk.
type disk struct{ *store.Store }

// Holdings implements [repair.Store].
func (d disk) Holdings(id shard.BlobID, shards []shard.Index) ([]repair.Holding, error) {
	held, err := d.Store.Holdings(id, shards)
	out := make([]repair.Holding, len(held))
	for i, h := range held {
		out[i] = repair.Holding(h)
	}
	return out, err
}

// PutSlivers implements [repair.Store].
func (d disk) PutSlivers(ctx context.Context, id shard.BlobID, items []repair.Item) error {
	in := make([]store.Item, len(items))
	for i, it := range items {
		in[i] = store.Item(it)
	}
	return d.Store.PutSlivers(ctx, id, in)
}

// fast wipes a node of ten until so many bytes have been restored, each time with
// an empty store. All ten nodes share the processors.
func fast(ctx context.Context, restore int64, size int) error {
	const shards, nodes, atOnce = 100, 10, 128 * mib
	count := max(1, atOnce/size)
	w, err := newWorld(ctx, shards, nodes, count, size, false)
	if err != nil {
		return err
	}
	fmt.Printf("%d nodes, %d shards, %d blobs of %d KiB at a time, store on disk\n\n", nodes, shards, count, size/kib)
	fmt.Println("| restored MiB | seconds | MiB/s | CPU seconds | MiB/s of two whole cores | calls |")
	fmt.Println("| --- | --- | --- | --- | --- | --- |")
	var restored int64
	var wall, cpu time.Duration
	var calls uint64
	for restored < restore {
		m, used, err := w.once(ctx)
		if err != nil {
			return errors.Join(err, w.close())
		}
		restored += int64(m.stats.BytesRestored)
		calls += m.stats.Calls
		wall += m.wall
		cpu += used
	}
	rate := float64(restored) / mib
	fmt.Printf("| %.0f | %.2f | %.0f | %.2f | %.0f | %d |\n", rate, wall.Seconds(), rate/wall.Seconds(),
		cpu.Seconds(), 2*rate/cpu.Seconds(), calls)
	return w.close()
}

// once repairs an empty store and returns the processor time that the process used.
func (w *world) once(ctx context.Context) (m measured, used time.Duration, err error) {
	dir, err := os.MkdirTemp("", "floe-bench-repair-")
	if err != nil {
		return m, 0, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary files
	s, err := store.Open(dir, store.Config{})
	if err != nil {
		return m, 0, err
	}
	before := processor()
	m, err = w.mend(ctx, disk{s})
	used = processor() - before
	return m, used, errors.Join(err, s.Close())
}

// processor returns the processor time used by the process so far.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
