package p2p

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startHost makes a host of network "test" that closes with the test. change may be nil.
func startHost(t *testing.T, change func(*Config)) *Host {
	t.Helper()
	cfg := Config{Network: "test"}
	if change != nil {
		change(&cfg)
	}
	h, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return h
}

// connect makes a dial b.
func connect(t *testing.T, a, b *Host) {
	t.Helper()
	p, err := a.Connect(t.Context(), b.Addrs()[0])
	if err != nil || p != b.ID() {
		t.Fatalf("connect: got %v, %v, want %v", p, err, b.ID())
	}
}

// until waits for a condition; the test's own limit ends a wait in vain.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for tick := time.NewTicker(time.Millisecond); !ok(); {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("never: %s", what)
		}
	}
}

// echo answers with what it reads.
func echo(_ context.Context, _ PeerID, s *Stream) {
	_, _ = io.Copy(s, s)
}

func call(t *testing.T, a *Host, to PeerID, proto, text string) (string, error) {
	t.Helper()
	s, err := a.Open(t.Context(), to, proto)
	if err != nil {
		return "", err
	}
	defer s.Close()
	sent := make(chan error, 1)
	go func() { // while we read, or both sides may wait for the other to read
		_, err := io.WriteString(s, text)
		sent <- errors.Join(err, s.CloseWrite())
	}()
	b, err := io.ReadAll(s)
	if err != nil {
		s.Reset()
		<-sent
		return "", err
	}
	if err := <-sent; err != nil {
		return "", err
	}
	if s.Sent() != int64(len(text)) || s.Received() != int64(len(b)) {
		t.Errorf("counters: got %d sent, %d received, want %d, %d", s.Sent(), s.Received(), len(text), len(b))
	}
	return string(b), err
}

func TestOpenAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, listen string }{
		{"quic", "/ip4/127.0.0.1/udp/0/quic-v1"},
		{"tcp", "/ip4/127.0.0.1/tcp/0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := startHost(t, func(cfg *Config) { cfg.Listen = []string{c.listen} })
			client := startHost(t, func(cfg *Config) { cfg.Client = true })
			from := make(chan PeerID, 1)
			server.Handle("echo/1", func(ctx context.Context, p PeerID, s *Stream) {
				from <- p
				echo(ctx, p, s)
			})
			client.AddAddrs(server.ID(), server.Addrs())
			text := strings.Repeat("floe", 100_000)
			got, err := call(t, client, server.ID(), "echo/1", text)
			if err != nil || got != text {
				t.Fatalf("got %d bytes, %v, want %d", len(got), err, len(text))
			}
			if p := <-from; p != client.ID() {
				t.Errorf("from: got %v, want %v", p, client.ID())
			}
			if sum := client.Traffic()["echo/1"]; sum.Received < int64(len(text)) || sum.Sent < int64(len(text)) {
				t.Errorf("traffic: got %+v, want at least %d each way", sum, len(text))
			}
			if !client.Connected(server.ID()) || len(client.Peers()) != 1 {
				t.Errorf("not connected: %v", client.Peers())
			}
			if len(client.Addrs()) != 0 {
				t.Errorf("a client announces %v", client.Addrs())
			}
		})
	}
}

func TestOpenFaults(t *testing.T) {
	t.Parallel()
	server := startHost(t, nil)
	client := startHost(t, nil)
	connect(t, client, server)

	if _, err := call(t, client, server.ID(), "none/1", "x"); !errors.Is(err, ErrNoProtocol) {
		t.Errorf("protocol nobody handles: got %v, want %v", err, ErrNoProtocol)
	}
	server.Handle("echo/1", echo)
	if _, err := call(t, client, server.ID(), "echo/1", "x"); err != nil {
		t.Errorf("protocol added later: %v", err)
	}
	server.Unhandle("echo/1")
	if _, err := call(t, client, server.ID(), "echo/1", "x"); !errors.Is(err, ErrNoProtocol) {
		t.Errorf("protocol taken away: got %v, want %v", err, ErrNoProtocol)
	}

	var nobody PeerID
	nobody[3] = 7
	if _, err := client.Open(t.Context(), nobody, "echo/1"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("peer nobody knows: got %v, want %v", err, ErrUnreachable)
	}
	nobody[3]++
	client.AddAddrs(nobody, []string{"/ip4/127.0.0.1/tcp/1"})
	_, err := client.Open(t.Context(), nobody, "echo/1")
	if !errors.Is(err, ErrUnreachable) || !errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), "\n") {
		t.Errorf("peer that is not there: got %v, want %v on one line", err, ErrUnreachable)
	}
	if _, err := client.Open(t.Context(), nobody, "echo/1"); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "1 times") {
		t.Errorf("again at once: got %v, want %v without a dial", err, ErrUnreachable)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Open(ctx, nobody, "echo/1"); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: got %v, want %v", err, context.Canceled)
	}
}

func TestWrongNetwork(t *testing.T) {
	t.Parallel()
	other := startHost(t, func(cfg *Config) { cfg.Network = "other-1" })
	other.Handle("echo/1", echo)
	h := startHost(t, nil)
	check := func(err error) {
		t.Helper()
		wrong, ok := errors.AsType[*WrongNetworkError](err)
		if !ok || wrong.Want != "test" || len(wrong.Have) != 1 || wrong.Have[0] != "other-1" || wrong.Peer != other.ID() {
			t.Errorf("got %v, want a wrong network error", err)
		}
	}
	_, err := h.Connect(t.Context(), other.Addrs()[0])
	check(err)
	h.AddAddrs(other.ID(), other.Addrs())
	_, err = h.Open(t.Context(), other.ID(), "echo/1")
	check(err)

	for _, addr := range other.Addrs() {
		if got, err := Networks(t.Context(), addr); err != nil || len(got) != 1 || got[0] != "other-1" {
			t.Errorf("networks at %s: got %v, %v", addr, got, err)
		}
	}
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	first := startHost(t, nil)
	taken := []string{"/ip4/127.0.0.1/tcp/" + tcp.Addr().String()[len("127.0.0.1:"):]}
	for _, a := range first.Addrs() {
		taken = append(taken, strings.TrimSuffix(a, "/p2p/"+first.ID().String()))
	}
	for _, addr := range taken {
		_, err := New(t.Context(), Config{Network: "test", Listen: []string{"/ip4/127.0.0.1/tcp/0", addr}})
		listen, ok := errors.AsType[*ListenError](err)
		if !ok || listen.Addr != addr || !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s: got %v, want address in use", addr, err)
		}
	}
}

func TestConfigReportsAllFaults(t *testing.T) {
	t.Parallel()
	_, err := New(t.Context(), Config{Network: "a/b", Listen: []string{"nonsense"}, Bootstrap: []string{"/ip4/127.0.0.1/tcp/1"}, Topics: []string{""}, MaxPeers: -1})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{`"a/b"`, `"nonsense"`, "/p2p/<peer ID>", "topic name", "negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not mention %s", err, want)
		}
	}
}
