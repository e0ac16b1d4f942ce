package p2p

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

func TestAddressBookFindsPeer(t *testing.T) {
	t.Parallel()
	first := startHost(t, func(cfg *Config) { cfg.DHTServer = true })
	join := func(cfg *Config) { cfg.DHTServer = true; cfg.Bootstrap = first.Addrs() }
	target := startHost(t, join)
	target.Handle("echo/1", echo)
	others := []*Host{target, startHost(t, join), startHost(t, join), startHost(t, join)}
	for _, h := range others {
		until(t, "the bootstrap peer knows a server", func() bool {
			return first.finder.dht.RoutingTable().Find(h.host.ID()) != ""
		})
	}
	client := startHost(t, func(cfg *Config) { cfg.Client = true; cfg.Bootstrap = first.Addrs() })
	until(t, "the client knows the bootstrap peer", func() bool {
		return client.finder.dht.RoutingTable().Find(first.host.ID()) != ""
	})
	for _, stale := range [][]string{nil, {"/ip4/127.0.0.1/tcp/1"}} {
		client.AddAddrs(target.ID(), stale)
		if got, err := call(t, client, target.ID(), "echo/1", "hello"); err != nil || got != "hello" {
			t.Errorf("with addresses %v: got %q, %v", stale, got, err)
		}
		if err := client.Disconnect(target.ID()); err != nil {
			t.Error(err)
		}
		client.host.Peerstore().ClearAddrs(target.host.ID())
	}
}

// An address book whose every answer is hostile cannot keep us from a peer whose address we know.
func TestHostileAddressBook(t *testing.T) {
	t.Parallel()
	liar := startHost(t, nil)
	asked := make(chan struct{}, 1)
	liar.Handle("kad/1.0.0", func(_ context.Context, _ PeerID, s *Stream) {
		_, _ = s.Read(make([]byte, 1))
		_, _ = s.Write([]byte{9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
		select {
		case asked <- struct{}{}:
		default:
		}
	})
	target := startHost(t, nil)
	target.Handle("echo/1", echo)
	client := startHost(t, func(cfg *Config) { cfg.Bootstrap = liar.Addrs() })
	until(t, "the client asks the liar", func() bool { return client.Connected(liar.ID()) && len(asked) > 0 })
	client.AddAddrs(target.ID(), target.Addrs())
	if got, err := call(t, client, target.ID(), "echo/1", "hello"); err != nil || got != "hello" {
		t.Errorf("known peer: got %q, %v", got, err)
	}
	if _, err := client.Open(t.Context(), PeerID{1}, "echo/1"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("unknown peer: got %v, want %v", err, ErrUnreachable)
	}
}

func TestBootstrapKeepsTrying(t *testing.T) {
	t.Parallel()
	// TCP, which is refused at once where QUIC waits for an answer.
	first := startHost(t, func(cfg *Config) { cfg.Listen = []string{"/ip4/127.0.0.77/tcp/0"} }) // its own address, so that nobody takes the port
	addr, id := first.Addrs()[0], first.cfg.Identity
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	late := startHost(t, func(cfg *Config) { cfg.Bootstrap = []string{addr} })
	if late.Connected(id.ID()) {
		t.Fatal("connected to nobody")
	}
	again := startHost(t, func(cfg *Config) {
		cfg.Identity = id
		cfg.Listen = []string{strings.TrimSuffix(addr, "/p2p/"+id.ID().String())}
	})
	until(t, "the bootstrap peer is found once it is there", func() bool { return late.Connected(again.ID()) })
}

func TestGossipReachesAll(t *testing.T) {
	t.Parallel()
	const n = 6
	cfg := func(cfg *Config) { cfg.Topics = []string{"news", "other"} }
	var (
		hosts  []*Host
		topics []*Topic
	)
	for i := range n {
		h := startHost(t, cfg)
		topic, err := h.Join("news", TopicConfig{MaxSize: 100, Validate: func(_ PeerID, data []byte) Verdict {
			switch {
			case strings.HasPrefix(string(data), "bad"):
				return Reject
			case strings.HasPrefix(string(data), "old"):
				return Ignore
			}
			return Accept
		}})
		if err != nil {
			t.Fatal(err)
		}
		for _, earlier := range hosts[max(0, i-2):] {
			connect(t, h, earlier)
		}
		hosts, topics = append(hosts, h), append(topics, topic)
	}
	for i, topic := range topics {
		want := min(i, 2) + min(n-1-i, 2)
		until(t, "all neighbors are on the topic", func() bool { return len(topic.Peers()) == want })
	}
	for _, text := range []string{"bad", "old"} {
		if err := topics[0].Publish(t.Context(), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	// Until the mesh has formed a message may get no further than the neighbors, so say it again.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if err := topics[0].Publish(ctx, fmt.Appendf(nil, "good %d", i)); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	})
	for i, topic := range topics[1:] {
		m, err := topic.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.From != hosts[0].ID() || !strings.HasPrefix(string(m.Data), "good") {
			t.Errorf("host %d: got %q of %v", i+1, m.Data, m.From)
		}
	}
	cancel()
	wg.Wait()
	if err := topics[0].Publish(t.Context(), make([]byte, 101)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: got %v, want %v", err, ErrTooLarge)
	}
	if _, err := hosts[0].Join("unlisted", TopicConfig{}); err == nil {
		t.Error("a topic that is not listed was joined")
	}
	if _, err := hosts[0].Join("news", TopicConfig{}); err == nil {
		t.Error("a topic was joined twice")
	}
	if err := topics[1].Close(); err != nil {
		t.Error(err)
	}
	_, err := topics[1].Next(t.Context())
	for ; err == nil; _, err = topics[1].Next(t.Context()) { // what had arrived before
	}
	if !errors.Is(err, ErrClosed) {
		t.Errorf("next after close: got %v, want %v", err, ErrClosed)
	}
	if _, err := hosts[1].Join("news", TopicConfig{}); err != nil {
		t.Errorf("join again: %v", err)
	}
}

// A peer whose own limit is wider cannot push a large message through ours.
func TestGossipRejectsOversize(t *testing.T) {
	t.Parallel()
	cfg := func(cfg *Config) { cfg.Topics = []string{"news"} }
	wide, narrow := startHost(t, cfg), startHost(t, cfg)
	from, err := wide.Join("news", TopicConfig{MaxSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	to, err := narrow.Join("news", TopicConfig{MaxSize: 10})
	if err != nil {
		t.Fatal(err)
	}
	connect(t, wide, narrow)
	until(t, "they see each other", func() bool { return len(from.Peers()) == 1 && len(to.Peers()) == 1 })
	for _, text := range []string{strings.Repeat("x", 11), "fits"} {
		if err := from.Publish(t.Context(), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := to.Next(t.Context()); err != nil || string(m.Data) != "fits" {
		t.Errorf("got %q, %v, want only what fits", m.Data, err)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	h, a, b := startHost(t, nil), startHost(t, nil), startHost(t, nil)
	connect(t, h, a)
	var got []PeerEvent
	for e := range h.Watch(t.Context()) {
		got = append(got, e)
		switch len(got) {
		case 1:
			connect(t, h, b)
		case 2:
			if err := h.Disconnect(a.ID()); err != nil {
				t.Error(err)
			}
		}
		if len(got) == 3 {
			break
		}
	}
	want := []PeerEvent{{a.ID(), true}, {b.ID(), true}, {a.ID(), false}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range h.Watch(ctx) {
		cancel()
	}
	if len(h.watch.viewers) != 0 {
		t.Errorf("%d viewers are left", len(h.watch.viewers))
	}
}

// libp2p's own default is 8 connections per address.
func TestManyPeersBehindOneAddress(t *testing.T) {
	t.Parallel()
	const n = 12
	server := startHost(t, nil)
	server.Handle("echo/1", echo)
	for range n {
		c := startHost(t, func(cfg *Config) { cfg.Client = true })
		c.AddAddrs(server.ID(), server.Addrs())
		if _, err := call(t, c, server.ID(), "echo/1", "x"); err != nil {
			t.Fatal(err)
		}
		server.Protect(c.ID())
		defer server.Unprotect(c.ID())
	}
	until(t, "all are connected at once", func() bool { return len(server.Peers()) == n })
}

func TestOtherKeysAreRefused(t *testing.T) {
	t.Parallel()
	server := startHost(t, nil)
	key, _, err := crypto.GenerateSecp256k1Key(nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := libp2p.New(libp2p.Identity(key), libp2p.NoListenAddrs, libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	info := peer.AddrInfo{ID: server.host.ID(), Addrs: server.host.Addrs()}
	if err := stranger.Connect(t.Context(), info); err == nil {
		// QUIC may let the dialer believe for a moment that it was let in.
		until(t, "the stranger is thrown out", func() bool { return len(stranger.Network().Peers()) == 0 })
	}
	if got := server.Peers(); len(got) != 0 {
		t.Errorf("let in %v", got)
	}
}

// Not parallel: it counts the goroutines of the whole process.
func TestCloseLeavesNothing(t *testing.T) { //nolint:paralleltest // see above
	cycle := func() {
		cfg := func(first *Host) Config {
			c := Config{Network: "test", DHTServer: true, Topics: []string{"news"}}
			if first != nil {
				c.Bootstrap = first.Addrs()
			}
			return c
		}
		var hosts []*Host
		for i := range 4 {
			var first *Host
			if i > 0 {
				first = hosts[0]
			}
			h, err := New(t.Context(), cfg(first))
			if err != nil {
				t.Fatal(err)
			}
			topic, err := h.Join("news", TopicConfig{})
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				for {
					if _, err := topic.Next(t.Context()); err != nil {
						return
					}
				}
			}()
			h.Handle("silent/1", silent)
			hosts = append(hosts, h)
		}
		for _, h := range hosts[1:] {
			until(t, "connected", func() bool { return h.Connected(hosts[0].ID()) })
			s, err := h.Open(t.Context(), hosts[0].ID(), "silent/1")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			defer s.Close()
		}
		for _, h := range hosts {
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	cycle() // what libraries start once per process is not ours
	before := runtime.NumGoroutine()
	for range 3 {
		cycle()
	}
	until(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}
