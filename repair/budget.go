package repair

import (
	"context"
	"sync"
)

// budget bounds the bytes that all repairs together have in memory.
type budget struct {
	limit int64

	// mu guards the fields below.
	mu    sync.Mutex
	used  int64
	freed chan struct{} // closed and replaced at every release
}

func newBudget(limit int64) *budget {
	return &budget{limit: limit, freed: make(chan struct{})}
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
