package comet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
)

func TestOneNode(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.startAll()
	if got, _ := c.get(0, "genesis"); got != string(c.genesis) {
		t.Errorf("genesis state: got %q, want %q", got, c.genesis)
	}
	first := c.mustSubmit(0, "ann 0 color blue")
	if first.Fee != 7 || string(first.Data) != "color" {
		t.Errorf("got result %+v", first)
	}
	if got, height := c.get(0, "key/color"); got != "blue" || height < first.Height {
		t.Errorf("got %q at height %d, want blue at %d or later", got, height, first.Height)
	}
}

func TestFourNodesAgree(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	c.startAll()
	var last ledger.Receipt
	for i := range 8 {
		last = c.mustSubmit(i%4, "ann%d 0 k%d v%d", i, i, i)
	}
	c.sameHash(last.Height, 0, 1, 2, 3)
	for i := range c.members {
		if got, _ := c.get(i, "key/k7"); got != "v7" {
			t.Errorf("node %d: got %q, want v7", i, got)
		}
	}
}

func TestRestartOfAll(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	c.startAll()
	first := c.mustSubmit(0, "ann 0 k v")
	c.waitHeight(first.Height, 0, 1, 2, 3)
	c.stopAll()
	c.startAll()
	second := c.mustSubmit(1, "ann 1 k w")
	if second.Height <= first.Height {
		t.Errorf("got height %d after the restart, want more than %d", second.Height, first.Height)
	}
	c.sameHash(second.Height, 0, 1, 2, 3)
	again := c.submit(2, "ann 0 k v")
	if again.Height != first.Height || again.Index != first.Index || again.Fee != first.Fee {
		t.Errorf("sent again after the restart: got %+v, want %+v", again, first)
	}
}

func TestOneOfFourDown(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	c.startAll()
	c.mustSubmit(3, "ann 0 k v")
	c.stop(3)
	var last ledger.Receipt
	for i := range 5 {
		last = c.mustSubmit(i%3, "bob %d k%d v", i, i)
	}
	c.sameHash(last.Height, 0, 1, 2)
	c.start(3)
	c.sameHash(last.Height, 0, 3)
	c.mustSubmit(3, "cid 0 k v")
}

func TestTwoOfFourDown(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	c.startAll()
	c.mustSubmit(0, "ann 0 k v")
	c.stop(2)
	c.stop(3)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if res, err := submitAt(ctx, c.members[0].node, []byte("ann 1 k w")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("submit without a quorum: got %+v, %v, want a deadline", res, err)
	}
	height := c.members[0].node.Height()
	c.start(3)
	res := c.mustSubmit(0, "ann 1 k w")
	if res.Height <= height {
		t.Errorf("got height %d, want more than %d", res.Height, height)
	}
	c.sameHash(res.Height, 0, 1, 3)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.startAll()
	first := c.mustSubmit(0, "ann 0 k v")
	for _, tt := range []struct {
		name, tx string
		code     uint32
	}{
		{"malformed", "nonsense", toyMalformed},
		{"nonce of a committed one", "ann 0 k other", toyNonceUsed},
		{"nonce ahead", "ann 5 k v", toyNonceAhead},
	} {
		if res := c.submit(0, "%s", tt.tx); res.Code != tt.code || res.Height != 0 || res.Info == "" {
			t.Errorf("%s: got %+v, want code %d", tt.name, res, tt.code)
		}
	}
	if again := c.submit(0, "ann 0 k v"); again.Height != first.Height || again.Code != 0 {
		t.Errorf("sent again: got %+v, want %+v", again, first)
	}
	if nonce, _ := c.get(0, "nonce/ann"); nonce != "1" {
		t.Errorf("got nonce %s, want 1: it was applied twice", nonce)
	}
	for _, size := range []int{0, ledger.MaxTxSize + 1} {
		if res := c.submit(0, "%s", make([]byte, size)); res.Code != uint32(ledger.CodeMalformed) {
			t.Errorf("%d bytes: got %+v, want malformed", size, res)
		}
	}
	// A replay that a proposer puts into a block by force changes nothing.
	a := c.members[0].node.chain.Load().app
	overlay := ledger.NewOverlay(must(a.tree.last))
	res := a.machine.ApplyBlock(overlay, ledger.Block{Height: 99, Txs: [][]byte{[]byte("ann 0 k v")}})
	if res.Txs[0].Code != toyNonceUsed || overlay.Len() != 0 {
		t.Errorf("forced replay: got %+v and %d writes", res.Txs[0], overlay.Len())
	}
}

func must(f func() (reader, uint64, bool)) reader {
	r, _, _ := f()
	return r
}

func TestWaitingNoncesChain(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	c.startAll()
	n := c.members[0].node
	results := make(chan ledger.Receipt)
	const count = 20
	for i := range count {
		// In order into the mempool, waiting for all of them at once.
		tx := fmt.Appendf(nil, "ann %d k%d v", i, i)
		done, _, _ := n.chain.Load().app.results.wait(hashOf(tx))
		if verdict, err := n.chain.Load().offer(tx); err != nil || verdict.Code != 0 {
			t.Fatalf("offer %d: %+v, %v", i, verdict, err)
		}
		go func() { results <- <-done }()
	}
	for range count {
		if r := <-results; r.Code != 0 {
			t.Errorf("got %+v", r)
		}
	}
}

// Opened, closed and opened again before there was a block.
func TestReopenAtGenesis(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	c.start(0)
	for range 2 {
		if got, height := c.get(0, "genesis"); got != string(c.genesis) || height != 0 {
			t.Fatalf("got %q at height %d, want the genesis state", got, height)
		}
		if res := c.submit(0, "nonsense"); res.Code != toyMalformed {
			t.Errorf("before the first block: got %+v", res)
		}
		c.stop(0)
		c.start(0)
	}
	c.start(1)
	res := c.mustSubmit(0, "ann 0 k v")
	c.sameHash(res.Height, 0, 1)
}

func TestManyTransactions(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	c.startAll()
	const accounts, each = 40, 10
	var wg sync.WaitGroup
	for a := range accounts {
		wg.Go(func() {
			for i := range each {
				res, err := submitAt(t.Context(), c.members[a%4].node, fmt.Appendf(nil, "acc%d %d key%d-%d %0300d", a, i, a, i, i))
				if err != nil || res.Code != 0 {
					t.Errorf("account %d, %d: got %+v, %v", a, i, res, err)
					return
				}
				c.waitHeight(res.Height, a%4)
			}
		})
	}
	wg.Wait()
	var height uint64
	for _, m := range c.members {
		height = max(height, m.node.Height())
	}
	c.sameHash(height, 0, 1, 2, 3)
	count := 0
	for b, err := range c.members[1].node.Events(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if count += len(b.Events); b.Height == height {
			break
		}
	}
	if count != accounts*each {
		t.Errorf("got %d events, want %d: each transaction once", count, accounts*each)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	n := c.start(0)
	var sent []ledger.Receipt
	for i := range 3 {
		sent = append(sent, c.mustSubmit(0, "ann %d k%d v", i, i))
	}
	follow := func(from uint64, fresh ledger.Receipt) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		next, at := from, uint64(0)
		var got []string
		for b, err := range n.Events(ctx, from) {
			if err != nil {
				t.Fatal(err)
			}
			if b.Height != next || b.Time < at {
				t.Fatalf("got height %d at %d ms, want height %d after %d ms", b.Height, b.Time, next, at)
			}
			next, at = b.Height+1, b.Time
			for _, e := range b.Events {
				got = append(got, string(e.Body))
			}
			if b.Height == fresh.Height {
				if e := b.Events[0]; e.Tx != fresh.Hash || e.Kind != "set" || e.Index != fresh.Index {
					t.Errorf("got event %+v, want that of %+v", e, fresh)
				}
				break
			}
			if b.Height == sent[2].Height { // the rest is live
				go func() { _, _ = submitAt(ctx, n, []byte("ann 3 k3 v")) }()
			}
		}
		var want []string
		for i, s := range append(sent, fresh) {
			if s.Height >= from {
				want = append(want, fmt.Sprintf("k%d=v\xff", i))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("from %d: got %q, want %q", from, got, want)
		}
	}
	fresh := ledger.Receipt{Height: sent[2].Height + 1, Hash: hashOf([]byte("ann 3 k3 v"))}
	if fresh.Height == n.Height() { // the proof block of the last one came between
		fresh.Height++
	}
	c.waitHeight(sent[2].Height+1, 0)
	fresh.Height = n.Height() + 1
	follow(1, fresh)
	follow(sent[1].Height, fresh)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for b, err := range n.Events(ctx, n.Height()+10) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %+v, %v, want context.Canceled", b, err)
		}
	}
}

func TestEmptyBlocksKeepTheHash(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.empty = 150 * time.Millisecond
	n := c.start(0)
	first := c.mustSubmit(0, "ann 0 k v")
	c.waitHeight(first.Height+5, 0)
	c.sameHash(first.Height, 0)
	var hash []byte
	var times []uint64
	for h := first.Height; h <= first.Height+5; h++ {
		stored, err := n.chain.Load().engine.states.LoadFinalizeBlockResponse(int64(h))
		if err != nil {
			t.Fatal(err)
		}
		if hash != nil && !bytes.Equal(hash, stored.AppHash) {
			t.Errorf("the empty block %d changed the hash", h)
		}
		hash = stored.AppHash
		b, err := n.blockEvents(h)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, b.Time)
	}
	// A block carries the time of the votes before it; the first two follow at once.
	for i := 3; i < len(times); i++ {
		if gap := times[i] - times[i-1]; gap < 140 {
			t.Errorf("empty blocks %d ms apart, want 150: the chain spins", gap)
		}
	}
}

// A crash is a copy of the directory made at that moment, opened by another node.
func TestCrash(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		hooks func(crash func()) toy
	}{
		{"between apply and commit", func(crash func()) toy {
			return toy{onApply: func(b ledger.Block) {
				if len(b.Txs) > 0 && bytes.Contains(b.Txs[0], []byte("crash")) {
					crash()
				}
			}}
		}},
		{"between commit and saving consensus", func(crash func()) toy {
			return toy{onChecker: func(r ledger.Reader) {
				if r.Get([]byte("key/crash")) != nil {
					crash()
				}
			}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 1)
			dead := newCluster(t, 1)
			crashed := false
			c.machine = tt.hooks(func() {
				if !crashed {
					crashed = true
					copyDir(t, c.nodeDir(0), dead.nodeDir(0))
				}
			})
			c.startAll()
			c.mustSubmit(0, "ann 0 k v")
			res := c.mustSubmit(0, "ann 1 crash v")
			c.waitHeight(res.Height+1, 0)
			if !crashed {
				t.Fatal("never crashed")
			}
			dead.genesis, dead.time = c.genesis, c.time
			n := dead.start(0)
			if n.Height() < res.Height {
				t.Fatalf("after the replay: got height %d, want %d", n.Height(), res.Height)
			}
			for i, height := range []uint64{res.Height - 1, res.Height} {
				want, err := c.members[0].node.chain.Load().engine.states.LoadFinalizeBlockResponse(int64(height))
				if err != nil {
					t.Fatal(err)
				}
				got, err := n.chain.Load().engine.states.LoadFinalizeBlockResponse(int64(height))
				if err != nil || !bytes.Equal(got.AppHash, want.AppHash) {
					t.Errorf("%d: got hash %x, %v, want %x", i, got.AppHash, err, want.AppHash)
				}
			}
			if again := dead.submit(0, "ann 1 crash v"); again.Height != res.Height {
				t.Errorf("sent again: got %+v, want height %d", again, res.Height)
			}
			dead.mustSubmit(0, "ann 2 k w")
		})
	}
}

// copyDir replaces to by a copy of from.
func copyDir(t *testing.T, from, to string) {
	if err := os.RemoveAll(to); err != nil {
		t.Error(err)
	}
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		dst := filepath.Join(to, strings.TrimPrefix(path, from))
		if e.IsDir() {
			return os.MkdirAll(dst, 0o700)
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // a temporary file that was renamed
			return nil
		}
		if err != nil {
			return err
		}
		return os.WriteFile(dst, data, 0o600)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDiskFaultHalts(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	n := c.start(0)
	c.mustSubmit(0, "ann 0 k v")
	if err := n.chain.Load().db.Close(); err != nil { // as if the disk were gone
		t.Fatal(err)
	}
	if _, err := submitAt(t.Context(), n, []byte("ann 1 k v")); err == nil {
		t.Error("submit without a disk: got no error")
	}
	eventually(t, "the node halts", func() bool { return errors.Is(n.Err(), ErrHalted) })
	if _, err := submitAt(t.Context(), n, []byte("ann 2 k v")); !errors.Is(err, ErrHalted) {
		t.Errorf("submit after the halt: got %v, want ErrHalted", err)
	}
}

// A node whose program does not have the rules of the next block halts before
// it, and does not open again.
func TestUnknownRulesHalt(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	n := c.start(0)
	height := c.mustSubmit(0, "ann 0 rules new").Height
	if _, err := submitAt(t.Context(), n, []byte("ann 1 k v")); err == nil {
		t.Error("submit by rules that are unknown: got no error")
	}
	eventually(t, "the node halts", func() bool { return errors.Is(n.Err(), ErrHalted) })
	if err := n.Err(); !errors.Is(err, errToyRules) || n.Height() != height {
		t.Errorf("got %v at height %d, want errToyRules at %d", err, n.Height(), height)
	}
	c.stop(0)
	c.hostUp(0)
	if n, err := Open(t.Context(), c.config(0)); err == nil || !strings.Contains(err.Error(), errToyRules.Error()) {
		t.Errorf("opened again: got %v, %v, want %q", n, err, errToyRules)
	}
}

func TestValidatorsChange(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.empty = 100 * time.Millisecond
	c.startAll()
	c.mustSubmit(0, "ann 0 k v")
	i := c.add() // a follower, at first
	pub, err := LoadOrCreateConsensusKey(c.nodeDir(i))
	if err != nil {
		t.Fatal(err)
	}
	c.start(i)
	c.waitHeight(c.members[0].node.Height(), i) // until then it refuses the nonce
	res := c.mustSubmit(i, "ann 1 validator/%x 10", pub)
	c.sameHash(res.Height+2, 0, i)
	vals, err := c.members[i].node.chain.Load().engine.states.LoadValidators(int64(res.Height + 2))
	if err != nil || vals.Size() != 2 {
		t.Fatalf("got %v, %v, want two validators", vals, err)
	}
	c.mustSubmit(0, "ann 2 k w") // needs both votes now
	res = c.mustSubmit(0, "ann 3 validator/%x 0", pub)
	c.waitHeight(res.Height+2, 0)
	c.stop(i)
	c.mustSubmit(0, "ann 4 k w")
}

// Not parallel: it counts goroutines.
func TestCloseLeavesNothing(t *testing.T) {
	before := ours()
	c := newCluster(t, 4)
	c.startAll()
	c.mustSubmit(0, "ann 0 k v")
	nodes := []*Node{}
	for _, m := range c.members {
		nodes = append(nodes, m.node)
	}
	c.stopAll()
	for _, n := range nodes {
		if err := n.Close(); err != nil {
			t.Errorf("close again: %v", err)
		}
		if _, err := submitAt(t.Context(), n, []byte("x")); !errors.Is(err, ErrClosed) {
			t.Errorf("submit after close: got %v, want ErrClosed", err)
		}
		if err := n.View(t.Context(), func(ledger.Reader, uint64) error { return nil }); !errors.Is(err, ErrClosed) {
			t.Errorf("view after close: got %v, want ErrClosed", err)
		}
		for _, err := range n.Events(t.Context(), 1) {
			if !errors.Is(err, ErrClosed) {
				t.Errorf("events after close: got %v, want ErrClosed", err)
			}
		}
	}
	eventually(t, "the goroutines end", func() bool { return len(ours()) <= len(before) })
	if left := ours(); len(left) > len(before) {
		t.Errorf("left running:\n%s", strings.Join(left, "\n\n"))
	}
}

// ours lists the goroutines of CometBFT and of this package, without the two
// that the message log of CometBFT leaves for each start.
func ours() (out []string) {
	buf := make([]byte, 4<<20)
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		known := strings.Contains(g, "libs/autofile") || strings.Contains(g, "testing.")
		if !known && (strings.Contains(g, "cometbft") || strings.Contains(g, "committee/comet")) {
			out = append(out, g)
		}
	}
	return out
}
