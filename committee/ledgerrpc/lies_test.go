package ledgerrpc

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/committee/light/lighttest"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

// impostor is a chain of the same name, with other prices and signed by others.
func impostor(t *testing.T) *lighttest.Chain {
	t.Helper()
	c := lighttest.New(rpctest.ChainID, []byte{7, 8}, func(s ledger.Store) {
		g := rpctest.Genesis(shards)
		g.Params.FeePerByte *= 1000
		b, err := g.AppendBinary(nil)
		if err != nil {
			t.Error(err)
		}
		if _, err := ledger.InitChain(s, b); err != nil {
			t.Error(err)
		}
	})
	for i := range int64(9) {
		c.Commit(lighttest.Block{Time: time.UnixMilli(1_700_000_000_000 + i)})
	}
	return c
}

// A peer that lies about the state is caught, whatever it lies about, never
// asked again, and another one answers. Alone it leads to an error that names it.
func TestLies(t *testing.T) {
	t.Parallel()
	other := impostor(t)
	span := func(t *testing.T, p light.Prover, start, end []byte, limit int) []byte {
		b, err := light.ProveRange(p, start, end, limit, maxValues)
		if err != nil {
			t.Error(err)
		}
		return b
	}
	for name, bend := range map[string]func(t *testing.T, n *network, q *request, a *answer){
		"overstated fee": func(t *testing.T, _ *network, q *request, a *answer) {
			a.spans[0] = span(t, other.State(0), q.keys[0], after(q.keys[0]), 1)
		},
		"overstated fee, with a header": func(t *testing.T, _ *network, q *request, a *answer) {
			for i, k := range q.keys {
				a.spans[i] = span(t, other.State(2), k, after(k), 1)
			}
			a.height = 2
			a.block, _ = other.LightBlock(t.Context(), 3)
		},
		"another chain's header": func(t *testing.T, _ *network, _ *request, a *answer) {
			a.block, _ = other.LightBlock(t.Context(), a.height+1)
		},
		"the header of elsewhere": func(t *testing.T, n *network, _ *request, a *answer) {
			a.block, _ = n.chain.LightBlock(t.Context(), a.height)
		},
		"no state of the header": func(_ *testing.T, _ *network, _ *request, a *answer) { a.height-- },
		"a header of garbage":    func(_ *testing.T, _ *network, _ *request, a *answer) { a.block = []byte("garbage") },
		"an altered header":      func(_ *testing.T, _ *network, _ *request, a *answer) { a.block[len(a.block)/2] ^= 1 },
		"values exchanged":       func(_ *testing.T, _ *network, _ *request, a *answer) { a.spans[0], a.spans[1] = a.spans[1], a.spans[0] },
		"an older value": func(t *testing.T, n *network, q *request, a *answer) {
			a.spans[1] = span(t, n.chain.State(0), q.keys[1], after(q.keys[1]), 1)
		},
		"a value altered": func(_ *testing.T, _ *network, _ *request, a *answer) { a.spans[1][len(a.spans[1])/3] ^= 1 },
		"absence": func(t *testing.T, n *network, q *request, a *answer) {
			none := append(bytes.Clone(q.keys[0]), 0xff)
			a.spans[0] = span(t, n.chain.State(a.height), none, after(none), 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := connect(t, 2)
			if _, err := NewWallet(n.chain, rpctest.Account(0)).Send(t.Context(), one); err != nil {
				t.Fatal(err)
			}
			n.bend(0, func(q *request, a *answer) {
				if q.call == callGet && a.fault.Code == wire.CodeOK {
					bend(t, n, q, a)
				}
			})
			read := func(c *Client) error {
				return c.View(bounded(t), func(r ledger.Reader, _ uint64) error {
					p, err := ledger.ReadParams(r)
					if p != rpctest.Genesis(shards).Params {
						t.Errorf("got %+v, %v", p, err)
					}
					return err
				})
			}
			if err := read(n.client); err != nil {
				t.Error(err)
			}
			if left := n.client.candidates(); len(left) != 1 || left[0] != n.hosts[1].ID() {
				t.Errorf("peers %v are left", left)
			}
			n.client.Use(n.hosts[0].ID())
			if left := n.client.candidates(); len(left) != 1 {
				t.Errorf("the liar is back: %v", left)
			}
			n.servers[1].Close()
			err := read(n.client)
			if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), n.hosts[0].ID().String()) || !strings.Contains(err.Error(), n.hosts[1].ID().String()) {
				t.Errorf("with nobody left: %v", err)
			}
		})
	}
}

// A range that omits a key, or ends too early, is a lie like another.
func TestRangeLies(t *testing.T) {
	t.Parallel()
	accounts := func(r ledger.Reader) (n int) {
		r.Ascend([]byte{5}, []byte{6}, func(_, _ []byte) bool { n++; return true })
		return n
	}
	for name, bend := range map[string]func(start, end []byte) (from, to []byte, limit int){
		"begins later": func(start, end []byte) ([]byte, []byte, int) { return append(bytes.Clone(start), 0xff), end, 100 },
		"ends earlier": func(start, _ []byte) ([]byte, []byte, int) { return start, append(bytes.Clone(start), 0x80), 100 },
		"elsewhere":    func(_, end []byte) ([]byte, []byte, int) { return end, nil, 100 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := connect(t, 2)
			n.bend(0, func(q *request, a *answer) {
				if q.call != callRange {
					return
				}
				start, end, limit := bend(q.start, q.end)
				var err error
				if a.spans[0], err = light.ProveRange(n.chain.State(a.height), start, end, limit, maxValues); err != nil {
					t.Error(err)
				}
			})
			got, calls := 0, 0
			err := n.client.View(bounded(t), func(r ledger.Reader, _ uint64) error {
				calls++
				got = accounts(r)
				return nil
			})
			var want int
			_ = n.chain.View(t.Context(), func(r ledger.Reader, _ uint64) error { want = accounts(r); return nil })
			if err != nil || calls != 2 || got != want || want == 0 {
				t.Errorf("read %d times, got %d accounts, want %d, %v", calls, got, want, err)
			}
		})
	}
}

// An old state is true, but others are asked for a younger one; if there is
// none, the chain stands still, and is read.
func TestStaleState(t *testing.T) {
	t.Parallel()
	n := connect(t, 2)
	height := uint64(0)
	c := n.fresh(t, ClientConfig{MaxAge: time.Second})
	if err := c.View(bounded(t), func(_ ledger.Reader, h uint64) error { height = h; return nil }); err != nil || height != n.chain.Height()-1 {
		t.Errorf("height %d, %v", height, err)
	}
	if len(c.candidates()) != 2 {
		t.Error("a peer was given up for an old state")
	}
}

// Receipts are believed if they are proven.
func TestReceiptLies(t *testing.T) {
	t.Parallel()
	tx := signed(0, ledger.Send{To: to, Amount: 5})
	second := signed(1, ledger.Send{To: to, Amount: 5})
	for name, bend := range map[string]func(n *network, a *answer){
		"fee":      func(_ *network, a *answer) { a.receipt.Fee++ },
		"code":     func(_ *network, a *answer) { a.receipt.Code = 7 },
		"data":     func(_ *network, a *answer) { a.receipt.Data = append(a.receipt.Data, 1) },
		"index":    func(_ *network, a *answer) { a.receipt.Index++ },
		"height":   func(_ *network, a *answer) { a.receipt.Height++ },
		"no block": func(_ *network, a *answer) { a.receipt.Height = 0 },
		"no proof": func(_ *network, a *answer) { a.proof = nil },
		"headers":  func(_ *network, a *answer) { a.block, a.next = a.next, a.block },
		"another": func(n *network, a *answer) {
			r, _ := n.chain.Await(t.Context(), ledger.TxHash(second))
			a.proof, _ = n.chain.ProveReceipt(t.Context(), r.Height, r.Index)
			a.block, _ = n.chain.LightBlock(t.Context(), r.Height)
			a.next, _ = n.chain.LightBlock(t.Context(), r.Height+1)
			hash := a.receipt.Hash
			a.receipt = r
			a.receipt.Hash = hash
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := connect(t, 2)
			for _, b := range [][]byte{tx, second} {
				if r, err := n.chain.Broadcast(t.Context(), b); err != nil || r.Code != 0 {
					t.Fatal(r, err)
				}
			}
			n.bend(0, func(q *request, a *answer) {
				if q.call == callAwait {
					bend(n, a)
				}
			})
			got, err := n.client.Await(bounded(t), ledger.TxHash(tx))
			want, _ := n.chain.Await(t.Context(), ledger.TxHash(tx))
			if err != nil || got.Height != want.Height || got.Fee != want.Fee || got.Code != want.Code {
				t.Errorf("got %+v, %v", got, err)
			}
			if len(n.client.candidates()) != 1 {
				t.Error("the liar is asked again")
			}
		})
	}
}

// A refusal that only one peer knows of does not keep a transaction away.
func TestRefusalByOne(t *testing.T) {
	t.Parallel()
	n := connect(t, 2)
	n.bend(0, func(q *request, a *answer) {
		switch q.call {
		case callBroadcast:
			a.result = ledger.TxResult{Code: uint32(ledger.CodeInsufficientFunds), Info: "so they say"}
		case callAwait:
			a.receipt = ledger.Receipt{Hash: q.hash, TxResult: ledger.TxResult{Code: uint32(ledger.CodeInsufficientFunds)}}
		}
	})
	if _, err := NewWallet(n.client, rpctest.Account(0)).Send(bounded(t), one); err != nil {
		t.Error(err)
	}
	n.servers[1].Close()
	_, err := NewWallet(n.client, rpctest.Account(0)).Send(bounded(t), one)
	if e, ok := errors.AsType[*ledger.Error](err); !ok || e.Code != ledger.CodeInsufficientFunds {
		t.Errorf("without another peer: %v", err)
	}
}

func TestFeeLimit(t *testing.T) {
	t.Parallel()
	chain := rpctest.New(t, rpctest.Genesis(shards))
	w := NewWallet(chain, rpctest.Account(0))
	w.LimitFee(10)
	if _, err := w.Send(t.Context(), one); !errors.Is(err, ErrFee) || chain.Waiting() != 0 || balance(t, chain) != 0 {
		t.Errorf("above the limit: %v", err)
	}
	w.LimitFee(DefaultMaxFee)
	if _, err := w.Send(t.Context(), one); err != nil {
		t.Error(err)
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	chain := rpctest.New(t, rpctest.Genesis(shards))
	w := NewWallet(chain, rpctest.Account(0))
	var sent []Sent
	for i := range byte(3) {
		s, err := w.Send(t.Context(), ledger.Send{To: ledger.Address{i}, Amount: 1}, ledger.ReserveStorage{Size: 1 << 20, Epochs: 1})
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, s)
	}
	for name, tt := range map[string]struct {
		filter Filter
		want   int
	}{
		"all":            {Filter{}, 6},
		"kind":           {Filter{Kinds: []string{"funds_sent"}}, 3},
		"two kinds":      {Filter{Kinds: []string{"funds_sent", "storage_reserved"}}, 6},
		"unknown kind":   {Filter{Kinds: []string{"nothing"}}, 0},
		"account":        {Filter{Accounts: []ledger.Address{{1}}}, 1},
		"either account": {Filter{Accounts: []ledger.Address{{1}, {2}}}, 2},
		"object":         {Filter{Objects: []committee.ObjectID{sent[1].Object(1)}}, 1},
		"both":           {Filter{Accounts: []ledger.Address{w.Address()}, Kinds: []string{"storage_reserved"}}, 3},
		"node":           {Filter{Nodes: []committee.NodeID{{1}}}, 0},
		"epoch":          {Filter{Epochs: []committee.Epoch{99}}, 0},
	} {
		got, next := 0, uint64(1)
		for b, err := range Follow(t.Context(), chain, 1, tt.filter) {
			if err != nil || b.Height != next {
				t.Fatalf("%s: block %d, want %d, %v", name, b.Height, next, err)
			}
			got += len(b.Events)
			if next++; b.Height == chain.Height() {
				break
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %d events, want %d", name, got, tt.want)
		}
	}
	if (Filter{Blobs: []shard.BlobID{{1}}}).Match(ledger.Event{Kind: "unknown"}) {
		t.Error("an unknown event is about a blob")
	}
}
