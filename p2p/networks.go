package p2p

import (
	"context"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

// Networks dials the peer at a full address with a throw-away key and returns the names of the Floe
// networks it speaks, sorted. A client that has one address and nothing else starts here.
func Networks(ctx context.Context, addr string) ([]string, error) {
	info, err := parseAddr(addr)
	if err != nil {
		return nil, fmt.Errorf("p2p: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DefaultSecurity, libp2p.DefaultMuxers,
		libp2p.Transport(libp2pquic.NewTransport), libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.UserAgent("floe"), libp2p.Ping(false), libp2p.DisableMetrics(), libp2p.DisableRelay(),
		libp2p.DisableIdentifyAddressDiscovery(), libp2p.ForceReachabilityPublic())
	if err != nil {
		return nil, fmt.Errorf("p2p: ask %s for its networks: %w", addr, err)
	}
	defer h.Close() //nolint:errcheck // nothing was changed that could fail to be kept
	if err := h.Connect(ctx, *info); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("p2p: ask %s for its networks: %w", addr, ctx.Err())
		}
		return nil, fmt.Errorf("p2p: ask %s for its networks: %w: %w", addr, ErrUnreachable, err)
	}
	ids, err := h.Peerstore().GetProtocols(info.ID)
	if err != nil {
		return nil, fmt.Errorf("p2p: ask %s for its networks: %w", addr, err)
	}
	return networks(ids), nil
}

// networks returns the networks among the protocols of a peer, sorted, each once.
func networks(ids []protocol.ID) []string {
	var names []string
	for _, id := range ids {
		if name, ok := networkOf(id); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
