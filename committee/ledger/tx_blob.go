package ledger

import (
	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

const (
	encodingRedStuff = 1       // [WE] §1.2
	maxBitmap        = 1 << 13 // bytes: a committee of 65,536
	maxSigned        = 128     // bytes of a signed message
)

// RegisterBlob announces a blob: from now on the nodes accept its slivers. It
// consumes a storage resource of the sender's, which must cover the running
// epoch and be as large as the encoded blob, and makes a blob object. The sender
// pays for the writing and leaves a deposit, which comes back with the
// confirmations that CertifyBlob brings. The blob ID must follow from root and
// size, and not be recorded as invalid.
type RegisterBlob struct {
	Storage   Ref
	BlobID    shard.BlobID
	Root      shard.Hash // of the metadata; proves that BlobID is of this size
	Size      uint64     // bytes before encoding
	Deletable bool

	// encoding is the number that was decoded less encodingRedStuff, modulo 256:
	// zero is the one that is supported.
	encoding uint8
}

func (RegisterBlob) kind() byte { return kindRegister }

func (RegisterBlob) work() uint64 { return workPlain }

func (m *RegisterBlob) fields(c *codec) {
	m.Storage.fields(c)
	c.fixed(m.BlobID[:])
	c.fixed(m.Root[:])
	c.u64(&m.Size)
	encodingOf(c, &m.encoding)
	c.bool(&m.Deletable)
}

// encodingOf reads or writes a number of which v is the distance from
// encodingRedStuff.
func encodingOf(c *codec, v *uint8) {
	encoding := encodingRedStuff + *v
	c.u8(&encoding)
	*v = encoding - encodingRedStuff
}

func (m RegisterBlob) apply(x *execution) *Error {
	s, err := x.storage(m.Storage)
	if err != nil {
		return err
	}
	if x.system.Epoch < s.Start {
		return refuse(CodeResourceBounds, "storage of epochs %d to %d in epoch %d", s.Start, s.End, x.system.Epoch)
	}
	encoded, err := x.encodedSize(m.encoding, m.Size)
	if err != nil {
		return err
	}
	if encoded > s.Size {
		return refuse(CodeResourceSize, "the blob takes %d bytes, the storage has %d", encoded, s.Size)
	}
	if err := x.derives(m.BlobID, m.Root, m.Size); err != nil {
		return err
	}
	x.dropStorage(s)
	return x.register(Blob{
		Owner: x.sender, BlobID: m.BlobID, Size: m.Size, Deletable: m.Deletable, Storage: s,
	}, encoded)
}

// encodedSize returns the bytes of storage that a blob takes; see encodingOf.
func (x *execution) encodedSize(encoding uint8, size uint64) (uint64, *Error) {
	if encoding != 0 {
		return 0, refuse(CodeBadEncoding, "encoding %d is not Red Stuff over Reed-Solomon", encoding+encodingRedStuff)
	}
	encoded, fault := x.shape.EncodedSize(size)
	if fault != nil {
		return 0, refuse(CodeBadSize, "%v", fault)
	}
	return encoded, nil
}

// derives refuses a blob ID that is not that of a blob of the root and size, or
// of one that cannot be read.
func (x *execution) derives(id shard.BlobID, root shard.Hash, size uint64) *Error {
	if shard.DeriveBlobID(root, size) != id {
		return refuse(CodeBadBlobID, "blob ID %v does not follow from root and size", id)
	}
	return x.valid(id)
}

// register charges for the writing and the deposit, and makes the blob object.
func (x *execution) register(b Blob, encoded uint64) *Error {
	fee, err := x.params.writeCost(encoded)
	if err != nil {
		return err
	}
	b.Deposit = x.params.depositOf(fee)
	all, err := add(fee, b.Deposit)
	if err != nil {
		return err
	}
	if err := x.pay(all); err != nil {
		return err
	}
	epoch := x.system.Epoch
	if err := x.earn(epoch, fee); err != nil {
		return err
	}
	b.ID, b.Registered, b.Encoding = x.newObject(), epoch, encodingRedStuff
	x.addBlob(b)
	x.emit(BlobRegistered{
		Epoch: epoch, BlobID: b.BlobID, Size: b.Size, End: b.Storage.End, Deletable: b.Deletable, Object: b.ID,
		Owner: b.Owner, Pool: b.Pool, Deposit: b.Deposit,
	})
	return nil
}

// CertifyBlob proves with the confirmations of a quorum that a blob of the
// sender's is available: the point of availability. The certificate must be of
// the running epoch and about this blob, deletable or not as it was registered,
// and for a deletable one about this object. It is kept as long as the object
// is. Of the deposit the sender gets the part that the signers are of all
// shards; the rest is revenue.
type CertifyBlob struct {
	Blob        Ref
	Certificate committee.Certificate
}

func (CertifyBlob) kind() byte { return kindCertify }

func (CertifyBlob) work() uint64 { return workPlain + workCertificate }

func (m *CertifyBlob) fields(c *codec) {
	m.Blob.fields(c)
	certificate(c, &m.Certificate)
}

func certificate(c *codec, v *committee.Certificate) {
	c.bytes(&v.Signers, maxBitmap)
	c.bytes(&v.Message, maxSigned)
	c.fixed(v.Signature[:])
}

func (m CertifyBlob) apply(x *execution) *Error {
	before, err := x.blob(m.Blob)
	if err != nil {
		return err
	}
	if before.Certified != 0 {
		return refuse(CodeAlreadyCertified, "blob object %v is certified since epoch %d", before.ID, before.Certified)
	}
	if err := x.valid(before.BlobID); err != nil {
		return err
	}
	if err := x.confirms(m.Certificate.Message, before); err != nil {
		return err
	}
	if err := x.verify(m.Certificate, committee.Quorum); err != nil {
		return err
	}
	b := before
	b.Certified = x.system.Epoch
	b.Point = Point{Height: x.height, Tx: x.hash, Event: uint32(len(x.events))}
	b.Deposit = 0
	x.changeBlob(before, b)
	x.state.Set(CertificateKey(b.ID), encode(endorsement{Signers: m.Certificate.Signers, Signature: m.Certificate.Signature}))
	x.emit(BlobCertified{
		Epoch: b.Certified, BlobID: b.BlobID, End: b.Storage.End, Deletable: b.Deletable, Object: b.ID,
		Owner: b.Owner, Pool: b.Pool,
	})
	return x.settleDeposit(before, x.params.Refund(before.Deposit, x.committee.WeightOf(m.Certificate.Signers)))
}

// confirms refuses a signed message that is not a confirmation of the blob in
// the running epoch.
func (x *execution) confirms(message []byte, b Blob) *Error {
	c, fault := committee.ParseConfirmation(message)
	if fault != nil {
		return refuse(CodeBadCertificate, "%v", fault)
	}
	switch {
	case c.Epoch != x.system.Epoch:
		return refuse(CodeWrongEpoch, "confirmations of epoch %d in epoch %d", c.Epoch, x.system.Epoch)
	case c.Blob != b.BlobID:
		return refuse(CodeBadCertificate, "confirmations of blob %v for blob %v", c.Blob, b.BlobID)
	case c.Persistence.Deletable != b.Deletable:
		return refuse(CodeBadPersistence, "confirmed as deletable: %t, registered as deletable: %t", c.Persistence.Deletable, b.Deletable)
	case b.Deletable && c.Persistence.Object != b.ID:
		return refuse(CodeBadCertificate, "confirmations of object %v for object %v", c.Persistence.Object, b.ID)
	}
	return nil
}

// DeleteBlob ends a blob of the sender's and gives its storage back as a
// resource for the epochs that are left; the pool of a blob in one has the room
// again. The blob must be deletable, unless it is recorded as invalid: then it
// may be permanent or shared, and what is left of its funds goes to the one who
// shared it. The deposit of a blob that was not certified is forfeited.
type DeleteBlob struct{ Blob Ref }

func (DeleteBlob) kind() byte { return kindDelete }

func (DeleteBlob) work() uint64 { return workPlain }

func (m *DeleteBlob) fields(c *codec) { m.Blob.fields(c) }

func (m DeleteBlob) apply(x *execution) *Error {
	b, err := x.blob(m.Blob)
	if err != nil {
		return err
	}
	if x.valid(b.BlobID) == nil {
		if err := notShared(b); err != nil {
			return err
		}
		if !b.Deletable {
			return refuse(CodeNotDeletable, "blob object %v is permanent until epoch %d", b.ID, b.Storage.End)
		}
	}
	x.dropBlob(b)
	gone := BlobDeleted{
		Epoch: x.system.Epoch, BlobID: b.BlobID, End: b.Storage.End, Object: b.ID, Owner: b.Owner,
		Certified: b.Certified != 0, Pool: b.Pool,
	}
	if b.Pool.IsZero() {
		s := b.Storage
		s.ID, s.Owner = x.newObject(), x.sender
		x.addStorage(s)
		gone.Storage = s.ID
	} else if err := x.leavePool(b); err != nil {
		return err
	}
	x.emit(gone)
	if err := x.settleDeposit(b, 0); err != nil {
		return err
	}
	return x.returnFunds(b)
}

// BurnBlob gives a blob object of the sender's up without ending it: from now on
// nobody owns it, and what it holds stays available to its end. It must be
// neither shared nor in a pool.
type BurnBlob struct{ Blob Ref }

func (BurnBlob) kind() byte { return kindBurnBlob }

func (BurnBlob) work() uint64 { return workPlain }

func (m *BurnBlob) fields(c *codec) { m.Blob.fields(c) }

func (m BurnBlob) apply(x *execution) *Error {
	before, err := x.ownBlob(m.Blob)
	if err != nil {
		return err
	}
	b := before
	b.Owner = Address{}
	x.changeBlob(before, b)
	x.emit(BlobBurned{Epoch: x.system.Epoch, BlobID: b.BlobID, Object: b.ID, Owner: before.Owner})
	return nil
}

// ownBlob returns a blob that the sender may do with as with a thing of its own.
func (x *execution) ownBlob(r Ref) (Blob, *Error) {
	b, err := x.blob(r)
	if err != nil {
		return b, err
	}
	if err := notShared(b); err != nil {
		return b, err
	}
	return b, notPooled(b)
}

func notShared(b Blob) *Error {
	if b.Shared {
		return refuse(CodeShared, "blob object %v is shared", b.ID)
	}
	return nil
}

func notPooled(b Blob) *Error {
	if !b.Pool.IsZero() {
		return refuse(CodePooled, "blob object %v is in pool %v", b.ID, b.Pool)
	}
	return nil
}
