package ledgerrpc

import (
	"context"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
)

const (
	callTimeout  = 10 * time.Second // for anything but await and follow
	awaitTimeout = 60 * time.Second
	busyPause    = 100 * time.Millisecond
	maxPerPeer   = 64   // calls of one peer at a time
	maxInAll     = 2048 // calls of all peers at a time
)

// Backend is a ledger that a server answers from.
type Backend interface {
	Ledger
	// WaitHeight returns once the block of the given height is committed.
	WaitHeight(ctx context.Context, height uint64) error
}

// Server answers other peers' calls.
type Server struct {
	host    *p2p.Host
	backend Backend

	// mu guards the fields below.
	mu    sync.Mutex
	calls map[p2p.PeerID]int
	all   int
}

// Serve answers the protocol on host until Close.
func Serve(host *p2p.Host, backend Backend) *Server {
	s := &Server{host: host, backend: backend, calls: map[p2p.PeerID]int{}}
	host.Handle(Protocol, s.handle)
	return s
}

// Close stops taking calls. Those under way end with the host.
func (s *Server) Close() { s.host.Unhandle(Protocol) }

func (s *Server) handle(ctx context.Context, from p2p.PeerID, stream *p2p.Stream) {
	if !s.enter(from) {
		_ = wire.Write(stream, &answer{fault: wire.Error{Code: wire.CodeBusy, Text: "too many calls at a time", RetryAfter: busyPause}}) // the peer sees the stream end otherwise
		return
	}
	defer s.leave(from)
	_ = stream.SetDeadline(time.Now().Add(callTimeout)) // a stream without deadlines ends with ctx
	var q request
	if err := wire.Read(stream, &q); err != nil {
		stream.Reset()
		return
	}
	if q.call == callFollow {
		s.follow(ctx, stream, q.minHeight)
		return
	}
	limit := callTimeout
	if q.call == callAwait {
		limit = awaitTimeout
	}
	_ = stream.SetDeadline(time.Now().Add(limit + callTimeout))
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	a, err := s.answer(ctx, &q)
	if err != nil {
		a = &answer{fault: *wire.Answer(err)}
	}
	_ = wire.Write(stream, a) // a peer that has gone needs no answer
}

func (s *Server) answer(ctx context.Context, q *request) (*answer, error) {
	a := &answer{call: q.call}
	switch q.call {
	case callBroadcast:
		r, err := s.backend.Broadcast(ctx, q.tx)
		a.result = r
		return a, err
	case callAwait:
		r, err := s.backend.Await(ctx, q.hash)
		a.receipt = r
		return a, err
	}
	if err := s.backend.WaitHeight(ctx, q.minHeight); err != nil {
		return nil, err
	}
	err := s.backend.View(ctx, func(r ledger.Reader, height uint64) error {
		a.height = height
		if q.call == callGet {
			return a.get(r, q.keys)
		}
		a.ascend(r, q)
		return nil
	})
	return a, err
}

func (a *answer) get(r ledger.Reader, keys [][]byte) error {
	size := 0
	for _, k := range keys {
		v := r.Get(k)
		if size += len(v); size > maxAnswer/2 {
			return wire.Errorf(wire.CodeTooLarge, "the values are too large for one answer")
		}
		a.pairs = append(a.pairs, pair{key: k, value: v, found: v != nil})
	}
	return nil
}

func (a *answer) ascend(r ledger.Reader, q *request) {
	end := q.end
	if len(end) == 0 {
		end = nil
	}
	size := 0
	limit := min(int(q.limit), maxRange)
	r.Ascend(q.start, end, func(k, v []byte) bool {
		size += len(k) + len(v)
		if len(a.pairs) >= limit || size > maxAnswer/2 {
			a.more = true
			return false
		}
		a.pairs = append(a.pairs, pair{key: append([]byte(nil), k...), value: append([]byte(nil), v...), found: true})
		return true
	})
}

// follow sends the events of each block until the peer or the host goes.
func (s *Server) follow(ctx context.Context, stream *p2p.Stream, from uint64) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watch sync.WaitGroup
	watch.Go(func() { // ends when the stream does, which the return below brings about
		_ = stream.SetReadDeadline(time.Time{})
		_, _ = stream.Read(make([]byte, 1)) // a client sends nothing more: it has gone
		cancel()
	})
	for block, err := range s.backend.Events(ctx, from) {
		if err != nil {
			break
		}
		_ = stream.SetWriteDeadline(time.Now().Add(callTimeout))
		if err := wire.Write(stream, &answer{call: callFollow, block: block}); err != nil {
			break
		}
	}
	stream.Reset()
	watch.Wait()
}

func (s *Server) enter(from p2p.PeerID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls[from] >= maxPerPeer || s.all >= maxInAll {
		return false
	}
	s.calls[from]++
	s.all++
	return true
}

func (s *Server) leave(from p2p.PeerID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.calls[from]--; s.calls[from] == 0 {
		delete(s.calls, from)
	}
}
