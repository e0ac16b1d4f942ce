package p2p

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

// marker is the protocol every host answers to, so that others can see what network it is of.
const marker = "peer/1"

// Host is our end of all connections to other peers.
type Host struct {
	cfg     Config
	host    host.Host
	swarm   *swarm.Swarm
	limits  *limits
	traffic *traffic
	finder  *finder
	gossip  *gossip // nil without topics
	dials   *dials
	watch   *watch

	// lifetime returns the context that ends with Close; end ends it.
	lifetime func() context.Context
	end      context.CancelFunc

	closing sync.Once
	failure error          // what Close met; written inside closing
	work    sync.WaitGroup // handlers and own goroutines; Add only under mu while not closed

	mu     sync.Mutex // mu guards the fields below.
	closed bool
	hints  map[PeerID][]ma.Multiaddr // what AddAddrs last said of a peer
}

// New starts a host. ctx bounds the start only. A port that is taken is reported as *ListenError.
func New(ctx context.Context, cfg Config) (*Host, error) {
	addrs, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	if cfg.Identity.key == nil {
		if cfg.Identity, err = GenerateIdentity(); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("p2p: start: %w", err)
	}
	h := &Host{cfg: cfg, traffic: &traffic{prefix: "/floe/" + cfg.Network + "/"}, dials: newDials(), hints: map[PeerID][]ma.Multiaddr{}}
	opts, err := h.options(addrs)
	if err != nil {
		return nil, err
	}
	if h.host, err = libp2p.New(opts...); err != nil {
		return nil, fmt.Errorf("p2p: start: %w", errors.Join(err, h.limits.close()))
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	h.lifetime = func() context.Context { return life }
	h.end = end
	if err := h.start(life, addrs); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	h.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "listening", slog.Any("peer", h.ID()), slog.Any("addrs", h.Addrs()))
	return h, nil
}

// start puts the parts of the host on top of the running libp2p host.
func (h *Host) start(life context.Context, addrs parsed) error {
	sw, ok := h.host.Network().(*swarm.Swarm)
	if !ok {
		return fmt.Errorf("p2p: start: unexpected network %T", h.host.Network())
	}
	h.swarm = sw
	// One by one, because a list succeeds when any of its addresses does.
	for i, a := range addrs.listen {
		if err := sw.AddListenAddr(a); err != nil {
			return &ListenError{Addr: h.cfg.Listen[i], Err: err}
		}
	}
	h.watch = newWatch(sw)
	h.Handle(marker, func(context.Context, PeerID, *Stream) {})
	var err error
	if h.finder, err = newFinder(h, addrs.bootstrap); err != nil {
		return err
	}
	if len(h.cfg.Topics) > 0 {
		if h.gossip, err = newGossip(life, h); err != nil {
			return err
		}
	}
	h.work.Go(func() { h.finder.run(life) })
	return nil
}

// Close ends all streams, waits for the handlers and stops everything. Later calls wait for the first.
func (h *Host) Close() error {
	h.closing.Do(func() {
		h.mu.Lock()
		h.closed = true
		h.mu.Unlock()
		h.end()
		h.work.Wait()
		if h.gossip != nil {
			h.gossip.close()
		}
		if h.watch != nil {
			h.watch.close()
		}
		var errs []error
		if h.finder != nil {
			errs = append(errs, h.finder.close())
		}
		errs = append(errs, h.host.Close())
		if err := errors.Join(errs...); err != nil {
			h.failure = fmt.Errorf("p2p: close: %w", err)
		}
	})
	return h.failure
}

// enter registers work that Close waits for; it reports false once the host is closed.
func (h *Host) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.work.Add(1)
	}
	return !h.closed
}

// check returns ErrClosed once the host is closed.
func (h *Host) check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	return nil
}

// ID returns our peer ID.
func (h *Host) ID() PeerID { return h.cfg.Identity.ID() }

// Network returns the name of the network.
func (h *Host) Network() string { return h.cfg.Network }

// Addrs returns where others can dial us, each with our peer ID at its end. A client has none.
func (h *Host) Addrs() []string {
	suffix := "/p2p/" + h.ID().String()
	addrs := h.host.Addrs()
	out := make([]string, len(addrs))
	for i, a := range addrs {
		out[i] = a.String() + suffix
	}
	return out
}

// AddAddrs tells where p may be found; it replaces what was told before. Addresses are hints: malformed
// ones, and those naming another peer, are skipped.
func (h *Host) AddAddrs(p PeerID, addrs []string) {
	fresh := make([]ma.Multiaddr, 0, len(addrs))
	for _, a := range addrs {
		m, err := ma.NewMultiaddr(a)
		if err != nil {
			continue
		}
		where, who := peer.SplitAddr(m)
		if where == nil || who != "" && who != p.libp2p() {
			continue
		}
		fresh = append(fresh, where)
	}
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	old := h.hints[p]
	h.hints[p] = fresh
	h.mu.Unlock()
	book := h.host.Peerstore()
	for _, a := range old {
		if !slices.ContainsFunc(fresh, a.Equal) {
			book.SetAddr(p.libp2p(), a, 0)
		}
	}
	book.AddAddrs(p.libp2p(), fresh, peerstore.PermanentAddrTTL)
	h.dials.forget(p)
	h.limits.know(p, fresh)
}

// Handle answers streams of proto, for instance "blob/1", with fn, each in its own goroutine. ctx ends
// when the host closes, which waits for fn. The stream is closed when fn returns. from is proven by the
// connection. fn must not panic. A second call replaces the first.
func (h *Host) Handle(proto string, fn func(ctx context.Context, from PeerID, s *Stream)) {
	h.host.SetStreamHandler(h.protocol(proto), func(raw network.Stream) {
		if !h.enter() {
			_ = raw.Reset()
			return
		}
		defer h.work.Done()
		from, err := fromLibp2p(raw.Conn().RemotePeer())
		if err != nil { // the door lets no such peer in
			_ = raw.Reset()
			return
		}
		ctx, cancel := context.WithCancel(h.lifetime())
		defer cancel()
		s := newStream(ctx, raw, from)
		defer s.Close() //nolint:errcheck // a stream that is gone already is fine
		fn(ctx, from, s)
	})
}

// Unhandle makes the host refuse new streams of proto. Handlers at work are left alone.
func (h *Host) Unhandle(proto string) { h.host.RemoveStreamHandler(h.protocol(proto)) }

// Connected reports whether there is a connection to p.
func (h *Host) Connected(p PeerID) bool {
	return h.swarm.Connectedness(p.libp2p()) == network.Connected
}

// Peers returns the connected peers, in no order.
func (h *Host) Peers() []PeerID {
	ids := h.swarm.Peers()
	out := make([]PeerID, 0, len(ids))
	for _, id := range ids {
		if p, err := fromLibp2p(id); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// Disconnect closes all connections to p.
func (h *Host) Disconnect(p PeerID) error {
	if err := h.swarm.ClosePeer(p.libp2p()); err != nil {
		return fmt.Errorf("p2p: disconnect %v: %w", p, err)
	}
	return nil
}

func (h *Host) protocol(name string) protocol.ID { return protocol.ID(h.traffic.prefix + name) }

// networkOf returns the network a protocol identifier belongs to.
func networkOf(id protocol.ID) (string, bool) {
	rest, ok := strings.CutPrefix(string(id), "/floe/")
	if !ok {
		return "", false
	}
	name, _, ok := strings.Cut(rest, "/")
	return name, ok && validName(name)
}
