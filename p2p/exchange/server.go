package exchange

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

// ServerConfig says how a server answers.
type ServerConfig struct {
	// Params are the network's. Required.
	Params shard.Params
	// PerPeer is how many calls of one peer are at work at once. Zero: 64.
	PerPeer int
	// Budget bounds the bytes of all calls in flight. Zero: 256 MiB.
	Budget int64
	// PullsPerPeer and PullBudget are the same for the calls by which others repair, which have slots
	// and bytes of their own so that they do not crowd out readers and writers. Zero: 16 and 128 MiB.
	PullsPerPeer int
	PullBudget   int64
	// Patience is how long a message may take beyond what its size explains. Zero: 20 s.
	Patience time.Duration
	// Rate is the least rate of a body in bytes per second. Zero: 8 KiB/s.
	Rate int
	// Logger is told of calls that failed, at debug level. Nil: nobody is.
	Logger *slog.Logger
}

func (c *ServerConfig) validate() error {
	if c.Params.Shards() == 0 {
		return fmt.Errorf("exchange: config: %w", shard.ErrParams)
	}
	if c.PerPeer < 0 || c.Budget < 0 || c.PullsPerPeer < 0 || c.PullBudget < 0 || c.Patience < 0 || c.Rate < 0 {
		return errors.New("exchange: config: limits cannot be negative")
	}
	if c.PerPeer == 0 {
		c.PerPeer = 64
	}
	if c.Budget == 0 {
		c.Budget = 256 << 20
	}
	if c.PullsPerPeer == 0 {
		c.PullsPerPeer = 16
	}
	if c.PullBudget == 0 {
		c.PullBudget = 128 << 20
	}
	if c.Patience == 0 {
		c.Patience = defaultPatience
	}
	if c.Rate == 0 {
		c.Rate = defaultRate
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Server answers calls with a handler.
type Server struct {
	host      *p2p.Host
	handler   Handler
	cfg       ServerConfig
	admission *admission // of blob/1
	pulls     *admission // of symbols/2 and shard/1
	buffers   buffers

	mu      sync.Mutex // mu guards the fields below.
	cancels map[*call]context.CancelFunc
}

// Serve answers the calls that reach h, until Close. A host has one server.
func Serve(h *p2p.Host, hd Handler, cfg ServerConfig) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &Server{
		host: h, handler: hd, cfg: cfg,
		admission: newAdmission(cfg.PerPeer, cfg.Budget),
		pulls:     newAdmission(cfg.PullsPerPeer, cfg.PullBudget),
		cancels:   map[*call]context.CancelFunc{},
	}
	h.Handle(wire.BlobProtocol, func(ctx context.Context, from p2p.PeerID, st *p2p.Stream) {
		s.serve(ctx, from, st, s.admission, (*call).blob)
	})
	h.Handle(wire.SymbolsProtocol, func(ctx context.Context, from p2p.PeerID, st *p2p.Stream) {
		s.serve(ctx, from, st, s.pulls, (*call).symbols)
	})
	h.Handle(wire.ShardProtocol, func(ctx context.Context, from p2p.PeerID, st *p2p.Stream) {
		s.serve(ctx, from, st, s.pulls, (*call).syncShard)
	})
	return s, nil
}

// Close refuses new calls, ends those at work and waits for their handlers.
func (s *Server) Close() error {
	s.host.Unhandle(wire.BlobProtocol)
	s.host.Unhandle(wire.SymbolsProtocol)
	s.host.Unhandle(wire.ShardProtocol)
	s.admission.close()
	s.pulls.close()
	s.mu.Lock()
	for _, cancel := range s.cancels {
		cancel()
	}
	s.mu.Unlock()
	s.admission.calls.Wait()
	s.pulls.calls.Wait()
	return nil
}

// Serving returns how many calls of readers and writers are at work; those by which others repair do
// not count.
func (s *Server) Serving() int { return s.admission.atWork() }

// call is one stream being answered.
type call struct {
	*conn
	server    *Server
	admission *admission
	from      p2p.PeerID
	reserved  int64
}

// serve admits a call and answers it.
func (s *Server) serve(ctx context.Context, from p2p.PeerID, st *p2p.Stream, a *admission, answer func(*call, context.Context) error) {
	c := &call{conn: s.buffers.conn(st, pace{s.cfg.Patience, s.cfg.Rate}), server: s, admission: a, from: from}
	defer s.buffers.release(c.conn)
	var err error
	if full := a.enter(from); full != nil {
		err = c.refuse(full)
	} else {
		ctx, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(ctx, st.Reset)
		s.mu.Lock()
		s.cancels[c] = cancel
		s.mu.Unlock()
		if a.closing() { // between enter and the entry in cancels
			cancel()
		}
		err = answer(c, ctx)
		s.mu.Lock()
		delete(s.cancels, c)
		s.mu.Unlock()
		stop()
		cancel()
		a.leave(from, c.reserved)
	}
	if err != nil {
		st.Reset()
		s.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "call failed", slog.Any("peer", from), slog.Any("err", err))
	}
}

// refuse answers with a status and nothing else. It returns an error only when the stream fails.
func (c *call) refuse(e *wire.Error) error {
	if err := c.write(e); err != nil {
		return err
	}
	return c.flush()
}

// result answers with m after a good status, or with what err says.
func (c *call) result(ctx context.Context, m wire.Message, err error) error {
	if err != nil {
		c.server.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "call refused", slog.Any("peer", c.from), slog.Any("err", err))
		return c.refuse(wire.Answer(err))
	}
	if err := c.write(&wire.Error{}); err != nil {
		return err
	}
	if err := c.write(m); err != nil {
		return err
	}
	return c.flush()
}

// blob answers one call of blob/1.
func (c *call) blob(ctx context.Context) error {
	var r wire.Request
	if err := c.read(&r); err != nil {
		return c.badRequest(err)
	}
	switch r := r.Call.(type) {
	case *wire.Upload:
		return c.upload(ctx, r)
	case *wire.Metadata:
		return c.metadata(ctx, r)
	case *wire.Slivers:
		return c.slivers(ctx, r)
	case *wire.Status:
		held, err := c.server.handler.Status(ctx, c.from, r.Blobs)
		if err == nil && len(held) != len(r.Blobs) {
			err = fmt.Errorf("exchange: handler gave %d holdings for %d blobs", len(held), len(r.Blobs))
		}
		return c.result(ctx, &wire.Holdings{Blobs: held}, err)
	case *wire.Confirm:
		signed, err := c.server.handler.Confirm(ctx, c.from, r.Blob, r.Persistence)
		return c.result(ctx, (*wire.Confirmation)(&signed), err)
	}
	return c.refuse(wire.Errorf(wire.CodeInvalid, "unknown request"))
}

// badRequest tells a peer what is wrong with its bytes, if that is what is wrong.
func (c *call) badRequest(err error) error {
	if errors.Is(err, wire.ErrMalformed) || errors.Is(err, wire.ErrTooLarge) {
		return c.refuse(wire.Answer(err))
	}
	return err
}

func (c *call) metadata(ctx context.Context, r *wire.Metadata) error {
	md, err := c.server.handler.Metadata(ctx, c.from, r.Blob)
	if err != nil {
		return c.result(ctx, nil, err)
	}
	size := c.server.cfg.Params.MetadataSize()
	if full := c.hold(int64(size)); full != nil {
		return c.refuse(full)
	}
	body, err := md.AppendBinary(make([]byte, 0, size))
	if err != nil {
		return c.result(ctx, nil, err)
	}
	if err := c.write(&wire.Error{}); err != nil {
		return err
	}
	if err := c.write(&wire.Length{Bytes: uint32(len(body))}); err != nil {
		return err
	}
	if err := c.writeBody(body); err != nil {
		return err
	}
	return c.flush()
}

func (c *call) slivers(ctx context.Context, r *wire.Slivers) error {
	if err := c.write(&wire.Error{}); err != nil {
		return err
	}
	for _, id := range r.IDs {
		var (
			s   shard.Sliver
			err error
		)
		if int(id.Index) >= c.server.cfg.Params.Shards() {
			err = wire.Errorf(wire.CodeInvalid, "no sliver %d", id.Index)
		} else if s, err = c.server.handler.Sliver(ctx, c.from, r.Blob, id); err == nil {
			if want := c.server.cfg.Params.SliverSize(id.Axis, s.SymbolSize); len(s.Data) != want || s.Axis != id.Axis || s.Index != id.Index {
				err = fmt.Errorf("exchange: handler gave %v of %d bytes for %v %d of %d", &s, len(s.Data), id.Axis, id.Index, want)
			}
		}
		if err == nil {
			if full := c.hold(int64(len(s.Data))); full != nil {
				err = full
			}
		}
		if err := c.item(s, err); err != nil {
			return err
		}
		c.unhold()
	}
	return c.flush()
}

// hold takes bytes of the budget until the call ends or unhold.
func (c *call) hold(bytes int64) *wire.Error {
	full := c.admission.reserve(c.from, bytes)
	if full == nil {
		c.reserved += bytes
	}
	return full
}

func (c *call) unhold() {
	c.admission.release(c.from, c.reserved)
	c.reserved = 0
}

func (c *call) item(s shard.Sliver, err error) error {
	if werr := c.write(wire.Answer(err)); werr != nil || err != nil {
		return werr
	}
	if err := c.write(&wire.Item{
		Sliver:     SliverID{Axis: s.Axis, Index: s.Index},
		SymbolSize: uint16(s.SymbolSize), Length: uint32(len(s.Data)),
	}); err != nil {
		return err
	}
	return c.writeBody(s.Data)
}
