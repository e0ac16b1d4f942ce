package node

import (
	"context"
	"errors"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

var (
	// errNotRegistered is told to a writer whose blob the ledger does not know
	// in the way that it says.
	errNotRegistered = &wire.Error{Code: wire.CodeNotRegistered, Text: "the ledger knows no such blob", RetryAfter: retryAfter}
	// errUnwanted ends the repair of a blob that has ended meanwhile.
	errUnwanted = errors.New("node: the blob has ended")
)

// hold keeps a blob from being forgotten until release is called, if there is
// a living claim to it with the given persistence; the epoch is that of the
// ledger. Whoever stores or confirms holds.
func (n *Node) hold(ctx context.Context, id shard.BlobID, p committee.Persistence) (epoch committee.Epoch, release func(), err error) {
	n.claims.RLock()
	c, err := n.chain.claim(ctx, id, p)
	if err == nil && !c.lives {
		err = errNotRegistered
	}
	if err != nil {
		n.claims.RUnlock()
		return 0, nil, err
	}
	return c.epoch, n.claims.RUnlock, nil
}

// holdWanted is hold for what the ledger has certified, in whatever way.
func (n *Node) holdWanted(id shard.BlobID) (release func(), err error) {
	n.claims.RLock()
	if !n.chain.Wanted(id) {
		n.claims.RUnlock()
		return nil, errUnwanted
	}
	return n.claims.RUnlock, nil
}

// forget deletes a blob that nobody has a living claim to, or that is known to
// be of no use. Nothing is stored of
// it and no confirmation given between the look at the claims and the deletion.
func (n *Node) forget(ctx context.Context, id shard.BlobID) error {
	n.claims.Lock()
	defer n.claims.Unlock()
	s, err := n.chain.status(ctx, id)
	if err != nil || !s.Gone() {
		return err
	}
	n.forgotten.Store(true)
	return n.store.DeleteBlob(ctx, id)
}
