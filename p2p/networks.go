package p2p

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

// learnTimeout is how long a connected peer may take to tell what it speaks.
const learnTimeout = 2 * time.Second

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
	have, err := networksOf(ctx, h, info.ID)
	if err != nil {
		return nil, fmt.Errorf("p2p: ask %s for its networks: %w", addr, err)
	}
	return have, nil
}

// networksOf returns the networks that a connected peer speaks. A peer that has only just started may
// first tell of no protocols at all and correct itself a moment later; that moment is waited for.
func networksOf(ctx context.Context, h host.Host, id peer.ID) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, learnTimeout)
	defer cancel()
	changes, err := h.EventBus().Subscribe(new(event.EvtPeerProtocolsUpdated))
	if err != nil {
		return nil, err
	}
	defer changes.Close() //nolint:errcheck // it only frees
	for {
		ids, err := h.Peerstore().GetProtocols(id)
		if err != nil {
			return nil, err
		}
		if have := networks(ids); len(have) > 0 {
			return have, nil
		}
		select {
		case <-changes.Out():
		case <-ctx.Done():
			return nil, nil
		}
	}
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
