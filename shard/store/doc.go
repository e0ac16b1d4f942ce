// Package store keeps the slivers and the metadata of blobs on one node's disk.
//
// # Words
//
// A holding is one sliver that is here: a blob, a shard and an axis. A named
// value is a few bytes of the node's own state, such as how far it has followed
// the ledger. A segment is a file of large values. The quarantine is the list of
// slivers that were found bad and have not been replaced yet.
//
// # Layout
//
// A store is a directory with a lock file, one Badger database and segments:
//
//	DIR/lock            held while the store is open; contains the process ID
//	DIR/closed          there while the store is closed in order; see mark.go
//	DIR/db/             Badger's files
//	DIR/segments/       NNNNNNNN.seg, values one after the other
//	DIR/damaged/        Badger's files that could not be opened, if there were; see [SetAside]
//
// Keys, byte by byte (integers big-endian so that keys sort as numbers do):
//
//	's' shard:2 blob:32 axis:1     a sliver; one shard's slivers lie in blob order
//	'h' blob:32 shard:2 axis:1     a holding; finds all slivers of one blob
//	'q' blob:32 shard:2 axis:1     a sliver in quarantine
//	'm' blob:32                    a blob's metadata
//	'v' name                       a named value
//
// Values (integers little-endian):
//
//	's'   1  crc:4  symbolSize:2  sliverIndex:2  data
//	or    2  crc:4  segment:4  offset:4  length:4      the value of form 1 is there
//	'h'   dataLength:4
//	or    dataLength:4  segment:4  length:4            as in form 2 of 's'
//	'q'   1  crc:4  what was wrong
//	'm'   1  crc:4  BCS of the metadata
//	'v'   1  crc:4  the caller's bytes
//
// The first byte is the version of the form. The CRC-32C covers the key and all
// that follows it, so a value is also refused when it turns up under a key that
// is not its own. Slivers and metadata of [segmentThreshold] bytes and more lie in
// segments, smaller ones beside their keys; metadata that lies in a segment has a
// row of form 2 too.
//
// # Room
//
// What is deleted is dead until [Store.Reclaim]. The holdings say how much of each
// segment is alive. A segment without any is removed; from one that is a fifth
// dead the rest is moved: copied to another segment, synced, and the rows changed
// if they are still what they were. Of Badger's tables, which hold small slivers and
// rows, what is dead goes when they are compacted.
//
// # Invariants
//
// What a Put has acknowledged is on the disk: the writes of all callers that
// wait at that time are applied together and synced once. A sliver lies durably
// in its segment before a row points there. Nothing is returned
// by a read that does not match its checksum. A sliver and its holding are
// written and deleted in one transaction, as are its removal and its place in the
// quarantine. A segment is not appended to after it was closed, and removed only
// when it is durable that no row points to it.
//
// # Concurrency
//
// All methods of [Store] may be called from any goroutine. Callers write
// segments themselves, a few at the same time. Rows are written by one goroutine
// owned by the store, and synced by another while the next are written; Close
// waits for calls under way.
package store
