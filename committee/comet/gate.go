package comet

import "sync"

// gate counts those who use a thing, so that it can be taken away when nobody
// does. The zero value is open.
type gate struct {
	mu     sync.Mutex // mu guards the fields below.
	users  int
	closed bool
	idle   chan struct{} // made by shut, closed when users is 0
}

// enter counts the caller in until it calls leave; false after shut.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.users++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users--
	if g.closed && g.users == 0 {
		close(g.idle)
	}
}

// shut lets nobody in any more and returns a channel that is closed when all
// have left. first is true for one caller.
func (g *gate) shut() (idle <-chan struct{}, first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if first = !g.closed; first {
		g.closed = true
		g.idle = make(chan struct{})
		if g.users == 0 {
			close(g.idle)
		}
	}
	return g.idle, first
}

func (g *gate) isShut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}
