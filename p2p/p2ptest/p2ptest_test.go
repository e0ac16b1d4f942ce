package p2ptest

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/floe-storage/floe/p2p"
)

func echo(_ context.Context, _ p2p.PeerID, s *p2p.Stream) { _, _ = io.Copy(s, s) }

func roundTrip(ctx context.Context, a *p2p.Host, to p2p.PeerID, text []byte) error {
	s, err := a.Open(ctx, to, "echo/1")
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Write(text); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	b, err := io.ReadAll(s)
	if err == nil && len(b) != len(text) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func TestNewConnectsAll(t *testing.T) {
	t.Parallel()
	hosts := New(t, 4, nil)
	for i, h := range hosts {
		h.Handle("echo/1", echo)
		if got := len(h.Peers()); got != 3 {
			t.Errorf("host %d has %d peers, want 3", i, got)
		}
	}
	if err := roundTrip(t.Context(), hosts[0], hosts[3].ID(), []byte("hello")); err != nil {
		t.Error(err)
	}
}

// Virtual time: the latency, the loss and the partition cost no real time.
func TestNetInVirtualTime(t *testing.T) { //nolint:paralleltest // a bubble
	synctest.Test(t, func(t *testing.T) {
		n := NewNet(t, Link{Latency: 20 * time.Millisecond})
		hosts := n.New(t, 3, nil)
		for _, h := range hosts {
			h.Handle("echo/1", echo)
		}
		start := time.Now()
		if err := roundTrip(t.Context(), hosts[0], hosts[1].ID(), make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 40*time.Millisecond || took > 200*time.Millisecond {
			t.Errorf("a round trip over 20 ms links took %v of virtual time", took)
		}
		n.Lose(func(from, to int) bool { return (from == 0) != (to == 0) })
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := roundTrip(ctx, hosts[0], hosts[1].ID(), []byte("x")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cut off: got %v, want %v", err, context.DeadlineExceeded)
		}
		if err := roundTrip(t.Context(), hosts[1], hosts[2].ID(), []byte("x")); err != nil {
			t.Errorf("on the same side: %v", err)
		}
		n.Lose(nil)
		if err := roundTrip(t.Context(), hosts[0], hosts[1].ID(), []byte("x")); err != nil {
			t.Errorf("healed: %v", err)
		}
	})
}
