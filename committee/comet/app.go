package comet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"

	abci "github.com/cometbft/cometbft/abci/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/floe-storage/floe/committee/ledger"
)

// codeHalted refuses a transaction at a node whose disk failed. No code of the
// ledger is as large.
const codeHalted = math.MaxUint32

// app is the ABCI application: it applies agreed blocks to the state machine
// and judges transactions for the mempool. CometBFT calls it under one lock, so
// the fields without another owner need none. A method that returns an error
// stops consensus at this node; CheckTx never does, for that would end the process.
type app struct {
	abci.BaseApplication

	machine Machine
	genesis []byte
	tree    *tree
	results *results
	log     *slog.Logger
	// onCommit, if set before the chain starts, is called after each commit and
	// must not wait.
	onCommit func()

	height  atomic.Uint64 // last committed; written after the tree's commit
	checker Checker       // above the last committed state
	pending *pendingBlock // between FinalizeBlock and Commit

	mu      sync.Mutex    // mu guards the fields below.
	changed chan struct{} // closed and replaced at each commit
	fault   error         // why the node halted
	halted  chan struct{} // closed when fault is set
}

// pendingBlock is a block that was applied to the working tree only.
type pendingBlock struct {
	height  uint64
	txs     [][]byte
	results []*abci.ExecTxResult
}

func newApp(machine Machine, genesis []byte, t *tree, log *slog.Logger) *app {
	a := &app{
		machine: machine,
		genesis: genesis,
		tree:    t,
		results: newResults(),
		log:     log,
		changed: make(chan struct{}),
		halted:  make(chan struct{}),
	}
	if _, height, ok := t.last(); ok {
		a.height.Store(height)
		a.checker = machine.NewChecker(t.base, height)
	}
	return a
}

// Info tells CometBFT where we are; it replays the blocks that we lack.
func (a *app) Info(context.Context, *abci.RequestInfo) (res *abci.ResponseInfo, err error) {
	defer catchFault(&err)
	res = &abci.ResponseInfo{LastBlockHeight: int64(a.height.Load())}
	if res.LastBlockHeight > 0 {
		res.LastBlockAppHash = a.tree.working.Hash()
	}
	return res, nil
}

// InitChain makes the genesis state. It is called again if we crashed before the first block was
// committed; the state is then there already, and only the validators are worked out again.
func (a *app) InitChain(context.Context, *abci.RequestInitChain) (res *abci.ResponseInitChain, err error) {
	defer catchFault(&err)
	genesis := ledger.NewOverlay(reader{})
	validators, err := a.machine.InitChain(genesis, a.genesis)
	if err != nil {
		return nil, fmt.Errorf("make the genesis state: %w", err)
	}
	if _, _, ok := a.tree.last(); !ok {
		a.tree.stage(genesis)
		a.tree.commit(nil)
	}
	a.checker = a.machine.NewChecker(a.tree.base, 0)
	return &abci.ResponseInitChain{AppHash: a.tree.working.Hash(), Validators: validatorUpdates(validators)}, nil
}

// PrepareProposal takes transactions in the mempool's order until the block is full, by size or by work.
func (a *app) PrepareProposal(_ context.Context, req *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	var size int64
	var work uint64
	txs := make([][]byte, 0, len(req.Txs))
	for _, tx := range req.Txs {
		units, ok := a.workOf(tx)
		if !ok {
			continue
		}
		work += units
		// A transaction's place in the block has its length before it and a field number.
		size += cmttypes.ComputeProtoSizeForTxs([]cmttypes.Tx{tx})
		if size > req.MaxTxBytes || work > ledger.MaxBlockWork {
			break
		}
		txs = append(txs, tx)
	}
	return &abci.ResponsePrepareProposal{Txs: txs}, nil
}

// ProcessProposal refuses blocks that no honest proposer makes: with what is no transaction, or with more work
// than there may be. A transaction that fails is no reason.
func (a *app) ProcessProposal(_ context.Context, req *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	var work uint64
	for _, tx := range req.Txs {
		units, ok := a.workOf(tx)
		if work += units; !ok || work > ledger.MaxBlockWork {
			return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_REJECT}, nil
		}
	}
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}

// workOf returns what a transaction costs; ok is false if it is none, or more than a block may have.
func (a *app) workOf(tx []byte) (units uint64, ok bool) {
	if !txSizeOK(tx) {
		return 0, false
	}
	units, err := a.machine.Work(tx)
	return units, err == nil && units <= ledger.MaxBlockWork
}

func txSizeOK(tx []byte) bool { return len(tx) > 0 && len(tx) <= ledger.MaxTxSize }

// FinalizeBlock applies a block to the working tree. It may be called again for the same height and
// starts from the committed state each time.
func (a *app) FinalizeBlock(_ context.Context, req *abci.RequestFinalizeBlock) (res *abci.ResponseFinalizeBlock, err error) {
	defer func() { a.haltOn(err) }()
	defer catchFault(&err)
	_, height, ok := a.tree.last()
	if !ok || uint64(req.Height) != height+1 {
		return nil, fmt.Errorf("apply block %d: the state is at height %d", req.Height, height)
	}
	if err := a.machine.Supports(a.tree.base); err != nil {
		return nil, fmt.Errorf("apply block %d: %w", req.Height, err)
	}
	overlay := ledger.NewOverlay(a.tree.base)
	result := a.machine.ApplyBlock(overlay, ledger.Block{
		Height:   uint64(req.Height),
		Time:     uint64(req.Time.UnixMilli()),
		Txs:      req.Txs,
		Evidence: misbehaviors(req.Misbehavior),
	})
	if len(result.Txs) != len(req.Txs) {
		return nil, fmt.Errorf("apply block %d: %d results for %d transactions", req.Height, len(result.Txs), len(req.Txs))
	}
	hash := a.tree.stage(overlay)
	a.pending = &pendingBlock{height: uint64(req.Height), txs: req.Txs, results: make([]*abci.ExecTxResult, len(req.Txs))}
	for i, r := range result.Txs {
		a.pending.results[i] = execTxResult(r)
	}
	return &abci.ResponseFinalizeBlock{
		Events:           abciEvents(result.Events),
		TxResults:        a.pending.results,
		ValidatorUpdates: validatorUpdates(result.Validators),
		AppHash:          hash,
	}, nil
}

// Commit makes the block that was applied the last state. The block itself and its results are on
// disk already. Whoever waits for it is told afterwards.
func (a *app) Commit(context.Context, *abci.RequestCommit) (res *abci.ResponseCommit, err error) {
	defer func() { a.haltOn(err) }()
	defer catchFault(&err)
	p := a.pending
	if p == nil {
		return nil, errors.New("commit: no block was applied")
	}
	a.pending = nil
	outcomes, index := outcomesOf(p)
	a.tree.commit(index)
	a.height.Store(p.height)
	a.checker = a.machine.NewChecker(a.tree.base, p.height)
	a.results.committed(outcomes)
	if a.onCommit != nil {
		a.onCommit()
	}
	a.mu.Lock()
	close(a.changed)
	a.changed = make(chan struct{})
	a.mu.Unlock()
	return &abci.ResponseCommit{}, nil
}

// CheckTx judges a transaction for the mempool, and again, as a recheck, after each commit.
func (a *app) CheckTx(_ context.Context, req *abci.RequestCheckTx) (*abci.ResponseCheckTx, error) {
	r := a.check(req.Tx)
	if r.Code != uint32(ledger.CodeOK) && req.Type == abci.CheckTxType_Recheck {
		a.results.refused(ledger.Receipt{Hash: hashOf(req.Tx), TxResult: ledger.TxResult{Code: r.Code, Info: r.Info}})
	}
	return &abci.ResponseCheckTx{Code: r.Code, Info: r.Info, GasWanted: int64(r.work)}, nil
}

func (a *app) check(tx []byte) (r checkResult) {
	var err error
	defer func() {
		if err != nil {
			a.haltOn(err)
			r = checkResult{Code: codeHalted, Info: "this node has halted"}
		}
	}()
	defer catchPanic(&err) // some callers are goroutines of CometBFT that do not recover
	if a.checker == nil {
		return checkResult{Code: codeHalted, Info: "this node has no state yet"}
	}
	res := a.checker.Check(tx)
	if res.Code != uint32(ledger.CodeOK) {
		return checkResult{Code: res.Code, Info: res.Info}
	}
	units, ok := a.workOf(tx)
	if !ok {
		return checkResult{Code: uint32(ledger.CodeTooMuchWork), Info: "more work than a block may have"}
	}
	return checkResult{work: units}
}

type checkResult struct {
	Code uint32
	Info string
	work uint64 // if it was accepted
}

// haltOn records the first fault; nil is none.
func (a *app) haltOn(err error) {
	if err == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fault == nil {
		a.fault = fmt.Errorf("%w: %w", ErrHalted, err)
		close(a.halted)
	}
}

// haltedBy returns why the node halted, nil if it did not.
func (a *app) haltedBy() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fault
}

// change returns a channel that is closed at the next commit.
func (a *app) change() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.changed
}
