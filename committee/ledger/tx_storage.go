package ledger

import "github.com/floe-storage/floe/committee"

// ReserveStorage buys the right to keep Size encoded bytes from the running
// epoch on for a number of epochs. It makes a storage resource. The sender must
// be able to pay for all epochs, and the network have the space left in each.
type ReserveStorage struct {
	Size   uint64 // bytes, more than 0
	Epochs uint32 // 1 to Params.MaxEpochsAhead
}

func (ReserveStorage) kind() byte { return kindReserve }

func (m ReserveStorage) work() uint64 { return workPlain + workEpochs(m.Epochs) }

func (m *ReserveStorage) fields(c *codec) {
	c.u64(&m.Size)
	c.u32(&m.Epochs)
}

func (m ReserveStorage) apply(x *execution) *Error {
	return x.reserve(m.Size, x.system.Epoch, m.Epochs)
}

// ReserveStorageFor buys the right to keep Size encoded bytes in the epochs
// [Start, End), which may begin later. A Start in the past stands for the
// running epoch. It makes a storage resource. The sender must be able to pay for
// all epochs, and the network have the space left in each.
type ReserveStorageFor struct {
	Size  uint64 // bytes, more than 0
	Start committee.Epoch
	End   committee.Epoch // after Start, at most Params.MaxEpochsAhead after the running epoch
}

func (ReserveStorageFor) kind() byte { return kindReserveFor }

func (m ReserveStorageFor) work() uint64 { return workPlain + workEpochs(maxEpochsAhead) }

func (m *ReserveStorageFor) fields(c *codec) {
	c.u64(&m.Size)
	c.epoch(&m.Start)
	c.epoch(&m.End)
}

func (m ReserveStorageFor) apply(x *execution) *Error {
	start := max(m.Start, x.system.Epoch)
	if m.End <= start {
		return refuse(CodeBadEpochs, "storage from epoch %d to %d", start, m.End)
	}
	return x.reserve(m.Size, start, uint32(m.End-start))
}

func (x *execution) reserve(size uint64, start committee.Epoch, epochs uint32) *Error {
	if size == 0 {
		return refuse(CodeBadSize, "storage of 0 bytes")
	}
	end, err := x.sell(size, start, epochs)
	if err != nil {
		return err
	}
	s := Storage{ID: x.newObject(), Owner: x.sender, Start: start, End: end, Size: size}
	x.addStorage(s)
	x.emit(StorageReserved{Object: s.ID, Owner: s.Owner, Start: start, End: end, Size: s.Size})
	return nil
}

// SplitStorageBySize parts a storage resource of the sender's: it keeps Size
// bytes, and the rest becomes a new resource of the same epochs. Neither may be
// empty.
type SplitStorageBySize struct {
	Storage Ref
	Size    uint64 // bytes that the resource keeps, more than 0 and less than it has
}

func (SplitStorageBySize) kind() byte { return kindSplitSize }

func (SplitStorageBySize) work() uint64 { return workPlain }

func (m *SplitStorageBySize) fields(c *codec) {
	m.Storage.fields(c)
	c.u64(&m.Size)
}

func (m SplitStorageBySize) apply(x *execution) *Error {
	before, err := x.storage(m.Storage)
	if err != nil {
		return err
	}
	if m.Size == 0 || m.Size >= before.Size {
		return refuse(CodeBadSize, "%d bytes to keep of %d", m.Size, before.Size)
	}
	rest, part := before, before
	rest.Size = m.Size
	part.Size = before.Size - m.Size
	x.split(before, rest, part)
	return nil
}

// SplitStorageByEpoch parts a storage resource of the sender's: it keeps the
// epochs before Epoch, and the others become a new resource of the same size.
type SplitStorageByEpoch struct {
	Storage Ref
	Epoch   committee.Epoch // after the first and before the end of the resource
}

func (SplitStorageByEpoch) kind() byte { return kindSplitEpoch }

func (SplitStorageByEpoch) work() uint64 { return workPlain }

func (m *SplitStorageByEpoch) fields(c *codec) {
	m.Storage.fields(c)
	c.epoch(&m.Epoch)
}

func (m SplitStorageByEpoch) apply(x *execution) *Error {
	before, err := x.storage(m.Storage)
	if err != nil {
		return err
	}
	if m.Epoch <= before.Start || m.Epoch >= before.End {
		return refuse(CodeBadEpochs, "epoch %d does not part the epochs %d to %d", m.Epoch, before.Start, before.End)
	}
	rest, part := before, before
	rest.End, part.Start = m.Epoch, m.Epoch
	x.split(before, rest, part)
	return nil
}

// split parts storage; what is left of it may have ended already, and is then
// collected like all that has.
func (x *execution) split(before, rest, part Storage) {
	part.ID = x.newObject()
	x.changeStorage(before, rest)
	x.addStorage(part)
	x.emit(StorageSplit{Object: rest.ID, Part: part.ID, Owner: part.Owner, Start: part.Start, End: part.End, Size: part.Size})
}

// FuseStorage adds the second of two storage resources of the sender's to the
// first, and the second is gone. They must be of the same epochs, or of the same
// size with the epochs of one following those of the other.
type FuseStorage struct {
	First  Ref // stays, and becomes what both were
	Second Ref
}

func (FuseStorage) kind() byte { return kindFuse }

func (FuseStorage) work() uint64 { return workPlain }

func (m *FuseStorage) fields(c *codec) {
	m.First.fields(c)
	m.Second.fields(c)
}

func (m FuseStorage) apply(x *execution) *Error {
	before, err := x.storage(m.First)
	if err != nil {
		return err
	}
	other, err := x.storage(m.Second)
	if err != nil {
		return err
	}
	if before.ID == other.ID {
		return refuse(CodeNotAdjacent, "storage %v cannot be added to itself", other.ID)
	}
	fused, err := fuse(before, other)
	if err != nil {
		return err
	}
	x.dropStorage(other)
	x.changeStorage(before, fused)
	x.emit(StorageFused{Object: fused.ID, Consumed: other.ID, Owner: fused.Owner, Start: fused.Start, End: fused.End, Size: fused.Size})
	return nil
}

// fuse returns a as it is after b has been added.
func fuse(a, b Storage) (Storage, *Error) {
	if a.Start == b.Start {
		if a.End != b.End {
			return a, refuse(CodeNotAdjacent, "storage until epoch %d and until epoch %d", a.End, b.End)
		}
		var err *Error
		a.Size, err = add(a.Size, b.Size)
		return a, err
	}
	if a.Size != b.Size {
		return a, refuse(CodeDifferentSize, "storage of %d and of %d bytes", a.Size, b.Size)
	}
	switch {
	case a.End == b.Start:
		a.End = b.End
	case b.End == a.Start:
		a.Start = b.Start
	default:
		return a, refuse(CodeNotAdjacent, "storage of epochs %d to %d and %d to %d", a.Start, a.End, b.Start, b.End)
	}
	return a, nil
}

// DestroyStorage gives a storage resource of the sender's up. Its space in the
// running epoch and in those to come can be sold again; what was paid for it
// stays with the network.
type DestroyStorage struct{ Storage Ref }

func (DestroyStorage) kind() byte { return kindDestroyStorage }

func (DestroyStorage) work() uint64 { return workPlain + workEpochs(maxEpochsAhead) }

func (m *DestroyStorage) fields(c *codec) { m.Storage.fields(c) }

func (m DestroyStorage) apply(x *execution) *Error {
	s, err := x.storage(m.Storage)
	if err != nil {
		return err
	}
	for e := max(s.Start, x.system.Epoch); e < s.End; e++ {
		ring, err := x.ring(e)
		if err != nil {
			return err
		}
		ring.Used -= s.Size // it is among what is booked
		x.setRing(e, ring)
	}
	x.dropStorage(s)
	x.emit(StorageDestroyed{Object: s.ID, Owner: s.Owner, Start: s.Start, End: s.End, Size: s.Size})
	return nil
}

// sell charges the sender for size bytes in the epochs [from, from+epochs) and
// books them. It returns the first epoch after. [WL] §2.1, §3.3
func (x *execution) sell(size uint64, from committee.Epoch, epochs uint32) (committee.Epoch, *Error) {
	cost, err := x.quote(size, from, epochs)
	if err != nil {
		return 0, err
	}
	if err := x.pay(cost); err != nil {
		return 0, err
	}
	return x.book(size, from, epochs)
}

// quote returns what book will put into the ring.
func (x *execution) quote(size uint64, from committee.Epoch, epochs uint32) (uint64, *Error) {
	ahead := uint64(from-x.system.Epoch) + uint64(epochs)
	if epochs == 0 || ahead > uint64(x.params.MaxEpochsAhead) {
		return 0, refuse(CodeBadEpochs, "%d epochs from now on; storage is sold for 1 to %d", ahead, x.params.MaxEpochsAhead)
	}
	return x.params.storageCost(size, epochs)
}

// book reserves space for which somebody has paid.
func (x *execution) book(size uint64, from committee.Epoch, epochs uint32) (committee.Epoch, *Error) {
	perEpoch, err := x.params.storageCost(size, 1)
	if err != nil {
		return 0, err
	}
	for i := range epochs {
		e := from + committee.Epoch(i)
		ring, err := x.ring(e)
		if err != nil {
			return 0, err
		}
		left := x.params.Capacity - min(ring.Used, x.params.Capacity) // the capacity may have shrunk since
		if size > left {
			return 0, refuse(CodeNoCapacity, "%d bytes are more than the %d left of epoch %d", size, left, e)
		}
		ring.Used += size
		if ring.Rewards, err = add(ring.Rewards, perEpoch); err != nil {
			return 0, err
		}
		x.setRing(e, ring)
	}
	return from + committee.Epoch(epochs), nil
}

// earn adds to the revenue of an epoch.
func (x *execution) earn(e committee.Epoch, amount uint64) *Error {
	ring, err := x.ring(e)
	if err != nil {
		return err
	}
	if ring.Rewards, err = add(ring.Rewards, amount); err != nil {
		return err
	}
	x.setRing(e, ring)
	return nil
}
