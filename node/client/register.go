package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/floe-storage/floe/committee/ledger"
)

// errOptions says that options exclude each other.
var errOptions = errors.New("client: a blob goes into storage that is there or into a pool, and one in a pool belongs to the pool's owner")

// room is where a blob is to be kept, unless storage is bought for it.
type room struct {
	storage ledger.Storage // zero ID: none
	pool    ledger.Pool    // zero ID: none
}

// look reads what the ledger knows of the blob and of where it is to be kept.
func (s *storing) look(ctx context.Context) (ledger.Status, error) {
	if !s.opt.Pool.IsZero() && (!s.opt.Storage.IsZero() || s.opt.SendTo != (ledger.Address{})) {
		return ledger.Status{}, errOptions
	}
	var status ledger.Status
	err := s.client.ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
		s.room = room{}
		if !s.opt.Storage.IsZero() {
			if s.room.storage, err = ledger.ReadStorage(r, s.opt.Storage); err != nil {
				return fmt.Errorf("storage %v: %w", s.opt.Storage, err)
			}
		}
		if !s.opt.Pool.IsZero() {
			if s.room.pool, err = ledger.ReadPool(r, s.opt.Pool); err != nil {
				return fmt.Errorf("pool %v: %w", s.opt.Pool, err)
			}
		}
		status, err = ledger.ReadStatus(r, s.result.BlobID)
		return err
	})
	if err == nil && status.Kind == ledger.StatusInvalid { // before anything is paid for it
		err = invalid(s.result.BlobID, status)
	}
	return status, unreached(err)
}

// lasts tells whether what there is lasts as long as is asked for.
func (s *storing) lasts(status ledger.Status) bool {
	until := uint64(status.Epoch) + uint64(s.opt.Epochs)
	switch {
	case !s.room.pool.ID.IsZero():
		until = uint64(s.room.pool.End)
	case !s.room.storage.ID.IsZero():
		until = uint64(s.room.storage.End)
	}
	return uint64(status.Blob.Storage.End) >= until
}

// resumes tells whether a registration is one that an earlier attempt has left.
func (s *storing) resumes(status ledger.Status) bool {
	b := status.Blob
	return status.Kind == ledger.StatusRegistered && !s.opt.Force && b.Owner == s.client.wallet.Address() &&
		b.Deletable == s.opt.Deletable && b.Pool == s.opt.Pool && s.lasts(status)
}

// register pays for the blob, unless an earlier attempt did.
func (s *storing) register(ctx context.Context, status ledger.Status) error {
	if s.resumes(status) {
		s.result.Operation, s.result.Registered = ReusedRegistration, status.Blob
		return nil
	}
	messages := s.registration()
	sent, err := s.client.wallet.Send(ctx, messages...)
	if err != nil {
		return fmt.Errorf("register blob %v: %w", s.result.BlobID, unreached(err))
	}
	write, err := s.net.Params.WriteCost(s.result.Encoded)
	if err != nil {
		return err
	}
	if s.result.Operation == RegisteredFromScratch {
		storage, err := s.net.Params.StorageCost(s.result.Encoded, s.opt.Epochs)
		if err != nil {
			return err
		}
		s.result.Cost, s.result.Epochs = s.result.Cost+storage, s.opt.Epochs
	}
	s.result.Registered, err = s.client.blob(ctx, sent.Object(len(messages)-1))
	s.result.Cost += write + sent.Fee + s.result.Registered.Deposit
	return err
}

// registration returns the messages that register the blob; the last one makes
// its object.
func (s *storing) registration() []ledger.Message {
	m := ledger.RegisterBlob{BlobID: s.result.BlobID, Root: s.md.Root(), Size: s.md.Size, Deletable: s.opt.Deletable}
	switch free := s.room.storage; {
	case !s.room.pool.ID.IsZero():
		s.result.Operation = RegisteredInPool
		return []ledger.Message{ledger.RegisterPooledBlob{
			Pool: ledger.Object(s.room.pool.ID), BlobID: m.BlobID, Root: m.Root, Size: m.Size, Deletable: m.Deletable,
		}}
	case !free.ID.IsZero():
		s.result.Operation = ReusedStorage
		m.Storage = ledger.Object(free.ID)
		if free.Size <= s.result.Encoded {
			return []ledger.Message{m}
		}
		return []ledger.Message{ledger.SplitStorageBySize{Storage: m.Storage, Size: s.result.Encoded}, m}
	default:
		s.result.Operation = RegisteredFromScratch
		m.Storage = ledger.Result(0)
		return []ledger.Message{ledger.ReserveStorage{Size: s.result.Encoded, Epochs: s.opt.Epochs}, m}
	}
}

// sends tells whether the blob object is for somebody else.
func (s *storing) sends() bool {
	return s.opt.SendTo != (ledger.Address{}) && s.opt.SendTo != s.client.wallet.Address()
}
