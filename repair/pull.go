package repair

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee"
)

const (
	// batchWants and batchBytes bound what one call asks for: enough that its cost
	// does not count, little enough that it does not hold up what is more urgent.
	batchWants = 256
	batchBytes = 4 << 20
	// callsAtOnce bounds the calls to one member at the same time.
	callsAtOnce = 2
	// linger is how long the first want waits for others to go with it.
	linger = 10 * time.Millisecond
)

// errUnanswered says that a member's answer ended before it was complete.
var errUnanswered = errors.New("repair: the member left out an answer")

// pulls joins what many repairs want of the same member at the same time into
// one call, so that small blobs do not pay one each.
type pulls struct {
	peers   Peers
	running sync.WaitGroup // serve; each ends when nobody waits any more

	// mu guards the fields below, and those of lines, batches and asks.
	mu    sync.Mutex
	lines map[committee.NodeID]*line
	calls uint64
}

// line is what waits to be asked of one member.
type line struct {
	waiting []*ask
	bytes   int64
	serving int // goroutines
}

// ask is one want of one repair.
type ask struct {
	want   Want
	bytes  int64
	answer chan pulled // has room for the one answer
	over   bool        // answered, or not wanted any more
	batch  *batch      // nil while it waits
}

type pulled struct {
	got Got
	err error
}

// batch is what one call asks for.
type batch struct {
	asks   []*ask
	wanted int // of asks, still
	cancel context.CancelFunc
}

func newPulls(p Peers) *pulls { return &pulls{peers: p, lines: map[committee.NodeID]*line{}} }

// ask wants something of a member and waits for it until ctx ends.
func (p *pulls) ask(ctx context.Context, m *committee.Member, w Want) (Got, error) {
	a := &ask{want: w, bytes: w.bytes(), answer: make(chan pulled, 1)}
	p.mu.Lock()
	l := p.lines[m.ID]
	if l == nil {
		l = &line{}
		p.lines[m.ID] = l
	}
	l.waiting = append(l.waiting, a)
	l.bytes += a.bytes
	if l.serving == 0 || l.serving < callsAtOnce && (len(l.waiting) >= batchWants || l.bytes >= batchBytes) {
		l.serving++
		free := context.WithoutCancel(ctx) // a call goes on while somebody wants it
		p.running.Go(func() { p.serve(free, m, l) })
	}
	p.mu.Unlock()
	select {
	case r := <-a.answer:
		return r.got, r.err
	case <-ctx.Done():
		p.mu.Lock()
		defer p.mu.Unlock()
		a.endLocked()
		return Got{}, ctx.Err()
	}
}

// bytes returns about how long the answer is.
func (w *Want) bytes() int64 {
	return int64(len(w.Targets)) * int64(len(w.Sources)) * int64(w.SymbolSize)
}

// endLocked says that an ask waits for nothing any more. A call that nobody waits
// for is called off.
func (a *ask) endLocked() {
	if a.over {
		return
	}
	a.over = true
	if a.batch != nil {
		if a.batch.wanted--; a.batch.wanted == 0 {
			a.batch.cancel()
		}
	}
}

// serve makes calls until nothing waits in the line.
func (p *pulls) serve(ctx context.Context, m *committee.Member, l *line) {
	time.Sleep(linger) // not ended by anything: it is short
	for {
		within, cancel := context.WithCancel(ctx)
		b := p.next(m.ID, l, cancel)
		if b != nil {
			p.call(within, m, b)
		}
		cancel()
		if b == nil {
			return
		}
	}
}

// next takes a batch from a line, in order, or nil if nothing waits in it.
func (p *pulls) next(id committee.NodeID, l *line, cancel context.CancelFunc) *batch {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := &batch{cancel: cancel}
	bytes, taken := int64(0), 0
	for _, a := range l.waiting {
		if len(b.asks) == batchWants || len(b.asks) > 0 && bytes+a.bytes > batchBytes {
			break
		}
		taken++
		l.bytes -= a.bytes
		if a.over {
			continue
		}
		bytes += a.bytes
		a.batch = b
		b.asks = append(b.asks, a)
	}
	clear(l.waiting[:taken])
	l.waiting = l.waiting[taken:]
	b.wanted = len(b.asks)
	if b.wanted > 0 {
		p.calls++
		return b
	}
	if l.serving--; l.serving == 0 {
		delete(p.lines, id)
	}
	return nil
}

// call makes one call and hands the answers out.
func (p *pulls) call(ctx context.Context, m *committee.Member, b *batch) {
	wants := make([]Want, len(b.asks))
	for i, a := range b.asks {
		wants[i] = a.want
	}
	i, last := 0, errUnanswered
	for got, err := range p.peers.Pull(ctx, *m, wants) {
		if err != nil {
			last = err
		}
		p.settle(b.asks[i], pulled{got, err})
		if i++; i == len(b.asks) {
			break
		}
	}
	for ; i < len(b.asks); i++ {
		p.settle(b.asks[i], pulled{err: last})
	}
}

func (p *pulls) settle(a *ask, r pulled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !a.over {
		a.answer <- r // has room
	}
	a.endLocked()
}

// made returns the number of calls made.
func (p *pulls) made() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}
