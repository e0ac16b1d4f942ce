// Package quilt stores many small blobs as one.
//
// A blob costs at least its metadata on every node, whatever its size. A quilt
// is one blob that holds many, each of which can still be read alone, named, and
// described by tags.
//
// # Words
//
//   - patch: a blob inside a quilt, with an identifier and tags.
//   - column: a column of the quilt's matrix before it is expanded, which is the
//     secondary sliver of the same index. A patch has columns of its own.
//   - index: the list of patches, in the first columns.
//   - internal ID: the columns of a patch. With the blob ID of the quilt before
//     it, it is the patch ID, which finds the patch without the index.
//   - source: what a patch is made from.
//
// # How it works
//
// A quilt fills the matrix of package shard exactly: Rows×Cols symbols, which as
// a blob are row-major. What lies in columns is written column by column: byte
// b of a patch whose first column is c is byte b mod S of the symbol in
//
//	row (b/S) mod Rows, column c + (b/S)/Rows        (S = symbol size)
//
// so that the patch is what its secondary slivers contain, one after another.
//
//	column 0        1        2        3        4        5
//	┌────────┬────────┬────────┬────────┬────────┬────────┐
//	│ index  │ a.txt  │ b.jpg  │ b.jpg  │ c.txt  │ 00 …   │   columns left over and
//	│        │        │        │        │        │        │   the end of the last column
//	│        │  00 …  │        │  00 …  │  00 …  │        │   of a patch are zero
//	└────────┴────────┴────────┴────────┴────────┴────────┘
//
// The symbol size is the least even one with which all patches and the index find
// room, the index in at most ten columns.
//
// To write: [New], then [Quilt.Bytes] or [Quilt.WriteTo], then store the result
// like any blob. To read one patch: a [Reader] for the size of the blob, add the
// secondary slivers that [MissingError] or [InternalID.Needed] name, each
// verified by package shard, and ask again. To read from the whole blob: [Open].
//
// # Canonical bytes
//
//	column 0    01 ‖ u32 length of Index ‖ Index
//	Index       ULEB count ‖ Entry…              in the order of their columns
//	Entry       u16 end column ‖ text identifier ‖ Tags
//	Tags        ULEB count ‖ (text key ‖ text value)…   in the order of key bytes,
//	                                                    length prefix included
//	patch       01 ‖ u32 length of what follows the mask ‖ u8 mask
//	            ‖ u16 length of the next field ‖ text identifier
//	            ‖ [ u16 length of the next field ‖ Tags ]   if mask is 01
//	            ‖ data
//	InternalID  01 ‖ u16 start column ‖ u16 end column
//	PatchID     BlobID ‖ InternalID
//	Metadata    00 ‖ BlobID ‖ shard.Metadata ‖ Index
//
// An end column is the one after the last. Starts are not stored: the first patch
// follows the index, each other the one before it.
//
// # Invariants
//
//   - New is a function of its arguments, the order of the sources aside.
//   - Nothing read is believed. A fault in the index is a fault of the quilt, but
//     a wrong identifier is one of its patch only: other writers make them, and the
//     rest of such a quilt is good. So the identifiers of an [Index] are to be
//     taken for any text, those of a [Content] fulfill [CheckIdentifier], and only
//     what [SafePath] returns may name a file.
//   - No input makes a function panic or allocate more than a small multiple of
//     its length.
//
// A patch ID proves nothing but the columns: whoever wrote a quilt can put
// something in a patch that reads as another patch if it is entered at a later
// column. Take IDs from the index, or from who is trusted with the content.
//
// # Concurrency
//
// A Quilt and an Index do not change and may be used from any goroutine, so far as
// a Quilt's sources may. A Reader and its Contents may, except during Add.
//
// # Sources
//
//	[QLT]  MystenLabs/walrus, crates/walrus-core/src: encoding/quilt_encoding.rs, metadata.rs
package quilt
