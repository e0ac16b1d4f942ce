package repair

import (
	"context"
	"sync"
	"time"
)

// budget bounds the bytes that all repairs together have in memory, and those
// that they pull in a second.
type budget struct {
	limit int64
	rate  int64 // bytes per second; 0: no bound

	// mu guards the fields below.
	mu    sync.Mutex
	used  int64
	freed chan struct{} // closed and replaced at every release
	next  time.Time     // when the bytes admitted so far have been paid for at the rate
}

func newBudget(limit, rate int64) *budget {
	return &budget{limit: limit, rate: rate, freed: make(chan struct{})}
}

// acquire waits until n bytes fit, or until nothing else is in use if they never
// will, and returns what gives them back.
func (b *budget) acquire(ctx context.Context, n int64) (release func(), err error) {
	n = min(n, b.limit)
	for {
		b.mu.Lock()
		if b.used+n <= b.limit {
			b.used += n
			b.mu.Unlock()
			return func() { b.release(n) }, nil
		}
		freed := b.freed
		b.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (b *budget) release(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	close(b.freed)
	b.freed = make(chan struct{})
}

// pace waits until n more bytes may be pulled.
func (b *budget) pace(ctx context.Context, n int64) error {
	if b.rate == 0 {
		return nil
	}
	b.mu.Lock()
	now := time.Now()
	if b.next.Before(now) {
		b.next = now
	}
	wait := b.next.Sub(now)
	b.next = b.next.Add(time.Duration(float64(n) / float64(b.rate) * float64(time.Second)))
	b.mu.Unlock()
	return sleep(ctx, wait)
}

// sleep waits for d or until ctx ends, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// busyPoll is how often a repair that gives way looks whether it may go on.
const busyPoll = 20 * time.Millisecond

// admit waits until work on so many bytes may start: the node is not busy with
// others, or has been for too long, the rate allows it and the memory is free.
// What it returns gives the memory back.
func (r *Repairer) admit(ctx context.Context, bytes int64) (release func(), err error) {
	if r.cfg.Busy != nil {
		for waited := time.Duration(0); waited < r.cfg.MaxPause && r.cfg.Busy(); waited += busyPoll {
			if err := sleep(ctx, busyPoll); err != nil {
				return nil, err
			}
		}
	}
	release, err = r.budget.acquire(ctx, bytes)
	if err != nil {
		return nil, err
	}
	if err := r.budget.pace(ctx, bytes); err != nil {
		release()
		return nil, err
	}
	return release, nil
}
