package ledger

import "github.com/floe-storage/floe/committee"

// ReserveStorage buys the right to keep Size encoded bytes from the running
// epoch on for a number of epochs. It makes a storage resource.
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
	if m.Size == 0 {
		return refuse(CodeBadSize, "storage of 0 bytes")
	}
	start := x.system.Epoch
	end, err := x.sell(m.Size, start, m.Epochs)
	if err != nil {
		return err
	}
	s := Storage{ID: x.newObject(), Owner: x.sender, Start: start, End: end, Size: m.Size}
	x.setStorage(s)
	x.emit(StorageReserved{Object: s.ID, Owner: s.Owner, Start: start, End: end, Size: s.Size})
	return nil
}

// sell charges the sender for size bytes in the epochs [from, from+epochs) and
// books them. It returns the first epoch after. [WL] §2.1, §3.3
func (x *execution) sell(size uint64, from committee.Epoch, epochs uint32) (committee.Epoch, *Error) {
	ahead := uint64(from-x.system.Epoch) + uint64(epochs)
	if epochs == 0 || ahead > uint64(x.params.MaxEpochsAhead) {
		return 0, refuse(CodeBadEpochs, "%d epochs from now on; storage is sold for 1 to %d", ahead, x.params.MaxEpochsAhead)
	}
	perEpoch, err := mul(x.params.StoragePrice, Units(size))
	if err != nil {
		return 0, err
	}
	cost, err := mul(perEpoch, uint64(epochs))
	if err != nil {
		return 0, err
	}
	if err := x.pay(cost); err != nil {
		return 0, err
	}
	for i := range epochs {
		e := from + committee.Epoch(i)
		ring, err := x.ring(e)
		if err != nil {
			return 0, err
		}
		if left := x.params.Capacity - ring.Used; size > left { // Used never exceeds Capacity
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
