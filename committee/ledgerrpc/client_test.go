package ledgerrpc

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/p2ptest"
	"github.com/floe-storage/floe/p2p/wire"
)

const shards = 13

// network is a client, and servers of one chain or whatever a test puts there.
type network struct {
	chain   *rpctest.Chain
	hosts   []*p2p.Host // servers, then the client's
	servers []*Server
	client  *Client
}

// connect makes a network of count hosts beside the client's, each of which
// serves the chain. The client asks them in order.
func connect(t testing.TB, count int) *network {
	t.Helper()
	return join(t, p2ptest.New(t, count+1, nil))
}

// join is connect with hosts that are there, the last of which is the client's.
func join(t testing.TB, hosts []*p2p.Host) *network {
	t.Helper()
	n := &network{chain: rpctest.New(t, rpctest.Genesis(shards)), hosts: hosts}
	for _, h := range hosts[:len(hosts)-1] {
		s := Serve(h, n.chain)
		t.Cleanup(s.Close) // before the host's
		n.servers = append(n.servers, s)
	}
	n.client = n.fresh(t, ClientConfig{})
	return n
}

// The chain's clock stands where it began.
const ever = 200 * 365 * 24 * time.Hour

// fresh returns another client, that asks the same peers and, unless cfg says
// otherwise, trusts the chain's genesis.
func (n *network) fresh(t testing.TB, cfg ClientConfig) *Client {
	t.Helper()
	last := len(n.hosts) - 1
	cfg.Host, cfg.TrustPeriod = n.hosts[last], ever
	if !cfg.TrustPeers {
		cfg.Root = n.chain.Root()
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = ever
	}
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range n.hosts[:last] {
		c.Use(h.ID())
	}
	return c
}

// bend has host i change its answers before they are sent.
func (n *network) bend(i int, fn func(q *request, a *answer)) {
	s := n.servers[i]
	n.lie(i, func(ctx context.Context, stream *p2p.Stream) {
		q, err := next(stream)
		if err != nil {
			return
		}
		if q.call == callFollow {
			for b := range n.chain.Events(ctx, q.minHeight) {
				a := &answer{call: callFollow, events: b}
				fn(q, a)
				if wire.Write(stream, a) != nil {
					return
				}
			}
			return
		}
		if q.call != callGet && q.call != callRange {
			a, err := s.answer(ctx, q)
			if err != nil {
				a = &answer{fault: *wire.Answer(err)}
			}
			fn(q, a)
			_ = wire.Write(stream, a)
			return
		}
		_ = n.chain.Prove(ctx, q.minHeight, func(p light.Prover, height uint64) error {
			for ; err == nil; q, err = next(stream) {
				a, _, err := s.state(ctx, q, p, height)
				if err != nil {
					return err
				}
				fn(q, a)
				if err := wire.Write(stream, a); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// lie has host i answer every stream with fn instead.
func (n *network) lie(i int, fn func(ctx context.Context, s *p2p.Stream)) {
	n.hosts[i].Handle(Protocol, func(ctx context.Context, _ p2p.PeerID, s *p2p.Stream) { fn(ctx, s) })
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func (n *network) account(t *testing.T, a ledger.Address) ledger.Account {
	t.Helper()
	var got ledger.Account
	err := n.client.View(bounded(t), func(r ledger.Reader, _ uint64) (err error) {
		got, err = ledger.ReadAccount(r, a)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func signed(nonce uint64, messages ...ledger.Message) []byte {
	tx := ledger.Tx{ChainID: rpctest.ChainID, Nonce: nonce, Expiry: 500, Messages: messages}
	tx.Fee = rpctest.Genesis(shards).Params.Fee(tx)
	return tx.Sign(rpctest.Account(0))
}

func TestView(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	var want, got []string
	dump := func(out *[]string) func(r ledger.Reader, height uint64) error {
		return func(r ledger.Reader, height uint64) error {
			*out = nil
			r.Ascend(nil, nil, func(k, v []byte) bool {
				*out = append(*out, string(k)+"="+string(v))
				return true
			})
			if r.Get([]byte("absent")) != nil || height < n.chain.Height()-1 { // the last one that is proven
				t.Errorf("an absent key has a value, or height %d", height)
			}
			return nil
		}
	}
	for i := range 5 { // more than one answer holds
		var sends []ledger.Message
		for j := range 60 {
			sends = append(sends, ledger.Send{To: ledger.Address{9, byte(i), byte(j)}, Amount: 1})
		}
		tx := signed(uint64(i), sends...)
		if r, err := n.client.Broadcast(t.Context(), tx); err != nil || r.Code != 0 {
			t.Fatal(r, err)
		}
	}
	if err := errors.Join(n.chain.View(t.Context(), dump(&want)), n.client.View(bounded(t), dump(&got))); err != nil {
		t.Fatal(err)
	}
	if len(got) < 300 || len(got) != len(want) {
		t.Fatalf("read %d pairs, there are %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("pair %d differs", i)
		}
	}
	for name, at := range map[string]struct {
		start, end []byte
		want       int
	}{"within": {[]byte{5}, []byte{6}, 304}, "empty": {[]byte{6}, []byte{6}, 0}, "no bytes are no end": {nil, []byte{}, 0}} {
		count := 0
		err := n.client.View(bounded(t), func(r ledger.Reader, _ uint64) error {
			r.Ascend(at.start, at.end, func([]byte, []byte) bool { count++; return true })
			return nil
		})
		if err != nil || count != at.want {
			t.Errorf("%s: visited %d, want %d, %v", name, count, at.want, err)
		}
	}
	own := errors.New("own")
	if err := n.client.View(bounded(t), func(ledger.Reader, uint64) error { return own }); !errors.Is(err, own) {
		t.Errorf("got %v, want the reader's error", err)
	}
	sys := ledger.Reader(nil)
	if err := n.client.View(bounded(t), func(r ledger.Reader, _ uint64) error { sys = r; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.ReadCommittee(sys); err == nil {
		t.Error("a reader works after its View")
	}
}

// All that one View reads is of one height, whatever is committed meanwhile.
func TestViewIsOneState(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	to := ledger.Address{1}
	err := n.client.View(bounded(t), func(r ledger.Reader, height uint64) error {
		before, err := ledger.ReadAccount(r, rpctest.Address(rpctest.Account(0)))
		if err != nil {
			return err
		}
		if _, err := n.chain.Broadcast(t.Context(), signed(0, ledger.Send{To: to, Amount: 5})); err != nil {
			return err
		}
		if n.chain.Height() == height+1 || before.Nonce != 0 {
			t.Error("the test shows nothing")
		}
		after, err := ledger.ReadAccount(r, to)
		if after.Balance != 0 {
			t.Error("a later height's balance")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := n.account(t, to); got.Balance != 5 {
		t.Errorf("afterwards: %+v", got)
	}
}

func TestBroadcastAndAwait(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	n.chain.Hold(true)
	tx := signed(0, ledger.Send{To: ledger.Address{1}, Amount: 5})
	for range 2 { // once more is no fault
		if r, err := n.client.Broadcast(bounded(t), tx); err != nil || r.Code != 0 {
			t.Fatal(r, err)
		}
	}
	got := make(chan ledger.Receipt, 1)
	go func() {
		r, err := n.client.Await(bounded(t), ledger.TxHash(tx))
		if err != nil {
			t.Error(err)
		}
		got <- r
	}()
	height := n.chain.Commit()
	if r := <-got; r.Height != height || r.Hash != ledger.TxHash(tx) || r.Err() != nil || r.Fee == 0 {
		t.Errorf("receipt %+v", r)
	}
	for name, tt := range map[string]struct {
		tx   []byte
		want ledger.Code
	}{
		"garbage":         {[]byte("garbage"), ledger.CodeMalformed},
		"larger than any": {make([]byte, ledger.MaxTxSize+1), ledger.CodeMalformed},
		"ahead":           {signed(9, ledger.Send{To: ledger.Address{1}, Amount: 5}), ledger.CodeNonceAhead},
	} {
		if r, err := n.client.Broadcast(bounded(t), tt.tx); err != nil || ledger.Code(r.Code) != tt.want || r.Info == "" {
			t.Errorf("%s: got %+v, %v", name, r, err)
		}
	}
}

// laggard is a peer that proves an old height until it is released, and then
// what is asked for.
type laggard struct {
	Backend
	behind   uint64
	released chan struct{}
}

func (l laggard) Prove(ctx context.Context, minHeight uint64, read func(p light.Prover, height uint64) error) error {
	if minHeight > l.behind {
		select {
		case <-l.released:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return l.Backend.Prove(ctx, minHeight, read)
}

// What a client has seen committed it sees at every peer, or waits for it.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	n := connect(t, 2)
	n.servers[1].Close()
	late := laggard{n.chain, n.chain.Height(), make(chan struct{})}
	defer Serve(n.hosts[1], late).Close()
	wallet := NewWallet(n.client, rpctest.Account(0))
	sent, err := wallet.Send(bounded(t), ledger.Send{To: ledger.Address{1}, Amount: 5})
	if err != nil {
		t.Fatal(err)
	}
	n.servers[0].Close()
	seen := make(chan uint64, 1)
	go func() {
		var height uint64
		if err := n.client.View(bounded(t), func(_ ledger.Reader, h uint64) error { height = h; return nil }); err != nil {
			t.Error(err)
		}
		seen <- height
	}()
	close(late.released)
	if got := <-seen; got < sent.Height {
		t.Errorf("went back from height %d to %d", sent.Height, got)
	}
}

// A peer that names an absurd height must not keep the client from the others
// for ever, even where peers are believed.
func TestLieAboutHeight(t *testing.T) {
	t.Parallel()
	n := connect(t, 2)
	c := n.fresh(t, ClientConfig{TrustPeers: true})
	n.lie(0, reply(framed(&answer{call: callFollow, events: ledger.BlockEvents{Height: 1 << 60, Events: []ledger.TxEvent{{}}}})))
	for b, err := range c.Events(bounded(t), 1<<60) {
		if err != nil || b.Height != 1<<60 {
			t.Error(b, err)
		}
		break
	}
	height := uint64(0)
	view := func() error {
		return c.View(bounded(t), func(r ledger.Reader, h uint64) error {
			height = h
			_, err := ledger.ReadSystem(r)
			return err
		})
	}
	n.hosts[0].Unhandle(Protocol)
	if err := view(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("the others have not got to height %d: got %v", c.seen(), err)
	}
	if err := view(); err != nil || height != n.chain.Height()-1 {
		t.Errorf("height %d, %v", height, err)
	}
}

// hostile lists what a peer may send instead of an answer. Each must lead to
// the next peer, with nothing of it believed.
var hostile = map[string]func(ctx context.Context, s *p2p.Stream){
	"hangs up":    func(context.Context, *p2p.Stream) {},
	"resets":      func(_ context.Context, s *p2p.Stream) { s.Reset() },
	"garbage":     reply([]byte("GET / HTTP/1.1\r\n\r\n")),
	"oversized":   reply([]byte{0xff, 0xff, 0xff, 0x7f, 0, 0}),
	"cut off":     reply([]byte{100, 0, 0, 0, 0, 0, 0}),
	"half a size": reply([]byte{1, 0}),
	"empty":       reply([]byte{0, 0, 0, 0}),
	"unknown":     reply(framed(&answer{fault: wire.Error{Code: 200, Text: "\x1b[31m"}})),
	"busy":        reply(framed(&answer{fault: wire.Error{Code: wire.CodeBusy}})),
	"internal":    reply(framed(&answer{fault: wire.Error{Code: wire.CodeInternal}})),
	"no spans":    reply(framed(&answer{call: callGet, height: 9})),
	"no proof":    reply(framed(&answer{call: callGet, height: 9, spans: [][]byte{{0}, {0}}})),
	"more spans":  reply(framed(&answer{call: callGet, height: 9, spans: make([][]byte, 3)})),
	"other call":  reply(framed(&answer{call: callRange, height: 9})),
	"a block":     reply(framed(&answer{call: callFollow, events: ledger.BlockEvents{Height: 7}})),
	"other hash":  reply(framed(&answer{call: callAwait, receipt: ledger.Receipt{Height: 9, Hash: [32]byte{1}}})),
	"earlier":     reply(framed(&answer{call: callGet, spans: [][]byte{{0}, {0}}})),
}

func reply(b []byte) func(context.Context, *p2p.Stream) {
	return func(_ context.Context, s *p2p.Stream) {
		_, _ = next(s)
		_, _ = s.Write(b)
	}
}

func framed(m wire.Message) []byte {
	var b bytes.Buffer
	_ = wire.Write(&b, m)
	return b.Bytes()
}

// oneOfEach lists one call of each sort; they succeed if an honest peer is asked.
func oneOfEach(t *testing.T, c *Client, tx []byte) map[string]func() error {
	return map[string]func() error{
		"view": func() error {
			return c.View(bounded(t), func(r ledger.Reader, _ uint64) error {
				sys, err := ledger.ReadSystem(r)
				if err == nil && sys.Epoch != 1 {
					t.Errorf("read epoch %d", sys.Epoch)
				}
				return err
			})
		},
		"broadcast": func() error { _, err := c.Broadcast(bounded(t), tx); return err },
		"await":     func() error { _, err := c.Await(bounded(t), ledger.TxHash(tx)); return err },
		"follow": func() error {
			for b, err := range c.Events(bounded(t), 2) {
				if b.Height != 2 {
					t.Errorf("follow: block %d", b.Height)
				}
				return err
			}
			return nil
		},
	}
}

func TestFailover(t *testing.T) {
	t.Parallel()
	n := connect(t, 2)
	n.chain.Commit()
	tx := signed(0, ledger.Send{To: ledger.Address{1}, Amount: 5})
	if _, err := n.chain.Broadcast(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	for name, fn := range hostile {
		n.lie(0, fn)
		for call := range oneOfEach(t, n.client, tx) {
			c := n.fresh(t, ClientConfig{})
			c.saw(n.chain.Height() - 1)
			if err := oneOfEach(t, c, tx)[call](); err != nil {
				t.Errorf("%s: %s: %v", name, call, err)
			}
			if c.candidates()[0] == n.hosts[0].ID() {
				t.Errorf("%s: %s: the liar is still asked first", name, call)
			}
		}
	}
}

// A peer that fails within a View costs nothing but another reading.
func TestFailoverWithinView(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]*answer{
		"end of stream": nil,
		"other height":  {call: callGet, height: 2, spans: [][]byte{{0}}},
		"no proof":      {call: callGet, height: 1, spans: [][]byte{{0}}},
		"other call":    {call: callRange, height: 1, spans: [][]byte{{0}}},
		"fault":         {fault: wire.Error{Code: wire.CodeTooLarge}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := connect(t, 2)
			n.lie(0, func(ctx context.Context, s *p2p.Stream) {
				q, err := next(s)
				if err != nil {
					return
				}
				if q.call == callBlock {
					_ = n.servers[0].once(ctx, s, q)
					return
				}
				_ = n.chain.Prove(ctx, 0, func(r light.Prover, h uint64) error { return n.servers[0].read(ctx, s, q, r, h) })
				if _, err := next(s); err == nil && second != nil {
					_ = wire.Write(s, second)
				}
			})
			calls := 0
			err := n.client.View(bounded(t), func(r ledger.Reader, _ uint64) error {
				calls++
				_, err := ledger.ReadCommittee(r)
				return err
			})
			if err != nil || calls != 2 {
				t.Errorf("read %d times, %v", calls, err)
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	nobody, err := NewClient(ClientConfig{Host: n.hosts[1], TrustPeers: true}, n.hosts[1].ID()) // itself does not count
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewClient(ClientConfig{Host: n.hosts[1]}); !errors.Is(err, ErrNoRoot) {
		t.Errorf("without a root: %v", err)
	}
	n.servers[0].Close()
	for _, c := range []*Client{nobody, n.client} {
		_, broadcast := c.Broadcast(bounded(t), nil)
		_, await := c.Await(bounded(t), [32]byte{})
		var follow error
		for _, follow = range c.Events(bounded(t), 0) {
			break
		}
		for name, err := range map[string]error{
			"view":      c.View(bounded(t), func(ledger.Reader, uint64) error { t.Error("called"); return nil }),
			"broadcast": broadcast, "await": await, "follow": follow,
		} {
			if !errors.Is(err, ErrUnavailable) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

// Every call ends when its context does, while the peer keeps silent.
func TestCancel(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	reached := make(chan struct{})
	n.lie(0, func(ctx context.Context, s *p2p.Stream) {
		_, _ = next(s)
		reached <- struct{}{}
		<-ctx.Done()
	})
	for name, call := range map[string]func(context.Context) error{
		"view":      func(ctx context.Context) error { return n.client.View(ctx, nil) },
		"broadcast": func(ctx context.Context) error { _, err := n.client.Broadcast(ctx, []byte{1}); return err },
		"await":     func(ctx context.Context) error { _, err := n.client.Await(ctx, [32]byte{}); return err },
		"follow": func(ctx context.Context) (err error) {
			for _, err = range n.client.Events(ctx, 1) {
			}
			return err
		},
		"send": func(ctx context.Context) error {
			_, err := NewWallet(n.client, rpctest.Account(0)).Send(ctx, ledger.Send{})
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- call(ctx) }()
		<-reached
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := call(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, begun too late: got %v", name, err)
		}
	}
}

// hostileReader answers every Get with the same bytes.
type hostileReader []byte

func (h hostileReader) Get([]byte) []byte { return h }

func (h hostileReader) Ascend(start, _ []byte, visit func(key, value []byte) bool) {
	visit(append(bytes.Clone(start), h...), h)
}

// readers are what clients read. A hostile value must be an error to them, or
// a lie of the right shape, and never a panic.
var readers = map[string]func(ledger.Reader) error{
	"params":    func(r ledger.Reader) error { _, err := ledger.ReadParams(r); return err },
	"system":    func(r ledger.Reader) error { _, err := ledger.ReadSystem(r); return err },
	"account":   func(r ledger.Reader) error { _, err := ledger.ReadAccount(r, ledger.Address{}); return err },
	"storage":   func(r ledger.Reader) error { _, err := ledger.ReadStorage(r, committee.ObjectID{}); return err },
	"blob":      func(r ledger.Reader) error { _, err := ledger.ReadBlob(r, committee.ObjectID{}); return err },
	"committee": func(r ledger.Reader) error { _, err := ledger.ReadCommittee(r); return err },
	"status":    func(r ledger.Reader) error { _, err := ledger.ReadStatus(r, [32]byte{}); return err },
	"claim": func(r ledger.Reader) error {
		_, _, err := ledger.ReadClaim(r, [32]byte{}, committee.Persistence{})
		return err
	},
}

func FuzzHostileValues(f *testing.F) {
	for _, b := range [][]byte{nil, {}, {0xff}, make([]byte, 20), bytes.Repeat([]byte{0xff}, 64), make([]byte, 4096)} {
		f.Add(b)
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		for _, read := range readers {
			_ = read(hostileReader(b))
		}
	})
}

// mangled is a state in which one value, that under a key of the given first
// byte, is another.
type mangled struct {
	ledger.Reader
	kind  byte
	value []byte
}

func (m mangled) Get(key []byte) []byte {
	if key[0] == m.kind {
		return m.value
	}
	return m.Reader.Get(key)
}

// A committee of absurd members: every byte of its record changed, one after
// the other. Only a peer that is believed can tell of one.
func TestHostileCommittee(t *testing.T) {
	t.Parallel()
	chain := rpctest.New(t, rpctest.Genesis(shards))
	const nodes = 4 // the kind of the record's key, which an epoch follows
	err := chain.View(t.Context(), func(r ledger.Reader, _ uint64) error {
		record := r.Get([]byte{nodes, 0, 0, 0, 1})
		if len(record) == 0 {
			t.Error("no record")
		}
		for i := range record {
			value := bytes.Clone(record)
			value[i] ^= 0xff
			_, _ = ledger.ReadCommittee(mangled{r, nodes, value})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
