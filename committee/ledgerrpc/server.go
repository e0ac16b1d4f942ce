package ledgerrpc

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
)

const (
	callTimeout  = 10 * time.Second // for one request, and for its answer to be taken
	viewTimeout  = 30 * time.Second // for all that is read of one state
	awaitTimeout = 60 * time.Second
	busyPause    = 100 * time.Millisecond
	maxPerPeer   = 64       // calls of one peer at a time
	maxInAll     = 2048     // calls of all peers at a time
	maxHeld      = 64 << 20 // bytes of answers on their way to peers that are slow to take them
	// maxAhead is how far ahead of the last block a height may lie that is
	// waited for. Whoever asks for more has been lied to.
	maxAhead = 1000 // blocks
)

// Backend is a ledger that a server answers from, with what proves the answers.
type Backend interface {
	Ledger
	// WaitHeight returns once the block of the given height is committed.
	WaitHeight(ctx context.Context, height uint64) error
	// LightBlock returns a header with its commit and validators, as light.Source
	// does; height 0 asks for the newest. An error if it is not here.
	LightBlock(ctx context.Context, height uint64) ([]byte, error)
	// Prove calls read with the newest state whose hash stands in a header, that
	// of height+1, once it is of minHeight at least.
	Prove(ctx context.Context, minHeight uint64, read func(p light.Prover, height uint64) error) error
	// ProveReceipt returns light.ProveReceipt of a receipt of a block.
	ProveReceipt(ctx context.Context, height uint64, index uint32) ([]byte, error)
}

// Server answers other peers' calls.
type Server struct {
	host    *p2p.Host
	backend Backend
	running sync.WaitGroup // calls; Add only under mu while not closed

	// mu guards the fields below.
	mu     sync.Mutex
	closed bool
	calls  map[p2p.PeerID]int
	ends   map[*p2p.Stream]context.CancelFunc // of all calls
	held   int                                // bytes of answers being written
}

// Serve answers the protocol on host until Close.
func Serve(host *p2p.Host, backend Backend) *Server {
	s := &Server{host: host, backend: backend, calls: map[p2p.PeerID]int{}, ends: map[*p2p.Stream]context.CancelFunc{}}
	host.Handle(Protocol, s.handle)
	return s
}

// Close takes no more calls, ends those under way and waits for them. It may be
// called again.
func (s *Server) Close() {
	s.host.Unhandle(Protocol)
	s.mu.Lock()
	s.closed = true
	for _, end := range s.ends {
		end()
	}
	s.mu.Unlock()
	s.running.Wait()
}

func (s *Server) handle(ctx context.Context, from p2p.PeerID, stream *p2p.Stream) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_ = stream.SetDeadline(time.Now().Add(callTimeout)) // a stream without deadlines ends with ctx
	if !s.enter(from, stream, cancel) {
		_ = wire.Write(stream, &answer{fault: wire.Error{Code: wire.CodeBusy, Text: "too many calls at a time", RetryAfter: busyPause}}) // the peer sees the stream end otherwise
		return
	}
	defer s.leave(from, stream)
	stop := context.AfterFunc(ctx, stream.Reset)
	defer stop()
	q, err := next(stream)
	if err == nil {
		switch q.call {
		case callFollow:
			s.follow(ctx, stream, q.minHeight)
			return
		case callGet, callRange:
			err = s.view(ctx, stream, q)
		default:
			err = s.once(ctx, stream, q)
		}
	}
	if err != nil {
		_ = stream.SetDeadline(time.Now().Add(callTimeout))
		_ = wire.Write(stream, &answer{fault: *wire.Answer(err)}) // a peer that has gone needs no answer
	}
}

// next reads a request.
func next(stream *p2p.Stream) (*request, error) {
	var q request
	return &q, wire.Read(stream, &q)
}

// once answers a call that has one answer.
func (s *Server) once(ctx context.Context, stream *p2p.Stream, q *request) error {
	limit := callTimeout
	if q.call == callAwait {
		limit = awaitTimeout
	}
	_ = stream.SetDeadline(time.Now().Add(limit + callTimeout))
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	a, err := s.answer(ctx, q)
	if err != nil {
		return err
	}
	return s.send(stream, a, len(a.block)+len(a.next))
}

func (s *Server) answer(ctx context.Context, q *request) (a *answer, err error) {
	a = &answer{call: q.call}
	switch q.call {
	case callAwait:
		if a.receipt, err = s.backend.Await(ctx, q.hash); err == nil && a.receipt.Height > 0 {
			err = s.prove(ctx, a)
		}
	case callBlock:
		if a.block, err = s.backend.LightBlock(ctx, q.minHeight); err != nil {
			err = wire.Errorf(wire.CodeNotFound, "no block of height %d here", q.minHeight)
		}
	default:
		a.result, err = s.backend.Broadcast(ctx, q.tx)
	}
	return a, err
}

// prove adds to a receipt what proves it, once the next header is there.
func (s *Server) prove(ctx context.Context, a *answer) error {
	height := a.receipt.Height
	if err := s.backend.WaitHeight(ctx, height+1); err != nil {
		return err
	}
	var errs [3]error
	a.proof, errs[0] = s.backend.ProveReceipt(ctx, height, a.receipt.Index)
	a.block, errs[1] = s.backend.LightBlock(ctx, height)
	a.next, errs[2] = s.backend.LightBlock(ctx, height+1)
	return errors.Join(errs[:]...)
}

// send writes an answer of about the given size, if there is room for it.
func (s *Server) send(stream *p2p.Stream, a *answer, size int) error {
	if !s.hold(size) {
		return &wire.Error{Code: wire.CodeBusy, Text: "too many bytes in flight", RetryAfter: busyPause}
	}
	defer s.hold(-size)
	return wire.Write(stream, a)
}

// view answers requests from one state, the first of them q, until the peer
// asks for nothing more.
func (s *Server) view(ctx context.Context, stream *p2p.Stream, q *request) error {
	ctx, cancel := context.WithTimeout(ctx, viewTimeout)
	defer cancel()
	_ = stream.SetDeadline(time.Now().Add(2 * callTimeout))
	if err := s.reach(ctx, q.minHeight); err != nil {
		return err
	}
	return s.backend.Prove(ctx, q.minHeight, func(r light.Prover, height uint64) error {
		for {
			if err := s.read(ctx, stream, q, r, height); err != nil || ctx.Err() != nil {
				return errors.Join(err, ctx.Err())
			}
			_ = stream.SetDeadline(time.Now().Add(callTimeout))
			var err error
			if q, err = next(stream); err != nil {
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
			if q.call != callGet && q.call != callRange {
				return wire.Errorf(wire.CodeInvalid, "only what is read goes on")
			}
		}
	})
}

// reach waits a moment for a height, and for the header after it.
func (s *Server) reach(ctx context.Context, height uint64) error {
	var now uint64
	err := s.backend.View(ctx, func(_ ledger.Reader, h uint64) error {
		now = h
		return nil
	})
	if err != nil || height < now {
		return err
	}
	if height-now > maxAhead {
		return wire.Errorf(wire.CodeUnavailable, "height %d is far ahead of %d", height, now)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return s.backend.WaitHeight(ctx, height+1) // its end is CodeUnavailable
}

// read answers one request for keys or a range.
func (s *Server) read(ctx context.Context, stream *p2p.Stream, q *request, r light.Prover, height uint64) error {
	a, size, err := s.state(ctx, q, r, height)
	if err != nil {
		return err
	}
	return s.send(stream, a, size)
}

// state collects what is asked for of one state, with proofs, and its size in bytes.
func (s *Server) state(ctx context.Context, q *request, r light.Prover, height uint64) (a *answer, size int, err error) {
	a = &answer{call: q.call, height: height}
	add := func(start, end []byte, limit int) error {
		span, err := light.ProveRange(r, start, end, limit, maxValues)
		if err != nil {
			return err
		}
		if size += len(span); size > maxSpans {
			return wire.Errorf(wire.CodeTooLarge, "the values are too large for one answer")
		}
		a.spans = append(a.spans, span)
		return nil
	}
	if q.call == callRange {
		end := q.end
		if len(end) == 0 {
			end = nil
		}
		if err := add(q.start, end, min(int(q.limit), maxRange)); err != nil {
			return nil, 0, err
		}
	}
	for _, k := range q.keys {
		if err := add(k, after(k), 1); err != nil {
			return nil, 0, err
		}
	}
	if q.known != height+1 {
		if a.block, err = s.backend.LightBlock(ctx, height+1); err != nil {
			return nil, 0, err
		}
	}
	return a, size + len(a.block), nil
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
		if err := writeBlock(stream, block); err != nil {
			break
		}
	}
	stream.Reset()
	watch.Wait()
}

// writeBlock sends a block in as many frames as it takes.
func writeBlock(stream *p2p.Stream, block ledger.BlockEvents) error {
	for rest := block.Events; ; {
		n, size := 0, 0
		for n < len(rest) && size < maxPart {
			size += eventSize(rest[n])
			n++
		}
		block.Events, rest = rest[:n], rest[n:]
		_ = stream.SetWriteDeadline(time.Now().Add(callTimeout))
		if err := wire.Write(stream, &answer{call: callFollow, more: len(rest) > 0, events: block}); err != nil {
			return err
		}
		if len(rest) == 0 {
			return nil
		}
	}
}

// enter admits a call, which end cancels.
func (s *Server) enter(from p2p.PeerID, stream *p2p.Stream, end context.CancelFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.calls[from] >= maxPerPeer || len(s.ends) >= maxInAll {
		return false
	}
	s.calls[from]++
	s.ends[stream] = end
	s.running.Add(1)
	return true
}

func (s *Server) leave(from p2p.PeerID, stream *p2p.Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ends, stream)
	if s.calls[from]--; s.calls[from] == 0 {
		delete(s.calls, from)
	}
	s.running.Done()
}

// hold takes bytes of the budget for answers on their way, unless it is used
// up; a negative count gives them back.
func (s *Server) hold(bytes int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if bytes > 0 && s.held+bytes > maxHeld {
		return false
	}
	s.held += bytes
	return true
}
