package comet

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
)

// pruned is a chain of one that keeps little, and for whose signers evidence is soon too old.
func pruned(t *testing.T) *cluster {
	c := newCluster(t, 1)
	c.adjust = func(cfg *Config) {
		cfg.KeepBlocks = minKeepBlocks
		cfg.evidenceBlocks, cfg.evidenceAge = 2*minKeepBlocks, time.Millisecond
	}
	return c
}

// waitPruned waits until a node has removed all that it may.
func waitPruned(t *testing.T, n *Node) {
	t.Helper()
	eventually(t, "the old blocks are gone", func() bool {
		at, err := (&pruner{db: n.chain.Load().db}).place(keyPrunedHeaders)
		return err == nil && at > 0 && n.chain.Load().engine.blocks.Base() >= int64(n.Height())-minKeepBlocks && at >= int64(n.Height())-2*minKeepBlocks-1
	})
}

func TestPrune(t *testing.T) {
	t.Parallel()
	c := pruned(t)
	pub, err := LoadOrCreateConsensusKey(c.nodeDir(0))
	if err != nil {
		t.Fatal(err)
	}
	const turn = 100 // new validators are agreed on here, and sign from turn+2 on
	first := []byte("ann 0 k v")
	c.grow(0, 200, func(height uint64) [][]byte {
		switch height {
		case 1:
			return [][]byte{first}
		case turn:
			return [][]byte{fmt.Appendf(nil, "ann 1 validator/%x 20", pub)}
		}
		return nil
	})
	n := c.start(0) // prunes what was there before
	waitPruned(t, n)
	c.stop(0)
	n = c.start(0) // with pruned stores
	last := c.mustSubmit(0, "ann 2 k w")
	c.waitHeight(last.Height+1, 0)
	waitPruned(t, n)
	base := uint64(n.chain.Load().engine.blocks.Base())
	for _, tt := range []struct {
		name   string
		height uint64
		light  bool
	}{
		{"the first", 1, true},
		{"old", 3, false},
		{"before new validators", turn + 1, true},
		{"of new validators", turn + 2, true},
		{"after them", turn + 3, false},
		{"within the time for evidence", base - 1, true},
	} {
		if _, err := n.LightBlock(t.Context(), tt.height); (err == nil) != tt.light || err != nil && !errors.Is(err, ErrNoBlock) {
			t.Errorf("%s: light block: got %v", tt.name, err)
		}
		for _, err := range n.Events(t.Context(), tt.height) {
			if !errors.Is(err, ErrNoBlock) {
				t.Errorf("%s: events: got %v, want ErrNoBlock", tt.name, err)
			}
			break
		}
	}
	for height := base; height <= n.Height(); height++ {
		if _, err := n.blockEvents(height); err != nil {
			t.Error(err)
		}
		lightBlock(t, n, c.chainID, height)
	}
	for h := int64(1); h < int64(base); h++ {
		if _, err := n.chain.Load().engine.states.LoadFinalizeBlockResponse(h); err == nil {
			t.Errorf("the results of block %d are there", h)
		}
	}
	if got := c.submit(0, "ann 0 k v"); got.Code != toyNonceUsed {
		t.Errorf("sent again what was pruned: got %+v, want the nonce used", got)
	}
	if place, err := n.chain.Load().db.Get(indexKey(hashOf(first))); place != nil || err != nil {
		t.Errorf("the index of a pruned transaction: got %x, %v", place, err)
	}
	if got := c.submit(0, "ann 2 k w"); got.Height != last.Height {
		t.Errorf("sent again: got %+v, want height %d", got, last.Height)
	}
	versions := newIAVL(newTreeDB(n.chain.Load().db), 1).AvailableVersions()
	if len(versions) > keptVersions+1 {
		t.Errorf("got %d versions of the state, want %d", len(versions), keptVersions)
	}
	c.stop(0)
	c.start(0)
	c.mustSubmit(0, "ann 3 k x")
}

func TestDiskShrinks(t *testing.T) {
	t.Parallel()
	c := pruned(t)
	n := c.start(0)
	rng := rand.NewChaCha8([32]byte{1})
	var written int64
	for nonce := 0; nonce < 600; {
		var hash [32]byte
		for range 12 {
			value := make([]byte, 30<<10)
			_, _ = rng.Read(value)
			tx := fmt.Appendf(nil, "ann %d k %s", nonce, hex.EncodeToString(value))
			if res, err := n.Broadcast(t.Context(), tx); err != nil || res.Code != 0 {
				t.Fatal(res, err)
			}
			hash = hashOf(tx)
			written += int64(len(tx))
			nonce++
		}
		if res, err := n.Await(t.Context(), hash); err != nil || res.Code != 0 {
			t.Fatal(res, err)
		}
	}
	waitPruned(t, n)
	// With events, and all blocks, it would be half as much again, though LevelDB packs the digits.
	eventually(t, "the disk has space again", func() bool {
		size, err := n.chain.Load().db.size()
		return err == nil && size < written*3/4
	})
}

// A reader holds a state for as long as it likes, whatever is pruned.
func TestViewWhilePruning(t *testing.T) {
	t.Parallel()
	c := pruned(t)
	n := c.start(0)
	for i := range 20 {
		c.mustSubmit(0, "ann %d k%d old", i, i)
	}
	err := n.View(t.Context(), func(r ledger.Reader, height uint64) error {
		for i := range 20 {
			c.mustSubmit(0, "ann %d k%d new", 20+i, i)
		}
		err := n.Prove(t.Context(), height+1, func(p Prover, height uint64) error {
			proofOf(t, p, []byte("key/k3"))
			return nil
		})
		if err != nil {
			return err
		}
		if n.Height() < height+keptVersions+5 {
			t.Errorf("got height %d, want more", n.Height())
		}
		fresh, err := newIAVL(newTreeDB(n.chain.Load().db), 1).GetImmutable(int64(height) + 1)
		if err != nil {
			return err
		}
		for i := range 20 { // from the disk, not from a cache
			if got, err := fresh.Get(fmt.Appendf(nil, "key/k%d", i)); err != nil || string(got) != "old" {
				t.Errorf("got %q, %v, want old", got, err)
			}
		}
		if got := contents(r)["key/k7"]; got != "old" {
			t.Errorf("got %q, want old", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.mustSubmit(0, "ann 40 k v")
	eventually(t, "it is pruned when nobody holds it", func() bool {
		versions := newIAVL(newTreeDB(n.chain.Load().db), 1).AvailableVersions()
		return len(versions) <= keptVersions+1
	})
}

// The tree pruned as it grows stays what it is, whatever is pruned between commits and restarts.
func TestTreePrunedAgainstModel(t *testing.T) {
	t.Parallel()
	tr, db := newTestTree(t)
	twin, _ := newTestTree(t)
	rng := rand.New(rand.NewPCG(3, 4))
	for height := range 200 {
		overlay, same := ledger.NewOverlay(tr.base), ledger.NewOverlay(twin.base)
		if rng.IntN(3) > 0 {
			for range rng.IntN(6) {
				key, value := fmt.Append(nil, "k", rng.IntN(12)), fmt.Append(nil, rng.Int())
				if rng.IntN(3) == 0 {
					overlay.Delete(key)
					same.Delete(key)
				} else {
					overlay.Set(key, value)
					same.Set(key, value)
				}
			}
		}
		hash := tr.stage(overlay)
		tr.commit(nil)
		if want := twin.stage(same); !bytes.Equal(hash, want) {
			t.Fatalf("height %d: got hash %x, want %x", height, hash, want)
		}
		twin.commit(nil)
		if rng.IntN(2) == 0 {
			if _, err := tr.prune(); err != nil {
				t.Fatalf("height %d: %v", height, err)
			}
		}
		if rng.IntN(10) == 0 {
			var err error
			if tr, err = openTree(db); err != nil {
				t.Fatalf("height %d: %v", height, err)
			}
		}
		got, _, _ := tr.last()
		want, _, _ := twin.last()
		if !bytes.Equal(got.t.Hash(), want.t.Hash()) || fmt.Sprint(contents(got)) != fmt.Sprint(contents(want)) {
			t.Fatalf("height %d: the pruned tree differs", height)
		}
	}
}

// A peer that asks for a block that was pruned is told so.
func TestPrunedBlockIsRefused(t *testing.T) {
	t.Parallel()
	c := pruned(t)
	c.grow(0, 3*minKeepBlocks, nil)
	n := c.start(0)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	waitPruned(t, n)
	if got := askBlock(ctx, t, c, 2); got.GetNoBlockResponse().GetHeight() != 2 {
		t.Errorf("got %v, want no block", got)
	}
	if got := askBlock(ctx, t, c, n.chain.Load().engine.blocks.Base()); got.GetBlockResponse() == nil {
		t.Errorf("got %v, want a block", got)
	}
}
