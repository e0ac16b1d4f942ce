// Package node is a storage node: it wires the rooms together and decides when they act.
//
// # How it works
//
// A node is one peer. It follows the ledger with its own copy of the chain,
// answers for the slivers that its shards call for, confirms what it holds,
// gossips what it has stored and restores what it lacks. All of that is done in
// other rooms; this one depends on nearly all of them and should be imported by
// commands and test networks alone.
//
//	serve.go     answers other peers: verify, store, read
//	serve_shard.go  lends whole shards to those who gain them
//	confirm.go   when this node may sign that it holds a blob
//	follow.go    what the ledger's events call for
//	claims.go    what may be on the disk: nothing without a living claim
//	handover.go  what an epoch's new shards call for
//	migrate.go   moving them here from who held them before
//	release.go   forgetting shards that others have taken over
//	maintain.go  what is due from time to time
//	gossip.go    what this node tells the others, and hears from them
//	repairs.go   the repairer's view of peers and store
//
// # Invariants
//
// A confirmation is signed only while the ledger knows a living claim to the
// blob and everything that this node's shards call for is durable. A blob is
// stored only while a claim lives and forgotten only when none does. All of this
// is decided under one lock, so that nothing is left on the disk that no event
// will ever remove.
//
// # Concurrency
//
// A Node is safe for concurrent use. Close waits for everything it started.
package node
