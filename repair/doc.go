// Package repair restores slivers a node should hold and does not.
//
// # Words
//
// A sliver is lost when the ledger says that its blob is certified and has not
// expired, the committee says that its shard is ours, and the store does not
// hold it. Targets are the lost slivers of one axis; sources are the slivers of
// the other axis, one symbol of each of which is a symbol of every target. A
// column is what one source contributes: a symbol for each target. A liar is a
// member that answered with something that is provably wrong. A want is what one
// repair asks of one member; a call carries the wants of many.
//
// # How it works
//
// Lost blobs wait in a queue, the one with the least redundancy left first, then
// the one lost longest. The queue survives a restart: see journal.go. A repair
// starts when the node is not busy with others and when its bytes fit into what
// all repairs may have in memory and may pull in a second. A blob is repaired
// like this:
//
//  1. Metadata, if it is missing, from any member: its hash is the blob ID.
//  2. Secondary targets, from one column of each of n-2f primary slivers.
//  3. Primary targets, from n-f columns; the secondary slivers that are here, the
//     ones just restored included, are columns that cost nothing.
//
// Columns are fetched without proofs, all targets of an axis in one want of each
// member, and what many blobs want of a member at the same time in one call: the
// bytes on the wire are then hardly more than the bytes restored. The result
// is compared with the metadata. On a mismatch one target is fetched again with
// proofs, which shows who lied; their columns are replaced and the rest is kept.
// If every symbol is proven and the result still does not match, the blob was
// encoded wrongly, and the proven symbols are the proof of it.
//
// What was believed by gossip (see [Availability]) only decides whom to ask and
// what comes first.
//
// Shards that change hands are not recovered but moved, see [Migrator]: their
// former holder streams them. The repairer leaves them alone meanwhile, and
// restores afterwards what did not come.
//
// # Invariants
//
// Nothing is stored that does not hash to its root in the metadata. Each round
// of accusation excludes a member or ends, so a repair ends.
//
// # Concurrency
//
// [Repairer.Run] and [Migrator.Run] wait for every goroutine. All methods of
// [Repairer], [Migrator] and [Availability] may be called from any goroutine. The
// files plan.go and announcement.go are pure.
//
// # Sources
//
//	[WE] Walrus's encoding, §6 (recovery, proofs of inconsistency)
package repair
