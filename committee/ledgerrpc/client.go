package ledgerrpc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
)

// Client is a Ledger at other peers. It stays with one peer as long as that
// answers, and does not go back behind a height that it has seen, unless no
// peer that answers has got there.
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
		if p != c.host.ID() && !slices.Contains(c.peers, p) {
			c.peers = append(c.peers, p)
		}
	}
}

// View implements [Ledger]. All that read reads of one peer is of one height.
func (c *Client) View(ctx context.Context, read func(r ledger.Reader, height uint64) error) error {
	var verdict error
	err := c.any(ctx, func(p p2p.PeerID) error {
		ctx, cancel := context.WithTimeout(ctx, viewTimeout)
		defer cancel()
		r, err := c.open(ctx, p)
		if err != nil {
			return err
		}
		defer r.close()
		verdict = read(r, r.height)
		return r.err
	})
	if err != nil {
		return err
	}
	return verdict
}

// Broadcast implements [Ledger].
func (c *Client) Broadcast(ctx context.Context, tx []byte) (ledger.TxResult, error) {
	if len(tx) > ledger.MaxTxSize { // what no peer would read
		return ledger.TxResult{Code: uint32(ledger.CodeMalformed), Info: fmt.Sprintf("transaction of %d bytes, at most %d", len(tx), ledger.MaxTxSize)}, nil
	}
	a, err := c.call(ctx, callTimeout, &request{call: callBroadcast, tx: tx})
	if err != nil {
		return ledger.TxResult{}, err
	}
	return a.result, nil
}

// Await implements [Ledger].
func (c *Client) Await(ctx context.Context, hash [32]byte) (ledger.Receipt, error) {
	a, err := c.call(ctx, awaitTimeout+callTimeout, &request{call: callAwait, hash: hash})
	if err != nil {
		return ledger.Receipt{}, err
	}
	c.saw(a.receipt.Height)
	return a.receipt, nil
}

// call asks one peer after the other until one answers.
func (c *Client) call(ctx context.Context, timeout time.Duration, q *request) (a *answer, err error) {
	err = c.any(ctx, func(p p2p.PeerID) (err error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		stream, err := c.host.Open(ctx, p, Protocol)
		if err != nil {
			return err
		}
		defer stream.Reset() // all that was wanted has arrived
		a, err = ask(stream, q)
		return err
	})
	return a, err
}

// any asks one peer after the other until one answers as it should.
func (c *Client) any(ctx context.Context, ask func(p2p.PeerID) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	last := errNobody
	behind := false // a peer answers, and has not got to the height that we have seen
	for _, p := range c.candidates() {
		err := ask(p)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.demote(p)
		last = err
		fault, ok := errors.AsType[*wire.Error](err)
		behind = behind || ok && fault.Code == wire.CodeUnavailable
	}
	if behind {
		c.forget()
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, last)
}

var errNobody = errors.New("ledgerrpc: no peers are known")

// ask sends a request and reads its answer. A server that is busy may answer
// and hang up before it has read the request: what it says counts.
func ask(stream *p2p.Stream, q *request) (*answer, error) {
	sent := wire.Write(stream, q)
	var a answer
	if err := wire.Read(stream, &a); err != nil {
		return nil, fmt.Errorf("ask peer %v: %w", stream.Peer(), errors.Join(sent, err))
	}
	if a.fault.Code != wire.CodeOK {
		return nil, fmt.Errorf("ask peer %v: %w", stream.Peer(), &a.fault)
	}
	if err := a.fits(q); err != nil {
		return nil, fmt.Errorf("ask peer %v: %w", stream.Peer(), err)
	}
	return &a, nil
}

func (c *Client) candidates() []p2p.PeerID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.peers)
}

// demote puts a peer that did not answer behind all others.
func (c *Client) demote(p p2p.PeerID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.peers, p); i >= 0 {
		c.peers = append(slices.Delete(c.peers, i, i+1), p)
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

// forget gives up the height seen: either it was a lie or the peers that were
// there have gone, and without this we would wait for it for ever.
func (c *Client) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.height = 0
}
