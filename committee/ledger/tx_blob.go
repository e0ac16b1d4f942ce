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
// consumes a storage resource and makes a blob object.
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
	encoding := encodingRedStuff + m.encoding
	c.u8(&encoding)
	m.encoding = encoding - encodingRedStuff
	c.bool(&m.Deletable)
}

func (m RegisterBlob) apply(x *execution) *Error {
	s, err := x.storage(m.Storage)
	if err != nil {
		return err
	}
	epoch := x.system.Epoch
	if epoch < s.Start || epoch >= s.End {
		return refuse(CodeResourceBounds, "storage of epochs %d to %d in epoch %d", s.Start, s.End, epoch)
	}
	if m.encoding != 0 {
		return refuse(CodeBadEncoding, "encoding %d is not Red Stuff over Reed-Solomon", m.encoding+encodingRedStuff)
	}
	encoded, fault := x.shape.EncodedSize(m.Size)
	if fault != nil {
		return refuse(CodeBadSize, "%v", fault)
	}
	if encoded > s.Size {
		return refuse(CodeResourceSize, "the blob takes %d bytes, the storage has %d", encoded, s.Size)
	}
	if shard.DeriveBlobID(m.Root, m.Size) != m.BlobID {
		return refuse(CodeBadBlobID, "blob ID %v does not follow from root and size", m.BlobID)
	}
	fee, err := mul(x.params.WritePrice, Units(encoded))
	if err != nil {
		return err
	}
	ring, err := x.ring(epoch)
	if err != nil {
		return err
	}
	if err := x.pay(fee); err != nil {
		return err
	}
	if ring.Rewards, err = add(ring.Rewards, fee); err != nil {
		return err
	}
	x.setRing(epoch, ring)
	x.dropStorage(s)
	b := Blob{
		ID: x.newObject(), Owner: x.sender, BlobID: m.BlobID, Size: m.Size,
		Deletable: m.Deletable, Registered: epoch, Storage: s,
	}
	x.setBlob(b)
	x.emit(BlobRegistered{
		Epoch: epoch, BlobID: b.BlobID, Size: b.Size, End: s.End, Deletable: b.Deletable, Object: b.ID,
	})
	return nil
}

// CertifyBlob proves with the confirmations of a quorum that a blob is
// available: the point of availability. Only the owner may send it.
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
	b, err := x.blob(m.Blob)
	if err != nil {
		return err
	}
	if b.Certified != 0 {
		return refuse(CodeAlreadyCertified, "blob object %v is certified since epoch %d", b.ID, b.Certified)
	}
	if err := x.unexpired(b); err != nil {
		return err
	}
	c, fault := committee.ParseConfirmation(m.Certificate.Message)
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
	if err := x.verify(m.Certificate, committee.Quorum); err != nil {
		return err
	}
	x.dropBlob(b)
	b.Certified = x.system.Epoch
	b.Point = Point{Height: x.height, Tx: x.hash, Event: uint32(len(x.events))}
	x.setBlob(b)
	x.emit(BlobCertified{
		Epoch: b.Certified, BlobID: b.BlobID, End: b.Storage.End, Deletable: b.Deletable, Object: b.ID,
	})
	return nil
}

// ExtendBlob buys more epochs for a certified blob.
type ExtendBlob struct {
	Blob   Ref
	Epochs uint32 // after its present end, more than 0
}

func (ExtendBlob) kind() byte { return kindExtend }

func (m ExtendBlob) work() uint64 { return workPlain + workEpochs(m.Epochs) }

func (m *ExtendBlob) fields(c *codec) {
	m.Blob.fields(c)
	c.u32(&m.Epochs)
}

func (m ExtendBlob) apply(x *execution) *Error {
	b, err := x.blob(m.Blob)
	if err != nil {
		return err
	}
	if b.Certified == 0 {
		return refuse(CodeNotCertified, "blob object %v is not certified", b.ID)
	}
	if err := x.unexpired(b); err != nil {
		return err
	}
	end, err := x.sell(b.Storage.Size, b.Storage.End, m.Epochs)
	if err != nil {
		return err
	}
	x.dropBlob(b)
	b.Storage.End = end
	x.setBlob(b)
	x.emit(BlobCertified{
		Epoch: b.Certified, BlobID: b.BlobID, End: end, Deletable: b.Deletable, Object: b.ID, Extension: true,
	})
	return nil
}

// DeleteBlob ends a deletable blob and gives its storage back as a resource
// for the epochs that are left.
type DeleteBlob struct{ Blob Ref }

func (DeleteBlob) kind() byte { return kindDelete }

func (DeleteBlob) work() uint64 { return workPlain }

func (m *DeleteBlob) fields(c *codec) { m.Blob.fields(c) }

func (m DeleteBlob) apply(x *execution) *Error {
	b, err := x.blob(m.Blob)
	if err != nil {
		return err
	}
	if !b.Deletable {
		return refuse(CodeNotDeletable, "blob object %v is permanent until epoch %d", b.ID, b.Storage.End)
	}
	if err := x.unexpired(b); err != nil {
		return err
	}
	x.dropBlob(b)
	s := b.Storage
	s.ID, s.Owner = x.newObject(), x.sender
	x.setStorage(s)
	x.emit(BlobDeleted{
		Epoch: x.system.Epoch, BlobID: b.BlobID, End: s.End, Object: b.ID, Certified: b.Certified != 0, Storage: s.ID,
	})
	return nil
}

func (x *execution) unexpired(b Blob) *Error {
	if x.system.Epoch >= b.Storage.End {
		return refuse(CodeExpired, "blob object %v ended with epoch %d", b.ID, b.Storage.End)
	}
	return nil
}
