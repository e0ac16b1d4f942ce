// Package ledger is the replicated state machine: what was stored and paid for, when it
// became available, and who must hold it.
//
// # Words
//
// An account is a balance of FROST and a nonce under an address. An object (a storage
// resource, a blob, a pool or a stake) has a 32-byte ID and an owner. A transaction is an
// ordered list of messages signed by one account; it happens wholly or not at all. The ring
// holds, for the running epoch and every later one that can be paid for, the capacity sold
// and the revenue to be shared out.
//
// A blob occupies storage of its own, or a part of a pool: then it has its owner and its end
// from the pool. There is no bucket as Walrus has it beside the pool: a pool can be
// transferred, and to certify a blob is its owner's. A shared blob is one that anybody may
// pay for. A deposit is what a registration leaves until the blob is certified.
//
// A node is a storage node that has registered; what is staked on it lies in its stake pool.
// A candidate is a node with stake that does not leave. The committee of an epoch is chosen
// among them, those with the most stake first. The hand-over is the beginning of an epoch, in
// which members take over the shards that they have gained.
//
// # Epochs
//
//	hand-over ----------------> settled ----------> selected ----------> the next epoch
//	      a quorum has reported,       half of             all of
//	      or the deadline's height     Params.EpochDuration later
//
// All of this happens at the beginning of blocks, without any message: epoch.go. Stake, keys
// and capacity votes count as they are when the next committee is selected; what comes
// later counts for the one after. Stake that leaves a member is paid after the hand-over.
//
// # How it works
//
// [Machine.ApplyBlock] is a function: state and block in, state and results out; what a
// Machine remembers saves work and changes nothing. The state is an ordered map from keys
// to values behind [Store]; the caller owns where it lives and how it is hashed. [Checker]
// judges transactions before they enter a block. The layout of the keys is drawn in
// state.go. Every record lists its fields once, for reading and for writing: fields.go.
// Every object lists the entries of the indexes that lead to it: object.go.
// TRANSACTIONS.md lists each message with all that can become of it.
//
// # Work
//
// A message takes a number of units of work, about a microsecond each. They are paid for,
// and a block takes at most [MaxBlockWork] of them; certificates of a block are checked
// together.
//
// # Invariants
//
// The package knows no clock, randomness, file, network, goroutine, float or map: two
// validators that apply the same blocks hold the same bytes. Amounts are checked integers;
// every division says who gets the rest. After each block what was written is counted: no
// FROST may appear or vanish but those by which the supply changed. A block that changes
// nothing writes nothing.
//
// # Concurrency
//
// Nothing here locks. A Store is used by one call at a time.
//
// # Sources
//
//	[WL] the Walrus control plane as a state machine, commit 3c1cacc11c92
package ledger

//go:generate go run ../../scripts/ledgerdoc -o TRANSACTIONS.md .
