package exchange

import (
	"bufio"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
)

const (
	// bufferSize joins small frames into one write; larger bodies go past the buffer.
	bufferSize = 16 << 10
	// growStep is how much is allocated on a peer's word for a body; more follows as bytes arrive.
	growStep = 1 << 20
	// defaultPatience is how long a message may take beyond what its size explains.
	defaultPatience = 20 * time.Second
	// defaultRate is the least rate at which a body must move, in bytes per second. A writer behind a
	// slow line sends to a whole committee at once, and each gets a small part of the line.
	defaultRate = 8 << 10
)

// pace sets the deadlines of messages.
type pace struct {
	patience time.Duration
	rate     int
}

func (p pace) deadline(size int) time.Time {
	return time.Now().Add(p.patience + time.Duration(size)*time.Second/time.Duration(p.rate))
}

// conn is a stream with buffers and deadlines. One goroutine may read while another writes.
type conn struct {
	s    *p2p.Stream
	r    *bufio.Reader
	w    *bufio.Writer
	pace pace
}

// buffers are reused between calls.
type buffers struct{ readers, writers sync.Pool }

func (b *buffers) conn(s *p2p.Stream, p pace) *conn {
	r, ok := b.readers.Get().(*bufio.Reader)
	if !ok {
		r = bufio.NewReaderSize(nil, bufferSize)
	}
	w, ok := b.writers.Get().(*bufio.Writer)
	if !ok {
		w = bufio.NewWriterSize(nil, bufferSize)
	}
	r.Reset(s)
	w.Reset(s)
	return &conn{s: s, r: r, w: w, pace: p}
}

// release takes the buffers back; k must not be used any more.
func (b *buffers) release(k *conn) {
	k.r.Reset(nil)
	k.w.Reset(nil)
	b.readers.Put(k.r)
	b.writers.Put(k.w)
	k.r, k.w = nil, nil
}

// wait reads a message that the peer may take its time for.
func (k *conn) wait(m wire.Message) error {
	if _, err := k.r.Peek(1); err != nil {
		return noEOF(err)
	}
	return k.read(m)
}

func (k *conn) read(m wire.Message) error {
	if err := k.s.SetReadDeadline(k.pace.deadline(m.MaxSize())); err != nil {
		return err
	}
	err := noEOF(wire.Read(k.r, m))
	if derr := k.s.SetReadDeadline(time.Time{}); err == nil {
		err = derr
	}
	return err
}

// readBody reads size bytes into a slice of their own.
func (k *conn) readBody(size int) ([]byte, error) {
	if err := k.s.SetReadDeadline(k.pace.deadline(size)); err != nil {
		return nil, err
	}
	body := make([]byte, 0, min(size, growStep))
	for len(body) < size {
		if len(body) == cap(body) {
			body = append(make([]byte, 0, min(size, 4*cap(body))), body...)
		}
		n, err := io.ReadFull(k.r, body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err != nil {
			return nil, noEOF(err)
		}
	}
	return body, k.s.SetReadDeadline(time.Time{})
}

func (k *conn) write(m wire.Message) error {
	if err := k.s.SetWriteDeadline(k.pace.deadline(m.MaxSize())); err != nil {
		return err
	}
	return wire.Write(k.w, m)
}

func (k *conn) writeBody(b []byte) error {
	if err := k.s.SetWriteDeadline(k.pace.deadline(len(b))); err != nil {
		return err
	}
	_, err := k.w.Write(b)
	return err
}

// readHead reads the head of something wanted, which the peer may take its time for.
func (k *conn) readHead(sources int) (wire.Head, []bool, error) {
	if _, err := k.r.Peek(1); err != nil {
		return 0, nil, noEOF(err)
	}
	if err := k.s.SetReadDeadline(k.pace.deadline(sources)); err != nil {
		return 0, nil, err
	}
	h, have, err := wire.ReadHead(k.r, sources)
	if derr := k.s.SetReadDeadline(time.Time{}); err == nil {
		err = derr
	}
	return h, have, noEOF(err)
}

func (k *conn) writeHead(have []bool) error {
	if err := k.s.SetWriteDeadline(k.pace.deadline(len(have))); err != nil {
		return err
	}
	return wire.WriteHead(k.w, have)
}

func (k *conn) flush() error {
	if err := k.s.SetWriteDeadline(k.pace.deadline(bufferSize)); err != nil {
		return err
	}
	return k.w.Flush()
}

// noEOF says that a stream must not end here.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
