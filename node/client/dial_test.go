package client

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/p2ptest"
)

// joinable returns hosts that answer for a ledger.
func joinable(t *testing.T, count int) []*p2p.Host {
	t.Helper()
	hosts := p2ptest.New(t, count, nil)
	chain := rpctest.New(t, rpctest.Genesis(stageShards))
	for _, h := range hosts {
		t.Cleanup(ledgerrpc.Serve(h, chain).Close)
	}
	return hosts
}

// gone returns the address of a peer that has left.
func gone(t *testing.T) string {
	t.Helper()
	h, err := p2p.New(t.Context(), p2p.Config{Network: p2ptest.Network})
	if err != nil {
		t.Fatal(err)
	}
	var addr string
	for _, a := range h.Addrs() {
		if strings.Contains(a, "/tcp/") { // which is refused at once
			addr = a
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return addr
}

func TestDial(t *testing.T) {
	t.Parallel()
	h := joinable(t, 1)[0]
	for name, cfg := range map[string]DialConfig{
		"network unknown":    {Bootstrap: h.Addrs()[:1]},
		"network known":      {Bootstrap: h.Addrs()[:1], Network: p2ptest.Network},
		"after one has left": {Bootstrap: []string{gone(t), h.Addrs()[0]}},
		"with an account":    {Bootstrap: h.Addrs(), Account: rpctest.Account(1)},
	} {
		ctx, cancel := context.WithCancel(bounded(t))
		cfg.TrustPeers = true
		s, err := Dial(ctx, cfg)
		cancel() // it bounds the joining only
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		net, err := s.Network(bounded(t))
		if err != nil || net.Params.ChainID != rpctest.ChainID || net.Committee.Shards() != stageShards {
			t.Errorf("%s: %+v, %v", name, net, err)
		}
		if (s.Wallet != nil) != (cfg.Account != nil) {
			t.Errorf("%s: wallet %v", name, s.Wallet)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
}

func TestDialFails(t *testing.T) {
	t.Parallel()
	left := gone(t)
	other := p2ptest.New(t, 1, func(_ int, cfg *p2p.Config) { cfg.Network = "another" })[0]
	mute := p2ptest.New(t, 1, nil)[0] // of the network, and knows no ledger
	for name, tt := range map[string]struct {
		cfg  DialConfig
		want error
		text string
	}{
		"no address":          {cfg: DialConfig{}, text: "no bootstrap address"},
		"malformed":           {cfg: DialConfig{Bootstrap: []string{"there"}}, want: ErrUnavailable, text: "there"},
		"malformed, named":    {cfg: DialConfig{Bootstrap: []string{"there"}, Network: p2ptest.Network}, text: "there"},
		"nobody there":        {cfg: DialConfig{Bootstrap: []string{left, left}}, want: ErrUnavailable},
		"nobody there, named": {cfg: DialConfig{Bootstrap: []string{left}, Network: p2ptest.Network}, want: ErrUnavailable},
		"malformed, beside":   {cfg: DialConfig{Bootstrap: []string{"there", mute.Addrs()[0]}}, text: "there"},
		"another network":     {cfg: DialConfig{Bootstrap: other.Addrs()[:1], Network: p2ptest.Network}, text: "another"},
		"no ledger":           {cfg: DialConfig{Bootstrap: mute.Addrs()[:1]}, want: ledgerrpc.ErrUnavailable},
		"no root":             {cfg: DialConfig{Bootstrap: mute.Addrs()[:1]}, want: ledgerrpc.ErrNoRoot},
		"impossible name":     {cfg: DialConfig{Bootstrap: mute.Addrs()[:1], Network: "a/b"}},
	} {
		tt.cfg.TrustPeers = name != "no root"
		s, err := Dial(bounded(t), tt.cfg)
		if s != nil || err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := Dial(bounded(t), DialConfig{Bootstrap: other.Addrs()[:1], Network: p2ptest.Network, TrustPeers: true}); err != nil {
		if wrong, ok := errors.AsType[*p2p.WrongNetworkError](err); !ok || len(wrong.Have) != 1 || wrong.Have[0] != "another" {
			t.Errorf("another network: got %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, network := range []string{"", p2ptest.Network} {
		if _, err := Dial(ctx, DialConfig{Bootstrap: mute.Addrs()[:1], Network: network, TrustPeers: true}); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: got %v", err)
		}
	}
}
