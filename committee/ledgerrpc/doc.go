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
// The protocol ledger/1 carries one call per stream: read the state, broadcast a
// transaction, await its block, get a light block, or follow the events. To read
// the state takes as many requests as the reader has questions, for keys and for
// ranges, and all of them are answered from the state of one height. A remote
// state is a [ledger.Reader] like a local one, so the typed readers of package
// ledger serve both.
//
//	client                                       server
//	Get or Range, minimum height, known header →
//	                                           ← fault, or height, light block, spans
//	Get or Range …                             →               any number of times
//	Broadcast                                  →
//	                                           ← fault, or the mempool's verdict
//	Await                                      →
//	                                           ← fault, or receipt, proof, light blocks
//	Block, height                              →
//	                                           ← fault, or light block
//	Follow, first height                       →
//	                                           ← a block's events, in one frame or several
//	                                           ← … without end
//
// A client begins with a trust root and believes no peer:
//
//	what is read   proven by spans (package light) against the header of the next height,
//	               which the validators have signed; a range proves that nothing is missing
//	receipts       proven against two headers, but for the words of a refusal
//	refusals       by a mempool are a peer's word: taken of two peers, where there are two
//	events         proven by the state, which has the hash of each block's events for a million
//	               blocks; a range over many heights proves many blocks, and that the others
//	               had no events
//	times          of new blocks are those of headers, as a rule; of old ones a peer's word
//	fees           follow from what was read, and a [Wallet] has a limit on top
//
// The header that names the state after a block is that of the next one. So the
// newest block is held until that is there: a moment if it has events, some
// seconds on an idle chain if it has none.
//
// A peer that sends what cannot be honest is given up, and another one asked;
// a peer that merely fails is asked last. Only when nobody is left a call
// fails, with what each one did. What was seen committed is not unseen: the
// next state that is read is of that height at least.
//
// Every frame is a length in four bytes and a message; message.go has the forms.
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
	// View calls read with the state after some recent block, the same for
	// all that read does. Where the state is that of a peer, reading may fail on
	// the way: then nothing is found any more, and read is called again from its
	// beginning with another peer's state, or View returns an error whatever
	// read has returned. So what read leaves behind must not add up over calls.
	View(ctx context.Context, read func(r ledger.Reader, height uint64) error) error
	// Broadcast hands a transaction to the validators. A transaction that is
	// refused at once is a result with a code, not an error. Broadcasting one
	// that is known already is no fault.
	Broadcast(ctx context.Context, tx []byte) (ledger.TxResult, error)
	// Await returns what became of a transaction, once it is in a block.
	Await(ctx context.Context, hash [32]byte) (ledger.Receipt, error)
	// Events yields all blocks' events from a height on, in order and without
	// a gap, and then new ones until ctx ends. Whoever keeps the last height can
	// go on from the next without loss or repetition.
	Events(ctx context.Context, from uint64) iter.Seq2[ledger.BlockEvents, error]
}
