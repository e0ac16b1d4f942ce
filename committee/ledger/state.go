package ledger

import (
	"encoding/binary"
	"fmt"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// The keys of the state. Integers are big-endian so that they sort.
//
//	01                                  Params
//	02                                  System
//	03 epoch(4)                         ringEntry
//	04                                  the committee's nodes
//	05 address(32)                      Account
//	06 object(32)                       Storage
//	07 object(32)                       Blob
//	08 blob ID(32) rank(1) ^end(4) object(32)   nothing: the objects of a blob ID, most lasting claim first
//	09 end(4) object(32)                nothing: what ends at the start of an epoch
const (
	keyParams byte = iota + 1
	keySystem
	keyRing
	keyNodes
	keyAccount
	keyStorage
	keyBlob
	keyBlobIndex
	keyExpiry
)

// The ranks under which a blob ID's objects are listed.
const (
	rankPermanent           byte = iota // certified, cannot be deleted
	rankDeletable                       // certified, can be deleted
	rankRegisteredPermanent             // not certified, cannot be deleted
	rankRegisteredDeletable             // not certified, can be deleted
	ranks
)

// indexKeySize is the length of a key of the blob index.
const indexKeySize = 1 + shard.BlobIDSize + 1 + 4 + 32

// Params are the network's constants, fixed at genesis.
type Params struct {
	ChainID        string
	Shards         uint16
	EpochDuration  uint64 // ms
	MaxEpochsAhead uint32 // how far ahead storage is sold
	Capacity       uint64 // encoded bytes that the network sells per epoch
	StoragePrice   uint64 // FROST per unit and epoch
	WritePrice     uint64 // FROST per unit
	FeePerByte     uint64 // FROST per byte of a transaction
	FeePerMessage  uint64 // FROST
}

// System is the ledger's running state.
type System struct {
	Epoch      committee.Epoch
	EpochStart uint64 // ms since 1970
	Supply     uint64 // FROST in existence
}

// Account is what an address has.
type Account struct {
	Balance uint64 // FROST
	Nonce   uint64 // of its next transaction
}

// Storage is the right to keep Size encoded bytes in the epochs [Start, End).
type Storage struct {
	ID    committee.ObjectID
	Owner Address
	Start committee.Epoch
	End   committee.Epoch
	Size  uint64
}

// Blob is a registered blob with the storage that it occupies.
type Blob struct {
	ID         committee.ObjectID
	Owner      Address
	BlobID     shard.BlobID
	Size       uint64 // bytes before encoding
	Deletable  bool
	Registered committee.Epoch
	Certified  committee.Epoch // 0 if not yet certified
	Point      Point           // where it was certified: the point of availability
	Storage    Storage         // Owner is unused while a blob occupies it
}

// Point is a place in the chain.
type Point struct {
	Height uint64
	Tx     [32]byte // hash of the transaction
	Event  uint32   // position of the event among those of the transaction
}

// ringEntry is what is sold of one epoch.
type ringEntry struct {
	Used    uint64 // encoded bytes
	Rewards uint64 // FROST to be shared out when the epoch ends
}

// ReadParams returns the network's constants.
func ReadParams(r Reader) (Params, error) {
	return read(r, []byte{keyParams}, "params", decodeParams)
}

// ReadSystem returns the running epoch and the supply.
func ReadSystem(r Reader) (System, error) {
	return read(r, []byte{keySystem}, "system", decodeSystem)
}

// ReadAccount returns what an address has; nothing for one that was never used.
func ReadAccount(r Reader, a Address) (Account, error) {
	if r.Get(accountKey(a)) == nil {
		return Account{}, nil
	}
	return read(r, accountKey(a), "account", decodeAccount)
}

// ReadStorage returns a storage resource; an *Error of CodeNotFound if there is none.
func ReadStorage(r Reader, id committee.ObjectID) (Storage, error) {
	return read(r, objectKey(keyStorage, id), "storage resource", decodeStorage)
}

// ReadBlob returns a blob object; an *Error of CodeNotFound if there is none.
func ReadBlob(r Reader, id committee.ObjectID) (Blob, error) {
	return read(r, objectKey(keyBlob, id), "blob object", decodeBlob)
}

// ReadCommittee returns the committee of the running epoch.
func ReadCommittee(r Reader) (*committee.Committee, error) {
	sys, err := ReadSystem(r)
	if err != nil {
		return nil, err
	}
	params, err := ReadParams(r)
	if err != nil {
		return nil, err
	}
	nodes, err := read(r, []byte{keyNodes}, "nodes", decodeNodes)
	if err != nil {
		return nil, err
	}
	members := make([]committee.Member, len(nodes))
	for i, n := range nodes {
		members[i] = n.member()
	}
	return committee.New(sys.Epoch, int(params.Shards), members)
}

// read gets and decodes one value. What is absent is an *Error of CodeNotFound;
// what does not decode is another error, which only a damaged state has.
func read[T any](r Reader, key []byte, what string, decode func(*bcs.Decoder) T) (T, error) {
	b := r.Get(key)
	if b == nil {
		var zero T
		return zero, refuse(CodeNotFound, "no such %s", what)
	}
	d := bcs.NewDecoder(b)
	v := decode(d)
	if err := d.Finish(); err != nil {
		return v, fmt.Errorf("%s in the state: %w", what, err)
	}
	return v, nil
}

func accountKey(a Address) []byte { return append([]byte{keyAccount}, a[:]...) }

func objectKey(kind byte, id committee.ObjectID) []byte { return append([]byte{kind}, id[:]...) }

func ringKey(e committee.Epoch) []byte {
	return binary.BigEndian.AppendUint32([]byte{keyRing}, uint32(e))
}

func expiryKey(end committee.Epoch, id committee.ObjectID) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{keyExpiry}, uint32(end)), id[:]...)
}

func (b *Blob) rank() byte {
	switch {
	case b.Certified == 0 && b.Deletable:
		return rankRegisteredDeletable
	case b.Certified == 0:
		return rankRegisteredPermanent
	case b.Deletable:
		return rankDeletable
	}
	return rankPermanent
}

func (b *Blob) indexKey() []byte {
	k := append([]byte{keyBlobIndex}, b.BlobID[:]...)
	k = append(k, b.rank())
	k = binary.BigEndian.AppendUint32(k, ^uint32(b.Storage.End))
	return append(k, b.ID[:]...)
}

// KeyParams and KeySystem are the keys that nearly every reader reads first: a
// remote reader fetches them together.
func KeyParams() []byte { return []byte{keyParams} }

// KeySystem is where the running epoch stands; see [KeyParams].
func KeySystem() []byte { return []byte{keySystem} }
