package client

import (
	"context"
	"sync"
)

// tails counts the uploads under way and ends them when the client closes. The
// zero value is ready.
type tails struct {
	// mu guards the fields below.
	mu     sync.Mutex
	closed bool
	count  int
	idle   chan struct{} // closed when count gets to 0; nil while it is
	next   int
	ends   map[int]context.CancelFunc // of batches that are not over
}

// begin announces a batch of uploads, which end cancels; false once closed.
// Each upload calls done when it is over.
func (t *tails) begin(uploads int, end context.CancelFunc) (done func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, false
	}
	if t.count == 0 {
		t.idle = make(chan struct{})
	}
	t.count += uploads
	batch, left := t.next, uploads
	t.next++
	if t.ends == nil {
		t.ends = map[int]context.CancelFunc{}
	}
	t.ends[batch] = end
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if left--; left == 0 {
			end()
			delete(t.ends, batch)
		}
		if t.count--; t.count == 0 {
			close(t.idle)
			t.idle = nil
		}
	}, true
}

// wait waits until no upload is under way, or ctx has ended.
func (t *tails) wait(ctx context.Context) error {
	t.mu.Lock()
	idle := t.idle
	t.mu.Unlock()
	if idle == nil {
		return ctx.Err()
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *tails) closing() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

// close refuses new uploads, cancels those under way and waits for them.
func (t *tails) close() {
	t.mu.Lock()
	t.closed = true
	for _, end := range t.ends {
		end()
	}
	idle := t.idle
	t.mu.Unlock()
	if idle != nil {
		<-idle
	}
}
