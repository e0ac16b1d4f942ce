package comet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
	"github.com/cosmos/iavl"
	ics23 "github.com/cosmos/ics23/go"
)

// lightBlock reads a light block of a node, checked for what it says of itself.
func lightBlock(t testing.TB, n *Node, chainID string, height uint64) *types.LightBlock {
	t.Helper()
	b, err := n.LightBlock(t.Context(), height)
	if err != nil {
		t.Fatalf("light block %d: %v", height, err)
	}
	var pb cmtproto.LightBlock
	if err := pb.Unmarshal(b); err != nil {
		t.Fatal(err)
	}
	block, err := types.LightBlockFromProto(&pb)
	if err != nil {
		t.Fatal(err)
	}
	if err := block.ValidateBasic(chainID); err != nil {
		t.Fatalf("light block %d: %v", height, err)
	}
	if err := block.ValidatorSet.VerifyCommitLight(chainID, block.Commit.BlockID, block.Height, block.Commit); err != nil {
		t.Fatalf("light block %d: %v", height, err)
	}
	return block
}

func TestProveAgainstHeader(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	c.startAll()
	for i := range 12 {
		res := c.mustSubmit(i%4, "ann %d k%02d v%d", i, i, i)
		n := c.members[(i+1)%4].node
		key, absent := fmt.Appendf(nil, "key/k%02d", i), fmt.Appendf(nil, "key/k%02d?", i)
		err := n.Prove(t.Context(), res.Height, func(p Prover, height uint64) error {
			if height < res.Height {
				t.Errorf("got height %d, want %d or later", height, res.Height)
			}
			root := ics23.CommitmentRoot(lightBlock(t, n, c.chainID, height+1).AppHash)
			value := p.Get(key)
			if string(value) != fmt.Sprint("v", i) || p.Get(absent) != nil {
				t.Errorf("got %q, want v%d", value, i)
			}
			if !ics23.VerifyMembership(ics23.IavlSpec, root, proofOf(t, p, key), key, value) {
				t.Errorf("%s: the proof does not hold", key)
			}
			if ics23.VerifyMembership(ics23.IavlSpec, root, proofOf(t, p, key), key, []byte("forged")) {
				t.Errorf("%s: the proof holds for another value", key)
			}
			if !ics23.VerifyNonMembership(ics23.IavlSpec, root, proofOf(t, p, absent), absent) {
				t.Errorf("%s: the proof of absence does not hold", absent)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func proofOf(t *testing.T, p Prover, key []byte) *ics23.CommitmentProof {
	t.Helper()
	b, err := p.Proof(key)
	if err != nil {
		t.Fatal(err)
	}
	var proof ics23.CommitmentProof
	if err := proof.Unmarshal(b); err != nil {
		t.Fatal(err)
	}
	return &proof
}

func TestProveWaits(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	n := c.start(0)
	res := c.mustSubmit(0, "ann 0 k v")
	c.waitHeight(res.Height+1, 0)
	top := n.Height()
	for _, height := range []uint64{top, math.MaxUint64} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := n.Prove(ctx, height, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("height %d of %d: got %v, want a deadline", height, top, err)
		}
	}
	proved := make(chan error, 1)
	go func() {
		proved <- n.Prove(t.Context(), top, func(p Prover, height uint64) error {
			if height < top {
				t.Errorf("got height %d, want %d", height, top)
			}
			return iavl.ErrNoImport // any error
		})
	}()
	c.mustSubmit(0, "ann 1 k w")
	if err := <-proved; !errors.Is(err, iavl.ErrNoImport) {
		t.Errorf("got %v, want the reader's own error", err)
	}
	c.stop(0)
	n2 := c.start(0) // the height before the last is there again
	if err := n2.Prove(t.Context(), top, func(Prover, uint64) error { return nil }); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if err := n.Prove(t.Context(), 0, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after close: got %v, want ErrClosed", err)
	}
	if _, err := n.LightBlock(t.Context(), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("after close: got %v, want ErrClosed", err)
	}
}

func TestLightBlocks(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	c.startAll()
	res := c.mustSubmit(0, "ann 0 k v")
	c.waitHeight(res.Height+1, 0)
	n := c.members[0].node
	for height := uint64(1); height <= n.Height(); height++ {
		if block := lightBlock(t, n, c.chainID, height); uint64(block.Height) != height || block.ValidatorSet.Size() != 4 {
			t.Errorf("height %d: got height %d and %d validators", height, block.Height, block.ValidatorSet.Size())
		}
	}
	if newest := lightBlock(t, n, c.chainID, 0); uint64(newest.Height) < res.Height+1 {
		t.Errorf("got height %d as the newest, want %d", newest.Height, res.Height+1)
	}
	for _, height := range []uint64{n.Height() + 10, math.MaxInt64, math.MaxUint64} {
		if _, err := n.LightBlock(t.Context(), height); !errors.Is(err, ErrNoBlock) {
			t.Errorf("height %d: got %v, want ErrNoBlock", height, err)
		}
	}
	fresh := newCluster(t, 2)
	if _, err := fresh.start(0).LightBlock(t.Context(), 0); !errors.Is(err, ErrNoBlock) {
		t.Errorf("before the first block: got %v, want ErrNoBlock", err)
	}
}
