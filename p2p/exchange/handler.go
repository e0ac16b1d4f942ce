package exchange

import (
	"context"
	"iter"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/shard"
)

// Handler is what the server needs of a storage node. All methods are called from many goroutines at
// once. from is proven by the connection. A method returns a *wire.Error to choose what the peer is
// told; of other errors the peer learns no more than that the call failed (see wire.Answer). ctx ends
// when the server closes, and calls that follow it let the server close.
type Handler interface {
	// Upload stores what a writer sends. md is decoded, not verified, and nil if the writer sent none.
	// slivers yields them as they arrive: each has an axis, an index below the number of shards and the
	// size that h.Size gives it, is not verified, and belongs to the handler. The sequence can be read
	// once. An error in it means that the rest will not come; the handler then returns that error, and
	// may keep what it has.
	//
	// To accept, Upload reads the sequence to its end and returns nil only once everything that it
	// counts as stored is durable, confirmation included. To refuse, it returns early: the writer is
	// then told at once. What is stored twice is counted, not refused.
	Upload(ctx context.Context, from p2p.PeerID, h UploadHeader, md *shard.Metadata, slivers iter.Seq2[shard.Sliver, error]) (UploadResult, error)

	// Confirm returns a confirmation if the node durably holds all that its shards call for.
	Confirm(ctx context.Context, from p2p.PeerID, blob shard.BlobID, p committee.Persistence) (SignedConfirmation, error)

	// Metadata returns verified metadata, which the server does not change.
	Metadata(ctx context.Context, from p2p.PeerID, blob shard.BlobID) (*shard.Metadata, error)

	// Sliver returns a sliver whose data will not change while it is sent.
	Sliver(ctx context.Context, from p2p.PeerID, blob shard.BlobID, id SliverID) (shard.Sliver, error)

	// Status returns what the node has of each blob, in their order.
	Status(ctx context.Context, from p2p.PeerID, blobs []shard.BlobID) ([]Holding, error)

	// Symbols returns the symbols of those sources that the node has, with proofs if r.Proofs. r has
	// at least one target and one source, all below the number of shards and none twice, and the
	// answer fits MaxBody. The server does not change the reply.
	Symbols(ctx context.Context, from p2p.PeerID, r SymbolRequest) (SymbolReply, error)

	// SyncShard yields what the node has of a shard and others should keep, from a blob on, in the order
	// of blob IDs, the primary sliver of a blob before the secondary one. A sliver's data will not change
	// while it is sent. An error is the last: one that comes first refuses the call.
	SyncShard(ctx context.Context, from p2p.PeerID, at shard.Index, first shard.BlobID) iter.Seq2[ShardSliver, error]
}
