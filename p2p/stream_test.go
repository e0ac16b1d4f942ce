package p2p

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

// silent accepts a stream and never answers, until the host closes.
func silent(ctx context.Context, _ PeerID, _ *Stream) { <-ctx.Done() }

func TestStreamObeysContext(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"} {
		server := startHost(t, func(cfg *Config) { cfg.Listen = []string{listen} })
		server.Handle("silent/1", silent)
		client := startHost(t, nil)
		connect(t, client, server)
		read := func(ctx context.Context) error {
			s, err := client.Open(ctx, server.ID(), "silent/1")
			if err != nil {
				return err
			}
			defer s.Close()
			_, err = s.Read(make([]byte, 1))
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want %v", listen, err, context.DeadlineExceeded)
		}
		cancel()

		ctx, cancel = context.WithCancel(t.Context())
		s, err := client.Open(ctx, server.ID(), "silent/1")
		if err != nil {
			t.Fatal(err)
		}
		fail := make(chan error, 1)
		go func() {
			_, err := s.Read(make([]byte, 1))
			fail <- err
		}()
		cancel()
		if err := <-fail; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want %v", listen, err, context.Canceled)
		}
		if _, err := s.Write([]byte("x")); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: write: got %v, want %v", listen, err, context.Canceled)
		}
		s.Close()

		// A deadline of our own, within a context that has none.
		if s, err = client.Open(t.Context(), server.ID(), "silent/1"); err != nil {
			t.Fatal(err)
		}
		if err := s.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, ErrTimeout) {
			t.Errorf("%s: got %v, want %v", listen, err, ErrTimeout)
		}
		s.Close()
	}
}

func TestWriteToPeerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	server, client := startHost(t, nil), startHost(t, nil)
	server.Handle("silent/1", silent)
	connect(t, client, server)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s, err := client.Open(ctx, server.ID(), "silent/1")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	block := make([]byte, 1<<20)
	for err == nil {
		_, err = s.Write(block)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestResetReachesPeer(t *testing.T) {
	t.Parallel()
	server, client := startHost(t, nil), startHost(t, nil)
	got := make(chan error, 1)
	started := make(chan struct{})
	server.Handle("read/1", func(_ context.Context, _ PeerID, s *Stream) {
		_, err := s.Read(make([]byte, 1))
		if err != nil {
			t.Errorf("first byte: %v", err)
		}
		close(started)
		_, err = io.ReadAll(s)
		got <- err
	})
	connect(t, client, server)
	s, err := client.Open(t.Context(), server.ID(), "read/1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	<-started
	s.Reset()
	if err := <-got; !errors.Is(err, ErrReset) {
		t.Errorf("got %v, want %v", err, ErrReset)
	}
}

func TestCloseWaitsForHandlers(t *testing.T) {
	t.Parallel()
	server, client := startHost(t, nil), startHost(t, nil)
	started, release := make(chan struct{}), make(chan struct{})
	server.Handle("slow/1", func(ctx context.Context, _ PeerID, s *Stream) {
		if _, err := s.Read(make([]byte, 1)); err != nil {
			t.Errorf("first byte: %v", err)
		}
		close(started)
		<-ctx.Done()
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("read while closing: got %v, want %v", err, context.Canceled)
		}
		<-release
	})
	connect(t, client, server)
	s, err := client.Open(t.Context(), server.ID(), "slow/1")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	<-started
	closed := make(chan error, 1)
	go func() { closed <- server.Close() }()
	until(t, "the host is closed to new work", func() bool { return errors.Is(server.check(), ErrClosed) })
	select {
	case err := <-closed:
		t.Fatalf("close did not wait: %v", err)
	default:
	}
	close(release)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	for _, err := range []error{
		server.Close(),
		errOf(server.Connect(t.Context(), client.Addrs()[0])),
		errOf(server.Open(t.Context(), client.ID(), "slow/1")),
		errOf(server.Join("x", TopicConfig{})),
	} {
		if err != nil && !errors.Is(err, ErrClosed) {
			t.Errorf("after close: got %v, want %v", err, ErrClosed)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }
