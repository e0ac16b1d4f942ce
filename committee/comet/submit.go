package comet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/mempool"
	"github.com/cometbft/cometbft/types"

	"github.com/floe-storage/floe/committee/ledger"
)

// ErrBusy means that this node has too many transactions waiting. Ask another, or later.
var ErrBusy = errors.New("comet: too many transactions are waiting")

// offerInterval is how often a waiting transaction is offered to the mempool
// again, in case it was dropped there without a word.
const offerInterval = 2 * time.Second

// Submit hands a transaction to the chain and waits until it is in a committed block, or until ctx ends;
// in the latter case it may still be committed. One that is refused, before or in its block, is a result
// with Code != 0. Submitting one again that was accepted returns the same result; nothing happens twice.
// tx is neither kept nor modified.
func (n *Node) Submit(ctx context.Context, tx []byte) (TxResult, error) {
	if err := errors.Join(n.open(), n.Err()); err != nil {
		return TxResult{}, err
	}
	hash := hashOf(tx)
	if !txSizeOK(tx) {
		info := fmt.Sprintf("transaction of %d bytes, want 1 to %d", len(tx), ledger.MaxTxSize)
		return TxResult{Hash: hash, Code: uint32(ledger.CodeMalformed), Info: info}, nil
	}
	if res, ok, err := n.find(hash); ok || err != nil {
		return res, err
	}
	done, stop, ok := n.app.results.wait(hash)
	if !ok {
		return TxResult{}, ErrBusy
	}
	defer stop()
	tick := time.NewTicker(offerInterval)
	defer tick.Stop()
	for {
		verdict, err := n.offer(bytes.Clone(tx))
		if err != nil {
			return TxResult{}, err
		}
		if verdict.Code != uint32(ledger.CodeOK) {
			return n.refusal(hash, verdict, done)
		}
		select {
		case res := <-done:
			return res, nil
		case <-tick.C:
		case <-ctx.Done():
			return TxResult{}, fmt.Errorf("wait for transaction %x: %w", hash[:8], ctx.Err())
		case <-n.app.halted:
			return TxResult{}, n.Err()
		case <-n.closing:
			return TxResult{}, ErrClosed
		}
	}
}

// refusal judges a transaction that the mempool did not take: it may have been
// committed a moment ago, and its second coming is what was refused.
func (n *Node) refusal(hash [32]byte, verdict checkResult, done <-chan TxResult) (TxResult, error) {
	if err := n.Err(); err != nil {
		return TxResult{}, err
	}
	select {
	case res := <-done:
		return res, nil
	default:
	}
	if res, ok, err := n.find(hash); ok || err != nil {
		return res, err
	}
	return TxResult{Hash: hash, Code: verdict.Code, Info: verdict.Info}, nil
}

// offer puts a transaction into the mempool. Being there already is no refusal.
func (n *Node) offer(tx []byte) (checkResult, error) {
	verdict := make(chan checkResult, 1)
	err := n.engine.mempool.CheckTx(types.Tx(tx), func(r *abci.ResponseCheckTx) {
		verdict <- checkResult{r.Code, r.Info}
	}, mempool.TxInfo{})
	var full mempool.ErrMempoolIsFull
	switch {
	case err == nil:
		return <-verdict, nil // the application runs in this process and has answered
	case errors.Is(err, mempool.ErrTxInCache):
		return checkResult{}, nil
	case errors.Is(err, mempool.ErrRecheckFull), errors.As(err, &full):
		return checkResult{}, ErrBusy
	default:
		return checkResult{}, fmt.Errorf("offer transaction: %w", err)
	}
}

// find looks up a transaction that was accepted, in memory and then on disk.
func (n *Node) find(hash [32]byte) (TxResult, bool, error) {
	if res, ok := n.app.results.lookup(hash); ok {
		return res, true, nil
	}
	place, err := n.db.Get(indexKey(hash))
	if err != nil {
		return TxResult{}, false, fmt.Errorf("look up transaction %x: %w", hash[:8], err)
	}
	const placeLen = 8 + 4
	if len(place) != placeLen {
		return TxResult{}, false, nil
	}
	height := binary.BigEndian.Uint64(place)
	index := int(binary.BigEndian.Uint32(place[8:]))
	stored, err := n.engine.states.LoadFinalizeBlockResponse(int64(height))
	if err != nil || index >= len(stored.TxResults) {
		return TxResult{}, false, fmt.Errorf("load the results of block %d: %w", height, errors.Join(err, n.open()))
	}
	return txResult(height, index, hash, stored.TxResults[index]), true, nil
}
