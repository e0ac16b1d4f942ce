// Package ledger is the replicated state machine: what was stored and paid for, when it
// became available, and who must hold it.
//
// # Words
//
// An account is a balance of FROST and a nonce under an address. An object (a storage
// resource or a blob) has a 32-byte ID and an owner. A transaction is an ordered list of
// messages signed by one account; it happens wholly or not at all. The ring holds, for the
// running epoch and every later one that can be paid for, the capacity sold and the revenue
// to be shared out.
//
// # How it works
//
// [ApplyBlock] is a function: state and block in, state and results out. The state is an
// ordered map from keys to values behind [Store]; the caller owns where it lives and how it
// is hashed. [Checker] judges transactions before they enter a block. The layout of the
// keys is drawn in state.go.
//
// # Invariants
//
// The package knows no clock, randomness, file, network, goroutine, float or map: two
// validators that apply the same blocks hold the same bytes. Amounts are checked integers;
// every division says who gets the rest. After each block supply = balances + rewards in
// the ring + stakes of the nodes. A block that changes nothing writes nothing.
//
// # Concurrency
//
// Nothing here locks. A Store is used by one call at a time.
//
// # Sources
//
//	[WL] the Walrus control plane as a state machine, commit 3c1cacc11c92
package ledger
