package ledger

import "github.com/floe-storage/floe/shard"

// CreatePool turns a storage resource of the sender's, which must cover the
// running epoch, into a pool: many blobs can be registered in it as long as they
// fit, and live until it ends. The pool can be transferred; whoever owns it owns
// the blobs in it.
type CreatePool struct{ Storage Ref }

func (CreatePool) kind() byte { return kindCreatePool }

func (CreatePool) work() uint64 { return workPlain }

func (m *CreatePool) fields(c *codec) { m.Storage.fields(c) }

func (m CreatePool) apply(x *execution) *Error {
	s, err := x.storage(m.Storage)
	if err != nil {
		return err
	}
	if x.system.Epoch < s.Start {
		return refuse(CodeResourceBounds, "storage of epochs %d to %d in epoch %d", s.Start, s.End, x.system.Epoch)
	}
	x.dropStorage(s)
	p := Pool{ID: x.newObject(), Owner: x.sender, Start: s.Start, End: s.End, Size: s.Size}
	x.addPool(p)
	x.emit(PoolCreated{Epoch: x.system.Epoch, Pool: p.ID, Owner: p.Owner, Start: p.Start, End: p.End, Size: p.Size})
	return nil
}

// RegisterPooledBlob announces a blob that is to live in a pool of the sender's,
// which must have room for its encoded size and not have a blob of that ID. It
// makes a blob object, of which CertifyBlob, SetAttributes and DeleteBlob hold;
// it cannot be transferred, extended or shared by itself. Cost, deposit and what
// must hold of the blob ID are those of RegisterBlob.
type RegisterPooledBlob struct {
	Pool      Ref
	BlobID    shard.BlobID
	Root      shard.Hash // of the metadata; proves that BlobID is of this size
	Size      uint64     // bytes before encoding
	Deletable bool

	encoding uint8 // as in RegisterBlob
}

func (RegisterPooledBlob) kind() byte { return kindRegisterPooled }

func (RegisterPooledBlob) work() uint64 { return workPlain }

func (m *RegisterPooledBlob) fields(c *codec) {
	m.Pool.fields(c)
	c.fixed(m.BlobID[:])
	c.fixed(m.Root[:])
	c.u64(&m.Size)
	encodingOf(c, &m.encoding)
	c.bool(&m.Deletable)
}

func (m RegisterPooledBlob) apply(x *execution) *Error {
	before, err := x.pool(m.Pool)
	if err != nil {
		return err
	}
	encoded, err := x.encodedSize(m.encoding, m.Size)
	if err != nil {
		return err
	}
	if err := x.derives(m.BlobID, m.Root, m.Size); err != nil {
		return err
	}
	if x.state.Get(pooledKey(before.ID, m.BlobID)) != nil {
		return refuse(CodeAlreadyInPool, "blob %v is in pool %v", m.BlobID, before.ID)
	}
	p := before
	if err := p.fit(encoded); err != nil {
		return err
	}
	p.Used += encoded
	p.Count++
	x.changePool(before, p)
	b := Blob{BlobID: m.BlobID, Size: m.Size, Deletable: m.Deletable, Storage: Storage{Size: encoded}, Pool: p.ID}
	return x.register(b.In(p), encoded)
}

// fit refuses a size that is beyond what no blob uses.
func (p *Pool) fit(size uint64) *Error {
	if size > p.Size-p.Used {
		return refuse(CodePoolFull, "%d bytes are more than the %d that pool %v has left", size, p.Size-p.Used, p.ID)
	}
	return nil
}

// leavePool makes room in the pool of a blob that is gone.
func (x *execution) leavePool(b Blob) *Error {
	before, err := ReadPool(x.state, b.Pool)
	if err != nil {
		return damaged(err)
	}
	p := before
	p.Used -= b.Storage.Size
	p.Count--
	x.changePool(before, p)
	return nil
}

// ExtendPool buys more epochs for a pool of the sender's and for all blobs in
// it. The sender must be able to pay for the whole size of the pool in all
// epochs, and the network have the space left in each.
type ExtendPool struct {
	Pool   Ref
	Epochs uint32 // after its present end, more than 0
}

func (ExtendPool) kind() byte { return kindExtendPool }

func (m ExtendPool) work() uint64 { return workPlain + workEpochs(m.Epochs) }

func (m *ExtendPool) fields(c *codec) {
	m.Pool.fields(c)
	c.u32(&m.Epochs)
}

func (m ExtendPool) apply(x *execution) *Error {
	before, err := x.pool(m.Pool)
	if err != nil {
		return err
	}
	p := before
	if p.End, err = x.sell(p.Size, p.End, m.Epochs); err != nil {
		return err
	}
	x.changePool(before, p)
	x.emit(PoolExtended{Epoch: x.system.Epoch, Pool: p.ID, Owner: p.Owner, End: p.End})
	return nil
}

// GrowPool adds a storage resource of the sender's to a pool of the sender's.
// The resource must cover the running epoch and end with the pool; it is
// consumed.
type GrowPool struct {
	Pool    Ref
	Storage Ref
}

func (GrowPool) kind() byte { return kindGrowPool }

func (GrowPool) work() uint64 { return workPlain }

func (m *GrowPool) fields(c *codec) {
	m.Pool.fields(c)
	m.Storage.fields(c)
}

func (m GrowPool) apply(x *execution) *Error {
	before, err := x.pool(m.Pool)
	if err != nil {
		return err
	}
	s, err := x.storage(m.Storage)
	if err != nil {
		return err
	}
	if x.system.Epoch < s.Start {
		return refuse(CodeResourceBounds, "storage of epochs %d to %d in epoch %d", s.Start, s.End, x.system.Epoch)
	}
	if s.End != before.End {
		return refuse(CodeNotAdjacent, "storage until epoch %d for a pool until epoch %d", s.End, before.End)
	}
	p := before
	if p.Size, err = add(p.Size, s.Size); err != nil {
		return err
	}
	x.dropStorage(s)
	x.changePool(before, p)
	x.emit(PoolResized{Epoch: x.system.Epoch, Pool: p.ID, Owner: p.Owner, Size: p.Size, Storage: s.ID})
	return nil
}

// ShrinkPool takes space that no blob uses out of a pool of the sender's, as a
// storage resource of the pool's epochs. Something must be left: see
// DestroyPool.
type ShrinkPool struct {
	Pool Ref
	Size uint64 // bytes to take, more than 0 and less than the pool has
}

func (ShrinkPool) kind() byte { return kindShrinkPool }

func (ShrinkPool) work() uint64 { return workPlain }

func (m *ShrinkPool) fields(c *codec) {
	m.Pool.fields(c)
	c.u64(&m.Size)
}

func (m ShrinkPool) apply(x *execution) *Error {
	before, err := x.pool(m.Pool)
	if err != nil {
		return err
	}
	if m.Size == 0 || m.Size == before.Size {
		return refuse(CodeBadSize, "%d bytes to take of %d", m.Size, before.Size)
	}
	if err := before.fit(m.Size); err != nil {
		return err
	}
	p := before
	p.Size -= m.Size
	s := Storage{ID: x.newObject(), Owner: x.sender, Start: p.Start, End: p.End, Size: m.Size}
	x.addStorage(s)
	x.changePool(before, p)
	x.emit(PoolResized{Epoch: x.system.Epoch, Pool: p.ID, Owner: p.Owner, Size: p.Size, Storage: s.ID})
	return nil
}

// DestroyPool turns an empty pool of the sender's into a storage resource again.
type DestroyPool struct{ Pool Ref }

func (DestroyPool) kind() byte { return kindDestroyPool }

func (DestroyPool) work() uint64 { return workPlain }

func (m *DestroyPool) fields(c *codec) { m.Pool.fields(c) }

func (m DestroyPool) apply(x *execution) *Error {
	p, err := x.pool(m.Pool)
	if err != nil {
		return err
	}
	if p.Count != 0 {
		return refuse(CodePoolNotEmpty, "there are %d blobs in pool %v", p.Count, p.ID)
	}
	x.dropPool(p)
	s := Storage{ID: x.newObject(), Owner: x.sender, Start: p.Start, End: p.End, Size: p.Size}
	x.addStorage(s)
	x.emit(PoolDestroyed{Epoch: x.system.Epoch, Pool: p.ID, Owner: p.Owner, Storage: s.ID})
	return nil
}
