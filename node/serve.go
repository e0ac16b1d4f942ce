package node

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

const (
	// uploadBatch is how many bytes of slivers are verified and stored
	// together: enough to share the work, little enough to stay flat.
	uploadBatch = 8 << 20
	// registrationWait is how long an upload may wait for this node to see that
	// the blob is registered.
	registrationWait = 5 * time.Second
	retryAfter       = 500 * time.Millisecond
)

// handler is exchange.Handler.
type handler struct{ *Node }

// Upload implements [exchange.Handler]. What arrived before a fault is kept.
func (n handler) Upload(ctx context.Context, from p2p.PeerID, h exchange.UploadHeader, md *shard.Metadata, slivers iter.Seq2[shard.Sliver, error]) (exchange.UploadResult, error) {
	var result exchange.UploadResult
	if err := n.awaitClaim(ctx, h.Blob, h.Persistence); err != nil {
		return result, err
	}
	md, err := n.takeMetadata(ctx, h, md)
	if err != nil {
		return result, err
	}
	b := batch{node: n.Node, blob: h.Blob, persistence: h.Persistence, md: md}
	for s, err := range slivers {
		if err == nil {
			err = b.add(ctx, s)
		}
		if err != nil {
			return result, errors.Join(err, b.flush(ctx))
		}
	}
	if err := b.flush(ctx); err != nil {
		return result, err
	}
	result.Stored = b.stored
	n.gossip.stored(h.Blob, b.pairs)
	if h.Confirm {
		c, err := n.confirm(ctx, h.Blob, h.Persistence)
		if err != nil {
			return result, err
		}
		result.Confirmation = &c
	}
	return result, nil
}

// takeMetadata returns the blob's metadata, durable and verified: what the
// writer sent or what is here.
func (n *Node) takeMetadata(ctx context.Context, h exchange.UploadHeader, sent *shard.Metadata) (*shard.Metadata, error) {
	id := h.Blob
	md, err := n.store.Metadata(id)
	switch {
	case err == nil:
		return md, nil
	case sent == nil && errors.Is(err, store.ErrNotFound):
		return nil, wire.Errorf(wire.CodeNotFound, "metadata of blob %v", id)
	case sent == nil:
		return nil, err
	}
	if err := sent.Verify(n.params, id); err != nil {
		return nil, err
	}
	_, release, err := n.hold(ctx, id, h.Persistence)
	if err != nil {
		return nil, err
	}
	defer release()
	return sent, n.put(n.store.PutMetadata(ctx, id, sent))
}

// put tells a writer when the disk is full; it may try again later.
func (n *Node) put(err error) error {
	if errors.Is(err, store.ErrFull) {
		n.log.Warn("disk full: refusing a write", "err", err)
		return &wire.Error{Code: wire.CodeBusy, Text: "disk full", RetryAfter: time.Minute}
	}
	return err
}

// batch is slivers on their way to the disk.
type batch struct {
	node        *Node
	blob        shard.BlobID
	persistence committee.Persistence
	md          *shard.Metadata
	waiting     []shard.Sliver
	shards      []shard.Index // of waiting
	size        int           // bytes waiting
	stored      int
	pairs       []shard.PairIndex
}

// add takes a sliver that the writer sent.
func (b *batch) add(ctx context.Context, s shard.Sliver) error {
	n := b.node
	pair := n.params.PairOfSliver(s.Axis, s.Index)
	at := n.params.ShardOf(b.blob, pair)
	if n.Committee().Holder(at).ID != n.id {
		return wire.Errorf(wire.CodeWrongShard, "shard %d is not held by this node", at)
	}
	b.pairs = append(b.pairs, pair)
	has, err := n.store.Has(b.blob, at, s.Axis)
	if err != nil {
		return err
	}
	if has {
		b.stored++
		return nil
	}
	b.waiting, b.shards = append(b.waiting, s), append(b.shards, at)
	if b.size += len(s.Data); b.size < uploadBatch {
		return nil
	}
	return b.flush(ctx)
}

// flush verifies and stores what waits, after which nothing waits. The good
// ones of a batch are stored also if there is a bad one, which is then the error.
func (b *batch) flush(ctx context.Context) error {
	waiting, shards := b.waiting, b.shards
	b.waiting, b.shards, b.size = nil, nil, 0
	var bad error
	var items []store.Item
	for i, err := range shard.VerifySlivers(b.node.params, b.md, waiting) {
		if err != nil {
			bad = err
			continue
		}
		items = append(items, store.Item{Shard: shards[i], Sliver: waiting[i]})
	}
	if len(items) == 0 {
		return bad
	}
	_, release, err := b.node.hold(ctx, b.blob, b.persistence)
	if err != nil {
		return err
	}
	defer release()
	if err := b.node.put(b.node.store.PutSlivers(ctx, b.blob, items)); err != nil {
		return err
	}
	b.stored += len(items)
	return bad
}

// Confirm implements [exchange.Handler].
func (n handler) Confirm(ctx context.Context, _ p2p.PeerID, blob shard.BlobID, p committee.Persistence) (exchange.SignedConfirmation, error) {
	if err := n.awaitClaim(ctx, blob, p); err != nil {
		return exchange.SignedConfirmation{}, err
	}
	return n.confirm(ctx, blob, p)
}

// Metadata implements [exchange.Handler].
func (n handler) Metadata(ctx context.Context, _ p2p.PeerID, blob shard.BlobID) (*shard.Metadata, error) {
	md, err := n.store.Metadata(blob)
	if errors.Is(err, store.ErrCorrupt) {
		n.log.ErrorContext(ctx, "metadata is corrupt: it is fetched anew", "blob", blob, "err", err)
		n.repairer.Enqueue(blob)
		return nil, &wire.Error{Code: wire.CodeNotFound}
	}
	return md, n.found(err)
}

// Sliver implements [exchange.Handler].
func (n handler) Sliver(_ context.Context, _ p2p.PeerID, blob shard.BlobID, id exchange.SliverID) (shard.Sliver, error) {
	at := n.params.ShardOf(blob, n.params.PairOfSliver(id.Axis, id.Index))
	s, err := n.store.Sliver(blob, at, id.Axis)
	return s, n.found(n.damaged(blob, at, id.Axis, err))
}

// Status implements [exchange.Handler].
func (n handler) Status(_ context.Context, _ p2p.PeerID, blobs []shard.BlobID) ([]exchange.Holding, error) {
	shards := n.shards()
	out := make([]exchange.Holding, len(blobs))
	for i, id := range blobs {
		var err error
		if out[i].Metadata, err = n.store.HasMetadata(id); err != nil {
			return nil, err
		}
		holdings, err := n.store.Holdings(id, shards)
		if err != nil {
			return nil, err
		}
		for _, h := range holdings {
			if h.Primary {
				out[i].Primary++
			}
			if h.Secondary {
				out[i].Secondary++
			}
		}
	}
	return out, nil
}

// Symbols implements [exchange.Handler].
func (n handler) Symbols(_ context.Context, _ p2p.PeerID, r exchange.SymbolRequest) (exchange.SymbolReply, error) {
	var reply exchange.SymbolReply
	if r.Proofs {
		reply.Proven = make([][]shard.RecoverySymbol, len(r.Targets))
	} else {
		reply.Symbols = make([][][]byte, len(r.Targets))
	}
	cut, ok := n.cutters.Get().(*shard.Cutter)
	if !ok {
		cut = shard.NewCutter(n.params)
	}
	defer n.cutters.Put(cut)
	axis := r.Axis.Other()
	for _, source := range r.Sources {
		at := n.params.ShardOf(r.Blob, n.params.PairOfSliver(axis, source))
		s, err := n.store.Sliver(r.Blob, at, axis)
		if err != nil {
			if err = n.damaged(r.Blob, at, axis, err); errors.Is(err, store.ErrNotFound) {
				continue
			}
			return reply, err
		}
		if s.SymbolSize != r.SymbolSize {
			return reply, wire.Errorf(wire.CodeInvalid, "symbols of blob %v have %d bytes", r.Blob, s.SymbolSize)
		}
		reply.Sources = append(reply.Sources, source)
		if r.Proofs {
			symbols, err := shard.ProvenSymbols(n.params, s, r.Targets)
			if err != nil {
				return reply, err
			}
			for t, sym := range symbols {
				reply.Proven[t] = append(reply.Proven[t], sym)
			}
			continue
		}
		symbols, err := cut.Symbols(s, r.Targets)
		if err != nil {
			return reply, err
		}
		for t, sym := range symbols {
			reply.Symbols[t] = append(reply.Symbols[t], sym)
		}
	}
	return reply, nil
}

// found turns the store's word for absence into the wire's.
func (n *Node) found(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &wire.Error{Code: wire.CodeNotFound}
	}
	return err
}

// damaged drops a sliver that the disk has spoiled, so that it is not here any
// more, and has it restored from other nodes.
func (n *Node) damaged(blob shard.BlobID, at shard.Index, axis shard.Axis, err error) error {
	if errors.Is(err, store.ErrCorrupt) {
		n.log.Error("sliver is corrupt: it is dropped and repaired", "blob", blob, "shard", at, "axis", axis, "err", err)
		if gone := n.store.DeleteSliver(context.Background(), blob, at, axis); gone != nil { //nolint:forbidigo // must not be cut short by the peer that asked
			return errors.Join(err, gone)
		}
		n.repairer.Enqueue(blob)
		return fmt.Errorf("%w: it was corrupt", store.ErrNotFound)
	}
	return err
}

// shards returns the shards that this node holds in the running epoch.
func (n *Node) shards() []shard.Index {
	if m := n.Committee().Member(n.id); m != nil {
		return m.Shards
	}
	return nil
}
