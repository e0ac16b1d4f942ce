package comet

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"

	"github.com/floe-storage/floe/committee/ledger"
)

func TestWorkBoundsBlocks(t *testing.T) {
	t.Parallel()
	tr, _ := newTestTree(t)
	third := toy{work: ledger.MaxBlockWork / 3}
	a := newApp(third, []byte(""), tr, slog.New(slog.DiscardHandler))
	if _, err := a.InitChain(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	var txs [][]byte
	for i := range 5 {
		txs = append(txs, fmt.Appendf(nil, "ann %d k v", i))
	}
	mixed := slices.Insert(slices.Clone(txs), 1, []byte("nonsense"), nil, make([]byte, ledger.MaxTxSize+1))
	res, err := a.PrepareProposal(t.Context(), &abci.RequestPrepareProposal{Txs: mixed, MaxTxBytes: maxBlockSize})
	if err != nil || len(res.Txs) != 3 || string(res.Txs[1]) != string(txs[1]) {
		t.Errorf("proposal: got %q, %v, want the first three", res.Txs, err)
	}
	accepted := func(txs ...[]byte) bool {
		res, err := a.ProcessProposal(t.Context(), &abci.RequestProcessProposal{Txs: txs})
		if err != nil {
			t.Fatal(err)
		}
		return res.Status == abci.ResponseProcessProposal_ACCEPT
	}
	for _, tt := range []struct {
		name string
		txs  [][]byte
		want bool
	}{
		{"empty", nil, true},
		{"full", txs[:3], true},
		{"refused ones too", [][]byte{[]byte("ann 7 k v"), []byte("ann 7 k v")}, true},
		{"too much work", txs[:4], false},
		{"no transaction", [][]byte{[]byte("nonsense")}, false},
		{"an empty transaction", [][]byte{nil}, false},
		{"a large transaction", mixed[3:4], false},
	} {
		if got := accepted(tt.txs...); got != tt.want {
			t.Errorf("%s: accepted %v, want %v", tt.name, got, tt.want)
		}
	}
	check, err := a.CheckTx(t.Context(), &abci.RequestCheckTx{Tx: txs[0]})
	if err != nil || check.Code != 0 || uint64(check.GasWanted) != third.work {
		t.Errorf("check: got %+v, %v, want %d units", check, err, third.work)
	}
	a.machine = toy{work: ledger.MaxBlockWork + 1}
	if check, err = a.CheckTx(t.Context(), &abci.RequestCheckTx{Tx: txs[1]}); err != nil || check.Code != uint32(ledger.CodeTooMuchWork) {
		t.Errorf("more than a block has: got %+v, %v, want too much work", check, err)
	}
}

func TestWorkBoundsChain(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	c.machine = toy{work: 2 * ledger.MaxBlockWork / 5}
	c.startAll()
	var last [32]byte
	for i := range 8 {
		tx := fmt.Appendf(nil, "ann %d k%d v", i, i)
		if res, err := c.members[0].node.Broadcast(t.Context(), tx); err != nil || res.Code != 0 {
			t.Fatal(res, err)
		}
		last = hashOf(tx)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	res, err := c.members[0].node.Await(ctx, last)
	if err != nil || res.Code != 0 {
		t.Fatalf("got %+v, %v", res, err)
	}
	blocks := c.members[0].node.chain.Load().engine.blocks
	for height := int64(1); height <= int64(res.Height); height++ {
		if got := len(blocks.LoadBlock(height).Txs); got > 2 {
			t.Errorf("block %d has %d transactions, two are all its work", height, got)
		}
	}
}

// signTwice makes evidence that a validator has signed two blocks of a height.
func signTwice(t *testing.T, c *cluster, i int, height int64) types.Evidence {
	t.Helper()
	e := c.members[0].node.chain.Load().engine
	meta := e.blocks.LoadBlockMeta(height)
	set, err := e.states.LoadValidators(height)
	if err != nil {
		t.Fatal(err)
	}
	signer := c.signers()[i]
	at, _ := set.GetByAddress(signer.GetAddress())
	vote := func(hash byte) *types.Vote {
		id := types.BlockID{Hash: slices.Repeat([]byte{hash}, 32), PartSetHeader: types.PartSetHeader{Total: 1, Hash: make([]byte, 32)}}
		v := &types.Vote{Type: cmtproto.PrecommitType, Height: height, BlockID: id, Timestamp: meta.Header.Time, ValidatorAddress: signer.GetAddress(), ValidatorIndex: at}
		if v.Signature, err = signer.Key.PrivKey.Sign(types.VoteSignBytes(c.chainID, v.ToProto())); err != nil {
			t.Fatal(err)
		}
		return v
	}
	ev, err := types.NewDuplicateVoteEvidence(vote(1), vote(2), meta.Header.Time, set)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

func TestEvidenceReachesTheMachine(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	c.startAll()
	res := c.mustSubmit(0, "ann 0 k v")
	if err := c.members[0].node.chain.Load().engine.evidence.AddEvidence(signTwice(t, c, 2, int64(res.Height))); err != nil {
		t.Fatal(err)
	}
	key := fmt.Sprintf("evidence/%d/%s", res.Height, fmt.Sprintf("%x", []byte(c.signers()[2].GetAddress())))
	for i := 1; ; i++ {
		res = c.mustSubmit(1, "ann %d k v", i)
		if got, _ := c.get(1, key); got == "10" {
			break
		}
		if i == 50 {
			t.Fatal("the evidence is in no block")
		}
	}
	c.sameHash(res.Height, 0, 1, 2, 3)
}
