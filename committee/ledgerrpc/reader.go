package ledgerrpc

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
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
	height uint64
	cache  map[string]pair // what was got
	err    error
}

// open begins to read the state of a peer.
func (c *Client) open(ctx context.Context, p p2p.PeerID) (*reader, error) {
	stream, err := c.host.Open(ctx, p, Protocol)
	if err != nil {
		return nil, err
	}
	r := &reader{stream: stream, cache: map[string]pair{}}
	// Nearly every reader wants the constants and the running epoch.
	r.fetch(c.seen(), ledger.KeyParams(), ledger.KeySystem())
	if r.err != nil {
		r.close()
		return nil, r.err
	}
	c.saw(r.height)
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
	a, err := ask(r.stream, q)
	if err == nil && r.height != 0 && a.height != r.height {
		err = fmt.Errorf("%w: peer %v went from height %d to %d", wire.ErrMalformed, r.stream.Peer(), r.height, a.height)
	}
	if err != nil {
		r.err = err
		return nil
	}
	r.height = a.height
	return a
}

func (r *reader) fetch(minHeight uint64, keys ...[]byte) {
	if a := r.ask(&request{call: callGet, minHeight: minHeight, keys: keys}); a != nil {
		for _, p := range a.pairs {
			r.cache[string(p.key)] = p
		}
	}
}

// Get implements [ledger.Reader].
func (r *reader) Get(key []byte) []byte {
	if _, ok := r.cache[string(key)]; !ok {
		r.fetch(r.height, key)
	}
	if p := r.cache[string(key)]; p.found && r.err == nil {
		return p.value
	}
	return nil
}

// Ascend implements [ledger.Reader].
func (r *reader) Ascend(start, end []byte, visit func(key, value []byte) bool) {
	if end != nil && len(end) == 0 {
		return // which on the wire would be no end
	}
	for limit := uint16(firstRange); ; limit = maxRange {
		a := r.ask(&request{call: callRange, minHeight: r.height, start: start, end: end, limit: limit})
		if a == nil {
			return
		}
		for _, p := range a.pairs {
			if !visit(p.key, p.value) {
				return
			}
			start = append(bytes.Clone(p.key), 0)
		}
		if !a.more || r.err != nil {
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
	case callAwait:
		if a.receipt.Hash != q.hash {
			return malformed("the receipt of another transaction")
		}
		return nil
	}
	switch q.call {
	case callGet:
		if len(a.pairs) != len(q.keys) || a.more {
			return malformed("other values than were asked for")
		}
		for i, p := range a.pairs {
			if !bytes.Equal(p.key, q.keys[i]) {
				return malformed("the value of another key")
			}
			if p.found && p.value == nil {
				a.pairs[i].value = []byte{}
			}
		}
	case callRange:
		if len(a.pairs) > int(q.limit) || a.more && len(a.pairs) == 0 {
			return malformed("more or less than was asked for")
		}
		least := q.start
		for _, p := range a.pairs {
			if !p.found || bytes.Compare(p.key, least) < 0 || len(q.end) > 0 && bytes.Compare(p.key, q.end) >= 0 {
				return malformed("a key outside of the range or out of order")
			}
			least = append(bytes.Clone(p.key), 0)
		}
	}
	return nil
}
