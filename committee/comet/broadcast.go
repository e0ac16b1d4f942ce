package comet

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/floe-storage/floe/committee/ledger"
)

// Broadcast hands a transaction to the chain and returns the verdict of this node's mempool: a refusal is
// a result with a code. One that waits already, or was accepted before, is no fault.
func (n *Node) Broadcast(_ context.Context, tx []byte) (ledger.TxResult, error) {
	if err := errors.Join(n.open(), n.Err()); err != nil {
		return ledger.TxResult{}, err
	}
	if !txSizeOK(tx) {
		return ledger.TxResult{Code: uint32(ledger.CodeMalformed), Info: fmt.Sprintf("transaction of %d bytes, want 1 to %d", len(tx), ledger.MaxTxSize)}, nil
	}
	verdict, err := n.offer(bytes.Clone(tx))
	if err != nil || verdict.Code == uint32(ledger.CodeOK) {
		return ledger.TxResult{}, err
	}
	if res, ok, err := n.find(hashOf(tx)); ok || err != nil { // its second coming is what was refused
		return ledger.TxResult{Code: res.Code, Info: res.Info}, err
	}
	return ledger.TxResult{Code: verdict.Code, Info: verdict.Info}, nil
}

// Await returns what became of a transaction once it is in a committed block, or ctx's error.
func (n *Node) Await(ctx context.Context, hash [32]byte) (TxResult, error) {
	if err := errors.Join(n.open(), n.Err()); err != nil {
		return TxResult{}, err
	}
	done, stop, ok := n.app.results.wait(hash)
	if !ok {
		return TxResult{}, ErrBusy
	}
	defer stop()
	if res, ok, err := n.find(hash); ok || err != nil { // it may have come before we waited
		return res, err
	}
	select {
	case res := <-done:
		return res, nil
	case <-ctx.Done():
		return TxResult{}, fmt.Errorf("wait for transaction %x: %w", hash[:8], ctx.Err())
	case <-n.app.halted:
		return TxResult{}, n.Err()
	case <-n.closing:
		return TxResult{}, ErrClosed
	}
}

// WaitHeight returns once the block of a height is committed here.
func (n *Node) WaitHeight(ctx context.Context, height uint64) error { return n.waitHeight(ctx, height) }
