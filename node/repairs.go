package node

import (
	"context"
	"iter"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// peers is repair.Peers over the network.
type peers struct{ *Node }

// Pull implements [repair.Peers].
func (n peers) Pull(ctx context.Context, from committee.Member, wants []repair.Want) iter.Seq2[repair.Got, error] {
	return func(yield func(repair.Got, error) bool) {
		asked := make([]exchange.Want, len(wants))
		for i, w := range wants {
			asked[i] = exchange.Want{Metadata: w.Metadata, SymbolRequest: exchange.SymbolRequest(w.SymbolRequest)}
		}
		for g, err := range n.client.Pull(ctx, p2p.PeerID(from.NetworkKey), asked) {
			if !yield(repair.Got{Metadata: g.Metadata, Symbols: repair.SymbolReply(g.Symbols)}, absent(err)) {
				return
			}
		}
	}
}

// busyCalls is the number of readers and writers from which on repairs give way.
const busyCalls = 8

// busy is repair.Config.Busy.
func (n *Node) busy() bool { return n.server.Serving() >= busyCalls }

// absent turns the wire's word for absence into the repairer's.
func absent(err error) error {
	if wire.IsNotFound(err) {
		return repair.ErrAbsent
	}
	return err
}

// shelf is repair.Store over the node's store. Nothing is put on it that has
// ended meanwhile.
type shelf struct {
	*store.Store
	node *Node
}

// PutMetadata implements [repair.Store].
func (s shelf) PutMetadata(ctx context.Context, id shard.BlobID, md *shard.Metadata) error {
	release, err := s.node.holdWanted(id)
	if err != nil {
		return err
	}
	defer release()
	return s.Store.PutMetadata(ctx, id, md)
}

// Holdings implements [repair.Store].
func (s shelf) Holdings(id shard.BlobID, shards []shard.Index) ([]repair.Holding, error) {
	held, err := s.Store.Holdings(id, shards)
	out := make([]repair.Holding, len(held))
	for i, h := range held {
		out[i] = repair.Holding(h)
	}
	return out, err
}

// PutSlivers implements [repair.Store].
func (s shelf) PutSlivers(ctx context.Context, id shard.BlobID, items []repair.Item) error {
	release, err := s.node.holdWanted(id)
	if err != nil {
		return err
	}
	defer release()
	in := make([]store.Item, len(items))
	for i, it := range items {
		in[i] = store.Item(it)
	}
	return s.Store.PutSlivers(ctx, id, in)
}
