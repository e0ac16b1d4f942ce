package repair

import (
	"context"
	"errors"
	"iter"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// ErrAbsent is what Peers returns, wrapped or not, when a member answered that it
// does not have what it was asked for. It says nothing against the member.
var ErrAbsent = errors.New("repair: the member does not have it")

// Peers asks other members. It is called from many goroutines at once.
type Peers interface {
	// Pull fetches what is wanted of one member and yields an answer for each want,
	// in their order. An error, [ErrAbsent] among them, is that of one want, and
	// others may follow; a sequence that ends early has its last error, or no answer,
	// for the rest. It ends soon after ctx does, and may be left early. Answers
	// belong to the consumer and need not have been verified. Errors other than
	// ErrAbsent count against the member.
	Pull(ctx context.Context, from committee.Member, wants []Want) iter.Seq2[Got, error]
}

// Want is something to pull: symbols, or the metadata of Blob, in which case
// nothing else of it is looked at.
type Want struct {
	Metadata bool
	SymbolRequest
}

// Got is the answer to a want: one of the two. Of the symbols there are those
// whose sources the member has.
type Got struct {
	Metadata *shard.Metadata
	Symbols  SymbolReply
}

// SymbolRequest asks for one symbol of each target out of each source.
type SymbolRequest struct {
	Blob       shard.BlobID
	SymbolSize int                 // in bytes
	Axis       shard.Axis          // of the targets; the sources are of the other
	Targets    []shard.SliverIndex // not empty, no two equal
	Sources    []shard.SliverIndex // not empty, no two equal; the member should hold them all
	Proofs     bool                // ask for the symbols with Merkle proofs
}

// SymbolReply is a member's answer.
type SymbolReply struct {
	Sources []shard.SliverIndex // those of the request's that it had, in any order
	// Symbols are the raw symbols, [target][source] in the order of the request's
	// Targets and the reply's Sources; nil if proofs were asked for.
	Symbols [][][]byte
	// Proven are the symbols with proofs, likewise; nil if not asked for.
	Proven [][]shard.RecoverySymbol
}

// Holding tells which slivers of one blob are here for one shard.
type Holding struct {
	Shard              shard.Index
	Primary, Secondary bool
}

// Item is a sliver and the shard on which it lies.
type Item struct {
	Shard  shard.Index
	Sliver shard.Sliver
}

// Store is the node's own slivers. Its methods are called from several
// goroutines at once.
type Store interface {
	// Metadata returns a blob's metadata; any error means that it has to be fetched.
	Metadata(id shard.BlobID) (*shard.Metadata, error)
	PutMetadata(ctx context.Context, id shard.BlobID, md *shard.Metadata) error
	// Holdings tells what is here for the given shards, in their order.
	Holdings(id shard.BlobID, shards []shard.Index) ([]Holding, error)
	// Sliver returns a sliver that hashes to its root; an error means that it
	// cannot be had.
	Sliver(id shard.BlobID, s shard.Index, a shard.Axis) (shard.Sliver, error)
	// PutSlivers stores slivers of one blob in one batch, which is durable when it
	// returns nil.
	PutSlivers(ctx context.Context, id shard.BlobID, items []Item) error
	// Value returns what was put last under a name; an error means that there is
	// nothing.
	Value(name string) ([]byte, error)
	// PutValue keeps at most 64 KiB under a name, durably when it returns nil.
	PutValue(ctx context.Context, name string, value []byte) error
}

// Ledger is what has been agreed, as far as this node has followed it. Its
// methods are called from several goroutines at once.
type Ledger interface {
	// Committee returns the members that are responsible now; nil before the first.
	Committee() *committee.Committee
	// Wanted tells whether a blob is certified, has not expired and is not invalid.
	Wanted(id shard.BlobID) bool
	// Blobs iterates over the wanted blobs, in any order.
	Blobs() iter.Seq[shard.BlobID]
}
