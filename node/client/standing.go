package client

import (
	"sync"
	"time"

	"github.com/floe-storage/floe/p2p"
)

// failureMemory is how long a node that failed is asked last.
const failureMemory = 30 * time.Second

// standing remembers which nodes have failed lately.
type standing struct {
	mu    sync.Mutex // mu guards the field below.
	until map[p2p.PeerID]time.Time
}

// fail marks a node that did not answer, was slow or lied.
func (s *standing) fail(id p2p.PeerID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until == nil {
		s.until = map[p2p.PeerID]time.Time{}
	}
	s.until[id] = time.Now().Add(failureMemory)
}

// answer takes the mark back.
func (s *standing) answer(id p2p.PeerID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.until, id)
}

func (s *standing) failing(id p2p.PeerID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.until[id])
}
