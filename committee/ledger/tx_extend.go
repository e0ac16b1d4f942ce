package ledger

// ExtendBlob buys more epochs for a certified blob of the sender's, or for a
// shared one whoever it belongs to. The blob must not be in a pool, nor be
// recorded as invalid; the sender must be able to pay for all epochs, and the
// network have the space left in each.
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
	before, err := x.extendable(m.Blob)
	if err != nil {
		return err
	}
	b := before
	if b.Storage.End, err = x.sell(b.Storage.Size, b.Storage.End, m.Epochs); err != nil {
		return err
	}
	x.extend(before, b)
	return nil
}

// ExtendBlobWithStorage lengthens the life of a certified blob of the sender's,
// or of a shared one whoever it belongs to, by a storage resource of the
// sender's, which is consumed. The resource must be of the size of the blob's
// storage and begin when that ends. The blob must not be in a pool, nor be
// recorded as invalid.
type ExtendBlobWithStorage struct {
	Blob    Ref
	Storage Ref
}

func (ExtendBlobWithStorage) kind() byte { return kindExtendWith }

func (ExtendBlobWithStorage) work() uint64 { return workPlain }

func (m *ExtendBlobWithStorage) fields(c *codec) {
	m.Blob.fields(c)
	m.Storage.fields(c)
}

func (m ExtendBlobWithStorage) apply(x *execution) *Error {
	before, err := x.extendable(m.Blob)
	if err != nil {
		return err
	}
	s, err := x.storage(m.Storage)
	if err != nil {
		return err
	}
	b := before
	switch {
	case s.Start != b.Storage.End:
		return refuse(CodeNotAdjacent, "storage from epoch %d on for a blob until epoch %d", s.Start, b.Storage.End)
	case s.Size != b.Storage.Size:
		return refuse(CodeDifferentSize, "storage of %d bytes for a blob in %d", s.Size, b.Storage.Size)
	}
	b.Storage.End = s.End
	x.dropStorage(s)
	x.extend(before, b)
	return nil
}

// extendable returns a blob that the sender may lengthen the life of.
func (x *execution) extendable(r Ref) (Blob, *Error) {
	b, err := x.anyBlob(r)
	if err != nil {
		return b, err
	}
	if !b.Shared {
		if err := x.owned(b.ID, b.Owner); err != nil {
			return b, err
		}
	}
	if err := x.running(b.ID, b.Storage.End); err != nil {
		return b, err
	}
	if err := notPooled(b); err != nil {
		return b, err
	}
	if b.Certified == 0 {
		return b, refuse(CodeNotCertified, "blob object %v is not certified", b.ID)
	}
	return b, x.valid(b.BlobID)
}

// extend writes a blob whose end has moved.
func (x *execution) extend(before, b Blob) {
	x.changeBlob(before, b)
	x.emit(BlobCertified{
		Epoch: b.Certified, BlobID: b.BlobID, End: b.Storage.End, Deletable: b.Deletable, Object: b.ID, Extension: true,
		Owner: b.Owner,
	})
}
