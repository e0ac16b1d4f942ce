package p2p

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"
)

const (
	// openTimeout bounds dialing, searching and agreeing on a protocol, when ctx leaves more time.
	openTimeout = 30 * time.Second
	// findTimeout bounds one question to the address book.
	findTimeout = 10 * time.Second
	// minRetry and maxRetry bound how long a peer that did not answer is left alone: it doubles with
	// each failure. Callers that ask meanwhile fail at once and can turn to another peer.
	minRetry = 250 * time.Millisecond
	maxRetry = 15 * time.Second
	// maxDials bounds the peers whose failures are remembered.
	maxDials = 4096
)

// errNoAddress says that neither we nor the address book know where a peer may be.
var errNoAddress = errors.New("no address known")

// Connect dials the peer at a full address and returns who it is. It always tries, however often it
// failed before. A peer of another network is refused with *WrongNetworkError and let go.
func (h *Host) Connect(ctx context.Context, addr string) (PeerID, error) {
	if err := h.check(); err != nil {
		return PeerID{}, err
	}
	info, err := parseAddr(addr)
	if err != nil {
		return PeerID{}, fmt.Errorf("p2p: %w", err)
	}
	p, err := fromLibp2p(info.ID)
	if err != nil {
		return PeerID{}, fmt.Errorf("p2p: address %q: %w", addr, err)
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	h.swarm.Backoff().Clear(info.ID)
	if err := h.host.Connect(ctx, *info); err != nil {
		return p, h.dialError(ctx, p, err)
	}
	h.dials.succeeded(p)
	if err := h.sameNetwork(ctx, p); err != nil {
		return p, errors.Join(err, h.swarm.ClosePeer(info.ID))
	}
	return p, nil
}

// Open opens a stream of proto, for instance "blob/1", to p, dialing it if need be. The stream obeys ctx
// until it is closed, so ctx must live as long as the stream is wanted. Whether p speaks proto may turn
// out only at the first Read. Errors: ErrUnreachable, ErrNoProtocol, *WrongNetworkError, ErrClosed or
// ctx's.
func (h *Host) Open(ctx context.Context, p PeerID, proto string) (*Stream, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	raw, err := h.open(ctx, p, h.protocol(proto))
	if err != nil {
		return nil, fmt.Errorf("open %s to %v: %w", proto, p, err)
	}
	return newStream(ctx, raw, p), nil
}

func (h *Host) open(ctx context.Context, p PeerID, id protocol.ID) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	// Twice, because a connection can die between finding it and using it.
	for attempt := 0; ; attempt++ {
		if !h.Connected(p) {
			if err := h.reach(ctx, p); err != nil {
				return nil, err
			}
		}
		raw, err := h.host.NewStream(network.WithNoDial(ctx, "dialed above"), p.libp2p(), id)
		switch {
		case err == nil:
			return raw, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, multistream.ErrNotSupported[protocol.ID]{}):
			if err := h.sameNetwork(ctx, p); err != nil {
				return nil, err
			}
			return nil, ErrNoProtocol
		case attempt == 0 && !h.Connected(p):
		default:
			return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
	}
}

// reach connects to p by the addresses we know, and asks the address book only if none answers.
func (h *Host) reach(ctx context.Context, p PeerID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := h.dials.allowed(p); err != nil {
		return err
	}
	id := p.libp2p()
	known := h.host.Peerstore().Addrs(id)
	err := errNoAddress
	if len(known) > 0 {
		h.swarm.Backoff().Clear(id)
		if err = h.host.Connect(ctx, peer.AddrInfo{ID: id}); err == nil {
			h.dials.succeeded(p)
			return nil
		}
	}
	if ctx.Err() == nil {
		// It may say that it found nothing although other peers have told it an address, namely when it
		// has tried our stale one in between. So what counts is what we know now.
		h.finder.find(ctx, p)
		if h.Connected(p) || news(known, h.host.Peerstore().Addrs(id)) {
			h.swarm.Backoff().Clear(id)
			if err = h.host.Connect(ctx, peer.AddrInfo{ID: id}); err == nil {
				h.dials.succeeded(p)
				return nil
			}
		}
	}
	return h.dialError(ctx, p, err)
}

// news reports whether found holds an address that is not known.
func news(known, found []ma.Multiaddr) bool {
	return slices.ContainsFunc(found, func(a ma.Multiaddr) bool { return !slices.ContainsFunc(known, a.Equal) })
}

// dialError notes a failure and words it.
func (h *Host) dialError(ctx context.Context, p PeerID, err error) error {
	if h.check() != nil {
		return ErrClosed
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !errors.Is(err, errNoAddress) { // it was not even tried: it need not be left alone
		h.dials.failed(p)
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, brief(err))
}

// brief puts on one line what libp2p says on several.
func brief(err error) error {
	dial, ok := errors.AsType[*swarm.DialError](err)
	if !ok {
		return err
	}
	var causes []error
	if dial.Cause != nil && len(dial.DialErrors) == 0 {
		causes = append(causes, dial.Cause)
	}
	for _, d := range dial.DialErrors {
		causes = append(causes, fmt.Errorf("%v: %w", d.Address, d.Cause))
	}
	text := make([]string, len(causes))
	for i, c := range causes {
		text[i] = c.Error()
	}
	return &dialFault{text: strings.Join(text, "; "), causes: causes}
}

// dialFault is why none of the addresses of a peer answered.
type dialFault struct {
	text   string
	causes []error
}

func (e *dialFault) Error() string   { return e.text }
func (e *dialFault) Unwrap() []error { return e.causes }

// sameNetwork asks the connected peer whether it is of our network. What it told of itself when it
// connected may be out of date, so if that does not settle it, it is asked for the marker.
func (h *Host) sameNetwork(ctx context.Context, p PeerID) error {
	id, want := p.libp2p(), h.protocol(marker)
	if ids, err := h.host.Peerstore().SupportsProtocols(id, want); err == nil && len(ids) > 0 {
		return nil
	}
	raw, err := h.host.NewStream(network.WithNoDial(ctx, "connected"), id, want)
	switch {
	case err == nil:
		_ = raw.Close() // it carries nothing
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.Is(err, multistream.ErrNotSupported[protocol.ID]{}):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	have, err := networksOf(ctx, h.host, id)
	if err != nil {
		return fmt.Errorf("p2p: networks of %v: %w", p, err)
	}
	return &WrongNetworkError{Peer: p, Want: h.cfg.Network, Have: have}
}

// dials remembers which peers did not answer lately.
type dials struct {
	mu   sync.Mutex // mu guards the fields below.
	miss map[PeerID]miss
}

type miss struct {
	count int
	until time.Time
}

func newDials() *dials { return &dials{miss: map[PeerID]miss{}} }

// allowed returns an error while p is to be left alone.
func (d *dials) allowed(p PeerID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.miss[p]; time.Now().Before(m.until) {
		return fmt.Errorf("%w: it did not answer %d times", ErrUnreachable, m.count)
	}
	return nil
}

func (d *dials) failed(p PeerID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m, ok := d.miss[p]
	if !ok && len(d.miss) >= maxDials {
		for victim := range d.miss { // any one: forgetting costs a dial
			delete(d.miss, victim)
			break
		}
	}
	wait := min(minRetry<<min(m.count, 16), maxRetry)
	d.miss[p] = miss{count: m.count + 1, until: time.Now().Add(wait)}
}

func (d *dials) succeeded(p PeerID) { d.forget(p) }

// forget lets the next Open dial at once.
func (d *dials) forget(p PeerID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.miss, p)
}
