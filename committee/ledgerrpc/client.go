package ledgerrpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
)

// Client is a Ledger at other peers. It stays with one peer as long as that
// answers, and never goes back behind a height that it has seen.
type Client struct {
	host *p2p.Host

	// mu guards the fields below.
	mu     sync.Mutex
	peers  []p2p.PeerID // the first one is asked
	height uint64       // the highest seen
}

// NewClient returns a ledger at the given peers, which the host must be able
// to find. More of them may be added with Use.
func NewClient(host *p2p.Host, peers ...p2p.PeerID) *Client {
	c := &Client{host: host}
	c.Use(peers...)
	return c
}

// Use adds peers to ask when those before them do not answer.
func (c *Client) Use(peers ...p2p.PeerID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range peers {
		known := p == c.host.ID()
		for _, q := range c.peers {
			known = known || p == q
		}
		if !known {
			c.peers = append(c.peers, p)
		}
	}
}

// View implements [Ledger].
func (c *Client) View(ctx context.Context, read func(r ledger.Reader, height uint64) error) error {
	r := &reader{ctx: ctx, client: c, cache: map[string]pair{}}
	// Nearly every reader wants the constants and the running epoch.
	r.fetch(ledger.KeyParams(), ledger.KeySystem())
	if r.err != nil {
		return r.err
	}
	err := read(r, r.height)
	if r.err != nil {
		return r.err
	}
	return err
}

// Broadcast implements [Ledger].
func (c *Client) Broadcast(ctx context.Context, tx []byte) (ledger.TxResult, error) {
	a, err := c.call(ctx, callTimeout, &request{call: callBroadcast, tx: tx})
	if err != nil {
		return ledger.TxResult{}, err
	}
	return a.result, nil
}

// Await implements [Ledger].
func (c *Client) Await(ctx context.Context, hash [32]byte) (ledger.Receipt, error) {
	a, err := c.call(ctx, awaitTimeout, &request{call: callAwait, hash: hash})
	if err != nil {
		return ledger.Receipt{}, err
	}
	c.saw(a.receipt.Height)
	return a.receipt, nil
}

// Events implements [Ledger].
func (c *Client) Events(ctx context.Context, from uint64) iter.Seq2[ledger.BlockEvents, error] {
	return func(yield func(ledger.BlockEvents, error) bool) {
		next := max(from, 1)
		for {
			err := c.follow(ctx, next, func(b ledger.BlockEvents) bool {
				next = b.Height + 1
				return yield(b, nil)
			})
			if errors.Is(err, errStopped) {
				return
			}
			if err != nil {
				yield(ledger.BlockEvents{}, err)
				return
			}
		}
	}
}

var errStopped = errors.New("ledgerrpc: the consumer has stopped")

// follow streams blocks from one peer until that fails, which is no error, or
// nobody answers, which is.
func (c *Client) follow(ctx context.Context, from uint64, visit func(ledger.BlockEvents) bool) error {
	var last error
	for _, p := range c.candidates() {
		stream, err := c.host.Open(ctx, p, Protocol)
		if err == nil {
			err = wire.Write(stream, &request{call: callFollow, minHeight: from})
		}
		expect, got := from, false
		for err == nil {
			var a answer
			if err = wire.Read(stream, &a); err != nil {
				break
			}
			if a.fault.Code != wire.CodeOK {
				err = fmt.Errorf("follow peer %v: %w", p, &a.fault)
				break
			}
			if a.call != callFollow || a.block.Height != expect {
				err = fmt.Errorf("%w: peer %v sent something else than block %d", ErrUnavailable, p, expect)
				break
			}
			expect, got = expect+1, true
			c.saw(a.block.Height)
			if !visit(a.block) {
				stream.Reset()
				return errStopped
			}
		}
		if stream != nil {
			stream.Reset()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.demote(p)
		if got {
			return nil
		}
		last = err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, last)
}

// call asks one peer after the other until one answers.
func (c *Client) call(ctx context.Context, timeout time.Duration, q *request) (*answer, error) {
	last := errors.New("no peers are known")
	for _, p := range c.candidates() {
		a, err := c.ask(ctx, timeout, p, q)
		if err == nil {
			return a, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c.demote(p)
		last = err
	}
	return nil, fmt.Errorf("%w: %w", ErrUnavailable, last)
}

func (c *Client) ask(ctx context.Context, timeout time.Duration, p p2p.PeerID, q *request) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stream, err := c.host.Open(ctx, p, Protocol)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }()
	if err := wire.Write(stream, q); err != nil {
		return nil, fmt.Errorf("ask peer %v: %w", p, err)
	}
	var a answer
	if err := wire.Read(stream, &a); err != nil {
		return nil, fmt.Errorf("answer of peer %v: %w", p, err)
	}
	if a.fault.Code != wire.CodeOK {
		return nil, fmt.Errorf("ask peer %v: %w", p, &a.fault)
	}
	if a.call != q.call {
		return nil, fmt.Errorf("%w: peer %v answered another call", ErrUnavailable, p)
	}
	return &a, nil
}

func (c *Client) candidates() []p2p.PeerID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]p2p.PeerID(nil), c.peers...)
}

// demote puts a peer that did not answer behind all others.
func (c *Client) demote(p p2p.PeerID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, q := range c.peers {
		if q == p {
			c.peers = append(append(c.peers[:i:i], c.peers[i+1:]...), p)
			return
		}
	}
}

func (c *Client) saw(height uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.height = max(c.height, height)
}

func (c *Client) seen() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.height
}

// reader reads a remote state; the first fault sticks.
type reader struct {
	ctx    context.Context //nolint:containedctx // lives for one call of View
	client *Client
	height uint64
	cache  map[string]pair
	err    error
}

func (r *reader) fetch(keys ...[]byte) {
	if r.err != nil {
		return
	}
	a, err := r.client.call(r.ctx, callTimeout, &request{call: callGet, minHeight: r.client.seen(), keys: keys})
	if err == nil && len(a.pairs) != len(keys) {
		err = fmt.Errorf("%w: %d values for %d keys", ErrUnavailable, len(a.pairs), len(keys))
	}
	if err != nil {
		r.err = err
		return
	}
	r.height = max(r.height, a.height)
	r.client.saw(a.height)
	for i, p := range a.pairs {
		if !p.found {
			p.value = nil
		} else if p.value == nil {
			p.value = []byte{}
		}
		r.cache[string(keys[i])] = p
	}
}

// Get implements [ledger.Reader].
func (r *reader) Get(key []byte) []byte {
	if _, ok := r.cache[string(key)]; !ok {
		r.fetch(key)
	}
	return r.cache[string(key)].value
}

// Ascend implements [ledger.Reader].
func (r *reader) Ascend(start, end []byte, visit func(key, value []byte) bool) {
	for limit := uint16(4); r.err == nil; limit = maxRange {
		a, err := r.client.call(r.ctx, callTimeout, &request{
			call: callRange, minHeight: r.client.seen(), start: start, end: end, limit: limit,
		})
		if err != nil {
			r.err = err
			return
		}
		r.client.saw(a.height)
		for _, p := range a.pairs {
			if bytes.Compare(p.key, start) < 0 || end != nil && bytes.Compare(p.key, end) >= 0 {
				r.err = fmt.Errorf("%w: a key outside the range asked for", ErrUnavailable)
				return
			}
			if !visit(p.key, p.value) {
				return
			}
			start = append(bytes.Clone(p.key), 0)
		}
		if !a.more {
			return
		}
		if len(a.pairs) == 0 {
			r.err = fmt.Errorf("%w: an empty answer that promises more", ErrUnavailable)
		}
	}
}
