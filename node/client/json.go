package client

import (
	"encoding/hex"
	"strconv"

	"github.com/cosmos/btcutil/base58"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/shard"
)

// Stored is a StoreResult in Walrus's JSON: exactly one field is set.
type Stored struct {
	NewlyCreated     *NewlyCreated     `json:"newlyCreated,omitempty"`
	AlreadyCertified *AlreadyCertified `json:"alreadyCertified,omitempty"`
}

// NewlyCreated describes a blob that was stored.
type NewlyCreated struct {
	BlobObject        BlobObject        `json:"blobObject"`
	ResourceOperation ResourceOperation `json:"resourceOperation"`
	Cost              uint64            `json:"cost"` // FROST
}

// BlobObject is a blob object of the ledger.
type BlobObject struct {
	ID              committee.ObjectID `json:"id"`
	RegisteredEpoch committee.Epoch    `json:"registeredEpoch"`
	BlobID          shard.BlobID       `json:"blobId"`
	Size            uint64             `json:"size"`
	EncodingType    string             `json:"encodingType"`
	CertifiedEpoch  *committee.Epoch   `json:"certifiedEpoch"`
	Storage         StorageObject      `json:"storage"`
	Deletable       bool               `json:"deletable"`
}

// StorageObject is the storage that a blob occupies.
type StorageObject struct {
	ID          committee.ObjectID `json:"id"`
	StartEpoch  committee.Epoch    `json:"startEpoch"`
	EndEpoch    committee.Epoch    `json:"endEpoch"` // exclusive
	StorageSize uint64             `json:"storageSize"`
}

// ResourceOperation says how a blob came by its storage: exactly one field is set.
type ResourceOperation struct {
	RegisterFromScratch *RegisterFromScratch `json:"registerFromScratch,omitempty"`
	ReuseStorage        *ReuseStorage        `json:"reuseStorage,omitempty"`
	ReuseRegistration   *ReuseRegistration   `json:"reuseRegistration,omitempty"`
	RegisterInPool      *RegisterInPool      `json:"registerInPool,omitempty"` // not Walrus's
}

// RegisterFromScratch is storage bought anew.
type RegisterFromScratch struct {
	EncodedLength uint64 `json:"encodedLength"`
	EpochsAhead   uint32 `json:"epochsAhead"`
}

// ReuseStorage is storage that was there before.
type ReuseStorage struct {
	EncodedLength uint64 `json:"encodedLength"`
}

// RegisterInPool is room in a pool.
type RegisterInPool struct {
	EncodedLength uint64             `json:"encodedLength"`
	Pool          committee.ObjectID `json:"pool"`
}

// ReuseRegistration is a registration left over by an earlier attempt.
type ReuseRegistration struct {
	EncodedLength uint64 `json:"encodedLength"`
}

// AlreadyCertified describes a blob that was there for long enough.
type AlreadyCertified struct {
	BlobID   shard.BlobID        `json:"blobId"`
	Event    *EventID            `json:"event,omitempty"`  // of a permanent blob
	Object   *committee.ObjectID `json:"object,omitempty"` // of a deletable blob
	EndEpoch committee.Epoch     `json:"endEpoch"`         // exclusive
}

// EventID names the event that certified a blob.
type EventID struct {
	TxDigest string `json:"txDigest"` // base58
	EventSeq string `json:"eventSeq"`
}

// StatusReport is a status in JSON.
type StatusReport struct {
	BlobID          shard.BlobID        `json:"blobId"`
	Status          string              `json:"status"` // nonexistent, registered, deletable, permanent or invalid
	Epoch           committee.Epoch     `json:"epoch"`
	Size            *uint64             `json:"size,omitempty"`
	EndEpoch        *committee.Epoch    `json:"endEpoch,omitempty"` // exclusive
	CertifiedEpoch  *committee.Epoch    `json:"certifiedEpoch,omitempty"`
	CertifiedHeight *uint64             `json:"certifiedHeight,omitempty"` // the point of availability
	Object          *committee.ObjectID `json:"object,omitempty"`
	Owner           *ledger.Address     `json:"owner,omitempty"`
	Invalid         *InvalidReport      `json:"invalid,omitempty"`
}

// InvalidReport says how a blob is known to be invalid.
type InvalidReport struct {
	Epoch    committee.Epoch `json:"epoch"`    // in which it was recorded
	Evidence string          `json:"evidence"` // hash of the certificate, in hexadecimal
}

// ToStored puts a result into Walrus's JSON. [WS] §1.6
func ToStored(r *StoreResult) Stored {
	if r.AlreadyCertified {
		a := &AlreadyCertified{BlobID: r.BlobID, EndEpoch: r.Blob.Storage.End}
		if r.Blob.Deletable {
			a.Object = &r.Blob.ID
		} else {
			p := r.Blob.Point
			a.Event = &EventID{TxDigest: base58.Encode(p.Tx[:]), EventSeq: strconv.FormatUint(uint64(p.Event), 10)}
		}
		return Stored{AlreadyCertified: a}
	}
	var op ResourceOperation
	switch r.Operation {
	case RegisteredFromScratch:
		op.RegisterFromScratch = &RegisterFromScratch{EncodedLength: r.Encoded, EpochsAhead: r.Epochs}
	case ReusedStorage:
		op.ReuseStorage = &ReuseStorage{EncodedLength: r.Encoded}
	case RegisteredInPool:
		op.RegisterInPool = &RegisterInPool{EncodedLength: r.Encoded, Pool: r.Blob.Pool}
	case ReusedRegistration:
		op.ReuseRegistration = &ReuseRegistration{EncodedLength: r.Encoded}
	}
	return Stored{NewlyCreated: &NewlyCreated{BlobObject: toBlobObject(r.Blob), ResourceOperation: op, Cost: r.Cost}}
}

func toBlobObject(b ledger.Blob) BlobObject {
	o := BlobObject{
		ID: b.ID, RegisteredEpoch: b.Registered, BlobID: b.BlobID, Size: b.Size, EncodingType: shard.EncodingName,
		Storage: StorageObject{
			ID: b.Storage.ID, StartEpoch: b.Storage.Start, EndEpoch: b.Storage.End, StorageSize: b.Storage.Size,
		},
		Deletable: b.Deletable,
	}
	if b.Certified != 0 {
		o.CertifiedEpoch = &b.Certified
	}
	return o
}

// ToStatus puts a status into JSON.
func ToStatus(id shard.BlobID, s ledger.Status) StatusReport {
	r := StatusReport{BlobID: id, Status: s.Kind.String(), Epoch: s.Epoch}
	if s.Kind == ledger.StatusInvalid {
		r.Invalid = &InvalidReport{Epoch: s.Invalid.Epoch, Evidence: hex.EncodeToString(s.Invalid.Evidence[:])}
	}
	if s.Gone() {
		return r
	}
	b := s.Blob
	r.Size, r.EndEpoch, r.Object, r.Owner = &b.Size, &b.Storage.End, &b.ID, &b.Owner
	if b.Certified != 0 {
		r.CertifiedEpoch, r.CertifiedHeight = &b.Certified, &b.Point.Height
	}
	return r
}
