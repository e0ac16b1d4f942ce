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
	waiting, cancel := context.WithTimeout(ctx, registrationWait)
	defer cancel()
	for {
		c, err := n.chain.claim(waiting, id, p)
		if c.lives || err != nil {
			return err
		}
		if err := n.chain.ledger.WaitHeight(waiting, c.height+1); err != nil {
			if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
				return errNotRegistered
			}
			return err
		}
	}
}

// confirm signs that this node holds all that its shards call for. The claim
// and the holdings are looked at while nothing can be forgotten.
func (n *Node) confirm(ctx context.Context, id shard.BlobID, p committee.Persistence) (exchange.SignedConfirmation, error) {
	var none exchange.SignedConfirmation
	epoch, release, err := n.hold(ctx, id, p)
	if err != nil {
		return none, err
	}
	defer release()
	if n.Committee().Epoch() != epoch { // the ledger is an event ahead of us
		if err := n.chain.refresh(ctx); err != nil {
			return none, err
		}
	}
	members := n.Committee()
	if members.Epoch() != epoch { // and has moved on again
		return none, &wire.Error{Code: wire.CodeBusy, Text: "the epoch changes", RetryAfter: retryAfter}
	}
	if has, err := n.store.HasMetadata(id); err != nil || !has {
		return none, errors.Join(err, wire.Errorf(wire.CodeNotFound, "metadata of blob %v", id))
	}
	self := members.Member(n.id)
	if self == nil {
		return none, wire.Errorf(wire.CodeWrongShard, "this node holds no shard")
	}
	holdings, err := n.store.Holdings(id, self.Shards)
	if err != nil {
		return none, err
	}
	for _, h := range holdings {
		if !h.Primary || !h.Secondary {
			return none, wire.Errorf(wire.CodeNotFound, "slivers of shard %d", h.Shard)
		}
	}
	// Another writer's slivers are seen a moment before they are durable.
	if err := n.store.Settle(ctx); err != nil {
		return none, err
	}
	message := committee.Confirmation{Epoch: epoch, Blob: id, Persistence: p}.Message()
	return exchange.SignedConfirmation{Message: message, Signature: n.keys.signer(self.BLSKey).Sign(message)}, nil
}
