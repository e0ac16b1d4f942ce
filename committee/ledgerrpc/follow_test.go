package ledgerrpc

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/p2ptest"
	"github.com/floe-storage/floe/p2p/wire"
)

func TestFollow(t *testing.T) {
	t.Parallel()
	n := connect(t, 2)
	var heights []uint64
	for b, err := range n.client.Events(bounded(t), 0) {
		if err != nil {
			t.Fatal(err)
		}
		heights = append(heights, b.Height)
		switch len(heights) {
		case 1:
			tx := signed(0, ledger.Send{To: ledger.Address{1}, Amount: 5})
			if _, err := n.client.Broadcast(t.Context(), tx); err != nil {
				t.Fatal(err)
			}
		case 3:
			v, err := b.Events[0].Parse()
			if sent, ok := v.(ledger.FundsSent); err != nil || !ok || sent.Amount != 5 || b.Events[0].Tx == ([32]byte{}) || b.Time == 0 {
				t.Errorf("got %+v, %v", b, err)
			}
			n.servers[0].Close() // the next one goes on
			n.chain.EndEpoch()
		}
		if len(heights) == 5 { // the sixth proves it
			break
		}
	}
	if !slices.Equal(heights, []uint64{1, 2, 3, 4, 5}) {
		t.Errorf("heights %v", heights)
	}
	for _, s := range n.servers {
		eventually(t, "the server to notice that nobody listens", func() bool { return s.underWay() == 0 })
	}
}

// Blocks out of order, of another shape or without end are not passed on, be
// the peer believed or not.
func TestFollowLies(t *testing.T) {
	t.Parallel()
	block := func(height, time uint64, more bool, events int, body ...byte) []byte {
		b := ledger.BlockEvents{Height: height, Time: time}
		for range events {
			b.Events = append(b.Events, ledger.TxEvent{Event: ledger.Event{Kind: "lie", Body: body}})
		}
		return framed(&answer{call: callFollow, more: more, events: b})
	}
	parts := func(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
	for name, frames := range map[string][]byte{
		"not the first":      block(2, 1, false, 0),
		"part of another":    parts(block(1, 1, true, 1), block(2, 1, false, 1)),
		"other time":         parts(block(1, 1, true, 1), block(1, 2, false, 1)),
		"a part of nothing":  parts(block(1, 1, true, 1), block(1, 1, true, 0), block(1, 1, true, 0)),
		"never ends":         bytes.Repeat(block(1, 1, true, 25_000), 11),
		"too many bytes":     bytes.Repeat(block(1, 1, true, 1500, make([]byte, maxBody)...), 11),
		"ends within":        parts(block(1, 1, true, 1)),
		"fault after a part": parts(block(1, 1, true, 1), framed(&answer{fault: wire.Error{Code: wire.CodeInternal}})),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := connect(t, 2)
			n.feed(0, func(_ context.Context, s *p2p.Stream, _ uint64) { _, _ = s.Write(frames) })
			for _, c := range []*Client{n.client, n.fresh(t, ClientConfig{TrustPeers: true})} {
				got, err := follow(bounded(t), c, 1, 1, nothing)
				if err != nil || !sameBlocks(got, n.told(t, 1, 1)) {
					t.Errorf("got %+v, %v", got, err)
				}
				if c.candidates()[0] == n.hosts[0].ID() {
					t.Error("the liar is still asked first")
				}
			}
		})
	}
}

// push makes a block with events of a transaction that sends to some, and returns
// the height of the empty one after it.
func (n *network) push(nonce uint64, to ...byte) uint64 {
	var sends []ledger.Message
	for _, a := range to {
		sends = append(sends, ledger.Send{To: ledger.Address{a}, Amount: 1})
	}
	n.chain.Push(signed(nonce, sends...))
	return n.chain.Height()
}

// told returns what the chain has told of some blocks.
func (n *network) told(t *testing.T, from, to uint64) (blocks []ledger.BlockEvents) {
	t.Helper()
	for b, err := range n.chain.Events(t.Context(), from) {
		if err != nil {
			t.Fatal(err)
		}
		if blocks = append(blocks, b); b.Height >= to {
			break
		}
	}
	return blocks
}

// follow returns the blocks that a client passes on until one of a height, and
// calls each before it asks for the next.
func follow(ctx context.Context, c *Client, from, to uint64, each func(height uint64)) (blocks []ledger.BlockEvents, err error) {
	for b, err := range c.Events(ctx, from) {
		if err != nil {
			return blocks, err
		}
		if blocks = append(blocks, b); b.Height >= to {
			break
		}
		each(b.Height)
	}
	return blocks, nil
}

func nothing(uint64) {}

// sameBlocks compares blocks; no events are none, whichever slice they are in.
func sameBlocks(a, b []ledger.BlockEvents) bool {
	return slices.EqualFunc(a, b, func(a, b ledger.BlockEvents) bool {
		return a.Height == b.Height && a.Time == b.Time && slices.EqualFunc(a.Events, b.Events, func(a, b ledger.TxEvent) bool { return reflect.DeepEqual(a, b) })
	})
}

// eventLies are what a peer may tell of blocks instead of the truth. Blocks 3 and
// 5 have two events each, block 7 has one, and the others have none.
var eventLies = map[string]func(n *network, b *ledger.BlockEvents){
	"body":     at(5, func(b *ledger.BlockEvents) { b.Events[1].Body[0] ^= 1 }),
	"kind":     at(5, func(b *ledger.BlockEvents) { b.Events[0].Kind = "funds_lost" }),
	"tx":       at(5, func(b *ledger.BlockEvents) { b.Events[0].Tx[31] ^= 1 }),
	"no tx":    at(5, func(b *ledger.BlockEvents) { b.Events[0].Tx = [32]byte{} }),
	"index":    at(5, func(b *ledger.BlockEvents) { b.Events[1].Index++ }),
	"omitted":  at(5, func(b *ledger.BlockEvents) { b.Events = b.Events[:1] }),
	"emptied":  at(5, func(b *ledger.BlockEvents) { b.Events = nil }),
	"added":    at(5, func(b *ledger.BlockEvents) { b.Events = append(b.Events, b.Events[1]) }),
	"made up":  at(4, func(b *ledger.BlockEvents) { b.Events = []ledger.TxEvent{{Event: ledger.Event{Kind: "lie"}}} }),
	"reversed": at(5, func(b *ledger.BlockEvents) { slices.Reverse(b.Events) }),
	"late":     at(5, func(b *ledger.BlockEvents) { b.Time += 1 << 40 }),
	"never":    at(5, func(b *ledger.BlockEvents) { b.Time = 1<<64 - 1 }),
	"swapped": func(n *network, b *ledger.BlockEvents) {
		if other := map[uint64]uint64{3: 5, 5: 3}[b.Height]; other != 0 && n.chain.Height() > 5 {
			b.Events = n.block(other).Events
		}
	},
	"shifted": func(n *network, b *ledger.BlockEvents) {
		if b.Height > 1 {
			b.Events = n.block(b.Height - 1).Events
		}
	},
}

// timeLies are about the times of blocks that are new.
var timeLies = map[string]func(n *network, b *ledger.BlockEvents){
	"early":       at(5, func(b *ledger.BlockEvents) { b.Time = 0 }),
	"a bit early": at(4, func(b *ledger.BlockEvents) { b.Time-- }),
	"a bit late":  at(4, func(b *ledger.BlockEvents) { b.Time++ }),
}

// at changes one block.
func at(height uint64, fn func(b *ledger.BlockEvents)) func(*network, *ledger.BlockEvents) {
	return func(_ *network, b *ledger.BlockEvents) {
		if b.Height == height {
			fn(b)
		}
	}
}

// block returns a block of the chain that is the caller's own.
func (n *network) block(height uint64) ledger.BlockEvents {
	for b := range n.chain.Events(context.Background(), height) {
		b.Events = slices.Clone(b.Events)
		for i := range b.Events {
			b.Events[i].Body = bytes.Clone(b.Events[i].Body)
		}
		return b
	}
	return ledger.BlockEvents{}
}

// lieAbout has host i change the blocks that it tells of.
func (n *network) lieAbout(i int, lie func(*network, *ledger.BlockEvents)) {
	n.bend(i, func(_ *request, a *answer) {
		if a.call == callFollow {
			a.events = n.block(a.events.Height)
			lie(n, &a.events)
		}
	})
}

// sent are the receivers of the transactions of blocks 3, 5 and 7.
var sent = [][]byte{{1, 2}, {3, 4}, {5}}

// Whatever a peer changes of what blocks did, it is caught before a block is
// passed on, and the next one goes on from there: with old blocks and with new
// ones. Where there is nobody else the error names the lie.
func TestEventLies(t *testing.T) {
	t.Parallel()
	for name, lie := range eventLies {
		t.Run(name+"/old", func(t *testing.T) { t.Parallel(); caught(t, lie, false) })
		t.Run(name+"/new", func(t *testing.T) { t.Parallel(); caught(t, lie, true) })
	}
	for name, lie := range timeLies {
		t.Run(name, func(t *testing.T) { t.Parallel(); caught(t, lie, true) })
	}
}

// caught follows two liars and an honest peer, and then the liars alone.
func caught(t *testing.T, lie func(*network, *ledger.BlockEvents), live bool) {
	t.Helper()
	n := connect(t, 3)
	nonce := 0
	push := func(height uint64) {
		if height%2 == 1 && nonce < len(sent) {
			n.push(uint64(nonce), sent[nonce]...)
			nonce++
		}
	}
	for range sent {
		if !live {
			push(1)
		}
	}
	for i := range 2 {
		n.lieAbout(i, lie)
	}
	got, err := follow(bounded(t), n.client, 1, 7, push)
	if want := n.told(t, 1, 7); err != nil || !sameBlocks(got, want) {
		t.Errorf("got %+v, want %+v, %v", got, want, err)
	}
	if left := n.client.candidates(); len(left) != 1 || left[0] != n.hosts[2].ID() {
		t.Errorf("peers %v are left", left)
	}
	n.client.Use(n.hosts[0].ID())
	n.servers[2].Close()
	c := n.client
	if !live { // to a new client all blocks are old
		c = n.fresh(t, ClientConfig{})
	}
	got, err = follow(bounded(t), c, 1, 7, nothing)
	if !sameBlocks(got, n.told(t, 1, 7)[:len(got)]) {
		t.Errorf("of liars alone: got %+v", got)
	}
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, errEvents) || !strings.Contains(err.Error(), n.hosts[0].ID().String()) {
		t.Errorf("with nobody left: %v", err)
	}
}

// A peer whose proofs of events are false is caught as well.
func TestEventProofLies(t *testing.T) {
	t.Parallel()
	for name, bend := range map[string]func(q *request) (start, end []byte){
		"fewer":   func(q *request) ([]byte, []byte) { return append(bytes.Clone(q.start), 0), q.end },
		"shorter": func(q *request) ([]byte, []byte) { return q.start, ledger.EventsKey(3) },
		"other":   func(*request) ([]byte, []byte) { return ledger.EventsKey(6), ledger.EventsKey(8) },
	} {
		n := connect(t, 2)
		for nonce, to := range sent {
			n.push(uint64(nonce), to...)
		}
		n.bend(0, func(q *request, a *answer) {
			if q.call != callRange {
				return
			}
			start, end := bend(q)
			span, err := light.ProveRange(n.chain.State(a.height), start, end, maxRange, maxValues)
			if err != nil {
				t.Error(err)
			}
			a.spans[0] = span
		})
		got, err := follow(bounded(t), n.client, 3, 7, nothing)
		if want := n.told(t, 3, 7); err != nil || !sameBlocks(got, want) {
			t.Errorf("%s: got %+v, want %+v, %v", name, got, want, err)
		}
		if left := n.client.candidates(); len(left) != 1 {
			t.Errorf("%s: peers %v are left", name, left)
		}
	}
}

// Who believes his peers gets what they tell, without a proof.
func TestEventsBelieved(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	n.bend(0, func(q *request, a *answer) {
		if q.call != callFollow {
			t.Error("more than blocks is asked for")
		}
		a.events.Events = []ledger.TxEvent{{Event: ledger.Event{Kind: "lie"}}}
	})
	blocks, err := follow(bounded(t), n.fresh(t, ClientConfig{TrustPeers: true}), 1, 2, nothing)
	if err != nil || len(blocks) != 2 || blocks[1].Events[0].Kind != "lie" {
		t.Errorf("got %+v, %v", blocks, err)
	}
}

// Many old blocks are proven with few questions.
func TestCatchUp(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	const last = 1300
	for nonce := uint64(0); n.chain.Height() < last; {
		if n.chain.Height()%20 == 0 {
			n.push(nonce, 1, 2)
			nonce++
		}
		n.chain.Idle()
		n.chain.Idle()
	}
	n.chain.Idle()
	var ranges, other atomic.Int64
	n.bend(0, func(q *request, _ *answer) {
		switch q.call {
		case callRange:
			ranges.Add(1)
		case callFollow:
		default:
			other.Add(1)
		}
	})
	got, err := follow(bounded(t), n.client, 1, last, nothing)
	if want := n.told(t, 1, last); err != nil || !sameBlocks(got, want) {
		t.Errorf("got %d blocks, want %d, %v", len(got), len(want), err)
	}
	if ranges.Load() > last/maxBatch+2 || other.Load() > 2 {
		t.Errorf("%d ranges and %d other questions for %d blocks", ranges.Load(), other.Load(), last)
	}
	// Whoever was interrupted goes on, wherever it was.
	for from := uint64(1); from < last; {
		to := min(from+from%17*from%300, last)
		part, err := follow(bounded(t), n.client, from, to, nothing)
		if err != nil || !sameBlocks(part, got[from-1:to]) {
			t.Fatalf("from %d to %d: got %d blocks, %v", from, to, len(part), err)
		}
		from = to + 1
	}
}

// Where nothing happens, a block is passed on when the next one proves it. One
// with events does not wait for more than the one that follows it at once.
func TestIdleChain(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	blocks := make(chan ledger.BlockEvents)
	ctx, cancel := context.WithCancel(bounded(t))
	defer cancel()
	go func() {
		defer close(blocks)
		for b, err := range n.client.Events(ctx, 1) {
			if err != nil {
				return
			}
			if b.Height >= n.chain.Height() {
				t.Errorf("block %d is passed on, and nothing proves it", b.Height)
			}
			blocks <- b
		}
	}()
	next := uint64(1)
	expect := func(to uint64) {
		t.Helper()
		for ; next <= to; next++ {
			if b := <-blocks; b.Height != next || b.Time != n.block(next).Time {
				t.Fatalf("got %+v, want block %d", b, next)
			}
		}
	}
	expect(1)
	for nonce := range uint64(3) {
		for range 3 {
			expect(n.chain.Idle() - 1)
		}
		expect(n.push(nonce, 1) - 1)
		if n.client.seen() < next-1 {
			t.Errorf("height %d is unseen again", next-1)
		}
	}
	cancel()
	for b := range blocks {
		t.Errorf("got %+v", b)
	}
}

// A peer that stops sending, wherever it does, is replaced, and neither a block
// is lost nor repeated. Nobody is given up for it.
func TestPeerStops(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(ctx context.Context, s *p2p.Stream){
		"hangs up": func(context.Context, *p2p.Stream) {},
		"resets":   func(_ context.Context, s *p2p.Stream) { s.Reset() },
		"silent":   func(ctx context.Context, _ *p2p.Stream) { <-ctx.Done() },
	} {
		for when, count := range map[string]int{"at once": 0, "within": 2, "at the end": 8} {
			t.Run(name+"/"+when, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(time.Until(time.UnixMilli(int64(rpctest.Genesis(shards).Time)))) // a bubble's clock is behind the chain's
					n := join(t, p2ptest.NewNet(t, p2ptest.Link{Latency: time.Millisecond}).New(t, 4, nil))
					for nonce, to := range sent {
						n.push(uint64(nonce), to...)
					}
					for i := range 2 {
						n.stopAfter(i, count, stop)
					}
					ctx, cancel := context.WithTimeout(t.Context(), 3*followPatience)
					defer cancel()
					got, err := follow(ctx, n.client, 1, 9, func(height uint64) {
						if height == 7 {
							n.push(uint64(len(sent)), 6)
						}
					})
					if want := n.told(t, 1, 9); err != nil || !sameBlocks(got, want) {
						t.Errorf("got %+v, want %+v, %v", got, want, err)
					}
					if left := n.client.candidates(); len(left) != 3 {
						t.Errorf("peers %v are left", left)
					}
				})
			})
		}
	}
}

// stopAfter has host i send only so many blocks, and none after the eighth.
func (n *network) stopAfter(i, count int, stop func(ctx context.Context, s *p2p.Stream)) {
	n.feed(i, func(ctx context.Context, stream *p2p.Stream, from uint64) {
		for height := from; height < from+uint64(count) && height <= 8; height++ {
			_ = writeBlock(stream, n.block(height))
		}
		stop(ctx, stream)
	})
}

// feed has host i answer whoever follows with fn, and the rest as it is.
func (n *network) feed(i int, fn func(ctx context.Context, s *p2p.Stream, from uint64)) {
	s := n.servers[i]
	n.lie(i, func(ctx context.Context, stream *p2p.Stream) {
		q, err := next(stream)
		switch {
		case err != nil:
		case q.call == callFollow:
			fn(ctx, stream, q.minHeight)
		case q.call == callRange:
			_ = s.view(ctx, stream, q)
		default:
			_ = s.once(ctx, stream, q)
		}
	})
}

// What the state has forgotten is an error that nobody is blamed for.
func TestHorizon(t *testing.T) {
	t.Parallel()
	n := connect(t, 2)
	for nonce, to := range sent {
		n.push(uint64(nonce), to...)
	}
	n.client.horizon = 3 // before 7, which the header of 8 proves
	if got, err := follow(bounded(t), n.client, 3, 7, nothing); !errors.Is(err, ErrHorizon) || errors.Is(err, ErrUnavailable) || len(got) != 0 {
		t.Errorf("too far: got %+v, %v", got, err)
	}
	if got, err := follow(bounded(t), n.client, 4, 7, nothing); err != nil || !sameBlocks(got, n.told(t, 4, 7)) {
		t.Errorf("near enough: got %+v, %v", got, err)
	}
	if len(n.client.candidates()) != 2 {
		t.Error("a peer was given up")
	}
}

// What a peer sends ahead of its proofs is bounded in blocks and in bytes.
func TestHeldIsBounded(t *testing.T) {
	t.Parallel()
	body := make([]byte, maxBody)
	for name, tt := range map[string]struct{ events, want int }{"small": {0, maxBatch}, "large": {512, 4}} {
		var frames []byte
		for height := range uint64(maxBatch + 10) {
			b := ledger.BlockEvents{Height: height + 1, Time: 1}
			for range tt.events {
				b.Events = append(b.Events, ledger.TxEvent{Event: ledger.Event{Body: body}})
			}
			if len(b.Events) == 0 || height < 10 {
				frames = append(frames, framed(&answer{call: callFollow, events: b})...)
			}
		}
		n := connect(t, 1)
		n.lie(0, reply(frames))
		stream, err := n.hosts[1].Open(bounded(t), n.hosts[0].ID(), Protocol)
		if err != nil {
			t.Fatal(err)
		}
		f := &feed{client: n.client, peer: n.hosts[0].ID(), stream: stream, next: 1, height: 1000}
		f.sent = wire.Write(stream, &request{call: callFollow})
		if f.fill(); f.fault != nil || len(f.held) != tt.want {
			t.Errorf("%s: held %d blocks of %d bytes, want %d, %v", name, len(f.held), f.size, tt.want, f.fault)
		}
		f.close()
	}
}
