package comet

import "github.com/floe-storage/floe/committee/ledger"

// Machine is the state machine that blocks are applied to: package ledger, or a
// small one in tests. It must be deterministic, must not keep the stores and
// readers that it is given, and must not panic on any input.
type Machine interface {
	InitChain(s ledger.Store, genesis []byte) ([]ledger.ValidatorUpdate, error)
	// Supports returns an error if the block after r is to be applied by rules
	// that the machine does not have: the chain halts at this node then.
	Supports(r ledger.Reader) error
	ApplyBlock(s ledger.Store, b ledger.Block) ledger.BlockResult
	// Work returns what a transaction costs, in units of which a block has at
	// most ledger.MaxBlockWork; an error if it is no transaction at all. It
	// depends on tx alone.
	Work(tx []byte) (uint64, error)
	// NewChecker returns a checker above the state at a height. It is used by
	// one goroutine at a time and dropped at the next commit.
	NewChecker(r ledger.Reader, height uint64) Checker
}

// Checker judges transactions that want to enter the mempool, in their order.
type Checker interface {
	Check(tx []byte) ledger.TxResult
}

// floe is the machine of package ledger.
type floe struct{ machine ledger.Machine }

// InitChain implements [Machine].
func (*floe) InitChain(s ledger.Store, genesis []byte) ([]ledger.ValidatorUpdate, error) {
	return ledger.InitChain(s, genesis)
}

// Supports implements [Machine].
func (*floe) Supports(r ledger.Reader) error { return ledger.CheckProtocol(r) }

// ApplyBlock implements [Machine].
func (f *floe) ApplyBlock(s ledger.Store, b ledger.Block) ledger.BlockResult {
	return f.machine.ApplyBlock(s, b)
}

// Work implements [Machine].
func (f *floe) Work(tx []byte) (uint64, error) { return f.machine.Work(tx) }

// NewChecker implements [Machine].
func (f *floe) NewChecker(r ledger.Reader, height uint64) Checker {
	return f.machine.NewChecker(r, height)
}
