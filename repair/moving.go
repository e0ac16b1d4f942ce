package repair

import (
	"context"
	"slices"
	"sync"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// shards returns those of a member's shards that are to be repaired: not those
// that are being moved here.
func (r *Repairer) shards(self *committee.Member) []shard.Index {
	if r.cfg.Moving == nil {
		return self.Shards
	}
	return slices.DeleteFunc(slices.Clone(self.Shards), r.cfg.Moving)
}

// holders returns who is asked, when c is the running committee.
func (r *Repairer) holders(c *committee.Committee) *committee.Committee {
	if r.cfg.Holders != nil {
		if h := r.cfg.Holders(); h != nil {
			return h
		}
	}
	return c
}

// Moving is which shards are being moved to a node. The zero value is none.
type Moving struct {
	mu     sync.Mutex // mu guards the fields below.
	shards []shard.Index
	busy   bool
	idle   chan struct{} // closed while nothing moves; nil before the first
}

// Set notes what is being moved; with busy false, that nothing is. shards is kept.
func (m *Moving) Set(shards []shard.Index, busy bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case busy && !m.busy:
		m.idle = make(chan struct{})
	case !busy && m.busy:
		close(m.idle)
	}
	m.shards, m.busy = shards, busy
}

// Has tells whether a shard is among them.
func (m *Moving) Has(s shard.Index) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.shards, s)
}

// Wait returns when nothing is being moved, or the error of ctx.
func (m *Moving) Wait(ctx context.Context) error {
	m.mu.Lock()
	busy, idle := m.busy, m.idle
	m.mu.Unlock()
	if !busy {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
