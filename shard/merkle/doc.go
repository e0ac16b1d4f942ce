// Package merkle commits to a list of byte strings by one hash and proves that
// one of them is at its place.
//
// # Words
//
// A leaf is one of the byte strings. A node is a hash in the tree or Empty, the
// place holder of 32 zero bytes that is never hashed as a leaf. The root is the
// one node of the top level.
//
// # How it works
//
//	leaf hash  = BLAKE2b-256(00 ‖ leaf)
//	inner hash = BLAKE2b-256(01 ‖ left ‖ right)
//
// A level of more than one node and odd length is filled with one Empty node;
// then neighbors are paired into the next level ([WAL] merkle.rs). So the
// filling happens level by level and not up to a power of two:
//
//	level 2            r
//	level 1       a         b
//	level 0     x   y     z   Empty
//
// A proof is the list of siblings from the leaf up. A missing right sibling is
// the Empty node and takes one byte in the canonical form:
//
//	Node  = 00 | 01 hash(32)
//	Proof = ULEB count ‖ Node…
//
// # Invariants
//
// The root of no leaves is Empty, here the zero Hash; no other list has it.
// Building uses the memory of the nodes and no more; verifying allocates nothing
// for leaves up to a few KiB.
//
// # Concurrency
//
// A Tree is immutable. A Hasher belongs to one goroutine. Functions are safe
// from any goroutine.
//
// # Sources
//
//	[WAL] MystenLabs/walrus, crates/walrus-core/src/merkle.rs
package merkle
