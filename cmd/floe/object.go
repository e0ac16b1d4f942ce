package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/shard"
)

func parseObject(s string) (committee.ObjectID, error) {
	id, err := committee.ParseObjectID(s)
	if err != nil {
		return id, usageError{err, "the ID of an object is 0x and 64 hexadecimal digits in lower case"}
	}
	return id, nil
}

func parseNode(s string) (committee.NodeID, error) {
	var id committee.NodeID
	if err := id.UnmarshalText([]byte(s)); err != nil {
		return id, usageError{fmt.Errorf("node: %w", err), "the ID of a node is 0x and 64 hexadecimal digits; floe committee lists them"}
	}
	return id, nil
}

func parseEpochs(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0 {
		return 0, usageError{fmt.Errorf("%q is no number of epochs", s), "write how many epochs, 1 and more"}
	}
	return uint32(n), nil
}

// blobRef names a blob object: by its own ID, or by the blob ID.
type blobRef struct {
	object committee.ObjectID
	blob   shard.BlobID // zero if object is known
}

func parseBlobRef(s string) (blobRef, error) {
	if id, err := committee.ParseObjectID(s); err == nil {
		return blobRef{object: id}, nil
	}
	id, err := shard.ParseBlobID(s)
	if err != nil {
		return blobRef{}, usageError{
			fmt.Errorf("%q is neither an object nor a blob", s),
			"the ID of an object is 0x and 64 hexadecimal digits, a blob ID 43 characters of A-Z a-z 0-9 - _",
		}
	}
	return blobRef{blob: id}, nil
}

// find returns the object that is meant. A blob ID means the object that lasts
// longest if the order makes sense for it whoever owns it; else the one object
// of the blob that belongs to the account and for which the order makes sense.
func (b blobRef) find(ctx context.Context, s *client.Session, w blobOrder) (id committee.ObjectID, err error) {
	if b.blob.IsZero() {
		return b.object, nil
	}
	err = s.Ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
		id, err = b.choose(r, s.Wallet.Address(), w)
		return err
	})
	return id, err
}

func (b blobRef) choose(r ledger.Reader, owner ledger.Address, w blobOrder) (committee.ObjectID, error) {
	status, err := ledger.ReadStatus(r, b.blob)
	if err != nil {
		return committee.ObjectID{}, err
	}
	best := status.Blob
	if w.anybody != nil && best.BlobID == b.blob && w.anybody(best) {
		return best.ID, nil
	}
	found, err := ownedBy(r, owner, ledger.KindBlob, ledger.ReadBlob)
	if err != nil {
		return committee.ObjectID{}, err
	}
	var own, fits []ledger.Blob
	for _, f := range found {
		if f.BlobID != b.blob || f.Storage.End <= status.Epoch {
			continue
		}
		if own = append(own, f); w.fits == nil || w.fits(f) {
			fits = append(fits, f)
		}
	}
	if len(fits) == 0 && len(own) == 1 {
		fits = own // the ledger says best why it cannot be done
	}
	switch len(fits) {
	case 0:
		return committee.ObjectID{}, hinted{
			fmt.Errorf("account %v has no object of blob %v that this could be done with: %w", owner, b.blob, client.ErrNotFound),
			"floe blob list shows what it has; name another account with --account, or the object by its own ID",
		}
	case 1:
		return fits[0].ID, nil
	}
	var ids []string
	for _, f := range fits {
		ids = append(ids, f.ID.String())
	}
	return committee.ObjectID{}, usageError{
		fmt.Errorf("account %v has %d objects of blob %v", owner, len(fits), b.blob),
		"name one of them: " + strings.Join(ids, ", "),
	}
}

// blobOrder is what to do with a blob object.
type blobOrder struct {
	does    string                 // with a verb for %v, the object
	fits    func(ledger.Blob) bool // whether it makes sense for an object of the account; nil: for all
	anybody func(ledger.Blob) bool // whether it makes sense whoever owns the object; nil: never
	message func(ledger.Ref) ledger.Message
}

// onBlob prepares an order about a blob object.
func onBlob(text string, w blobOrder) (planner, error) {
	ref, err := parseBlobRef(text)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, s *client.Session) (order, error) {
		id, err := ref.find(ctx, s, w)
		if err != nil {
			return order{}, err
		}
		return order{does: fmt.Sprintf(w.does, id), messages: []ledger.Message{w.message(ledger.Object(id))}}, nil
	}, nil
}
