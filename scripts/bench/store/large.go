package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// each calls do for the numbers below count, from as many goroutines as there are
// writers, and returns the first error of each.
func each(count int, do func(n int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	var errs [writers]error
	for w := range writers {
		wg.Go(func() {
			for errs[w] == nil {
				n := int(next.Add(1)) - 1
				if n >= count {
					return
				}
				errs[w] = do(n)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs[:]...)
}

// fill writes count slivers of a size, numbered from first on, so many with a call,
// each call synced before its writer goes on.
func fill(ctx context.Context, s *store.Store, first, count, size, batch int) error {
	random := noise(size)
	return each(count/batch, func(n int) error {
		n = first + n*batch
		var items []store.Item
		for i := range batch {
			it := item(n+i, size, random)[0]
			if batch > 1 { // of one blob, on as many shards
				it.Shard = shard.Index(i)
			}
			items = append(items, it)
		}
		return s.PutSlivers(ctx, blobID(n), items)
	})
}

// writing measures synced writes of large slivers, one with a call, and as many as
// a node takes of an upload at a time.
func writing(ctx context.Context, o options) ([]row, error) {
	var rows []row
	for _, batch := range []int{1, uploadSize / sliverSize} {
		s, _, remove, err := temporary(o)
		if err != nil {
			return nil, err
		}
		defer remove()
		const passes = 5
		count := int(o.size/sliverSize/passes) / batch * batch
		var rates []float64
		for p := range passes {
			began := time.Now()
			if err := fill(ctx, s, p*count, count, sliverSize, batch); err != nil {
				return nil, err
			}
			rates = append(rates, float64(count)*sliverSize/mib/time.Since(began).Seconds())
		}
		slices.Sort(rates)
		rows = append(rows, row{
			fmt.Sprintf("256 KiB slivers, synced, %d writers, %d with a call, %d runs of %d MiB: slowest / median / fastest", writers, batch, passes, count*sliverSize/mib),
			fmt.Sprintf("%.0f / %.0f / %.0f MiB/s", rates[0], rates[passes/2], rates[passes-1]), "≥ 300 MiB/s",
		})
	}
	return rows, nil
}

// load is reads and writes that go on during something else.
type load struct {
	stop   chan struct{}
	wg     sync.WaitGroup
	mu     sync.Mutex
	reads  []time.Duration
	writes []time.Duration
	err    error
}

// begin reads slivers of the numbers given and writes new ones from first on.
func begin(ctx context.Context, s *store.Store, alive []int, first int) *load {
	l := &load{stop: make(chan struct{})}
	loop := func(times *[]time.Duration, once func(i int) error) {
		l.wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-l.stop:
					return
				case <-time.After(10 * time.Millisecond):
				}
				began := time.Now()
				err := once(i)
				l.mu.Lock()
				*times = append(*times, time.Since(began))
				if err != nil && l.err == nil {
					l.err = err
				}
				l.mu.Unlock()
			}
		})
	}
	loop(&l.reads, func(i int) error {
		n := alive[(i*7919)%len(alive)]
		got, err := s.Sliver(blobID(n), shard.Index(n%8), shard.Primary)
		if err == nil && binary.BigEndian.Uint64(got.Data) != uint64(n) {
			err = fmt.Errorf("sliver %d has other bytes", n)
		}
		return err
	})
	random := noise(4 << 10)
	loop(&l.writes, func(i int) error {
		return s.PutSlivers(ctx, blobID(first+i), item(first+i, len(random), random))
	})
	return l
}

// end stops the load and returns its slowest read and write.
func (l *load) end() (read, written []time.Duration, err error) {
	close(l.stop)
	l.wg.Wait()
	slices.Sort(l.reads)
	slices.Sort(l.writes)
	return l.reads, l.writes, l.err
}

// reclaiming deletes three quarters of what it has written and looks at the disk.
func reclaiming(ctx context.Context, o options) ([]row, error) {
	var rows []row
	for _, size := range []int{sliverSize, middleSize} {
		more, err := reclaim(ctx, o, size)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func reclaim(ctx context.Context, o options, size int) ([]row, error) {
	s, _, remove, err := temporary(o)
	if err != nil {
		return nil, err
	}
	defer remove()
	total := o.size
	if size == middleSize {
		total /= 4
	}
	count := int(total) / size
	if err := fill(ctx, s, 0, count, size, 1); err != nil {
		return nil, err
	}
	before, err := s.Stats()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	var alive []int
	for n := 0; n < count; n += 4 {
		alive = append(alive, n)
	}
	err = each(count, func(n int) error {
		if n%4 == 0 {
			return nil
		}
		return s.DeleteBlob(ctx, blobID(n))
	})
	if err != nil {
		return nil, err
	}
	deleted := time.Since(began)
	l := begin(ctx, s, alive, count)
	began = time.Now()
	files, err := s.Reclaim(ctx)
	took := time.Since(began)
	reads, writes, lerr := l.end()
	if err != nil || lerr != nil {
		return nil, fmt.Errorf("%w, %w", err, lerr)
	}
	after, err := s.Stats()
	if err != nil {
		return nil, err
	}
	ratio := float64(after.DiskBytes) / float64(after.SliverBytes)
	return []row{
		{
			fmt.Sprintf("disk after deleting ¾ of %d MiB (slivers of %d KiB) and Reclaim", before.SliverBytes/mib, size>>10),
			fmt.Sprintf("%d → %d MiB for %d MiB alive: %.2f×, %d files", before.DiskBytes/mib, after.DiskBytes/mib, after.SliverBytes/mib, ratio, files),
			"≤ 1.3×",
		},
		{"time of that (deletes + Reclaim)", fmt.Sprintf("%.1f s + %.1f s", deleted.Seconds(), took.Seconds()), "≤ 60 s"},
		{fmt.Sprintf("%d KiB reads meanwhile, p50 / p99 / slowest", size>>10), quantiles(reads), ""},
		{"4 KiB synced writes meanwhile, p50 / p99 / slowest", quantiles(writes), ""},
	}, nil
}

func quantiles(sorted []time.Duration) string {
	if len(sorted) == 0 {
		return "none"
	}
	at := func(q float64) time.Duration {
		return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("%v / %v / %v of %d", at(0.5), at(0.99), at(1), len(sorted))
}
