package ledgerrpc

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
)

// firstRange is how many pairs of a range are asked for at first: most readers
// want one.
const firstRange = 4

// reader reads the state of a peer at one height. The first fault sticks. It is
// not safe for concurrent use.
type reader struct {
	stream *p2p.Stream
	header func(height uint64, block []byte) (light.Header, error) // verifies the header of a height
	known  uint64                                                  // the height of a header that need not be sent
	height uint64                                                  // of the state; before the first answer, the least that it may be
	head   light.Header                                            // names the state; zero before the first answer
	cache  map[string][]byte                                       // what was got; nil if there is nothing
	proofs map[string][]byte                                       // the spans that it was read from
	err    error
}

// open begins to read the state of a peer.
func (c *Client) open(ctx context.Context, p p2p.PeerID, maxAge time.Duration) (*reader, error) {
	r, err := c.dial(ctx, p, c.seen(), maxAge)
	if err != nil {
		return nil, err
	}
	// Nearly every reader wants the constants and the running epoch.
	r.fetch(ledger.KeyParams(), ledger.KeySystem())
	if r.err != nil {
		r.close()
		return nil, r.err
	}
	c.saw(r.height)
	return r, nil
}

// dial returns a reader of the state of a peer, of minHeight at least, that has
// read nothing yet.
func (c *Client) dial(ctx context.Context, p p2p.PeerID, minHeight uint64, maxAge time.Duration) (*reader, error) {
	stream, err := c.host.Open(ctx, p, Protocol)
	if err != nil {
		return nil, err
	}
	r := &reader{stream: stream, height: minHeight, cache: map[string][]byte{}, proofs: map[string][]byte{}}
	r.header = func(height uint64, block []byte) (light.Header, error) {
		h, err := c.header(ctx, p, height, block)
		if err == nil && c.light != nil && maxAge > 0 && time.Since(h.Time) > maxAge {
			err = fmt.Errorf("%w: the newest header of peer %v is of %v", ErrStale, p, h.Time)
		}
		return h, err
	}
	if c.light != nil {
		r.known = c.light.Latest()
	}
	return r, nil
}

// close ends reading. A peer that waits for further requests sees the end of
// the stream.
func (r *reader) close() {
	if r.err != nil {
		r.stream.Reset()
		return
	}
	_ = r.stream.Close()
}

// ask sends a request and reads its answer, nil after a fault.
func (r *reader) ask(q *request) *answer {
	if r.err != nil {
		return nil
	}
	_ = r.stream.SetDeadline(time.Now().Add(2 * callTimeout)) // the peer may wait for the height as well
	q.known = r.known
	var a *answer
	if a, r.err = ask(r.stream, q); r.err == nil {
		r.err = r.enter(a)
	}
	if r.err != nil {
		return nil
	}
	return a
}

// enter verifies the header that the first answer is proven by, and that the
// later ones are of the same height.
func (r *reader) enter(a *answer) error {
	if r.head.Height != 0 {
		if a.height != r.height {
			return fmt.Errorf("%w: peer %v went from height %d to %d", wire.ErrMalformed, r.stream.Peer(), r.height, a.height)
		}
		return nil
	}
	h, err := r.header(a.height+1, a.block)
	if err != nil {
		return fmt.Errorf("header %d of peer %v: %w", a.height+1, r.stream.Peer(), err)
	}
	r.height, r.head, r.known = a.height, h, h.Height
	return nil
}

// verify returns what a span says of [start, end).
func (r *reader) verify(start, end, span []byte) (entries []light.Entry, more bool) {
	entries, more, err := light.VerifyRange(r.head.AppHash, start, end, span)
	if err != nil {
		r.err = fmt.Errorf("state of peer %v at height %d: %w", r.stream.Peer(), r.height, err)
	}
	return entries, more
}

func (r *reader) fetch(keys ...[]byte) {
	a := r.ask(&request{call: callGet, minHeight: r.height, keys: keys})
	if a == nil {
		return
	}
	for i, key := range keys {
		entries, _ := r.verify(key, after(key), a.spans[i])
		if r.err != nil {
			return
		}
		r.cache[string(key)], r.proofs[string(key)] = nil, a.spans[i]
		if len(entries) > 0 {
			r.cache[string(key)] = entries[0].Value
		}
	}
}

// after returns the first key behind one.
func after(key []byte) []byte { return append(bytes.Clone(key), 0) }

// Get implements [ledger.Reader].
func (r *reader) Get(key []byte) []byte {
	if _, ok := r.cache[string(key)]; !ok {
		r.fetch(key)
	}
	if r.err != nil {
		return nil
	}
	return r.cache[string(key)]
}

// Ascend implements [ledger.Reader].
func (r *reader) Ascend(start, end []byte, visit func(key, value []byte) bool) {
	r.ascend(firstRange, start, end, visit)
}

// ascend is Ascend with the number of pairs that are asked for at first.
func (r *reader) ascend(first uint16, start, end []byte, visit func(key, value []byte) bool) {
	if end != nil && bytes.Compare(start, end) >= 0 {
		return // no bytes would be no end on the wire
	}
	for limit := first; ; limit = maxRange {
		a := r.ask(&request{call: callRange, minHeight: r.height, start: start, end: end, limit: limit})
		if a == nil {
			return
		}
		entries, more := r.verify(start, end, a.spans[0])
		for _, e := range entries {
			if r.err != nil || !visit(e.Key, e.Value) {
				return
			}
			start = after(e.Key)
		}
		if !more || r.err != nil {
			return
		}
	}
}

// fits returns an error unless a has the shape of an answer to q.
func (a *answer) fits(q *request) error {
	malformed := func(what string) error { return fmt.Errorf("%w: %s", wire.ErrMalformed, what) }
	if a.call != q.call {
		return malformed("the answer to another call")
	}
	switch q.call {
	case callGet, callRange:
		if a.height < q.minHeight {
			return malformed("the state of an earlier height")
		}
		want := 1
		if q.call == callGet {
			want = len(q.keys)
		}
		if len(a.spans) != want {
			return malformed("more or less than was asked for")
		}
	case callAwait:
		if a.receipt.Hash != q.hash {
			return malformed("the receipt of another transaction")
		}
	}
	return nil
}
