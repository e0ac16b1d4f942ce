// Package ledgerrpc submits transactions to the ledger and reads its state, in this
// process or at another peer.
//
// # Words
//
// A [Ledger] is somewhere to read and submit: a node's own, or other peers'
// ([Client]). A [Wallet] is an account's key with what it takes to send
// transactions from it.
//
// # How it works
//
// The protocol ledger/1 carries one call per stream: read keys, read a range,
// broadcast a transaction, await its block, or follow the events. A remote
// state is a [ledger.Reader] like a local one, so the typed readers of package
// ledger serve both. What a single peer says is believed for now; proofs
// against the validators' signatures come with light clients.
//
// # Concurrency
//
// Ledger and Wallet are safe for concurrent use.
package ledgerrpc

import (
	"context"
	"errors"
	"iter"

	"github.com/floe-storage/floe/committee/ledger"
)

// ErrUnavailable says that no peer could be asked; later one may.
var ErrUnavailable = errors.New("ledgerrpc: no peer answers for the ledger")

// Ledger is somewhere to read the state and to submit transactions.
type Ledger interface {
	// View calls read with the state after some recent block. Reads of one
	// call may fail on the way: View then returns that error even if read
	// returns nil, and whatever read concluded is worthless.
	View(ctx context.Context, read func(r ledger.Reader, height uint64) error) error
	// Broadcast hands a transaction to the validators. A transaction that is
	// refused at once is a result with a code, not an error. Broadcasting one
	// that is known already is no fault.
	Broadcast(ctx context.Context, tx []byte) (ledger.TxResult, error)
	// Await returns what became of a transaction, once it is in a block.
	Await(ctx context.Context, hash [32]byte) (ledger.Receipt, error)
	// Events yields all blocks' events from a height on, in order and without
	// a gap, and then new ones until ctx ends.
	Events(ctx context.Context, from uint64) iter.Seq2[ledger.BlockEvents, error]
}
