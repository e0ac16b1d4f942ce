package main

import (
	"context"
	"fmt"
	"strconv"

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

// blobRef names a blob object of an account: by its own ID, or by the blob ID
// if the account has one object of it.
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

// find returns the object that is meant.
func (b blobRef) find(ctx context.Context, s *client.Session) (committee.ObjectID, error) {
	if b.blob.IsZero() {
		return b.object, nil
	}
	status, err := s.Status(ctx, b.blob)
	if err != nil {
		return committee.ObjectID{}, err
	}
	if owner := s.Wallet.Address(); status.Kind == ledger.StatusNone || status.Blob.Owner != owner {
		return committee.ObjectID{}, hinted{
			fmt.Errorf("account %v has no object of blob %v: %w", owner, b.blob, client.ErrNotFound),
			"name the account that has it with --account, or the object by its own ID",
		}
	}
	return status.Blob.ID, nil
}

// onBlob prepares an order about a blob object of the account. does has a verb
// for %v, the object.
func onBlob(text, does string, message func(ledger.Ref) ledger.Message) (planner, error) {
	ref, err := parseBlobRef(text)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, s *client.Session) (order, error) {
		id, err := ref.find(ctx, s)
		if err != nil {
			return order{}, err
		}
		return order{does: fmt.Sprintf(does, id), messages: []ledger.Message{message(ledger.Object(id))}}, nil
	}, nil
}
