package p2p

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// defaultMemoryLimit is what libp2p may reserve for connections and streams unless configured.
	defaultMemoryLimit = 256 << 20
	// defaultMaxPeers is above the largest committee of today plus as many clients.
	defaultMaxPeers = 512
	// maxNameLen bounds network and topic names, which are part of every protocol identifier.
	maxNameLen = 64
)

// Config says how a host is built.
type Config struct {
	// Network is the ledger's chain ID, part of every protocol identifier and topic: 1 to 64 of
	// a-z, A-Z, 0-9, '.', '_' and '-'. Required.
	Network string
	// Identity is the host's key. Zero: a fresh one that dies with the host.
	Identity Identity
	// Listen is where to listen, as multiaddrs. Nil: loopback, any port, QUIC and TCP.
	Listen []string
	// Announce replaces the addresses told to other peers, for a host behind a forwarded port.
	// Nil: the addresses listened on.
	Announce []string
	// Bootstrap lists peers to join the network by, as multiaddrs with /p2p/. One that answers is enough.
	Bootstrap []string
	// DHTServer makes the host a part of the address book. Set it on peers that others can reach.
	DHTServer bool
	// Client makes a host that does not listen and is no part of the address book.
	Client bool
	// NAT asks the network how we are seen from outside and punches holes (AutoNAT, relay client).
	NAT bool
	// Topics lists the gossip topics that may be joined. Nil: no gossip at all.
	Topics []string
	// MemoryLimit bounds what connections and streams may reserve, in bytes. Zero: 256 MiB.
	MemoryLimit int64
	// MaxPeers is the number of connected peers from which on idle, unprotected ones are let go.
	// Zero: 512.
	MaxPeers int
	// ListenUDP opens a datagram socket. Nil: the operating system's. A virtual network puts its own
	// here, and the host then speaks QUIC only.
	ListenUDP func(network string, addr *net.UDPAddr) (net.PacketConn, error)
	// Logger receives what an operator may want to know. Nil: nothing is logged.
	Logger *slog.Logger
}

// parsed is what validate makes of the textual addresses.
type parsed struct {
	listen, announce []ma.Multiaddr
	bootstrap        []peer.AddrInfo
}

// validate fills the defaults and reports all faults joined.
func (c *Config) validate() (parsed, error) {
	var (
		out  parsed
		errs []error
	)
	if !validName(c.Network) {
		errs = append(errs, fmt.Errorf("network name %q: want 1 to %d of a-z, A-Z, 0-9, '.', '_', '-'", c.Network, maxNameLen))
	}
	for _, t := range c.Topics {
		if !validName(t) {
			errs = append(errs, fmt.Errorf("topic name %q is malformed", t))
		}
	}
	switch {
	case c.Client && len(c.Listen) > 0:
		errs = append(errs, errors.New("a client does not listen"))
	case c.Client && c.DHTServer:
		errs = append(errs, errors.New("a client cannot be an address book server"))
	case c.Client:
	case c.Listen == nil:
		c.Listen = []string{"/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"}
	}
	parse := func(what string, addrs []string) []ma.Multiaddr {
		list := make([]ma.Multiaddr, 0, len(addrs))
		for _, a := range addrs {
			m, err := ma.NewMultiaddr(a)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s address %q: %w", what, a, err))
				continue
			}
			list = append(list, m)
		}
		return list
	}
	out.listen = parse("listen", c.Listen)
	out.announce = parse("announce", c.Announce)
	for _, a := range c.Bootstrap {
		info, err := parseAddr(a)
		if err != nil {
			errs = append(errs, fmt.Errorf("bootstrap %w", err))
			continue
		}
		out.bootstrap = append(out.bootstrap, *info)
	}
	if c.MemoryLimit == 0 {
		c.MemoryLimit = defaultMemoryLimit
	}
	if c.MaxPeers == 0 {
		c.MaxPeers = defaultMaxPeers
	}
	if c.MemoryLimit < 0 || c.MaxPeers < 0 {
		errs = append(errs, errors.New("limits cannot be negative"))
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := errors.Join(errs...); err != nil {
		return out, fmt.Errorf("p2p: config: %w", err)
	}
	return out, nil
}

func validName(s string) bool {
	return s != "" && len(s) <= maxNameLen && !slices.ContainsFunc([]byte(s), func(c byte) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-'
	})
}

// parseAddr reads a full address: where, and who must answer there.
func parseAddr(s string) (*peer.AddrInfo, error) {
	info, err := peer.AddrInfoFromString(s)
	if err != nil {
		return nil, fmt.Errorf("address %q: want a multiaddr that ends in /p2p/<peer ID>: %w", s, err)
	}
	if _, err := fromLibp2p(info.ID); err != nil {
		return nil, fmt.Errorf("address %q: %w", s, err)
	}
	return info, nil
}
