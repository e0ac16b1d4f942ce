package ledger

// ShareBlob lets anybody keep a blob alive: by giving FROST to it, by having
// those pay for more epochs, or by paying for them directly. The sender, who
// must own the blob, cannot take this back, nor transfer, burn or change the
// blob any more; what is left of its FROST at its end comes back to the sender.
// The blob must be certified and permanent, and not be in a pool.
type ShareBlob struct {
	Blob   Ref
	Amount uint64 // FROST to begin with; may be 0
}

func (ShareBlob) kind() byte { return kindShare }

func (ShareBlob) work() uint64 { return workPlain }

func (m *ShareBlob) fields(c *codec) {
	m.Blob.fields(c)
	c.u64(&m.Amount)
}

func (m ShareBlob) apply(x *execution) *Error {
	before, err := x.ownBlob(m.Blob)
	if err != nil {
		return err
	}
	if before.Certified == 0 {
		return refuse(CodeNotCertified, "blob object %v is not certified", before.ID)
	}
	if before.Deletable {
		return refuse(CodeBadPersistence, "blob object %v is deletable", before.ID)
	}
	if err := x.valid(before.BlobID); err != nil {
		return err
	}
	if err := x.pay(m.Amount); err != nil {
		return err
	}
	b := before
	b.Shared, b.Funds = true, m.Amount
	x.changeBlob(before, b)
	x.emit(BlobShared{BlobID: b.BlobID, Object: b.ID, Owner: b.Owner, Funds: b.Funds})
	return nil
}

// FundBlob gives FROST to a shared blob, for ExtendSharedBlob. Anybody may. The
// blob must not be recorded as invalid.
type FundBlob struct {
	Blob   Ref
	Amount uint64 // FROST, more than 0
}

func (FundBlob) kind() byte { return kindFund }

func (FundBlob) work() uint64 { return workPlain }

func (m *FundBlob) fields(c *codec) {
	m.Blob.fields(c)
	c.u64(&m.Amount)
}

func (m FundBlob) apply(x *execution) *Error {
	before, err := x.shared(m.Blob)
	if err != nil {
		return err
	}
	if m.Amount == 0 {
		return refuse(CodeBadSize, "an amount of 0 FROST")
	}
	if err := x.pay(m.Amount); err != nil {
		return err
	}
	b := before
	if b.Funds, err = add(b.Funds, m.Amount); err != nil {
		return err
	}
	x.changeBlob(before, b)
	x.emit(BlobFunded{BlobID: b.BlobID, Object: b.ID, From: x.sender, Amount: m.Amount, Funds: b.Funds})
	return nil
}

// ExtendSharedBlob buys more epochs for a shared blob with the FROST that it has
// been given. Anybody may. The blob must not be recorded as invalid, and the
// network must have the space left in each epoch.
type ExtendSharedBlob struct {
	Blob   Ref
	Epochs uint32 // after its present end, more than 0
}

func (ExtendSharedBlob) kind() byte { return kindExtendShared }

func (m ExtendSharedBlob) work() uint64 { return workPlain + workEpochs(m.Epochs) }

func (m *ExtendSharedBlob) fields(c *codec) {
	m.Blob.fields(c)
	c.u32(&m.Epochs)
}

func (m ExtendSharedBlob) apply(x *execution) *Error {
	before, err := x.shared(m.Blob)
	if err != nil {
		return err
	}
	b := before
	cost, err := x.quote(b.Storage.Size, b.Storage.End, m.Epochs)
	if err != nil {
		return err
	}
	if cost > b.Funds {
		return refuse(CodeInsufficientFunds, "blob object %v has %d FROST, %d are needed", b.ID, b.Funds, cost)
	}
	b.Funds -= cost
	if b.Storage.End, err = x.book(b.Storage.Size, b.Storage.End, m.Epochs); err != nil {
		return err
	}
	x.extend(before, b)
	return nil
}

// shared returns a blob that is shared and can be lengthened.
func (x *execution) shared(r Ref) (Blob, *Error) {
	b, err := x.anyBlob(r)
	if err != nil {
		return b, err
	}
	if !b.Shared {
		return b, refuse(CodeNotShared, "blob object %v is not shared", b.ID)
	}
	if err := x.running(b.ID, b.Storage.End); err != nil {
		return b, err
	}
	return b, x.valid(b.BlobID)
}
