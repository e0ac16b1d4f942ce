// Package p2ptest makes connected hosts for tests: over loopback with real QUIC, and over a [Net] of virtual links.
//
// # Words
//
// A Net is a set of links in memory. Each host on it has an address of its own and speaks real QUIC
// over datagrams that never reach the operating system, with latency, bandwidth, loss and partitions as
// a test wants them. Inside a synctest bubble its time is the bubble's.
//
// # Concurrency
//
// A Net may be used from any goroutine.
package p2ptest

import (
	"testing"

	"github.com/floe-storage/floe/p2p"
)

// Network is the network name of hosts whose configuration does not say otherwise.
const Network = "p2ptest"

// New returns n hosts on loopback, each connected to every other, that close with the test. change, if
// not nil, may alter the configuration of host i before it starts.
func New(t testing.TB, n int, change func(i int, cfg *p2p.Config)) []*p2p.Host {
	t.Helper()
	return start(t, n, func(i int) p2p.Config {
		cfg := p2p.Config{Network: Network, Identity: Identity(i)}
		if change != nil {
			change(i, &cfg)
		}
		return cfg
	})
}

// Identity returns the identity of host i, the same in every run.
func Identity(i int) p2p.Identity {
	return p2p.NewIdentity([32]byte{'p', '2', 'p', 't', 'e', 's', 't', byte(i >> 8), byte(i)})
}

func start(t testing.TB, n int, config func(int) p2p.Config) []*p2p.Host {
	t.Helper()
	hosts := make([]*p2p.Host, n)
	for i := range hosts {
		h, err := p2p.New(t.Context(), config(i))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := h.Close(); err != nil {
				t.Errorf("close host %d: %v", i, err)
			}
		})
		hosts[i] = h
		for _, earlier := range hosts[:i] {
			Connect(t, h, earlier)
		}
	}
	return hosts
}

// Connect connects two hosts, whichever of them listens.
func Connect(t testing.TB, a, b *p2p.Host) {
	t.Helper()
	if len(b.Addrs()) == 0 {
		a, b = b, a
	}
	a.AddAddrs(b.ID(), b.Addrs())
	b.AddAddrs(a.ID(), a.Addrs())
	if a.Network() != b.Network() || len(b.Addrs()) == 0 {
		return
	}
	if _, err := a.Connect(t.Context(), b.Addrs()[0]); err != nil {
		t.Fatalf("connect: %v", err)
	}
}
