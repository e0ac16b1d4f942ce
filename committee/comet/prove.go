package comet

import (
	"context"
	"errors"
	"fmt"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"

	"github.com/floe-storage/floe/committee/light"
)

// ErrNoBlock means that this node does not hold a block: it is not made yet, or was pruned.
// Another node may have it.
var ErrNoBlock = errors.New("comet: no such block here")

// Prover reads a state and proves what it read, to whoever has the header that names the state's hash. It
// must not be used after the function that it was given to has returned. ICS-23's own verifiers refuse
// the proofs of an empty value, the key's or a neighbor's; those of package light do not.
type Prover = light.Prover

// Prove calls read with the newest state whose hash stands in a header that exists: the state after
// height is proven by the header of height+1. It waits until such a height of at least minHeight is
// there, or ctx ends; a height that changed the state is followed by the next one soon. The state stays
// as it is while read runs; read's error is returned as it is.
func (n *Node) Prove(ctx context.Context, minHeight uint64, read func(p Prover, height uint64) error) error {
	for {
		if err := n.open(); err != nil {
			return err
		}
		err := n.await(ctx, func(c *chain) bool {
			height, ok := c.app.tree.provable()
			return ok && height >= minHeight
		})
		if err != nil {
			return fmt.Errorf("wait for a proof of height %d: %w", minHeight, err)
		}
		if read, err := n.prove(minHeight, read); read || err != nil {
			return err
		}
	}
}

// prove is Prove without waiting; it reports whether it has called read.
func (n *Node) prove(minHeight uint64, read func(p Prover, height uint64) error) (called bool, err error) {
	c, err := n.enter()
	if err != nil {
		return false, err
	}
	defer c.leave()
	defer catchFault(&err)
	p, height, release, ok := c.app.tree.holdProvable()
	defer release()
	if !ok || height < minHeight { // the chain was replaced this moment
		return false, nil
	}
	return true, read(p, height)
}

// LightBlock returns a header with its commit and its validators: the bytes of CometBFT's protobuf
// LightBlock. Height 0 asks for the newest; the state that it proves is that of the height before.
// ErrNoBlock: the height is not made yet, or was pruned.
func (n *Node) LightBlock(_ context.Context, height uint64) ([]byte, error) {
	c, err := n.enter()
	if err != nil {
		return nil, err
	}
	defer c.leave()
	if height == 0 {
		height = c.app.height.Load()
	}
	block, err := c.engine.lightBlock(height, c.engine.validators)
	if err != nil {
		return nil, err
	}
	out, err := block.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode light block %d: %w", height, err)
	}
	return out, nil
}

// lightBlock puts a light block together, with validators from load.
func (e *engine) lightBlock(height uint64, load func(int64) (*types.ValidatorSet, error)) (*cmtproto.LightBlock, error) {
	if height == 0 || height > uint64(e.blocks.Height()) {
		return nil, fmt.Errorf("%w: height %d, the newest is %d", ErrNoBlock, height, e.blocks.Height())
	}
	h := int64(height)
	meta := e.blocks.LoadBlockMeta(h)
	commit := e.blocks.LoadBlockCommit(h)
	if commit == nil { // the block after it is not made yet
		commit = e.blocks.LoadSeenCommit(h)
	}
	if meta == nil || commit == nil {
		return nil, e.pruned(height)
	}
	validators, err := load(h)
	if err != nil {
		return nil, fmt.Errorf("%w: validators of height %d: %w", ErrNoBlock, height, err)
	}
	block := types.LightBlock{
		SignedHeader: &types.SignedHeader{Header: &meta.Header, Commit: commit},
		ValidatorSet: validators,
	}
	out, err := block.ToProto()
	if err != nil {
		return nil, fmt.Errorf("encode light block %d: %w", height, err)
	}
	return out, nil
}

// validators returns the set of a height. Whose turn it is to propose, which takes long to work out far
// from the last change, matters to no one but consensus.
func (e *engine) validators(height int64) (*types.ValidatorSet, error) {
	type fast interface {
		LoadValidatorsFast(height int64) (*types.ValidatorSet, error)
	}
	if s, ok := e.states.(fast); ok {
		return s.LoadValidatorsFast(height)
	}
	return e.states.LoadValidators(height)
}

func (e *engine) pruned(height uint64) error {
	return fmt.Errorf("%w: height %d was pruned, the oldest whole block is %d", ErrNoBlock, height, e.blocks.Base())
}
