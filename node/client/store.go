package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/shard"
)

const (
	maxEpochChanges = 3 // how often confirmations are collected anew because an epoch ended meanwhile
	renewTries      = 20
	renewPause      = 100 * time.Millisecond // while the ledger's peer is behind the nodes
)

// StoreOptions says how a blob is to be kept.
type StoreOptions struct {
	Epochs    uint32         // from the running one on; 0 means 1; of no effect with Storage or Pool
	Deletable bool           // its owner may delete it
	Force     bool           // register anew even if the blob is there
	SendTo    ledger.Address // owner of the blob object afterwards; zero: the wallet's account; not with Pool
	Progress  func(Progress) // nil, or called as a step begins or goes on; must not block
	// Storage is a storage resource of the wallet's account to use instead of
	// buying anew; what the blob does not need of its size stays with the account.
	// Zero: none.
	Storage committee.ObjectID
	// Pool is a pool of the wallet's account to store into; the blob ends with it.
	// Zero: none.
	Pool committee.ObjectID
}

// Step is a part of storing a blob.
type Step string

// The steps of storing, in order.
const (
	StepEncode   Step = "encode"
	StepRegister Step = "register"
	StepUpload   Step = "upload"
	StepCertify  Step = "certify"
)

// Progress says how far storing has come.
type Progress struct {
	Step        Step
	Done, Total int // shards confirmed of all shards, in StepUpload; a quorum is enough
}

// Operation says how a blob came by its registration.
type Operation uint8

const (
	// RegisteredFromScratch is a new registration with storage bought for it.
	RegisteredFromScratch Operation = iota
	// ReusedRegistration is one that an earlier attempt had left uncertified.
	ReusedRegistration
	// ReusedStorage is a new registration with storage that was there.
	ReusedStorage
	// RegisteredInPool is a new registration in a pool.
	RegisteredInPool
)

// StoreResult is what became of a blob.
type StoreResult struct {
	BlobID           shard.BlobID
	Size             uint64 // bytes before encoding
	Encoded          uint64 // bytes of storage that it takes
	AlreadyCertified bool   // it was there for long enough: nothing was done or paid
	Operation        Operation
	Epochs           uint32 // bought
	Cost             uint64 // FROST: storage, writing, fees, and what the network kept of the deposit
	Registered       ledger.Blob
	Blob             ledger.Blob // as it is now; Blob.Point is the point of availability
	Times            Times
}

// Times says how long the steps took.
type Times struct{ Encode, Register, Upload, Certify time.Duration }

// Store encodes data, pays for it, sends the slivers to the committee and has
// the ledger certify that a quorum holds them. It returns once it is certified;
// slivers for the nodes that were slower than the quorum are still sent for a
// while (see Flush). data must not be modified before Flush or Close.
//
// Errors: [*shard.TooLargeError], [*ledger.Error] (insufficient funds among
// them), [ErrUnavailable], [ErrNoAccount], [ErrInconsistent] for a blob that was once
// stored with a wrong encoding.
func (c *Client) Store(ctx context.Context, data []byte, opt StoreOptions) (*StoreResult, error) {
	if c.wallet == nil {
		return nil, ErrNoAccount
	}
	if opt.Epochs == 0 {
		opt.Epochs = 1
	}
	if opt.Progress == nil {
		opt.Progress = func(Progress) {}
	}
	net, err := c.Network(ctx)
	if err != nil {
		return nil, err
	}
	if most := net.Params.MaxEpochsAhead; opt.Epochs > most { // before anything is encoded for it
		return nil, &ledger.Error{
			Code: ledger.CodeBadEpochs, Info: fmt.Sprintf("%d epochs from now on; storage is sold for 1 to %d", opt.Epochs, most),
		}
	}
	s := c.storing(net, opt)
	opt.Progress(Progress{Step: StepEncode})
	begin := time.Now()
	if err := s.encode(data); err != nil {
		return nil, err
	}
	s.result.Times.Encode = time.Since(begin)

	status, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	if !opt.Force && s.keptAlready(status) {
		s.result.AlreadyCertified, s.result.Blob = true, status.Blob
		return s.result, nil
	}
	opt.Progress(Progress{Step: StepRegister})
	begin = time.Now()
	if err := s.register(ctx, status); err != nil {
		return nil, err
	}
	s.result.Times.Register = time.Since(begin)
	if err := s.certify(ctx); err != nil {
		return nil, err
	}
	return s.result, nil
}

// storing is one blob on its way.
type storing struct {
	client *Client
	net    *Network
	opt    StoreOptions
	room   room
	md     *shard.Metadata
	pairs  []shard.SliverPair
	result *StoreResult // apart from the rest: who keeps it must not keep the slivers

	holders map[committee.NodeID]bool // who has told to hold all that they should
	behind  bool                      // a node was in a later epoch than we
}

func (c *Client) storing(net *Network, opt StoreOptions) *storing {
	return &storing{client: c, net: net, opt: opt, result: new(StoreResult), holders: map[committee.NodeID]bool{}}
}

func (s *storing) encode(data []byte) error {
	if _, err := s.net.Committee.Params().EncodedSize(uint64(len(data))); err != nil { // before any work
		return err
	}
	md, pairs, err := shard.Encode(s.net.Committee.Params(), data)
	if err != nil {
		return fmt.Errorf("encode blob: %w", err)
	}
	s.pairs = pairs
	return s.describe(md)
}

// describe takes down what the metadata says of the blob.
func (s *storing) describe(md *shard.Metadata) error {
	encoded, err := s.net.Committee.Params().EncodedSize(md.Size)
	if err != nil {
		return err
	}
	s.md = md
	s.result.BlobID, s.result.Size, s.result.Encoded = md.ID(), md.Size, encoded
	return nil
}

// keptAlready tells whether the blob is certified in the way and for the time
// that is asked for.
func (s *storing) keptAlready(status ledger.Status) bool {
	enough := s.lasts(status)
	switch status.Kind {
	case ledger.StatusPermanent:
		return enough
	case ledger.StatusDeletable: // only our own: others may delete theirs
		return enough && s.opt.Deletable && status.Blob.Owner == s.client.wallet.Address()
	default:
		return false
	}
}

// certify collects confirmations and sends the certificate. When an epoch ends
// meanwhile, the confirmations are of no more use and are collected anew.
func (s *storing) certify(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		err := s.certifyOnce(ctx)
		if err == nil || attempt == maxEpochChanges {
			return err
		}
		if !wrongEpoch(err) && !errors.Is(err, ErrNotEnoughConfirmations) {
			return err
		}
		turned, fault := s.renew(ctx)
		if fault != nil || !turned {
			return errors.Join(err, fault)
		}
	}
}

func (s *storing) certifyOnce(ctx context.Context) error {
	object := s.result.Registered.ID
	s.opt.Progress(Progress{Step: StepUpload})
	begin := time.Now()
	cert, err := s.collect(ctx)
	s.result.Times.Upload += time.Since(begin)
	if err != nil {
		return err
	}
	s.opt.Progress(Progress{Step: StepCertify})
	begin = time.Now()
	messages := []ledger.Message{ledger.CertifyBlob{Blob: ledger.Object(object), Certificate: cert}}
	if s.sends() {
		messages = append(messages, ledger.TransferObject{Object: ledger.Object(object), To: s.opt.SendTo})
	}
	sent, err := s.client.wallet.Send(ctx, messages...)
	s.result.Times.Certify += time.Since(begin)
	s.result.Cost += sent.Fee
	if err != nil {
		return fmt.Errorf("certify blob %v: %w", s.result.BlobID, unreached(err))
	}
	refund := s.net.Params.Refund(s.result.Registered.Deposit, s.net.Committee.WeightOf(cert.Signers))
	s.result.Cost -= min(refund, s.result.Cost) // the deposit may be an earlier attempt's
	s.result.Blob, err = s.client.blob(ctx, object)
	return err
}

// renew looks at the network again and tells whether another epoch runs. Nodes
// may have seen it begin before the peer that we read the ledger from.
func (s *storing) renew(ctx context.Context) (turned bool, err error) {
	for try := 0; ; try++ {
		net, err := s.client.Network(ctx)
		if err != nil {
			return false, err
		}
		if net.System.Epoch != s.net.System.Epoch {
			s.net, s.behind = net, false
			return true, nil
		}
		if !s.behind || try == renewTries {
			return false, nil
		}
		select {
		case <-time.After(renewPause):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

func wrongEpoch(err error) bool {
	var refusal *ledger.Error
	return errors.As(err, &refusal) && refusal.Code == ledger.CodeWrongEpoch
}

// blob reads a blob object that a transaction of ours has made or changed.
func (c *Client) blob(ctx context.Context, id committee.ObjectID) (ledger.Blob, error) {
	var b ledger.Blob
	err := c.ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
		b, err = ledger.ReadBlob(r, id)
		return err
	})
	if err != nil {
		return b, fmt.Errorf("blob object %v: %w", id, unreached(err))
	}
	return b, nil
}
