// Package comet runs the ledger on CometBFT: it turns the pure state machine of
// package ledger into a chain that a committee agrees on.
//
// # Words
//
// A node is one member or follower of the chain. A height is a block's number,
// from 1; height 0 is the genesis state. A transaction is submitted at one node
// and committed in a block that two thirds of the voting power signed. A
// snapshot is the state of one height as bytes, cut into chunks. To join is to
// take the state from a snapshot instead of replaying all blocks.
//
// # How it works
//
// CometBFT is assembled from its public constructors. Below it, app.go drives
// the state machine (an overlay above the last committed state, flushed in key
// order into a Merkle tree whose hash goes into the next header), tree.go keeps
// that tree (IAVL), and database.go keeps the one LevelDB file set of a node.
// Beside it, switch.go carries consensus messages over the peer's one libp2p
// host, so that a node has one identity and one port, and sync.go fetches blocks
// when a node has fallen behind.
//
// A node that is far behind, or lacks blocks that its peers have pruned, joins:
// join.go asks its peers for snapshots, package light verifies the headers that
// prove one, joining.go fetches the chunks and restore.go makes a new database of
// them, which then takes the old one's place while the node runs. maker.go takes
// snapshots and lend.go lends them; prune.go removes what is old.
//
// # Disk
//
//	Dir/consensus_key.json    Ed25519 signing key, mode 0600
//	Dir/consensus_state.json  what was signed last: never sign twice
//	Dir/wal/                  CometBFT's log of messages
//	Dir/ledger.db/            LevelDB, one key prefix per use:
//	                          b/ blocks, s/ validators and results, e/ evidence,
//	                          a/ the state's tree, x/ transaction hash to height,
//	                          p/ how far has been pruned
//	Dir/snapshots/<height>/   a manifest, and the chunks by number
//	Dir/join/                 a snapshot that is being fetched and restored
//	Dir/ledger.next/          a restored database that is to take the other's place
//	Dir/ledger.old/           the one that made room
//
// The tree's version v is the state after height v-1; version 1 is genesis.
//
// # Wire
//
// Protocol consensus/1, one stream per pair of peers, opened by either of them.
// The opener sends its hello, the other answers with a verdict and its own:
//
//	hello:   magic "FLC1" ‖ session u64le ‖ n u8 ‖ chain ID (n bytes) ‖ genesis hash (32)
//	verdict: one byte, 0 accepted ‖ hello
//	frame:   channel u8 ‖ length uvarint ‖ protobuf of the channel's message
//
// Protocol snapshot/1, one stream for each question:
//
//	question: genesis hash (32) ‖ what u8 ‖ height u64le ‖ index u32le
//	answer:   status u8 ‖ length u32le ‖ what was asked for
//
// # Invariants
//
// The state is never ahead of the blocks: a block is on disk before it is
// applied. A block applied twice, after a crash, starts from the same state and
// gives the same hash. A block that writes nothing leaves the hash as it was,
// or an idle chain would make blocks without end. When the disk fails the chain
// stops at this node; nothing is skipped.
//
// # Concurrency
//
// All methods of [Node] may be called at once from any goroutine.
package comet
