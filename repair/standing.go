package repair

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee"
)

// forgive is how long a failure counts against a member that has not been asked since.
const forgive = time.Minute

// standings remembers how members have answered.
type standings struct {
	// mu guards the fields below.
	mu     sync.Mutex
	peers  map[committee.NodeID]Standing
	failed map[committee.NodeID]time.Time // last
}

func newStandings() *standings {
	return &standings{peers: map[committee.NodeID]Standing{}, failed: map[committee.NodeID]time.Time{}}
}

// of returns what is to be held against a member now.
func (s *standings) of(id committee.NodeID) Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.peers[id]
	if st.Failures > 0 && time.Since(s.failed[id]) > forgive {
		st.Failures = 0
	}
	return st
}

func (s *standings) answered(id committee.NodeID, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.peers[id]
	st.Failures = 0
	if st.Latency == 0 {
		st.Latency = took
	} else {
		st.Latency += (took - st.Latency) / 4
	}
	s.peers[id] = st
}

func (s *standings) failure(id committee.NodeID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.peers[id]
	st.Failures++
	s.peers[id] = st
	s.failed[id] = time.Now()
}

func (s *standings) lied(id committee.NodeID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.peers[id]
	st.Lies++
	s.peers[id] = st
}

// liars returns the members that have lied, sorted.
func (s *standings) liars() []committee.NodeID {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := slices.Collect(maps.Keys(s.peers))
	ids = slices.DeleteFunc(ids, func(id committee.NodeID) bool { return s.peers[id].Lies == 0 })
	slices.SortFunc(ids, committee.NodeID.Compare)
	return ids
}

// keep forgets nodes that are no longer members, so that the maps stay small.
func (s *standings) keep(c *committee.Committee) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := func(id committee.NodeID) bool { return c.Member(id) == nil }
	maps.DeleteFunc(s.peers, func(id committee.NodeID, _ Standing) bool { return gone(id) })
	maps.DeleteFunc(s.failed, func(id committee.NodeID, _ time.Time) bool { return gone(id) })
}
