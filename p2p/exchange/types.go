package exchange

import (
	"iter"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

// SliverID names a sliver of a blob.
type SliverID = wire.SliverID

// Holding says what a node has of one blob.
type Holding = wire.Holding

// MaxBody is the most bytes one want of symbols may bring.
const MaxBody = 64 << 20

// SignedConfirmation is a node's signed statement that it holds all its slivers of a blob. It still has
// to be verified against the committee.
type SignedConfirmation = committee.SignedConfirmation

// Upload is what a writer sends to one node.
type Upload struct {
	Blob        shard.BlobID
	Persistence committee.Persistence
	Epoch       committee.Epoch // of the committee the writer has in mind
	// Size is the blob's size in bytes. It may be zero when Metadata is given.
	Size uint64
	// Metadata is sent first. Nil: the node has it already.
	Metadata *shard.Metadata
	// Slivers are sent as they come, and are not kept; nil for none. A producer that fails stops and
	// cancels the call's context.
	Slivers iter.Seq[shard.Sliver]
	// Confirm asks for a confirmation once all is stored.
	Confirm bool
	// Progress is told the bytes of each sliver handed to the network. Nil: nobody is told.
	Progress func(bytes int)
}

// UploadResult is what a node says of an upload.
type UploadResult struct {
	// Stored is how many of the slivers sent are durable now, or were before.
	Stored int
	// Confirmation is nil unless it was asked for and the node holds all of the blob that it should.
	Confirmation *SignedConfirmation
}

// UploadHeader announces an upload to a handler.
type UploadHeader struct {
	Blob        shard.BlobID
	Persistence committee.Persistence
	Epoch       committee.Epoch
	Size        uint64 // of the blob; as the writer claims, within what the network can take
	Confirm     bool
}

// SymbolRequest asks for the cells where the target slivers cross the source slivers.
type SymbolRequest struct {
	Blob       shard.BlobID
	SymbolSize int        // in bytes, as the blob's size gives
	Axis       shard.Axis // of the targets; the sources are of the other axis
	Targets    []shard.SliverIndex
	Sources    []shard.SliverIndex
	Proofs     bool
}

// Want is one thing to pull: symbols, or the metadata of Blob, in which case nothing else is looked at.
type Want struct {
	Metadata bool
	SymbolRequest
}

// Got is what came for a want: one of the two.
type Got struct {
	Metadata *shard.Metadata
	Symbols  SymbolReply
}

// SymbolReply holds the symbols of the sources that the node has.
type SymbolReply struct {
	// Sources are those of the request that the node has, in the order of the request.
	Sources []shard.SliverIndex
	// Symbols are indexed [target][source]; nil when proofs were asked for.
	Symbols [][][]byte
	// Proven are indexed the same way; nil unless proofs were asked for.
	Proven [][]shard.RecoverySymbol
}

// ShardSliver is a sliver on its way from one holder of a shard to the next.
type ShardSliver struct {
	Blob   shard.BlobID
	Sliver shard.Sliver
}
