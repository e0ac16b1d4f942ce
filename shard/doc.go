// Package shard turns a blob into the pieces that storage nodes hold, and back.
//
// # Words
//
//   - blob: the user's bytes.
//   - symbol: the unit of the code, SymbolSize bytes; the size is even.
//   - matrix: the blob, zero padded, as Rows×Cols symbols, row-major. It is
//     expanded to n×n symbols by a Reed–Solomon code along rows and columns.
//   - sliver: one row or column of the expanded matrix without the symbols that
//     can be computed again. A primary sliver is the first Cols symbols of a row,
//     a secondary sliver the first Rows symbols of a column.
//   - sliver pair i: primary sliver i and secondary sliver n-1-i, what one shard
//     holds of one blob.
//   - shard: a numbered slot, 0 … n-1, that a node is responsible for. Which pair
//     of a blob it holds follows from the blob ID ([Params.ShardOf]).
//   - metadata: the root hashes of all slivers and the size of the blob. Its hash
//     is the blob ID, so metadata proves itself, and a sliver is checked against
//     it without any other.
//   - recovery symbol: one symbol of the expanded matrix, taken from the sliver
//     that crosses the wanted one there, with a proof that it belongs to it.
//
// # How it works
//
// For n shards, f = ⌊(n-1)/3⌋ of them may be faulty. Rows = n-2f, Cols = n-f.
//
//	          Cols = n-f        f
//	      ┌───────────────┬──────────┐
//	Rows  │     blob      │  parity  │   row r < Rows: the code of Cols symbols
//	n-2f  │               │ of rows  │   makes f more.
//	      ├───────────────┼──────────┤
//	      │    parity     │  parity  │   column c < n: the code of Rows symbols
//	  2f  │  of columns   │ of both  │   makes 2f more.
//	      └───────────────┴──────────┘
//	        stored           hashed only
//
// The root of a sliver is the Merkle root over all n symbols of its row or
// column. The root of the metadata is over the n pairs of roots, and
//
//	blob ID = BLAKE2b-256(01 ‖ u64 size ‖ metadata root)
//
// All sizes, hashes and bytes are those of the Walrus encoding RS2 ([ENC]).
//
// To write a blob: [Encode], then send pair i to shard p.ShardOf(id, i). A node
// checks what it gets with [Metadata.Verify] and [VerifySlivers]. To read one:
// fetch metadata, verify it, fetch any Rows primary (or Cols secondary) slivers,
// verify each, [Decode]. To restore a lost sliver: ask holders of slivers of the
// other axis for one symbol each ([Symbols], [ProvenSymbols]), then
// [RecoverSliver], [RecoverSlivers] or [RecoverOrProve].
//
// Encode, ComputeMetadata and Decode hold a blob in memory. A [Codec] does the same
// for many blobs one after the other and keeps its memory. [NewEncoder],
// [ComputeMetadataFrom] and [Decoder] take a blob of any size from a reader, or to
// a writer, in memory that the number of shards bounds, and use temporary files.
//
// # Canonical bytes
//
//	BlobID            32 bytes
//	SliverIndex, PairIndex, Index   u16
//	Axis              00 primary | 01 secondary
//	Sliver            bytes data ‖ u16 symbol size ‖ u16 sliver index
//	tagged Sliver     axis ‖ Sliver
//	Node              00 | 01 hash(32)
//	Metadata          00 ‖ 01 ‖ u64 size ‖ ULEB n ‖ n × (Node primary ‖ Node secondary)
//	DecodingSymbol    u16 source ‖ bytes data
//	RecoverySymbol    DecodingSymbol ‖ Proof
//	GeneralSymbol     axis ‖ DecodingSymbol ‖ u16 target ‖ Proof
//	InconsistencyProof  u16 target ‖ ULEB count ‖ RecoverySymbol…
//
// # Invariants
//
//   - Encode is a function of its arguments: the same bytes give the same pieces
//     on every machine.
//   - No input makes a function panic or allocate more than a small multiple of
//     its own length or of what p allows for a blob of the size in the metadata.
//   - Metadata in memory has a digest for every sliver; bytes that say Empty are
//     refused.
//
// # Concurrency
//
// All types but Codec, Encoder and Decoder, which belong to one goroutine at a
// time, are plain values. Every function may be called from any goroutine;
// arguments are neither changed nor kept, unless it says so. Everything that
// encodes, decodes, recovers or verifies many slivers uses all cores, and returns
// when all its work has ended.
//
// # Sources
//
//	[WAL]  Danezis et al., Walrus: An Efficient Decentralized Storage Network, arXiv:2505.05370
//	[ENC]  MystenLabs/walrus, crates/walrus-core/src: encoding, merkle.rs, metadata.rs, inconsistency.rs
package shard
