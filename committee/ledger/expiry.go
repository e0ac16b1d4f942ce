package ledger

import (
	"encoding/binary"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// maxExpired bounds the objects that one block removes when an epoch has
// ended; the blocks after it go on. With ten million blobs on disk an object
// takes up to 150 µs, so that a block full of transactions has room for these.
const maxExpired = 150

// expire removes objects whose last epoch has ended, at most maxExpired. Nobody
// can use one that waits for it.
func (x *execution) expire() {
	var due []committee.ObjectID
	end := binary.BigEndian.AppendUint32([]byte{keyExpiry}, uint32(x.system.Epoch)+1)
	x.state.Ascend([]byte{keyExpiry}, end, func(key, _ []byte) bool {
		due = append(due, committee.ObjectID(key[len(key)-len(committee.ObjectID{}):]))
		return len(due) < maxExpired
	})
	for left := maxExpired; len(due) > 0 && left > 0; due = due[1:] {
		left -= x.expireObject(due[0], left)
	}
}

// expireObject removes an object, or at most limit objects of a pool, and
// returns how many.
func (x *execution) expireObject(id committee.ObjectID, limit int) int {
	switch kind, _ := KindOf(x.state, id); kind {
	case KindBlob:
		b, err := ReadBlob(x.state, id)
		sound(err)
		x.expireBlob(b)
		return 1
	case KindPool:
		return x.expirePool(id, limit)
	default:
		s, err := ReadStorage(x.state, id)
		sound(err) // an object and its expiry key come and go together
		x.dropStorage(s)
		x.emit(StorageExpired{Epoch: x.system.Epoch, Object: id, Owner: s.Owner})
		return 1
	}
}

// expireBlob removes a blob. What is left of a deposit is revenue; funds go back
// to the one who shared the blob.
func (x *execution) expireBlob(b Blob) {
	x.dropBlob(b)
	x.emit(BlobExpired{Epoch: x.system.Epoch, BlobID: b.BlobID, Object: b.ID, Owner: b.Owner, Pool: b.Pool, Certified: b.Certified != 0})
	x.mustSettle(x.settleDeposit(b, 0))
	x.mustSettle(x.returnFunds(b))
}

// mustSettle stops the process when money could not be moved, which is only if
// there is more than there can be.
func (x *execution) mustSettle(err *Error) {
	if err != nil {
		sound(err)
	}
}

// expirePool removes blobs of a pool, and the pool itself once it is empty.
func (x *execution) expirePool(id committee.ObjectID, limit int) int {
	before, err := ReadPool(x.state, id)
	sound(err)
	var blobs []committee.ObjectID
	sound(AscendPool(x.state, id, shard.BlobID{}, func(_ shard.BlobID, object committee.ObjectID) bool {
		blobs = append(blobs, object)
		return len(blobs) < limit
	}))
	p := before
	for _, object := range blobs {
		b, err := ReadBlob(x.state, object)
		sound(err)
		x.expireBlob(b)
		p.Used -= b.Storage.Size
		p.Count--
	}
	if len(blobs) == limit {
		x.changePool(before, p) // a block to come goes on
		return limit
	}
	x.dropPool(before)
	x.emit(PoolExpired{Epoch: x.system.Epoch, Pool: id, Owner: before.Owner})
	return len(blobs) + 1
}

// settleDeposit gives a blob's owner back what its certificate has earned of the
// deposit; the rest is revenue. A blob that nobody owns earns nothing back.
func (x *execution) settleDeposit(b Blob, refund uint64) *Error {
	if b.Deposit == 0 {
		return nil
	}
	if refund > 0 {
		if err := x.credit(b.Owner, refund); err != nil {
			return err
		}
	}
	if err := x.earn(x.system.Epoch, b.Deposit-refund); err != nil {
		return err
	}
	x.emit(DepositSettled{Object: b.ID, Owner: b.Owner, Refunded: refund, Kept: b.Deposit - refund})
	return nil
}

// returnFunds gives what is left for a shared blob to the one who shared it.
func (x *execution) returnFunds(b Blob) *Error {
	if b.Funds == 0 {
		return nil
	}
	if err := x.credit(b.Owner, b.Funds); err != nil {
		return err
	}
	x.emit(FundsReturned{Object: b.ID, To: b.Owner, Amount: b.Funds})
	return nil
}
