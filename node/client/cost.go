package client

import (
	"context"
	"fmt"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/shard"
)

// StoreCost is what storing a blob takes from an account, in FROST.
type StoreCost struct {
	BlobID           shard.BlobID
	Size             uint64 // bytes before encoding
	Encoded          uint64 // bytes of storage that it takes
	AlreadyCertified bool   // it is there for long enough: there is nothing to pay
	Fee              uint64 // of both transactions
	Price            uint64 // of storage and writing
	Deposit          uint64 // comes back when the blob is certified, as much of it as the signers weigh
	Balance          uint64 // of the account, before
}

// Cost says what [Client.Store] would cost with these options, and stores
// nothing. md is the metadata of the blob. Errors are those of Store.
func (c *Client) Cost(ctx context.Context, md *shard.Metadata, opt StoreOptions) (StoreCost, error) {
	if c.wallet == nil {
		return StoreCost{}, ErrNoAccount
	}
	opt.Epochs = max(opt.Epochs, 1)
	net, err := c.Network(ctx)
	if err != nil {
		return StoreCost{}, err
	}
	s := c.storing(net, opt)
	if err := s.describe(md); err != nil {
		return StoreCost{}, err
	}
	status, err := s.look(ctx)
	if err != nil {
		return StoreCost{}, err
	}
	out := StoreCost{BlobID: s.result.BlobID, Size: s.result.Size, Encoded: s.result.Encoded}
	if out.Balance, err = c.wallet.Balance(ctx); err != nil {
		return out, unreached(err)
	}
	if out.AlreadyCertified = !opt.Force && s.keptAlready(status); out.AlreadyCertified {
		return out, nil
	}
	out.Fee = net.Params.Fee(s.certification())
	if s.resumes(status) {
		return out, nil
	}
	messages := s.registration()
	t, err := c.wallet.Try(ctx, func(after ledger.Reader, t ledgerrpc.Trial) error {
		b, err := ledger.ReadBlob(after, t.Objects[len(messages)-1])
		out.Deposit = b.Deposit
		return err
	}, messages...)
	if err != nil {
		return out, fmt.Errorf("register blob %v: %w", out.BlobID, unreached(err))
	}
	out.Fee += t.Fee
	out.Price = t.Before - t.After - t.Fee - out.Deposit
	return out, nil
}

// certification returns a transaction as large as the one that certifies the blob.
func (s *storing) certification() ledger.Tx {
	message := committee.Confirmation{
		Epoch: s.net.System.Epoch, Blob: s.result.BlobID, Persistence: committee.Persistence{Deletable: s.opt.Deletable},
	}.Message()
	messages := []ledger.Message{ledger.CertifyBlob{Certificate: committee.Certificate{
		Signers: make([]byte, (len(s.net.Committee.Members())+7)/8), Message: message,
	}}}
	if s.sends() {
		messages = append(messages, ledger.TransferObject{To: s.opt.SendTo})
	}
	return ledger.Tx{ChainID: s.net.Params.ChainID, Messages: messages}
}
