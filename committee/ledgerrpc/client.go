package ledgerrpc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
)

// defaultMaxAge is some intervals at which an idle chain makes a block.
const defaultMaxAge = 2 * time.Minute

var (
	// ErrNoRoot says that a client has nothing to check its peers against.
	ErrNoRoot = errors.New("ledgerrpc: no trust root")
	// ErrStale says that a peer's state is older than the client accepts.
	ErrStale = errors.New("ledgerrpc: the state is old")
)

// ClientConfig says whom a client asks and what it believes.
type ClientConfig struct {
	Host *p2p.Host // required
	// Root is what everything is checked against. Required, unless TrustPeers.
	Root light.Root
	// TrustPeers believes whatever the peers say, without a root: for peers that
	// are the caller's own, as in a devnet's process.
	TrustPeers bool
	// TrustPeriod is how old Root, and later what was verified last, may be.
	// Zero: light.DefaultTrustPeriod.
	TrustPeriod time.Duration
	// MaxAge is how old the newest header of a peer may be before others are
	// asked for a younger one; if none has one the state is read nevertheless,
	// for then it is the chain that stands still. Zero: two minutes.
	MaxAge time.Duration
}

// Client is a Ledger at other peers, none of which it has to believe. It stays
// with one peer as long as that answers, and does not go back behind a height
// that it has seen. A peer that is caught lying is not asked again.
type Client struct {
	host   *p2p.Host
	light  *light.Client // nil: peers are believed
	maxAge time.Duration
	// horizon is how many blocks back events can be proven; tests come closer.
	horizon uint64

	// mu guards the fields below.
	mu     sync.Mutex
	peers  []p2p.PeerID // the first one is asked
	liars  []lie        // who were peers
	height uint64       // the highest that was verified
	told   uint64       // the highest that a peer has told of, where peers are believed
}

// lie is a peer that was caught.
type lie struct {
	peer p2p.PeerID
	err  error
}

// NewClient returns a ledger at the given peers, which the host must be able
// to find. More of them may be added with Use. Nothing is asked yet.
func NewClient(cfg ClientConfig, peers ...p2p.PeerID) (*Client, error) {
	c := &Client{host: cfg.Host, maxAge: cfg.MaxAge, horizon: horizon}
	if c.maxAge == 0 {
		c.maxAge = defaultMaxAge
	}
	switch {
	case cfg.Root.IsZero() && !cfg.TrustPeers:
		return nil, ErrNoRoot
	case !cfg.Root.IsZero():
		var err error
		c.light, err = light.New(cfg.Root, nil, light.Config{TrustPeriod: cfg.TrustPeriod, Faulty: c.faulty})
		if err != nil {
			return nil, err
		}
	}
	c.Use(peers...)
	return c, nil
}

// Use adds peers to ask when those before them do not answer. Peers that were
// caught lying are left out.
func (c *Client) Use(peers ...p2p.PeerID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range peers {
		lied := slices.ContainsFunc(c.liars, func(l lie) bool { return l.peer == p })
		if p == c.host.ID() || lied || slices.Contains(c.peers, p) {
			continue
		}
		c.peers = append(c.peers, p)
		if c.light != nil {
			c.light.Use(source{c, p})
		}
	}
}

// View implements [Ledger]. All that read reads of one peer is of one height, and
// proven by a header that the validators have signed.
func (c *Client) View(ctx context.Context, read func(r ledger.Reader, height uint64) error) error {
	verdict, err := c.view(ctx, read, c.maxAge)
	if errors.Is(err, ErrStale) {
		verdict, err = c.view(ctx, read, 0)
	}
	if err != nil {
		return err
	}
	return verdict
}

// view reads a state that is not older than maxAge; zero is any age.
func (c *Client) view(ctx context.Context, read func(r ledger.Reader, height uint64) error, maxAge time.Duration) (verdict, err error) {
	err = c.any(ctx, func(p p2p.PeerID) error {
		ctx, cancel := context.WithTimeout(ctx, viewTimeout)
		defer cancel()
		r, err := c.open(ctx, p, maxAge)
		if err != nil {
			return err
		}
		defer r.close()
		verdict = read(r, r.height)
		return r.err
	})
	return verdict, err
}

// Broadcast implements [Ledger]. A refusal is taken of two peers only, if there
// are two: one alone might keep a transaction away.
func (c *Client) Broadcast(ctx context.Context, tx []byte) (ledger.TxResult, error) {
	if len(tx) > ledger.MaxTxSize { // what no peer would read
		return ledger.TxResult{Code: uint32(ledger.CodeMalformed), Info: fmt.Sprintf("transaction of %d bytes, at most %d", len(tx), ledger.MaxTxSize)}, nil
	}
	var result ledger.TxResult
	refused := 0
	err := c.any(ctx, func(p p2p.PeerID) error {
		a, err := c.call(ctx, p, callTimeout, &request{call: callBroadcast, tx: tx})
		if err != nil {
			return err
		}
		result = a.result
		if result.Code == uint32(ledger.CodeOK) {
			return nil
		}
		if refused++; refused < 2 {
			return errRefused
		}
		return nil
	})
	if refused > 0 && ctx.Err() == nil {
		return result, nil
	}
	return result, err
}

// errRefused sends Broadcast on to the next peer.
var errRefused = errors.New("ledgerrpc: the peer refuses the transaction")

// Await implements [Ledger]. What is in a block is proven, but for the words of
// a refusal. A receipt without a height is a peer's word for having refused the
// transaction.
func (c *Client) Await(ctx context.Context, hash [32]byte) (ledger.Receipt, error) {
	var receipt ledger.Receipt
	err := c.any(ctx, func(p p2p.PeerID) error {
		a, err := c.call(ctx, p, awaitTimeout+callTimeout, &request{call: callAwait, hash: hash})
		if err != nil {
			return err
		}
		receipt = a.receipt
		return c.checkReceipt(ctx, p, a)
	})
	if err != nil {
		return ledger.Receipt{}, err
	}
	c.saw(receipt.Height)
	return receipt, nil
}

// checkReceipt verifies the receipt that a peer sent.
func (c *Client) checkReceipt(ctx context.Context, p p2p.PeerID, a *answer) error {
	if a.receipt.Height == 0 {
		if a.receipt.Code == uint32(ledger.CodeOK) {
			return fmt.Errorf("%w: a receipt of no block", wire.ErrMalformed)
		}
		return nil
	}
	next, err := c.header(ctx, p, a.receipt.Height+1, a.next)
	if err != nil {
		return err
	}
	header, err := c.header(ctx, p, a.receipt.Height, a.block)
	if err != nil {
		return err
	}
	return light.VerifyReceipt(header, next, a.receipt, a.proof)
}

// header returns the header of a height, which a peer has sent as a light block.
// None is as good where we have it.
func (c *Client) header(ctx context.Context, p p2p.PeerID, height uint64, block []byte) (light.Header, error) {
	var h light.Header
	var err error
	switch {
	case c.light == nil:
		if h, err = light.ReadHeader(block); err != nil {
			err = fmt.Errorf("%w: %w", wire.ErrMalformed, err)
		}
	case len(block) == 0:
		if h, err = c.light.Header(ctx, height); err != nil && !nobodysFault(err) {
			err = fmt.Errorf("ledgerrpc: %v", err) //nolint:errorlint // others may have lied, and this peer not
		}
	default:
		h, err = c.light.Accept(ctx, source{c, p}, block)
	}
	if err == nil && h.Height != height {
		err = fmt.Errorf("%w: the header of height %d for that of %d", wire.ErrMalformed, h.Height, height)
	}
	return h, err
}

// call asks one peer.
func (c *Client) call(ctx context.Context, p p2p.PeerID, timeout time.Duration, q *request) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stream, err := c.host.Open(ctx, p, Protocol)
	if err != nil {
		return nil, err
	}
	defer stream.Reset() // all that was wanted has arrived
	return ask(stream, q)
}

// any asks one peer after the other until one answers as it should.
func (c *Client) any(ctx context.Context, ask func(p2p.PeerID) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var faults []error
	for _, p := range c.candidates() {
		err := ask(p)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if nobodysFault(err) {
			return err
		}
		c.judge(p, err)
		faults = append(faults, err)
	}
	return c.unavailable(faults)
}

// unavailable says what each peer did, those that were caught before included.
func (c *Client) unavailable(faults []error) error {
	c.mu.Lock()
	c.told = 0 // if it was a lie, we would wait for it for ever
	for _, l := range c.liars {
		faults = append(faults, fmt.Errorf("peer %v is not asked any more: %w", l.peer, l.err))
	}
	c.mu.Unlock()
	if len(faults) == 0 {
		faults = append(faults, errNobody)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, errors.Join(faults...))
}

var errNobody = errors.New("ledgerrpc: no peers are known")

// nobodysFault tells whether no other peer can do better: the root is too old, a
// clock is wrong, the validators have signed two chains, or the state has
// forgotten what is asked for.
func nobodysFault(err error) bool {
	_, fork := errors.AsType[*light.ForkError](err)
	return fork || errors.Is(err, light.ErrExpired) || errors.Is(err, light.ErrClock) || errors.Is(err, light.ErrBeforeRoot) || errors.Is(err, ErrHorizon)
}

// judge puts a peer that has failed behind all others, or gives it up if what it
// sent cannot be honest.
func (c *Client) judge(p p2p.PeerID, err error) {
	if !errors.Is(err, light.ErrProof) && !errors.Is(err, errEvents) && !errors.Is(err, wire.ErrMalformed) && !errors.Is(err, wire.ErrTooLarge) {
		c.demote(p)
		return
	}
	c.expose(p, err)
	if c.light != nil {
		c.light.Drop(source{c, p})
	}
}

// faulty hears of peers whose headers are false.
func (c *Client) faulty(e *light.SourceError) {
	if s, ok := e.Source.(source); ok {
		c.expose(s.peer, e)
	}
}

// expose gives up a peer that has lied.
func (c *Client) expose(p p2p.PeerID, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.peers, p); i >= 0 {
		c.peers = slices.Delete(c.peers, i, i+1)
		c.liars = append(c.liars, lie{p, err})
	}
}

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

// saw remembers the height of what was read, behind which nothing is read any
// more.
func (c *Client) saw(height uint64) {
	if c.light == nil {
		c.heard(height)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.height = max(c.height, height)
}

// heard remembers a height that is not proven.
func (c *Client) heard(height uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = max(c.told, height)
}

func (c *Client) seen() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.height, c.told)
}

// source is a peer that is asked for headers.
type source struct {
	client *Client
	peer   p2p.PeerID
}

// String returns the peer's ID.
func (s source) String() string { return s.peer.String() }

// LightBlock implements [light.Source].
func (s source) LightBlock(ctx context.Context, height uint64) ([]byte, error) {
	a, err := s.client.call(ctx, s.peer, callTimeout, &request{call: callBlock, minHeight: height})
	if err != nil {
		return nil, err
	}
	return a.block, nil
}
