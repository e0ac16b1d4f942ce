package exchange

import (
	"sync"
	"time"

	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
)

// retryAfter is what a peer over a limit is told to wait: about the time a few calls take.
const retryAfter = 200 * time.Millisecond

// admission says which calls may start. A call holds a slot of its peer and bytes of the budget while
// its handler is at work.
type admission struct {
	perPeer int
	budget  int64

	mu     sync.Mutex // mu guards the fields below.
	closed bool
	used   int64
	peers  map[p2p.PeerID]*share // of peers with calls at work
	calls  sync.WaitGroup        // Add only under mu while not closed
}

// share is what one peer holds.
type share struct {
	calls int
	used  int64
}

func newAdmission(perPeer int, budget int64) *admission {
	return &admission{perPeer: perPeer, budget: budget, peers: map[p2p.PeerID]*share{}}
}

// enter takes a slot, or says why not.
func (a *admission) enter(p p2p.PeerID) *wire.Error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return &wire.Error{Code: wire.CodeUnavailable}
	}
	s := a.peers[p]
	if s == nil {
		s = new(share)
		a.peers[p] = s
	}
	if s.calls >= a.perPeer {
		return &wire.Error{Code: wire.CodeBusy, Text: "too many calls at once", RetryAfter: retryAfter}
	}
	s.calls++
	a.calls.Add(1)
	return nil
}

// reserve takes bytes of the budget. One peer gets at most half, so that it cannot shut out the others,
// except for a single call that needs more.
func (a *admission) reserve(p p2p.PeerID, bytes int64) *wire.Error {
	if bytes > a.budget {
		return wire.Errorf(wire.CodeTooLarge, "the call needs %d bytes at once, this node has %d", bytes, a.budget)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.peers[p]
	if a.used+bytes > a.budget || s.used > 0 && s.used+bytes > a.budget/2 {
		return &wire.Error{Code: wire.CodeBusy, Text: "too many bytes in flight", RetryAfter: retryAfter}
	}
	a.used += bytes
	s.used += bytes
	return nil
}

// release gives back bytes.
func (a *admission) release(p p2p.PeerID, bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.peers[p].used -= bytes
	a.used -= bytes
}

// leave gives back a slot and the bytes reserved with it.
func (a *admission) leave(p p2p.PeerID, bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.peers[p]
	s.calls--
	s.used -= bytes
	a.used -= bytes
	if s.calls == 0 {
		delete(a.peers, p)
	}
	a.calls.Done()
}

func (a *admission) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
}

// atWork returns the number of calls that hold a slot.
func (a *admission) atWork() (calls int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.peers {
		calls += s.calls
	}
	return calls
}

func (a *admission) closing() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}
