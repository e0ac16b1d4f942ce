package comet

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

// grow makes blocks in the directory of a stopped node, as consensus would, but in no time: all
// validators sign, and a millisecond passes from block to block. txs may be nil.
func (c *cluster) grow(i int, until uint64, txs func(height uint64) [][]byte) {
	c.t.Helper()
	cfg := c.config(i)
	if err := cfg.validate(); err != nil {
		c.t.Fatal(err)
	}
	if _, err := LoadOrCreateConsensusKey(cfg.Dir); err != nil {
		c.t.Fatal(err)
	}
	db, err := openDatabase(cfg.Dir)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := bindChain(db, cfg.chainHash()); err != nil {
		c.t.Fatal(err)
	}
	signer, err := loadSigner(cfg.Dir)
	if err != nil {
		c.t.Fatal(err)
	}
	tr, err := openTree(db)
	if err != nil {
		c.t.Fatal(err)
	}
	e, err := newEngine(c.t.Context(), &cfg, db, newApp(cfg.Machine, cfg.Genesis, tr, cfg.Logger), signer, true)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := e.grow(c, until, txs); err != nil {
		c.t.Fatal(err)
	}
	e.stop()
	if err := db.Close(); err != nil {
		c.t.Fatal(err)
	}
}

func (e *engine) grow(c *cluster, until uint64, txs func(height uint64) [][]byte) error {
	executor := e.sync.executor
	current, err := e.states.Load()
	if err != nil {
		return err
	}
	keys := c.signers()
	commit := e.blocks.LoadSeenCommit(current.LastBlockHeight)
	if commit == nil {
		commit = &types.Commit{}
	}
	for height := max(current.LastBlockHeight+1, 1); height <= int64(until); height++ {
		var list []types.Tx
		if txs != nil {
			for _, tx := range txs(uint64(height)) {
				list = append(list, tx)
			}
		}
		block, err := current.MakeBlock(height, list, commit, nil, current.Validators.GetProposer().Address)
		if err != nil {
			return err
		}
		parts, err := block.MakePartSet(types.BlockPartSizeBytes)
		if err != nil {
			return err
		}
		id := types.BlockID{Hash: block.Hash(), PartSetHeader: parts.Header()}
		commit = signCommit(current.ChainID, current.Validators, keys, block.Header, id)
		e.blocks.SaveBlock(block, parts, commit)
		if current, err = executor.ApplyBlock(current, id, block); err != nil {
			return fmt.Errorf("block %d: %w", height, err)
		}
	}
	for _, k := range keys { // as if they had signed it all
		k.LastSignState.Height = current.LastBlockHeight
		k.LastSignState.Save()
	}
	return nil
}

// signCommit makes the commit that all validators have signed whose keys there are.
func signCommit(chainID string, validators *types.ValidatorSet, keys []*privval.FilePV, h types.Header, id types.BlockID) *types.Commit {
	commit := &types.Commit{Height: h.Height, BlockID: id}
	for _, v := range validators.Validators {
		at := slices.IndexFunc(keys, func(k *privval.FilePV) bool { return k.GetAddress().String() == v.Address.String() })
		if at < 0 {
			commit.Signatures = append(commit.Signatures, types.NewCommitSigAbsent())
			continue
		}
		vote := cmtproto.Vote{Type: cmtproto.PrecommitType, Height: h.Height, BlockID: id.ToProto(), Timestamp: h.Time.Add(time.Millisecond)}
		sig, err := keys[at].Key.PrivKey.Sign(types.VoteSignBytes(chainID, &vote))
		if err != nil {
			panic(err)
		}
		commit.Signatures = append(commit.Signatures, types.CommitSig{
			BlockIDFlag: types.BlockIDFlagCommit, ValidatorAddress: v.Address, Timestamp: vote.Timestamp, Signature: sig,
		})
	}
	return commit
}

// signers loads the keys of all members.
func (c *cluster) signers() (out []*privval.FilePV) {
	c.t.Helper()
	for i := range c.members {
		if _, err := LoadOrCreateConsensusKey(c.nodeDir(i)); err != nil {
			c.t.Fatal(err)
		}
		signer, err := loadSigner(c.nodeDir(i))
		if err != nil {
			c.t.Fatal(err)
		}
		out = append(out, signer)
	}
	return out
}

func TestGrownChainGoesOn(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.grow(0, 50, func(height uint64) [][]byte { return [][]byte{fmt.Appendf(nil, "ann %d k %d", height-1, height)} })
	c.start(0)
	if got, height := c.get(0, "key/k"); got != "50" || height < 50 {
		t.Errorf("got %q at height %d, want 50", got, height)
	}
	c.mustSubmit(0, "ann 50 k v")
}
