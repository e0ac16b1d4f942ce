package node

import (
	"context"
	"errors"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

// awaitClaim waits until this node has seen the registration by which a blob
// is to be kept. A writer knows of it a moment earlier than all the nodes.
func (n *Node) awaitClaim(ctx context.Context, id shard.BlobID, p committee.Persistence) error {
	ctx, cancel := context.WithTimeout(ctx, registrationWait)
	defer cancel()
	for {
		height := n.comet.Height()
		ok, _, err := n.chain.claim(ctx, id, p)
		if ok || err != nil {
			return err
		}
		if err := n.comet.WaitHeight(ctx, height+1); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				return &wire.Error{Code: wire.CodeNotRegistered, Text: "the ledger knows no such blob", RetryAfter: retryAfter}
			}
			return err
		}
	}
}

// confirm signs that this node holds all that its shards call for. The claim
// and the holdings are looked at while nothing can be forgotten.
func (n *Node) confirm(ctx context.Context, id shard.BlobID, p committee.Persistence) (exchange.SignedConfirmation, error) {
	n.claims.RLock()
	defer n.claims.RUnlock()
	var none exchange.SignedConfirmation
	ok, epoch, err := n.chain.claim(ctx, id, p)
	if err != nil {
		return none, err
	}
	if !ok {
		return none, &wire.Error{Code: wire.CodeNotRegistered, RetryAfter: retryAfter}
	}
	if has, err := n.store.HasMetadata(id); err != nil || !has {
		return none, errors.Join(err, wire.Errorf(wire.CodeNotFound, "metadata of blob %v", id))
	}
	shards := n.shards()
	if len(shards) == 0 {
		return none, wire.Errorf(wire.CodeWrongShard, "this node holds no shard")
	}
	holdings, err := n.store.Holdings(id, shards)
	if err != nil {
		return none, err
	}
	for _, h := range holdings {
		if !h.Primary || !h.Secondary {
			return none, wire.Errorf(wire.CodeNotFound, "slivers of shard %d", h.Shard)
		}
	}
	message := committee.Confirmation{Epoch: epoch, Blob: id, Persistence: p}.Message()
	return exchange.SignedConfirmation{Message: message, Signature: n.keys.BLS.Sign(message)}, nil
}
