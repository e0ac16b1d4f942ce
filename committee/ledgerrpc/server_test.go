package ledgerrpc

import (
	"context"
	"errors"
	"io"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
	"github.com/floe-storage/floe/committee/light/lighttest"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/p2ptest"
	"github.com/floe-storage/floe/p2p/wire"
)

// eventually polls a condition of another goroutine's making.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx := bounded(t)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

func (s *Server) underWay() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ends)
}

// large is a chain with one large block.
type large struct {
	Backend
	events int
}

func (l large) Events(ctx context.Context, from uint64) iter.Seq2[ledger.BlockEvents, error] {
	return func(yield func(ledger.BlockEvents, error) bool) {
		b := ledger.BlockEvents{Height: from, Time: 1}
		for i := range l.events {
			b.Events = append(b.Events, ledger.TxEvent{Index: uint32(i), Event: ledger.Event{Kind: "large", Body: make([]byte, 300)}})
		}
		if yield(b, nil) {
			<-ctx.Done()
			yield(b, ctx.Err())
		}
	}
}

func TestLargeBlock(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	n.servers[0].Close()
	const events = 40_000 // twelve megabytes
	defer Serve(n.hosts[0], large{n.chain, events}).Close()
	c := believer(t, n.hosts[1], n.hosts[0].ID())
	for b, err := range c.Events(bounded(t), 3) {
		if err != nil || b.Height != 3 || len(b.Events) != events {
			t.Fatalf("height %d, %d events, %v", b.Height, len(b.Events), err)
		}
		for i, ev := range b.Events {
			if ev.Index != uint32(i) || len(ev.Body) != 300 {
				t.Fatalf("event %d: %+v", i, ev)
			}
		}
		break
	}
}

// A peer gets maxPerPeer calls at a time, others are not affected, and what one
// gives up is free again.
func TestLimitPerPeer(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	other := p2ptest.New(t, 1, func(_ int, cfg *p2p.Config) { cfg.Identity = p2ptest.Identity(7) })[0]
	p2ptest.Connect(t, other, n.hosts[0])
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range maxPerPeer {
		s, err := n.hosts[1].Open(ctx, n.hosts[0].ID(), Protocol)
		if err != nil {
			t.Fatal(err)
		}
		if err := wire.Write(s, &request{call: callFollow, minHeight: 1000}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the call to begin", func() bool { return n.servers[0].underWay() == i+1 })
	}
	view := func(c *Client) error { return c.View(bounded(t), func(ledger.Reader, uint64) error { return nil }) }
	err := view(n.client)
	if pause, busy := wire.IsBusy(err); !busy || pause == 0 || !errors.Is(err, ErrUnavailable) {
		t.Errorf("one too many: got %v", err)
	}
	if err := view(believer(t, other, n.hosts[0].ID())); err != nil {
		t.Errorf("another peer: %v", err)
	}
	cancel()
	eventually(t, "the calls to end", func() bool { return n.servers[0].underWay() == 0 })
	if err := view(n.client); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	eventually(t, "the last calls to end", func() bool { return n.servers[0].underWay() == 0 })
	n.servers[0].mu.Lock()
	defer n.servers[0].mu.Unlock()
	if len(n.servers[0].calls) != 0 || n.servers[0].held != 0 {
		t.Errorf("left: %v calls, %d bytes", n.servers[0].calls, n.servers[0].held)
	}
}

// believer returns a client that trusts its peers.
func believer(t *testing.T, h *p2p.Host, peers ...p2p.PeerID) *Client {
	t.Helper()
	c, err := NewClient(ClientConfig{Host: h, TrustPeers: true}, peers...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// exchange sends bytes on a stream of their own and returns the answer.
func (n *network) exchange(t *testing.T, b []byte) (*answer, error) {
	t.Helper()
	s, err := n.hosts[1].Open(bounded(t), n.hosts[0].ID(), Protocol)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Reset()
	if _, err := s.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	var a answer
	err = wire.Read(s, &a)
	return &a, err
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	value := func(q *request) []byte { return framed(q) }
	for name, tt := range map[string]struct {
		bytes []byte
		want  wire.Code
	}{
		"garbage":              {[]byte{3, 0, 0, 0, 0xff, 0xff, 0xff}, wire.CodeInvalid},
		"oversized":            {[]byte{0xff, 0xff, 0xff, 0xff}, wire.CodeInvalid},
		"height far ahead":     {value(&request{call: callGet, minHeight: 1 << 40}), wire.CodeUnavailable},
		"get, then something":  {append(value(&request{call: callGet}), value(&request{call: callAwait})...), wire.CodeInvalid},
		"get, then garbage":    {append(value(&request{call: callGet}), 1, 0, 0, 0, 99), wire.CodeInvalid},
		"range of no pairs":    {value(&request{call: callRange}), wire.CodeOK},
		"block":                {value(&request{call: callBlock, minHeight: 1}), wire.CodeOK},
		"newest block":         {value(&request{call: callBlock}), wire.CodeOK},
		"block to come":        {value(&request{call: callBlock, minHeight: 1 << 50}), wire.CodeNotFound},
		"nothing to broadcast": {value(&request{call: callBroadcast}), wire.CodeOK},
	} {
		a, err := n.exchange(t, tt.bytes)
		if err == nil && strings.Contains(name, "then") { // the first one is answered
			s, err := n.hosts[1].Open(bounded(t), n.hosts[0].ID(), Protocol)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Write(tt.bytes); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				a = new(answer)
				if err := wire.Read(s, a); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if _, err := s.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("%s: the stream goes on: %v", name, err)
			}
		}
		if err != nil || a.fault.Code != tt.want {
			t.Errorf("%s: got %+v, %v", name, a.fault, err)
		}
	}
	if a, err := n.exchange(t, nil); err == nil && a.fault.Code == wire.CodeOK {
		t.Error("a stream without a request is answered")
	}
}

func TestLargeValues(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	signed := lighttest.New(rpctest.ChainID, []byte{1}, func(s ledger.Store) {
		for i := range byte(maxKeys) {
			s.Set([]byte{i}, make([]byte, maxValues/16))
		}
	})
	s := &Server{backend: n.chain}
	for count, ok := range map[int]bool{1: true, 16: true, 19: false, maxKeys: false} {
		q := &request{call: callGet, known: 1}
		for i := range count {
			q.keys = append(q.keys, []byte{byte(i)})
		}
		a, size, err := s.state(t.Context(), q, signed.State(0), 0)
		if ok != (err == nil) || ok && (len(a.spans) != count || size < count*maxValues/16 || len(wire.Encode(a)) > maxAnswer) {
			t.Errorf("%d values: %d bytes, %v", count, size, err)
		}
		if !ok && !errors.Is(err, &wire.Error{Code: wire.CodeTooLarge}) {
			t.Errorf("%d values: got %v", count, err)
		}
	}
	// A range is cut off where it becomes too large.
	a, _, err := s.state(t.Context(), &request{call: callRange, known: 1, limit: maxRange}, signed.State(0), 0)
	if err != nil || len(wire.Encode(a)) > maxAnswer {
		t.Errorf("a range: %v", err)
	}
	// When all the room for answers is taken, the next is told to come back.
	if !n.servers[0].hold(maxHeld) {
		t.Fatal("the room is taken already")
	}
	got, err := n.exchange(t, framed(&request{call: callGet, keys: [][]byte{{1}}}))
	if err != nil || got.fault.Code != wire.CodeBusy {
		t.Errorf("no room: got %v, %v", &got.fault, err)
	}
	n.servers[0].hold(-maxHeld)
}

// Close ends calls of all kinds and waits for them; the client learns of it.
func TestServerClose(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	n.chain.Hold(true)
	faults := make(chan error)
	inView := make(chan struct{})
	go func() {
		faults <- n.client.View(bounded(t), func(r ledger.Reader, _ uint64) error {
			close(inView)
			for r.(*reader).err == nil { // until the server goes
				_, _ = ledger.ReadCommittee(r)
				r.Ascend([]byte{5}, nil, func([]byte, []byte) bool { return false })
			}
			return nil
		})
	}()
	go func() { _, err := n.client.Await(bounded(t), [32]byte{1}); faults <- err }()
	go func() {
		for _, err := range n.client.Events(bounded(t), 100) {
			faults <- err
		}
	}()
	<-inView
	eventually(t, "the calls to begin", func() bool { return n.servers[0].underWay() == 3 })
	n.servers[0].Close()
	if left := n.servers[0].underWay(); left != 0 {
		t.Errorf("%d calls are left", left)
	}
	for range 3 {
		if err := <-faults; !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	n.servers[0].Close()
}

// When servers, clients and hosts are closed nothing is left running.
func TestNothingLeaks(t *testing.T) { //nolint:paralleltest // counts goroutines
	before := runtime.NumGoroutine()
	t.Run("calls", func(t *testing.T) {
		n := connect(t, 2)
		reached := make(chan struct{}, 2)
		n.lie(0, func(ctx context.Context, _ *p2p.Stream) {
			reached <- struct{}{}
			<-ctx.Done()
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		faults := make(chan error, 2)
		go func() { _, err := n.client.Await(ctx, [32]byte{}); faults <- err }()
		go func() {
			for _, err := range n.client.Events(ctx, 1) {
				faults <- err
			}
		}()
		for range 2 {
			<-reached
		}
		cancel()
		for range 2 {
			if err := <-faults; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	})
	eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}
