// Package light believes what the ledger says without running it: it checks
// headers against the validators' signatures, from a trust root on, and values,
// ranges and receipts against headers.
//
// # Words
//
// A [Root] is the one thing that is taken on faith: a header's hash, or that of
// the validators at genesis, from a source that the user believes. A [Source]
// is a peer that has headers; nothing it says is believed. A light block is a
// header with the commit, which is the signatures on it, and the validators
// that signed. A span is a run of neighboring leaves of the state's tree.
//
// # How it works
//
// A [Client] verifies a header by skipping: if validators with more than a third
// of the power at a trusted height have signed a later header, at least one
// honest validator has, and that header with its own validators is trusted
// from there on; if they have not, a header in between is tried first. Then two
// other sources are asked for the header of the same height. One that has
// another header cannot prove it, and is dropped; if it can, a third of the
// validators has signed both, and nothing of that height is believed ([ForkError]).
//
// The state after height h is hashed into the header of height h+1, and so are
// the results of the transactions of height h. [VerifyRange] and [VerifyValue]
// compare a part of the state with that hash, [VerifyReceipt] a receipt.
//
// CometBFT's own light client is not used above its verification functions: it
// needs two sources where a user has one address, sleeps half a minute
// under a lock when a peer is a block behind, and does not say who lied.
//
// # Spans
//
// The state's tree is IAVL's. A leaf hashes to SHA-256 over height 0, size 1
// and version (each a signed varint), the key with its length (an unsigned
// varint) before it, and 0x20 and the SHA-256 of the value; a node above it over
// height, size and version, 0x20 and the left child's hash, 0x20 and the
// right one's. A span in canonical bytes (package bcs):
//
//	leaves     count, then each:
//	  key      bytes
//	  value    enum: 0 the SHA-256 of the value (32 bytes), 1 the value (bytes)
//	  version  u64
//	  path     count, then from the leaf upwards:
//	    height  u8
//	    size    u64
//	    version u64
//	    right   bool: the path comes from the right child (first leaf only)
//	    sibling 32 bytes, the hash of the other child
//
// The first leaf's path leads to the root. That of a later leaf ends below the
// node at which it parts from the leaf before it, and comes from the left child
// everywhere: so the leaves are neighbors, and nothing lies between them.
// What is needed above is known from the leaf before. A span proves what
// the range [start, end) holds if it begins with start itself, a key before it
// or the first key of all, and ends likewise; leaves outside of the range come
// with the hash of their value only.
//
// # Traces
//
// A trace is the way from a root to a header, for a file that is checked without
// a network ([VerifyTrace]). In canonical bytes:
//
//	chain ID   text
//	headers    count, then each, the earliest first:
//	  version    u64 of the block format, u64 of the application
//	  height     u64
//	  time       u64 seconds since 1970, u32 nanoseconds
//	  parts      u32, of the block before
//	  hashes     each bytes, of 32 or 0: the block before, its parts, its commit, data,
//	             validators, next validators, consensus parameters, state, results,
//	             evidence; then the proposer's address, 20 bytes
//	  round      u32 of the commit
//	  parts      u32 and their hash, bytes: of the block that is signed
//	  validators count, then each, in the order of the set:
//	    key      32 bytes, Ed25519
//	    power    u64
//	    vote     enum: 0 absent, 1 for the block, 2 for none; then, if it is there,
//	             time as above and signature, 64 bytes
//
// # Invariants
//
// Bytes from a source never panic and never cost more than a fixed multiple of
// their size. A span has one form: whatever verifies with one byte changed would
// be a collision of SHA-256. A header is trusted for the trust period only: old
// keys, whose owners have nothing to lose any more, must not rewrite the past.
//
// # Concurrency
//
// A Client may be used from any goroutine; the functions are pure.
//
// # Sources
//
//	[ICS23] cosmos/ics23: the protobuf form of proofs that comet gives
//	[LC] CometBFT, spec/light-client: skipping verification, trust period
package light
