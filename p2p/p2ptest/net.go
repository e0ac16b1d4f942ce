package p2ptest

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/marcopolo/simnet"

	"github.com/floe-storage/floe/p2p"
)

const (
	// port is the port of every host of a Net.
	port = 7400
	// mtu is what QUIC expects of a path.
	mtu = 1400
	// defaultBits is the bandwidth of a link that does not say: 1 Gbit/s.
	defaultBits = 1_000_000_000
)

// Link describes the line between a host and the rest of a Net.
type Link struct {
	// Latency is how long a datagram takes from one host to another.
	Latency time.Duration
	// BitsPerSecond is the bandwidth up, and down. Zero: 1 Gbit/s.
	BitsPerSecond int
}

// Net is a network of virtual links.
type Net struct {
	link   Link
	policy atomic.Pointer[Policy]

	mu  sync.Mutex // mu guards the field below, which cannot add two endpoints at once.
	sim simnet.Simnet
}

// Policy says whether a datagram from one host to another, by their numbers, is lost. It is called from
// many goroutines.
type Policy func(from, to int) bool

// NewNet returns a network that closes with the test, after its hosts.
func NewNet(t testing.TB, link Link) *Net {
	t.Helper()
	if link.BitsPerSecond == 0 {
		link.BitsPerSecond = defaultBits
	}
	n := &Net{link: link}
	n.sim.LatencyFunc = simnet.StaticLatency(link.Latency)
	n.sim.Logger = slog.New(slog.DiscardHandler)
	n.sim.Start()
	t.Cleanup(n.sim.Close)
	return n
}

// Lose sets what is lost from now on; nil for nothing.
func (n *Net) Lose(p Policy) {
	if p == nil {
		n.policy.Store(nil)
		return
	}
	n.policy.Store(&p)
}

// New returns count hosts of the network, each connected to every other, that close with the test.
// change is as in the function New.
func (n *Net) New(t testing.TB, count int, change func(i int, cfg *p2p.Config)) []*p2p.Host {
	t.Helper()
	return start(t, count, func(i int) p2p.Config {
		cfg := n.Config(i)
		if change != nil {
			change(i, &cfg)
		}
		return cfg
	})
}

// Config returns the configuration of host i, 0 … 65023.
func (n *Net) Config(i int) p2p.Config {
	return p2p.Config{
		Network: Network, Identity: Identity(i),
		Listen:    []string{fmt.Sprintf("/ip4/10.0.%d.%d/udp/%d/quic-v1", i/254, 1+i%254, port)},
		ListenUDP: n.listen,
	}
}

// number is the inverse of the address given by Config.
func number(a netip.Addr) int {
	b := a.As4()
	return int(b[2])*254 + int(b[3]) - 1
}

func (n *Net) listen(_ string, addr *net.UDPAddr) (net.PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	settings := simnet.LinkSettings{BitsPerSecond: n.link.BitsPerSecond, MTU: mtu}
	c := n.sim.NewEndpoint(addr, simnet.NodeBiDiLinkSettings{Downlink: settings, Uplink: settings})
	return &lossy{PacketConn: c, net: n, from: addr.AddrPort().Addr().Unmap()}, nil
}

// lossy drops what the policy says.
type lossy struct {
	net.PacketConn
	net  *Net
	from netip.Addr
}

// WriteTo implements net.PacketConn.
func (l *lossy) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if p := l.net.policy.Load(); p != nil && ok && (*p)(number(l.from), number(udp.AddrPort().Addr().Unmap())) {
		return len(b), nil
	}
	return l.PacketConn.WriteTo(b, to)
}
