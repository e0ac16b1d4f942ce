package comet

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/floe-storage/floe/p2p"
)

// How we seek peers.
const (
	minRedial   = 200 * time.Millisecond
	maxRedial   = 10 * time.Second
	yield       = 400 * time.Millisecond // the larger peer ID waits so long for the smaller to dial
	farRedial   = 5 * time.Minute        // of a peer that is of another chain
	askInterval = 5 * time.Second        // how often the committee is asked for
	maxDials    = 16                     // at once
)

// How long a misbehaving peer is kept out: it doubles with each offense.
const (
	minBan        = time.Second
	maxBan        = 5 * time.Minute
	banMemory     = 10 * time.Minute // after the last offense
	maxBanEntries = 1024
)

// line is a peer that we dial.
type line struct {
	dialing  bool
	failures int
	due      time.Time
}

// ban is a peer that misbehaved.
type ban struct {
	offenses int
	last     time.Time
	until    time.Time
}

// punish keeps a peer out for a while. It reports false if it is kept out already.
func (s *peerSwitch) punish(id p2p.PeerID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bannedLocked(id) {
		return false
	}
	now := time.Now()
	b := s.bans[id]
	if b == nil || now.Sub(b.last) > banMemory {
		b = &ban{}
	}
	for old, o := range s.bans {
		if now.Sub(o.last) > banMemory {
			delete(s.bans, old)
		}
	}
	if len(s.bans) < maxBanEntries {
		s.bans[id] = b
	}
	b.last = now
	b.until = now.Add(min(minBan<<min(b.offenses, 16), maxBan))
	b.offenses++
	return true
}

func (s *peerSwitch) bannedLocked(id p2p.PeerID) bool {
	b := s.bans[id]
	return b != nil && time.Now().Before(b.until)
}

// kick makes the dial loop look again.
func (s *peerSwitch) kick() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// dialLoop keeps streams to the neighbors until ctx ends.
func (s *peerSwitch) dialLoop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
		timer.Reset(s.dialDue(ctx))
	}
}

// dialDue starts the dials that are due and returns when to look again.
func (s *peerSwitch) dialDue(ctx context.Context) time.Duration {
	committee := s.cfg.peers() // foreign code, not under the lock
	for _, id := range committee {
		if !s.wanted[id] { // only this goroutine writes it
			s.cfg.Host.Protect(id)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		return askInterval
	}
	s.wantLocked(committee)
	now := time.Now()
	next := now.Add(askInterval)
	dialing := 0
	for id, l := range s.lines {
		if l.dialing && s.peers[id] == nil { // else its stream is open and served
			dialing++
		}
	}
	self := s.cfg.Host.ID()
	for _, id := range neighbors(self, committee, s.failingLocked) {
		l := s.lines[id]
		if l == nil {
			l = &line{due: now}
			if slices.Compare(self[:], id[:]) > 0 {
				l.due = now.Add(yield)
			}
			s.lines[id] = l
		}
		due := l.due
		if b := s.bans[id]; b != nil && b.until.After(due) {
			due = b.until
		}
		switch {
		case s.peers[id] != nil || l.dialing || dialing >= maxDials: // someone will kick
		case due.After(now):
			next = minTime(next, due)
		default:
			l.dialing = true
			dialing++
			s.work.Go(func() { s.dial(ctx, id, l) })
		}
	}
	return max(next.Sub(now), time.Millisecond)
}

// wantLocked takes in the committee: its members are let in when we are full.
func (s *peerSwitch) wantLocked(committee []p2p.PeerID) {
	fresh := make(map[p2p.PeerID]bool, len(committee))
	for _, id := range committee {
		fresh[id] = true
	}
	for id := range s.lines {
		if !fresh[id] && !s.lines[id].dialing {
			delete(s.lines, id)
		}
	}
	s.wanted = fresh
}

func (s *peerSwitch) failingLocked(id p2p.PeerID) bool {
	const patience = 3
	l := s.lines[id]
	return l != nil && l.failures >= patience && s.peers[id] == nil
}

// dial opens a stream, serves it while it lasts, and settles when to dial next.
func (s *peerSwitch) dial(ctx context.Context, id p2p.PeerID, l *line) {
	start := time.Now()
	err := s.open(ctx, id)
	var refused *refusedError
	var otherNetwork *p2p.WrongNetworkError
	s.mu.Lock()
	defer s.kick()
	defer s.mu.Unlock()
	l.dialing = false
	wait := minRedial
	switch {
	case err == nil && time.Since(start) > raceWindow: // it was served, and has ended
		l.failures = 0
	case errors.As(err, &otherNetwork), errors.As(err, &refused) && refused.verdict == otherChain:
		wait = farRedial
	case errors.As(err, &refused) && refused.verdict == duplicate: // there is another stream, or will be
	default:
		wait = min(minRedial<<min(l.failures, 16), maxRedial)
		l.failures++
		s.log.DebugContext(ctx, "dial failed", "peer", id, "attempt", l.failures, "err", err)
	}
	if self := s.cfg.Host.ID(); slices.Compare(self[:], id[:]) > 0 && l.failures == 0 {
		wait += yield
	}
	l.due = time.Now().Add(wait/2 + rand.N(wait)) // jitter: half to one and a half
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
