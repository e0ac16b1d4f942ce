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

// Broadcast hands a transaction to the chain and returns the verdict of this node's mempool: a refusal is
// a result with Code != 0. One that waits already, or was accepted before, is no fault; nothing happens
// twice. tx is neither kept nor modified.
func (n *Node) Broadcast(_ context.Context, tx []byte) (ledger.TxResult, error) {
	c, err := n.enter()
	if err != nil {
		return ledger.TxResult{}, err
	}
	defer c.leave()
	if err := c.app.haltedBy(); err != nil {
		return ledger.TxResult{}, err
	}
	if !txSizeOK(tx) {
		info := fmt.Sprintf("transaction of %d bytes, want 1 to %d", len(tx), ledger.MaxTxSize)
		return ledger.TxResult{Code: uint32(ledger.CodeMalformed), Info: info}, nil
	}
	hash := hashOf(tx)
	if _, ok, err := c.find(hash); ok || err != nil {
		return ledger.TxResult{}, err
	}
	tx = bytes.Clone(tx)
	verdict, err := c.offer(tx)
	if err != nil {
		return ledger.TxResult{}, err
	}
	if verdict.Code == uint32(ledger.CodeOK) {
		c.app.results.offered(hash, tx)
		return ledger.TxResult{}, nil
	}
	if err := c.app.haltedBy(); err != nil {
		return ledger.TxResult{}, err
	}
	if _, ok, err := c.find(hash); ok || err != nil { // committed a moment ago: its second coming was refused
		return ledger.TxResult{}, err
	}
	return ledger.TxResult{Code: verdict.Code, Info: verdict.Info}, nil
}

// Await returns what became of a transaction once it is in a committed block or has left the mempool, or
// ctx's error; in the latter case it may still be committed. One that was broadcast here is offered again
// and again meanwhile.
func (n *Node) Await(ctx context.Context, hash [32]byte) (ledger.Receipt, error) {
	for {
		c := n.chain.Load()
		res, err := c.await(ctx, hash)
		if !errors.Is(err, ErrClosed) {
			return res, err
		}
		if err := n.settled(c); err != nil {
			return ledger.Receipt{}, err
		}
	}
}

// await is Await at one chain; ErrClosed tells that this one has ended.
func (c *chain) await(ctx context.Context, hash [32]byte) (ledger.Receipt, error) {
	if err := c.app.haltedBy(); err != nil && c.running() {
		return ledger.Receipt{}, err
	}
	if !c.running() {
		return ledger.Receipt{}, ErrClosed
	}
	done, stop, ok := c.app.results.wait(hash)
	if !ok {
		return ledger.Receipt{}, ErrBusy
	}
	defer stop()
	if res, ok := c.app.results.lookup(hash); ok { // it may have come before we waited
		return res, nil
	}
	if res, ok, err := c.find(hash); ok || err != nil {
		return res, err
	}
	tick := time.NewTicker(offerInterval)
	defer tick.Stop()
	for {
		select {
		case res := <-done:
			return res, nil
		case <-tick.C:
			if err := c.offerAgain(hash); err != nil {
				return ledger.Receipt{}, err
			}
		case <-ctx.Done():
			return ledger.Receipt{}, fmt.Errorf("wait for transaction %x: %w", hash[:8], ctx.Err())
		case <-c.app.halted:
			return ledger.Receipt{}, c.app.haltedBy()
		case <-c.stopping:
			return ledger.Receipt{}, ErrClosed
		}
	}
}

// offerAgain puts a transaction that waits back into the mempool, which may
// have dropped it without a word. A refusal ends it, unless it has entered a
// block this moment.
func (c *chain) offerAgain(hash [32]byte) error {
	tx := c.app.results.offer(hash)
	if tx == nil {
		return nil
	}
	verdict, err := c.offer(tx)
	if errors.Is(err, ErrBusy) || err == nil && verdict.Code == uint32(ledger.CodeOK) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, ok, err := c.find(hash); ok || err != nil {
		return err // committed: the waiters are being told
	}
	c.app.results.refused(ledger.Receipt{Hash: hash, TxResult: ledger.TxResult{Code: verdict.Code, Info: verdict.Info}})
	return nil
}

// offer puts a transaction into the mempool. Being there already is no refusal.
func (c *chain) offer(tx []byte) (checkResult, error) {
	verdict := make(chan checkResult, 1)
	err := c.engine.mempool.CheckTx(types.Tx(tx), func(r *abci.ResponseCheckTx) {
		verdict <- checkResult{Code: r.Code, Info: r.Info}
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
func (c *chain) find(hash [32]byte) (ledger.Receipt, bool, error) {
	if res, ok := c.app.results.lookup(hash); ok && res.Code == uint32(ledger.CodeOK) {
		return res, true, nil
	}
	place, err := c.db.Get(indexKey(hash))
	if err != nil {
		return ledger.Receipt{}, false, fmt.Errorf("look up transaction %x: %w", hash[:8], err)
	}
	const placeLen = 8 + 4
	if len(place) != placeLen {
		return ledger.Receipt{}, false, nil
	}
	height := binary.BigEndian.Uint64(place)
	index := int(binary.BigEndian.Uint32(place[8:]))
	stored, err := c.engine.states.LoadFinalizeBlockResponse(int64(height))
	if err != nil && int64(height) < c.engine.blocks.Base() { // pruned a moment ago, as if the index were, too
		return ledger.Receipt{}, false, nil
	}
	if err != nil && !c.running() {
		return ledger.Receipt{}, false, ErrClosed
	}
	if err != nil || index >= len(stored.TxResults) {
		return ledger.Receipt{}, false, fmt.Errorf("load the results of block %d: %w", height, err)
	}
	return receipt(height, index, hash, stored.TxResults[index]), true, nil
}
