package ledgerrpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
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
func connect(t *testing.T, count int) *network {
	t.Helper()
	n := &network{chain: rpctest.New(t, rpctest.Genesis(shards)), hosts: p2ptest.New(t, count+1, nil)}
	n.client = NewClient(n.hosts[count])
	for _, h := range n.hosts[:count] {
		s := Serve(h, n.chain)
		t.Cleanup(s.Close) // before the host's
		n.servers = append(n.servers, s)
		n.client.Use(h.ID())
	}
	return n
}

// lie has host i answer every stream with fn instead.
func (n *network) lie(i int, fn func(ctx context.Context, s *p2p.Stream)) {
	n.hosts[i].Handle(Protocol, func(ctx context.Context, _ p2p.PeerID, s *p2p.Stream) { fn(ctx, s) })
}

// first returns the index of the host that the client asks first.
func (n *network) first() int {
	for i, h := range n.hosts {
		if h.ID() == n.client.candidates()[0] {
			return i
		}
	}
	return -1
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
			if r.Get([]byte("absent")) != nil || height != n.chain.Height() {
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
		if n.chain.Height() == height || before.Nonce != 0 {
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

// What a client has seen committed it sees at every peer, or waits for it.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	behind := rpctest.New(t, rpctest.Genesis(shards))
	late := p2ptest.New(t, 1, func(_ int, cfg *p2p.Config) { cfg.Identity = p2ptest.Identity(7) })[0]
	p2ptest.Connect(t, n.hosts[1], late)
	defer Serve(late, behind).Close()
	n.client.Use(late.ID())

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
	behind.Commit()
	if got := <-seen; got < sent.Height {
		t.Errorf("went back from height %d to %d", sent.Height, got)
	}
}

// A peer that names an absurd height must not keep the client from the others
// for ever, nor can a peer that has not got there yet.
func TestLieAboutHeight(t *testing.T) {
	t.Parallel()
	n := connect(t, 2)
	n.lie(0, func(_ context.Context, s *p2p.Stream) {
		q, err := next(s)
		if err != nil {
			return
		}
		a := &answer{call: callGet, height: 1 << 60}
		for _, k := range q.keys {
			a.pairs = append(a.pairs, pair{key: k})
		}
		_ = wire.Write(s, a)
		_, _ = io.Copy(io.Discard, s)
	})
	height := uint64(0)
	view := func() error {
		return n.client.View(bounded(t), func(r ledger.Reader, h uint64) error {
			height = h
			_, err := ledger.ReadSystem(r)
			return err
		})
	}
	if refusal, ok := errors.AsType[*ledger.Error](view()); !ok || refusal.Code != ledger.CodeNotFound {
		t.Errorf("the liar's state: got %v", refusal)
	}
	n.hosts[0].Unhandle(Protocol)
	if err := view(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("the others have not got to height %d: got %v", n.client.seen(), err)
	}
	if err := view(); err != nil || height != n.chain.Height() {
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
	"no values":   reply(framed(&answer{call: callGet, height: 9})),
	"other key":   reply(framed(&answer{call: callGet, height: 9, pairs: []pair{{key: []byte{1}, value: []byte{1}, found: true}, {key: []byte{7}}}})),
	"more values": reply(framed(&answer{call: callGet, height: 9, pairs: make([]pair, 3)})),
	"other call":  reply(framed(&answer{call: callRange, height: 9})),
	"a block":     reply(framed(&answer{call: callFollow, block: ledger.BlockEvents{Height: 7}})),
	"other hash":  reply(framed(&answer{call: callAwait, receipt: ledger.Receipt{Height: 9, Hash: [32]byte{1}}})),
	"earlier":     reply(framed(&answer{call: callGet, pairs: []pair{{key: ledger.KeyParams()}, {key: ledger.KeySystem()}}})),
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

func TestFailover(t *testing.T) {
	t.Parallel()
	n := connect(t, 2)
	n.chain.Commit()
	tx := signed(0, ledger.Send{To: ledger.Address{1}, Amount: 5})
	if _, err := n.chain.Broadcast(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	n.account(t, ledger.Address{1}) // has seen the last height
	for name, fn := range hostile {
		liar := n.first()
		n.lie(liar, fn)
		var sys ledger.System
		calls := map[string]func() error{
			"view": func() error {
				return n.client.View(bounded(t), func(r ledger.Reader, _ uint64) (err error) {
					sys, err = ledger.ReadSystem(r)
					return err
				})
			},
			"broadcast": func() error { _, err := n.client.Broadcast(bounded(t), tx); return err },
			"await":     func() error { _, err := n.client.Await(bounded(t), ledger.TxHash(tx)); return err },
			"follow": func() error {
				for b, err := range n.client.Events(bounded(t), 2) {
					if b.Height != 2 {
						t.Errorf("%s: follow: block %d", name, b.Height)
					}
					return err
				}
				return nil
			},
		}
		for call, do := range calls {
			if err := do(); err != nil {
				t.Errorf("%s: %s: %v", name, call, err)
			}
			if n.first() == liar {
				t.Errorf("%s: %s: the liar is still asked first", name, call)
			}
			for n.first() != liar { // its turn again
				n.client.demote(n.client.candidates()[0])
			}
		}
		if sys.Epoch != 1 {
			t.Errorf("%s: read epoch %d", name, sys.Epoch)
		}
		n.lie(liar, func(ctx context.Context, s *p2p.Stream) { n.servers[liar].handle(ctx, n.hosts[2].ID(), s) })
	}
}

// A peer that fails within a View costs nothing but another reading.
func TestFailoverWithinView(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]*answer{
		"end of stream":  nil,
		"other height":   {call: callGet, height: 2, pairs: []pair{{key: []byte{4}}}},
		"other value":    {call: callGet, height: 1, pairs: []pair{{key: []byte{5}}}},
		"range, outside": {call: callRange, height: 1, pairs: []pair{{key: []byte{9}, found: true}}},
		"range, order":   {call: callRange, height: 1, pairs: []pair{{key: []byte{5, 2}, found: true}, {key: []byte{5, 1}, found: true}}},
		"range, twice":   {call: callRange, height: 1, pairs: []pair{{key: []byte{5, 2}, found: true}, {key: []byte{5, 2}, found: true}}},
		"range, absent":  {call: callRange, height: 1, pairs: []pair{{key: []byte{5, 2}}}},
		"range, many":    {call: callRange, height: 1, pairs: many(firstRange + 1)},
		"range, endless": {call: callRange, height: 1, more: true},
		"fault":          {fault: wire.Error{Code: wire.CodeTooLarge}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := connect(t, 2)
			n.lie(0, func(ctx context.Context, s *p2p.Stream) {
				q, err := next(s)
				if err != nil {
					return
				}
				_ = n.chain.View(ctx, func(r ledger.Reader, h uint64) error { return n.servers[0].read(s, q, r, h) })
				if _, err := next(s); err == nil && second != nil {
					_ = wire.Write(s, second)
				}
			})
			calls := 0
			var visited int
			err := n.client.View(bounded(t), func(r ledger.Reader, _ uint64) error {
				calls++
				if second != nil && second.call == callRange {
					visited = 0
					r.Ascend([]byte{5}, []byte{6}, func(_, v []byte) bool {
						visited++
						return true
					})
					return nil
				}
				visited = 4
				_, err := ledger.ReadCommittee(r)
				return err
			})
			if err != nil || calls != 2 || visited != 4 {
				t.Errorf("read %d times, visited %d, %v", calls, visited, err)
			}
		})
	}
}

func many(n int) (out []pair) {
	for i := range n {
		out = append(out, pair{key: []byte{5, byte(i)}, found: true})
	}
	return out
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	nobody := NewClient(n.hosts[1])
	nobody.Use(n.hosts[1].ID()) // itself does not count
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

// A committee of absurd members, through the network: every byte of its record
// changed, one after the other.
func TestHostileCommittee(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	const nodes = 4 // the kind of the record's key, which an epoch follows
	var record []byte
	if err := n.chain.View(t.Context(), func(r ledger.Reader, _ uint64) error {
		record = r.Get([]byte{nodes, 0, 0, 0, 1})
		return nil
	}); err != nil || len(record) == 0 {
		t.Fatal("no record", err)
	}
	var at atomic.Int64
	n.lie(0, func(ctx context.Context, s *p2p.Stream) {
		value := bytes.Clone(record)
		i := int(at.Load())
		value[i%len(value)] ^= 0xff
		_ = n.chain.View(ctx, func(r ledger.Reader, h uint64) error {
			for {
				q, err := next(s)
				if err != nil {
					return err
				}
				if err := n.servers[0].read(s, q, mangled{r, nodes, value}, h); err != nil {
					return err
				}
			}
		})
	})
	for i := 0; i < len(record); i += 7 {
		at.Store(int64(i))
		_ = n.client.View(bounded(t), func(r ledger.Reader, _ uint64) error {
			_, err := ledger.ReadCommittee(r)
			return err
		})
	}
}
