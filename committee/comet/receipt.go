package comet

import (
	"context"
	"fmt"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
)

// ProveReceipt returns the proof, as light.VerifyReceipt wants it, of what became of the transaction at an
// index of a block. It holds against the headers of the height and of the one after it. ErrNoBlock:
// the height is not made yet, or was pruned.
func (n *Node) ProveReceipt(_ context.Context, height uint64, index uint32) ([]byte, error) {
	c, err := n.enter()
	if err != nil {
		return nil, err
	}
	defer c.leave()
	block := c.engine.blocks.LoadBlock(int64(height))
	if block == nil {
		return nil, c.engine.pruned(height)
	}
	stored, err := c.engine.states.LoadFinalizeBlockResponse(int64(height))
	if err != nil {
		return nil, fmt.Errorf("%w: results of height %d: %w", ErrNoBlock, height, err)
	}
	results := make([]ledger.TxResult, len(stored.TxResults))
	for i, r := range stored.TxResults {
		results[i] = receipt(height, i, [32]byte{}, r).TxResult
	}
	proof, err := light.ProveReceipt(block.Txs.ToSliceOfBytes(), results, int(index))
	if err != nil {
		return nil, fmt.Errorf("prove transaction %d of block %d: %w", index, height, err)
	}
	return proof, nil
}
