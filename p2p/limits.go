package p2p

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	// addrConns is how many connections one IPv4 address, or one IPv6 /56, may hold. Far above libp2p's
	// 8, because a whole office, or a whole test network, can sit behind one address.
	addrConns = 512
	// addrRate and addrBurst bound new connections from one such address, per second.
	addrRate, addrBurst = 32, 2 * addrConns
	// peerConns is how many connections one peer may hold: two transports, dialed by both sides at once,
	// and some to spare.
	peerConns = 8
	// peerStreams is how many streams one peer may have open; a client that reads a large blob opens
	// some ten to each node, consensus fewer.
	peerStreams = 512
	// grace is how long a new connection is safe from being let go.
	grace = 30 * time.Second
	// maxAllowed bounds the allow-listed addresses of one protected peer.
	maxAllowed = 8
)

// limits bounds what peers can make us hold.
type limits struct {
	resources network.ResourceManager
	allow     *rcmgr.Allowlist
	conns     *connmgr.BasicConnMgr

	mu        sync.Mutex                         // mu guards the fields below.
	protected map[PeerID]map[string]ma.Multiaddr // allow-listed addresses of the protected peers
}

func newLimits(cfg Config) (*limits, error) {
	scale := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scale)
	wide := func(l *rcmgr.BaseLimit, conns, streams int, memory int64) {
		l.Conns, l.ConnsInbound, l.ConnsOutbound = conns, conns, conns
		l.Streams, l.StreamsInbound, l.StreamsOutbound = streams, streams, streams
		l.Memory = memory
		l.FD = max(l.FD, conns)
	}
	// The whole host: every connected peer with the connections of a crossed dial, plus newcomers.
	conns := 4*cfg.MaxPeers + 64
	wide(&scale.SystemBaseLimit, conns, 16*conns, cfg.MemoryLimit)
	wide(&scale.AllowlistedSystemBaseLimit, conns, 16*conns, cfg.MemoryLimit)
	wide(&scale.TransientBaseLimit, conns/2, 2*conns, max(cfg.MemoryLimit/4, 16<<20))
	wide(&scale.AllowlistedTransientBaseLimit, conns/2, 2*conns, max(cfg.MemoryLimit/4, 16<<20))
	wide(&scale.PeerBaseLimit, peerConns, peerStreams, max(cfg.MemoryLimit/4, 32<<20))
	for _, l := range []*rcmgr.BaseLimit{&scale.ProtocolBaseLimit, &scale.ServiceBaseLimit} {
		wide(l, 0, 16*conns, cfg.MemoryLimit)
	}
	for _, l := range []*rcmgr.BaseLimit{&scale.ProtocolPeerBaseLimit, &scale.ServicePeerBaseLimit} {
		wide(l, 0, peerStreams/2, max(cfg.MemoryLimit/8, 16<<20))
	}
	// Memory 0: the base limits above as they are, nothing added for the size of this machine.
	resources, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(scale.Scale(0, 0)),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: addrConns}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: addrConns}, {PrefixLength: 48, ConnCount: 4 * addrConns}}),
		rcmgr.WithConnRateLimiters(connRate()))
	if err != nil {
		return nil, fmt.Errorf("p2p: limits: %w", err)
	}
	// Peers are let go from MaxPeers down to three quarters of it.
	cm, err := connmgr.NewConnManager(cfg.MaxPeers*3/4, cfg.MaxPeers, connmgr.WithGracePeriod(grace))
	if err != nil {
		return nil, fmt.Errorf("p2p: limits: %w", errors.Join(err, resources.Close()))
	}
	return &limits{resources: resources, allow: rcmgr.GetAllowlist(resources), conns: cm, protected: map[PeerID]map[string]ma.Multiaddr{}}, nil
}

func connRate() *rate.Limiter {
	limit := rate.Limit{RPS: addrRate, Burst: addrBurst}
	return &rate.Limiter{
		NetworkPrefixLimits: []rate.PrefixLimit{
			{Prefix: netip.MustParsePrefix("127.0.0.0/8")}, // no limit
			{Prefix: netip.MustParsePrefix("::1/128")},
		},
		SubnetRateLimiter: rate.SubnetLimiter{
			IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: limit}},
			IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: limit}},
			GracePeriod:      time.Minute,
		},
	}
}

// close releases what a libp2p host that could not start did not take over.
func (l *limits) close() error {
	return errors.Join(l.conns.Close(), l.resources.Close())
}

// Protect marks p, a member of the committee, as never to be let go, and lets its addresses in when the
// host is full.
func (h *Host) Protect(p PeerID) {
	h.limits.conns.Protect(p.libp2p(), "floe")
	h.limits.mu.Lock()
	if h.limits.protected[p] == nil {
		h.limits.protected[p] = map[string]ma.Multiaddr{}
	}
	h.limits.mu.Unlock()
	h.limits.know(p, h.host.Peerstore().Addrs(p.libp2p()))
}

// Unprotect takes Protect back.
func (h *Host) Unprotect(p PeerID) {
	h.limits.conns.Unprotect(p.libp2p(), "floe")
	h.limits.mu.Lock()
	defer h.limits.mu.Unlock()
	for _, a := range h.limits.protected[p] {
		_ = h.limits.allow.Remove(a) // was parsed when it was added
	}
	delete(h.limits.protected, p)
}

// know allow-lists the addresses of p if it is protected.
func (l *limits) know(p PeerID, addrs []ma.Multiaddr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.protected[p]
	if !ok {
		return
	}
	for _, a := range addrs {
		ip, err := manet.ToIP(a)
		if err != nil || len(known) >= maxAllowed {
			continue
		}
		if _, ok := known[ip.String()]; ok {
			continue
		}
		entry, err := manet.FromIP(ip)
		if err != nil {
			continue
		}
		entry = entry.Encapsulate(p2pComponent(p))
		if l.allow.Add(entry) == nil {
			known[ip.String()] = entry
		}
	}
}

func p2pComponent(p PeerID) ma.Multiaddr {
	return ma.StringCast("/p2p/" + p.String())
}

// options assembles libp2p from the parts we use and no others.
func (h *Host) options(addrs parsed) ([]libp2p.Option, error) {
	key, err := h.cfg.Identity.libp2p()
	if err != nil {
		return nil, fmt.Errorf("p2p: identity: %w", err)
	}
	if h.limits, err = newLimits(h.cfg); err != nil {
		return nil, err
	}
	opts := []libp2p.Option{
		libp2p.Identity(key),
		libp2p.NoListenAddrs, // Host.start listens, to learn of each address whether it works
		libp2p.DefaultSecurity,
		libp2p.DefaultMuxers,
		libp2p.Transport(libp2pquic.NewTransport),
		libp2p.UserAgent("floe"),
		libp2p.Ping(false),
		libp2p.DisableMetrics(),
		libp2p.ResourceManager(h.limits.resources),
		libp2p.ConnectionManager(h.limits.conns),
		libp2p.ConnectionGater(door{}),
		libp2p.BandwidthReporter(h.traffic),
	}
	if h.cfg.ListenUDP != nil {
		opts = append(opts, virtualUDP(h.cfg.ListenUDP))
	} else {
		// With SO_REUSEPORT two hosts could share a port and each get half of the connections.
		opts = append(opts, libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()))
	}
	if len(addrs.announce) > 0 {
		opts = append(opts, libp2p.AddrsFactory(func([]ma.Multiaddr) []ma.Multiaddr { return addrs.announce }))
	}
	if h.cfg.NAT {
		opts = append(opts, libp2p.EnableRelay(), libp2p.EnableHolePunching(), libp2p.EnableAutoNATv2(), libp2p.NATPortMap())
	} else {
		opts = append(opts, libp2p.DisableRelay(), libp2p.DisableIdentifyAddressDiscovery(), libp2p.ForceReachabilityPublic())
	}
	return opts, nil
}

// door lets in peers with an Ed25519 key only.
type door struct{}

// InterceptPeerDial implements [connmgr.ConnectionGater].
func (door) InterceptPeerDial(peer.ID) bool { return true }

// InterceptAddrDial implements [connmgr.ConnectionGater].
func (door) InterceptAddrDial(peer.ID, ma.Multiaddr) bool { return true }

// InterceptAccept implements [connmgr.ConnectionGater].
func (door) InterceptAccept(network.ConnMultiaddrs) bool { return true }

// InterceptSecured implements [connmgr.ConnectionGater].
func (door) InterceptSecured(_ network.Direction, id peer.ID, _ network.ConnMultiaddrs) bool {
	_, err := fromLibp2p(id)
	return err == nil
}

// InterceptUpgraded implements [connmgr.ConnectionGater].
func (door) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
