// Package lighttest signs the headers of made-up chains, for tests of what verifies
// them.
//
// # Words
//
// A [Chain] is what validators of made-up keys have signed: headers, commits, and
// the states that the headers name, in a real tree. There is no consensus: a
// test says what the next block holds, and may have the same validators sign
// another one elsewhere ([Chain.Fork]).
//
// # Concurrency
//
// A Chain may be used from any goroutine.
package lighttest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/crypto/tmhash"
	"github.com/cometbft/cometbft/proto/tendermint/version"
	cmttypes "github.com/cometbft/cometbft/types"
	cmtversion "github.com/cometbft/cometbft/version"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
)

// Block is what the next block holds.
type Block struct {
	Time    time.Time
	Txs     [][]byte
	Results []ledger.TxResult // of Txs
	// Write changes the state; nil: it stays as it is.
	Write func(s ledger.Store)
	// Validators are those of the height after the next, by the seeds of their
	// keys; nil: they stay.
	Validators []byte
	// Absent are the seeds of validators that do not sign this block.
	Absent []byte
}

// Chain is a light.Source.
type Chain struct {
	id string

	// mu guards the fields below. What was put into the slices and maps never changes.
	mu      sync.Mutex
	blocks  []*cmttypes.LightBlock // of height 1 and on
	keys    map[string]ed25519.PrivKey
	next    *cmttypes.ValidatorSet // of the next block
	after   *cmttypes.ValidatorSet // of the one behind it
	results []ledger.TxResult      // of the last block
	state   *tree                  // after the last block
	states  []*tree                // after each height, from 0 on
}

// Key returns the consensus key of a validator.
func Key(seed byte) [32]byte {
	return [32]byte(privKey(seed).PubKey().Bytes())
}

func privKey(seed byte) ed25519.PrivKey {
	return ed25519.GenPrivKeyFromSecret([]byte{'v', seed})
}

// New returns a chain without blocks, of validators by the seeds of their keys,
// each of power 1. genesis fills the first state, which must not be empty.
func New(chainID string, validators []byte, genesis func(s ledger.Store)) *Chain {
	c := &Chain{id: chainID, keys: map[string]ed25519.PrivKey{}, state: newTree()}
	c.next = c.set(validators)
	c.after = c.next
	c.state.write(genesis)
	c.states = []*tree{c.state}
	return c
}

// set makes a validator set and remembers its keys.
func (c *Chain) set(seeds []byte) *cmttypes.ValidatorSet {
	validators := make([]*cmttypes.Validator, len(seeds))
	for i, s := range seeds {
		key := privKey(s)
		validators[i] = cmttypes.NewValidator(key.PubKey(), 1)
		c.keys[string(key.PubKey().Bytes())] = key
	}
	return cmttypes.NewValidatorSet(validators)
}

// Fork returns a chain that has the same past and another future.
func (c *Chain) Fork() *Chain {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &Chain{
		id: c.id, blocks: slices.Clone(c.blocks), keys: maps.Clone(c.keys), next: c.next, after: c.after,
		results: c.results, state: c.state.clone(), states: slices.Clone(c.states),
	}
}

// Commit signs the next block and returns its height.
func (c *Chain) Commit(b Block) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var last cmttypes.BlockID
	var commit *cmttypes.Commit
	height := int64(len(c.blocks) + 1)
	if height > 1 {
		commit = c.blocks[height-2].Commit
		last = commit.BlockID
	}
	header := &cmttypes.Header{
		Version: version.Consensus{Block: cmtversion.BlockProtocol}, ChainID: c.id, Height: height, Time: b.Time.UTC(),
		LastBlockID: last, LastCommitHash: commit.Hash(), DataHash: cmttypes.ToTxs(b.Txs).Hash(),
		ValidatorsHash: c.next.Hash(), NextValidatorsHash: c.after.Hash(), ConsensusHash: tmhash.Sum([]byte("consensus")),
		AppHash: c.state.hash(), LastResultsHash: light.ResultsHash(c.results), EvidenceHash: tmhash.Sum(nil),
		ProposerAddress: c.next.Validators[0].Address,
	}
	c.blocks = append(c.blocks, c.signLocked(header, b.Absent))
	c.next = c.after
	if b.Validators != nil {
		c.after = c.set(b.Validators)
	}
	c.results = b.Results
	if b.Write != nil {
		c.state = c.state.clone()
		c.state.write(b.Write)
	}
	c.states = append(c.states, c.state)
	return uint64(height)
}

// signLocked has the validators of the next block sign a header.
func (c *Chain) signLocked(header *cmttypes.Header, absent []byte) *cmttypes.LightBlock {
	id := cmttypes.BlockID{Hash: header.Hash(), PartSetHeader: cmttypes.PartSetHeader{Total: 1, Hash: tmhash.Sum([]byte("parts"))}}
	commit := &cmttypes.Commit{Height: header.Height, BlockID: id}
	for _, v := range c.next.Validators {
		sig := cmttypes.CommitSig{BlockIDFlag: cmttypes.BlockIDFlagCommit, ValidatorAddress: v.Address, Timestamp: header.Time.Add(time.Second)}
		for _, seed := range absent {
			if v.PubKey.Equals(privKey(seed).PubKey()) {
				sig = cmttypes.NewCommitSigAbsent()
			}
		}
		commit.Signatures = append(commit.Signatures, sig)
	}
	for i, v := range c.next.Validators {
		if commit.Signatures[i].BlockIDFlag != cmttypes.BlockIDFlagCommit {
			continue
		}
		sig, err := c.keys[string(v.PubKey.Bytes())].Sign(commit.VoteSignBytes(c.id, int32(i)))
		if err != nil {
			panic(err) // invariant: a made-up key signs
		}
		commit.Signatures[i].Signature = sig
	}
	return &cmttypes.LightBlock{SignedHeader: &cmttypes.SignedHeader{Header: header, Commit: commit}, ValidatorSet: c.next}
}

// Height returns the height of the last block.
func (c *Chain) Height() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(len(c.blocks))
}

// Root returns the trust root of a height that has a block, or of genesis.
func (c *Chain) Root(height uint64) light.Root {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := light.Root{ChainID: c.id, Height: height}
	if height == 0 {
		copy(r.Hash[:], c.blocks[0].ValidatorsHash)
	} else {
		copy(r.Hash[:], c.blocks[height-1].Hash())
	}
	return r
}

// LightBlock implements light.Source.
func (c *Chain) LightBlock(_ context.Context, height uint64) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if height == 0 {
		height = uint64(len(c.blocks))
	}
	if height == 0 || height > uint64(len(c.blocks)) {
		return nil, fmt.Errorf("no block of height %d", height)
	}
	pb, err := c.blocks[height-1].ToProto()
	if err != nil {
		return nil, err
	}
	return pb.Marshal()
}

// State returns the state after a height, which has to exist. It is for one
// goroutine.
func (c *Chain) State(height uint64) light.Prover {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.states[height].open()
}
