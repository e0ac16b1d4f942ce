// Package store keeps the slivers and the metadata of blobs on one node's disk.
//
// # Words
//
// A holding is one sliver that is here: a blob, a shard and an axis. A named
// value is a few bytes of the node's own state, such as how far it has followed
// the ledger.
//
// # Layout
//
// A store is a directory with a lock file and one Badger database:
//
//	DIR/lock            held while the store is open; contains the process ID
//	DIR/closed          there while the store is closed in order; see mark.go
//	DIR/db/             Badger's files
//
// Keys, byte by byte (integers big-endian so that keys sort as numbers do):
//
//	's' shard:2 blob:32 axis:1     a sliver; one shard's slivers lie in blob order
//	'h' blob:32 shard:2 axis:1     a holding; finds all slivers of one blob
//	'm' blob:32                    a blob's metadata
//	'v' name                       a named value
//
// Values (integers little-endian):
//
//	's'   1  crc:4  symbolSize:2  sliverIndex:2  data
//	'h'   dataLength:4
//	'm'   1  crc:4  BCS of the metadata
//	'v'   1  crc:4  the caller's bytes
//
// The first byte is the version of the form. The CRC-32C covers the key and all
// that follows it, so a value is also refused when it turns up under a key that
// is not its own. Values of [valueThreshold] bytes and more live in Badger's
// value log, smaller ones beside their keys.
//
// # Invariants
//
// What a Put has acknowledged is on the disk: the writes of all callers that
// wait at that time are applied together and synced once. Nothing is returned
// by a read that does not match its checksum. A sliver and its holding are
// written and deleted in one transaction.
//
// Badger's Sync covers only the newest of its logs; [Store] makes the ones that
// it has just rotated away from durable too, before it acknowledges.
//
// # Concurrency
//
// All methods of [Store] may be called from any goroutine. One goroutine owned
// by the store writes; Close waits for calls under way.
package store
