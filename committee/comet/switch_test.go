package comet

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	cmtp2p "github.com/cometbft/cometbft/p2p"
	bcproto "github.com/cometbft/cometbft/proto/tendermint/blocksync"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	"github.com/floe-storage/floe/p2p"
)

// logLines is a log that can be searched.
type logLines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logLines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.buf.String(), text)
}

func TestWrongChainRefused(t *testing.T) {
	t.Parallel()
	a, b := newCluster(t, 1), newCluster(t, 1)
	lines := &logLines{}
	a.log = slog.New(slog.NewTextHandler(lines, nil))
	b.log = a.log
	a.hostUp(0)
	b.hostUp(0)
	ah, bh := a.members[0].host, b.members[0].host
	ah.AddAddrs(bh.ID(), bh.Addrs())
	bh.AddAddrs(ah.ID(), ah.Addrs())
	both := []p2p.PeerID{ah.ID(), bh.ID()}
	for _, c := range []*cluster{a, b} {
		cfg := c.config(0)
		cfg.Peers = func() []p2p.PeerID { return both }
		n, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		c.members[0].node = n
	}
	eventually(t, "both report the other", func() bool {
		return lines.has("peer of another chain refused") && lines.has(ah.ID().String()) && lines.has(bh.ID().String())
	})
	for _, c := range []*cluster{a, b} {
		if got := c.members[0].node.Peers(); got != 0 {
			t.Errorf("got %d peers, want none", got)
		}
		c.mustSubmit(0, "ann 0 k v")
	}
}

// stranger is a host that speaks consensus/1 by hand.
type stranger struct {
	t    *testing.T
	host *p2p.Host
	node *Node
	to   p2p.PeerID
	mine hello
}

func newStranger(c *cluster, t *testing.T) *stranger {
	h, err := p2p.New(t.Context(), p2p.Config{Network: c.chainID, Client: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	m := c.members[0]
	h.AddAddrs(m.host.ID(), m.host.Addrs())
	cfg := c.config(0)
	return &stranger{t, h, m.node, m.host.ID(), hello{session: 1, chainID: c.chainID, genesis: cfg.chainHash()}}
}

func (s *stranger) open(greeting []byte) *p2p.Stream {
	s.t.Helper()
	st, err := s.host.Open(s.t.Context(), s.to, protocol)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := st.Write(greeting); err != nil {
		s.t.Fatal(err)
	}
	return st
}

// join opens a stream with a good hello and returns the verdict on it.
func (s *stranger) join() (*p2p.Stream, verdict) {
	s.t.Helper()
	st := s.open(s.mine.append(nil))
	var v [1]byte
	if _, err := io.ReadFull(st, v[:]); err != nil {
		s.t.Fatal(err)
	}
	if _, err := readHello(st); err != nil {
		s.t.Fatal(err)
	}
	return st, verdict(v[0])
}

// ended waits until the node has let go of the stream.
func ended(t *testing.T, st *p2p.Stream) {
	t.Helper()
	_ = st.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, st); errors.Is(err, p2p.ErrTimeout) {
		t.Fatal("the node keeps the stream")
	}
}

func TestBadFramesAreBanned(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.startAll()
	const block = 0x40 // the channel of block sync
	huge := binary.AppendUvarint([]byte{block}, 1<<30)
	unasked, err := (&bcproto.Message{Sum: &bcproto.Message_BlockResponse{BlockResponse: &bcproto.BlockResponse{Block: &cmtproto.Block{}}}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		frame []byte
	}{
		{"no such channel", []byte{0xee, 0}},
		{"length beyond the channel's", huge},
		{"length without an end", append([]byte{block}, bytes.Repeat([]byte{0xff}, 11)...)},
		{"no protobuf", []byte{block, 2, 0xff, 0xff}},
		{"empty message", []byte{block, 0}},
		{"block that nobody asked for", append(binary.AppendUvarint([]byte{block}, uint64(len(unasked))), unasked...)},
		{"malformed vote", []byte{0x22, 2, 0x32, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStranger(c, t)
			st, v := s.join()
			if v != accepted {
				t.Fatalf("got %v, want accepted", v)
			}
			if _, err := st.Write(tt.frame); err != nil {
				t.Fatal(err)
			}
			ended(t, st)
			if _, v := s.join(); v != banned {
				t.Errorf("afterwards: got %v, want banned", v)
			}
		})
	}
}

func TestBadHellos(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.startAll()
	s := newStranger(c, t)
	good := s.mine.append(nil)
	for _, tt := range []struct {
		name string
		b    []byte
	}{
		{"magic", append([]byte("HTTP"), good[4:]...)},
		{"no chain ID", append(good[:12:12], 0)},
		{"long chain ID", append(good[:12:12], 200)},
	} {
		ended(t, s.open(tt.b))
		if got := s.node.Peers(); got != 0 {
			t.Errorf("%s: got %d peers, want none", tt.name, got)
		}
	}
}

func TestNewerStreamWins(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.startAll()
	s := newStranger(c, t)
	first, v := s.join()
	if v != accepted {
		t.Fatalf("first: got %v", v)
	}
	second, v := s.join()
	if v != accepted {
		t.Fatalf("second: got %v", v)
	}
	ended(t, first)
	s.mine.session++ // the peer started anew
	third, v := s.join()
	if v != accepted {
		t.Fatalf("third: got %v", v)
	}
	ended(t, second)
	eventually(t, "one peer is left", func() bool { return s.node.Peers() == 1 })
	_ = third.Close()
	eventually(t, "no peer is left", func() bool { return s.node.Peers() == 0 })
}

func TestStreamRace(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.hostUp(0)
	self := c.members[0].host.ID()
	cfg := c.config(0)
	sw := &peerSwitch{cfg: &cfg}
	smaller, larger := p2p.PeerID{}, p2p.PeerID{}
	for i := range larger {
		larger[i] = 0xff
	}
	now := time.Now()
	for _, tt := range []struct {
		name     string
		other    p2p.PeerID
		old, new *peer
		want     bool
	}{
		{"both opened by them", larger, &peer{}, &peer{}, true},
		{"they started anew", larger, &peer{outbound: true, session: 1}, &peer{session: 2}, true},
		{"old one is no race", larger, &peer{outbound: true, since: now.Add(-time.Minute)}, &peer{since: now}, true},
		{"race, theirs after ours, we are smaller", larger, &peer{outbound: true}, &peer{}, false},
		{"race, ours after theirs, we are smaller", larger, &peer{}, &peer{outbound: true}, true},
		{"race, theirs after ours, they are smaller", smaller, &peer{outbound: true}, &peer{}, true},
		{"race, ours after theirs, they are smaller", smaller, &peer{}, &peer{outbound: true}, false},
	} {
		tt.old.id, tt.new.id = tt.other, tt.other
		if got := sw.replaces(tt.new, tt.old); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if self == smaller || self == larger {
		t.Fatal("impossible peer ID")
	}
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	id := func(i int) (p p2p.PeerID) {
		binary.BigEndian.PutUint32(p[:], uint32(i+1))
		return p
	}
	sw := &peerSwitch{running: true, peers: map[p2p.PeerID]*peer{}, bans: map[p2p.PeerID]*ban{}, wanted: map[p2p.PeerID]bool{id(1000): true}}
	for i := range maxGuests {
		if _, v := sw.admitLocked(&peer{id: id(i)}); v != accepted {
			t.Fatalf("guest %d: got %v", i, v)
		}
	}
	if _, v := sw.admitLocked(&peer{id: id(maxGuests)}); v != full {
		t.Errorf("one guest too many: got %v, want full", v)
	}
	if _, v := sw.admitLocked(&peer{id: id(1000)}); v != accepted {
		t.Errorf("member when full: got %v, want accepted", v)
	}
	if !sw.punish(id(2000)) || sw.punish(id(2000)) {
		t.Error("a second offense within the ban counts")
	}
	if _, v := sw.admitLocked(&peer{id: id(2000)}); v != banned {
		t.Errorf("banned peer: got %v", v)
	}
	first := time.Until(sw.bans[id(2000)].until)
	sw.bans[id(2000)].until = time.Now()
	if sw.punish(id(2000)); time.Until(sw.bans[id(2000)].until) < first {
		t.Error("the second ban is not longer")
	}
	sw.running = false
	if _, v := sw.admitLocked(&peer{id: id(1001)}); v != leaving {
		t.Errorf("after the end: got %v, want leaving", v)
	}
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.startAll()
	s := newStranger(c, t)
	st, v := s.join() // and does not read
	if v != accepted {
		t.Fatalf("got %v", v)
	}
	defer st.Reset()
	eventually(t, "the peer joins", func() bool { return s.node.Peers() == 1 })
	p := s.node.chain.Load().sw.list()[0]
	message := cmtp2p.Envelope{ChannelID: 0x40, Message: &bcproto.BlockResponse{
		Block: &cmtproto.Block{Data: cmtproto.Data{Txs: [][]byte{make([]byte, 1<<20)}}},
	}}
	sent := 0
	for ; p.TrySend(message); sent++ {
		if sent > 100 {
			t.Fatal("a hundred blocks were queued")
		}
	}
	if sent < 20 {
		t.Errorf("got %d blocks into the queue, want the 20 that a peer may ask for", sent)
	}
	if got := p.queued.Load(); got > maxQueuedSize {
		t.Errorf("got %d bytes queued, at most %d", got, maxQueuedSize)
	}
	if p.TrySend(cmtp2p.Envelope{ChannelID: 0xee, Message: message.Message}) {
		t.Error("a message went out on a channel that does not exist")
	}
	c.mustSubmit(0, "ann 0 k v") // such a peer holds up nobody
}

func TestNeighbors(t *testing.T) {
	t.Parallel()
	fine := func(p2p.PeerID) bool { return false }
	committee := make([]p2p.PeerID, 100)
	for i := range committee {
		committee[i] = p2p.PeerID(hashOf([]byte{byte(i)}))
	}
	without := func(self p2p.PeerID) (out []p2p.PeerID) {
		for _, id := range committee {
			if id != self {
				out = append(out, id)
			}
		}
		return out
	}
	if got := len(neighbors(committee[0], committee[1:21], fine)); got != 20 {
		t.Errorf("of 20: got %d", got)
	}
	links := map[p2p.PeerID]map[p2p.PeerID]bool{}
	link := func(a, b p2p.PeerID) {
		if links[a] == nil {
			links[a] = map[p2p.PeerID]bool{}
		}
		links[a][b] = true
	}
	for _, id := range committee {
		for _, to := range neighbors(id, without(id), fine) {
			link(id, to)
			link(to, id)
		}
	}
	reached := map[p2p.PeerID]bool{committee[0]: true}
	for todo := committee[:1:1]; len(todo) > 0; todo = todo[1:] {
		for next := range links[todo[0]] {
			if !reached[next] {
				reached[next] = true
				todo = append(todo, next)
			}
		}
	}
	if len(reached) != len(committee) {
		t.Errorf("reached %d of %d members", len(reached), len(committee))
	}
	for id, l := range links {
		if len(l) < 6 || len(l) > 20 {
			t.Errorf("%v has %d neighbors, want 6 to 20", id, len(l))
		}
	}
	self := committee[0]
	before := neighbors(self, without(self), fine)
	after := neighbors(self, without(self), func(id p2p.PeerID) bool { return id == before[0] || id == before[3] })
	if len(after) != len(before)+2 || after[0] != before[0] {
		t.Errorf("two fail: got %d neighbors, want two more than %d", len(after), len(before))
	}
}

func TestHelloBytes(t *testing.T) {
	t.Parallel()
	h := hello{session: 0x0102030405060708, chainID: "floe-test", genesis: [32]byte{0: 0xaa, 31: 0xbb}}
	const want = "464c4331" + "0807060504030201" + "09" + "666c6f652d74657374" +
		"aa000000000000000000000000000000000000000000000000000000000000bb"
	if got := hex.EncodeToString(h.append(nil)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got, err := readHello(bytes.NewReader(h.append(nil)))
	if err != nil || got != h {
		t.Errorf("got %+v, %v, want %+v", got, err, h)
	}
}

func FuzzHello(f *testing.F) {
	f.Add(hello{session: 1, chainID: "x"}.append(nil))
	f.Add([]byte(helloMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := readHello(bytes.NewReader(b))
		if err != nil {
			return
		}
		if again := h.append(nil); !bytes.HasPrefix(b, again) {
			t.Errorf("got %x from %x", again, b)
		}
	})
}

// A host that never answers must not hold up Close.
func TestCloseWhileDialling(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.hostUp(0)
	cfg := c.config(0)
	silent, err := p2p.New(t.Context(), p2p.Config{Network: c.chainID})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	met := make(chan struct{})
	var once sync.Once
	silent.Handle(protocol, func(ctx context.Context, _ p2p.PeerID, _ *p2p.Stream) {
		once.Do(func() { close(met) })
		<-ctx.Done()
	})
	c.members[0].host.AddAddrs(silent.ID(), silent.Addrs())
	cfg.Peers = func() []p2p.PeerID { return []p2p.PeerID{silent.ID()} }
	n, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-met:
	case <-time.After(20 * time.Second):
		t.Error("never dialed")
	}
	start := time.Now()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > helloTimeout/2 {
		t.Errorf("close took %v", took)
	}
}
