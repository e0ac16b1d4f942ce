package ledger

import (
	"errors"
	"fmt"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// ErrEvent says that an event is of an unknown kind or malformed.
var ErrEvent = errors.New("ledger: malformed event")

// event is the typed form of an Event.
type event interface{ kind() string }

// BlobRegistered says that nodes accept a blob's slivers from now on.
type BlobRegistered struct {
	Epoch     committee.Epoch
	BlobID    shard.BlobID
	Size      uint64 // bytes before encoding
	End       committee.Epoch
	Deletable bool
	Object    committee.ObjectID
	Owner     Address
	Pool      committee.ObjectID // that it is in; zero if none
	Deposit   uint64             // FROST
}

// BlobCertified is the point of availability of a blob, or the extension of
// one that is certified.
type BlobCertified struct {
	Epoch     committee.Epoch // of the first certification
	BlobID    shard.BlobID
	End       committee.Epoch
	Deletable bool
	Object    committee.ObjectID
	Extension bool
	Owner     Address            // zero if nobody owns it any more
	Pool      committee.ObjectID // that it is in; zero if none
}

// BlobDeleted says that an owner gave up a blob object before its end.
type BlobDeleted struct {
	Epoch     committee.Epoch
	BlobID    shard.BlobID
	End       committee.Epoch
	Object    committee.ObjectID
	Owner     Address
	Certified bool               // it had been
	Storage   committee.ObjectID // what the owner got back; zero for a blob in a pool
	Pool      committee.ObjectID // that it was in, which has the room again; zero if none
}

// BlobExpired says that a blob object has ended.
type BlobExpired struct {
	Epoch     committee.Epoch
	BlobID    shard.BlobID
	Object    committee.ObjectID
	Owner     Address            // zero if nobody owned it any more
	Pool      committee.ObjectID // that it was in; zero if none
	Certified bool
}

// StorageReserved says that storage was bought.
type StorageReserved struct {
	Object committee.ObjectID
	Owner  Address
	Start  committee.Epoch
	End    committee.Epoch
	Size   uint64
}

// StorageExpired says that a storage resource has ended unused.
type StorageExpired struct {
	Epoch  committee.Epoch
	Object committee.ObjectID
	Owner  Address
}

// ObjectTransferred says that an object has another owner.
type ObjectTransferred struct {
	Object   committee.ObjectID
	From, To Address
}

// FundsSent says that FROST changed hands.
type FundsSent struct {
	From, To Address
	Amount   uint64
}

// RewardPaid is a node's share of an ended epoch's revenue, paid into its pool.
type RewardPaid struct {
	Epoch      committee.Epoch // that ended
	Node       committee.NodeID
	Amount     uint64 // FROST
	Commission uint64 // FROST of them that are the operator's
}

// EpochChanged says that an epoch has begun.
type EpochChanged struct {
	Epoch   committee.Epoch
	Start   uint64 // ms since 1970
	Burned  uint64 // FROST of the ended epoch's revenue
	Carried uint64 // FROST that go over into this epoch's revenue
}

func (BlobRegistered) kind() string    { return "blob_registered" }
func (BlobCertified) kind() string     { return "blob_certified" }
func (BlobDeleted) kind() string       { return "blob_deleted" }
func (BlobExpired) kind() string       { return "blob_expired" }
func (StorageReserved) kind() string   { return "storage_reserved" }
func (StorageExpired) kind() string    { return "storage_expired" }
func (ObjectTransferred) kind() string { return "object_transferred" }
func (FundsSent) kind() string         { return "funds_sent" }
func (RewardPaid) kind() string        { return "reward_paid" }
func (EpochChanged) kind() string      { return "epoch_changed" }

func toEvent(v event) Event {
	var e bcs.Encoder
	if k, ok := eventKind(v.kind()); ok {
		k.write(&codec{out: &e}, v)
	}
	return Event{Kind: v.kind(), Body: e.Data()}
}

// Parse returns the event as one of the types of this package, such as
// [BlobCertified]; [ErrEvent] if it is none.
func (ev Event) Parse() (any, error) {
	return ev.parse(nil)
}

func (ev Event) parse(about *Subjects) (event, error) {
	k, ok := eventKind(ev.Kind)
	if !ok {
		return nil, fmt.Errorf("%w: kind %q", ErrEvent, ev.Kind)
	}
	d := bcs.NewDecoder(ev.Body)
	v := k.read(&codec{in: d, about: about})
	if err := d.Finish(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrEvent, ev.Kind, err)
	}
	return v, nil
}

// eventKind returns how the events of a kind are read and written.
func eventKind(kind string) (recordCodec[event], bool) {
	switch kind {
	case BlobRegistered{}.kind():
		return codecOf[event, BlobRegistered](), true
	case BlobCertified{}.kind():
		return codecOf[event, BlobCertified](), true
	case BlobDeleted{}.kind():
		return codecOf[event, BlobDeleted](), true
	case BlobExpired{}.kind():
		return codecOf[event, BlobExpired](), true
	case StorageReserved{}.kind():
		return codecOf[event, StorageReserved](), true
	case StorageExpired{}.kind():
		return codecOf[event, StorageExpired](), true
	case ObjectTransferred{}.kind():
		return codecOf[event, ObjectTransferred](), true
	case FundsSent{}.kind():
		return codecOf[event, FundsSent](), true
	case RewardPaid{}.kind():
		return codecOf[event, RewardPaid](), true
	case EpochChanged{}.kind():
		return codecOf[event, EpochChanged](), true
	case StorageSplit{}.kind():
		return codecOf[event, StorageSplit](), true
	case StorageFused{}.kind():
		return codecOf[event, StorageFused](), true
	case StorageDestroyed{}.kind():
		return codecOf[event, StorageDestroyed](), true
	case BlobBurned{}.kind():
		return codecOf[event, BlobBurned](), true
	case BlobShared{}.kind():
		return codecOf[event, BlobShared](), true
	case BlobFunded{}.kind():
		return codecOf[event, BlobFunded](), true
	case FundsReturned{}.kind():
		return codecOf[event, FundsReturned](), true
	case DepositSettled{}.kind():
		return codecOf[event, DepositSettled](), true
	case BlobInvalid{}.kind():
		return codecOf[event, BlobInvalid](), true
	case AttributesSet{}.kind():
		return codecOf[event, AttributesSet](), true
	case PoolCreated{}.kind():
		return codecOf[event, PoolCreated](), true
	case PoolExtended{}.kind():
		return codecOf[event, PoolExtended](), true
	case PoolResized{}.kind():
		return codecOf[event, PoolResized](), true
	case PoolDestroyed{}.kind():
		return codecOf[event, PoolDestroyed](), true
	case PoolExpired{}.kind():
		return codecOf[event, PoolExpired](), true
	case FundsBurned{}.kind():
		return codecOf[event, FundsBurned](), true
	case NodeRegistered{}.kind():
		return codecOf[event, NodeRegistered](), true
	case NodeUpdated{}.kind():
		return codecOf[event, NodeUpdated](), true
	case DoubleSigned{}.kind():
		return codecOf[event, DoubleSigned](), true
	case NodeExiting{}.kind():
		return codecOf[event, NodeExiting](), true
	case NodeRemoved{}.kind():
		return codecOf[event, NodeRemoved](), true
	case CommissionSet{}.kind():
		return codecOf[event, CommissionSet](), true
	case CommissionCollected{}.kind():
		return codecOf[event, CommissionCollected](), true
	case NodeTransferred{}.kind():
		return codecOf[event, NodeTransferred](), true
	case NodeKeyRotated{}.kind():
		return codecOf[event, NodeKeyRotated](), true
	case NodePenalized{}.kind():
		return codecOf[event, NodePenalized](), true
	case PricesVoted{}.kind():
		return codecOf[event, PricesVoted](), true
	case PricesChanged{}.kind():
		return codecOf[event, PricesChanged](), true
	case CapacityChanged{}.kind():
		return codecOf[event, CapacityChanged](), true
	case CommitteeSelected{}.kind():
		return codecOf[event, CommitteeSelected](), true
	case HandoverEnded{}.kind():
		return codecOf[event, HandoverEnded](), true
	case ShardsReceived{}.kind():
		return codecOf[event, ShardsReceived](), true
	case ShardsUnreported{}.kind():
		return codecOf[event, ShardsUnreported](), true
	}
	return voteEventKind(kind)
}
