package p2p

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"
)

// Stream is one ordered pipe of bytes in each direction between us and a peer. It obeys the context it
// was opened or handled under: when that ends the stream is reset, and Read and Write return the
// context's error. Whoever opened a stream must Close or Reset it.
type Stream struct {
	raw   network.Stream
	peer  PeerID
	ended func() error // the context's Err
	limit time.Time    // the context's deadline, or zero
	stop  func() bool  // forgets the context

	received, sent atomic.Int64
}

func newStream(ctx context.Context, raw network.Stream, p PeerID) *Stream {
	s := &Stream{raw: raw, peer: p, ended: ctx.Err}
	if limit, ok := ctx.Deadline(); ok {
		s.limit = limit
		_ = raw.SetDeadline(limit) // only fails on a stream that is closed, where I/O fails too
	}
	s.stop = context.AfterFunc(ctx, func() { _ = raw.Reset() })
	return s
}

// Peer returns who is at the other end, proven by the connection.
func (s *Stream) Peer() PeerID { return s.peer }

// Read reads what has arrived, at least one byte. It returns io.EOF once the peer has closed its side
// for writing and all is read.
func (s *Stream) Read(b []byte) (int, error) {
	n, err := s.raw.Read(b)
	s.received.Add(int64(n))
	return n, s.fault(err)
}

// Write sends all of b, which is neither kept nor changed. It blocks while the peer does not read.
func (s *Stream) Write(b []byte) (int, error) {
	n, err := s.raw.Write(b)
	s.sent.Add(int64(n))
	return n, s.fault(err)
}

// Received returns how many bytes have been read. It stays valid after Close.
func (s *Stream) Received() int64 { return s.received.Load() }

// Sent returns how many bytes have been written. It stays valid after Close.
func (s *Stream) Sent() int64 { return s.sent.Load() }

// CloseWrite tells the peer that nothing more will be written; it reads io.EOF after the last byte.
func (s *Stream) CloseWrite() error { return s.fault(s.raw.CloseWrite()) }

// Close lets go of the stream: what was written is still delivered, what was not read is dropped. It does
// not wait for the peer. The context has no power over a closed stream.
func (s *Stream) Close() error {
	s.stop()
	return s.fault(s.raw.Close())
}

// Reset tears the stream down in both directions; the peer's Read and Write fail with ErrReset.
func (s *Stream) Reset() {
	s.stop()
	_ = s.raw.Reset()
}

// SetDeadline bounds Read and Write, zero lifting the bound; the context's deadline holds in any case.
func (s *Stream) SetDeadline(t time.Time) error { return s.fault(s.raw.SetDeadline(s.earlier(t))) }

// SetReadDeadline is SetDeadline for Read alone.
func (s *Stream) SetReadDeadline(t time.Time) error {
	return s.fault(s.raw.SetReadDeadline(s.earlier(t)))
}

// SetWriteDeadline is SetDeadline for Write alone.
func (s *Stream) SetWriteDeadline(t time.Time) error {
	return s.fault(s.raw.SetWriteDeadline(s.earlier(t)))
}

func (s *Stream) earlier(t time.Time) time.Time {
	if t.IsZero() || !s.limit.IsZero() && s.limit.Before(t) {
		return s.limit
	}
	return t
}

// fault turns what libp2p reports into this room's words.
func (s *Stream) fault(err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // io.EOF is passed on as it is
		return err
	}
	if end := s.ended(); end != nil {
		return end
	}
	var (
		timeout net.Error
		reset   *network.StreamError
	)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		if !s.limit.IsZero() && !time.Now().Before(s.limit) {
			return context.DeadlineExceeded
		}
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	case errors.Is(err, multistream.ErrNotSupported[protocol.ID]{}),
		errors.As(err, &reset) && reset.ErrorCode == network.StreamProtocolNegotiationFailed:
		return fmt.Errorf("%w: %w", ErrNoProtocol, err)
	case errors.Is(err, network.ErrReset):
		return fmt.Errorf("%w: %w", ErrReset, err)
	}
	return err
}
