package ledger

import (
	"encoding/binary"

	"github.com/floe-storage/floe/committee"
)

// The keys of the state. Integers are big-endian so that they sort.
//
//	01                                  Params
//	02                                  System
//	03 epoch(4)                         ringEntry
//	04 epoch(4)                         assignment
//	05 address(32)                      Account
//	06 object(32)                       Storage
//	07 object(32)                       Blob
//	08 blob ID(32) rank(1) ^end(4) object(32)   the pool it is in, or nothing: the objects of a blob ID, strongest claim first
//	09 end(4) object(32)                nothing: what ends at the start of an epoch
//	0a node(32)                         Node
//	0b kind(1) key hash(32)             node: who has registered a key; kind 3: that an ID was used
//	0c object(32)                       attributes of a blob object
//	0d object(32)                       endorsement: the certificate of a blob object
//	0e owner(32) kind(1) object(32)     nothing: the objects of an owner
//	0f blob ID(32)                      Invalid: a blob that was encoded wrongly
//	10 object(32)                       Pool
//	11 pool(32) blob ID(32)             object: the blobs in a pool
//	12 ^stake(8) node(32)               nothing: who the next committee is chosen from, most stake first
//	13 epoch(4) object(32)              nothing: the stake objects that move to another node from an epoch on
//	14 node(32)                         pool
//	15 node(32) ^epoch(4)               rate: of the pool's shares when an epoch began, latest first
//	16 node(32) epoch(4)                exit: what left the pool with an epoch and is not fetched
//	17 object(32)                       StakeObject
//	18 00 from(32) shard(2)             node: who takes over a shard and has not reported it
//	18 01 node(32) height(8)            nothing: it was punished for signing two blocks of a height
//	19 00 proposal(32)                  Proposal of the running epoch
//	19 01 kind(1) node(32)              proposal: a node's vote in the running epoch
//	19 02                               decided: what takes effect with the next epoch
//	1a 00 node(32)                      DenyList
//	1a 01 blob ID(32)                   Denied
//	1b                                  fund: what subsidies are paid from
//	1c height(8)                        hash(32): of the events of a block that had some
const (
	keyParams byte = iota + 1
	keySystem
	keyRing
	keyCommittee
	keyAccount
	keyStorage
	keyBlob
	keyBlobIndex
	keyExpiry
	keyNode
	keyKeys
	keyAttributes
	keyCertificate
	keyOwner
	keyInvalid
	keyPool
	keyPooled
)

const (
	keyCandidate byte = 0x12
	keyMoveStake byte = 0x13
	keyStakePool byte = 0x14
	keyStakeRate byte = 0x15
	keyStakeExit byte = 0x16
	keyStake     byte = 0x17
	keyHandover  byte = 0x18
	keyVote      byte = 0x19
	keyDenied    byte = 0x1a
	keySubsidies byte = 0x1b
	keyEvents    byte = 0x1c
)

// Params are what the network is run by. ChainID and Shards never change;
// Capacity and the two prices follow the votes of the committee's members, the
// others those on proposals. Rates are in basis points: 10,000 are the whole.
type Params struct {
	ChainID        string
	Shards         uint16
	EpochDuration  uint64 // ms from the end of the hand-over to the next epoch
	HandoverBlocks uint64 // after which the hand-over of shards ends by itself
	MaxEpochsAhead uint32 // how far ahead storage is sold
	CommitteeSize  uint32 // the most nodes that may hold shards
	Capacity       uint64 // encoded bytes that the network sells per epoch
	StoragePrice   uint64 // FROST per unit and epoch
	WritePrice     uint64 // FROST per unit
	FeePerByte     uint64 // FROST per byte of a transaction
	FeePerWork     uint64 // FROST per unit of work; see Work
	DepositRate    uint16 // of a registration's write fee, deposited until the blob is certified
	NodeDeposit    uint64 // FROST, held from a node's registration to its end
	MinStake       uint64 // FROST, the least stake object

	BurnRate          uint16 // of an epoch's revenue
	DoubleSignPenalty uint16 // of the stake of a validator that signed two blocks of one height
	SenderPenalty     uint16 // of the stake of a node that did not hand a shard over, per shard
	ReceiverPenalty   uint16 // of the stake of a node that did not take a shard over, per shard
	SubsidyRate       uint32 // of new revenue, added from the subsidy fund
	NodeSubsidy       uint64 // FROST per member and epoch, from the subsidy fund
	ShardSubsidy      uint64 // FROST per shard and epoch, from the subsidy fund
}

// Phase is where an epoch stands.
type Phase uint8

const (
	// PhaseHandover is when members take over the shards that they gained.
	PhaseHandover Phase = iota
	// PhaseSettled is when a quorum has taken over what it should hold.
	PhaseSettled
	// PhaseSelected is when the next epoch's committee is chosen.
	PhaseSelected
)

// System is the ledger's running state.
type System struct {
	Epoch      committee.Epoch
	EpochStart uint64 // ms since 1970
	Supply     uint64 // FROST in existence
	Phase      Phase
	Settled    uint64 // ms since 1970: when the running epoch's hand-over ended; 0 during it
	Deadline   uint64 // height at which the hand-over ends by itself; 0 if no shard is left to be taken over
	Synced     uint16 // shards of the members that hold what they should
	Capacity   uint64 // encoded bytes that the next committee's members have voted for; 0 unless it is chosen
	Protocol   Protocol
}

// Protocol is the version of the rules that the network has agreed on.
type Protocol struct {
	Version uint64
	Start   committee.Epoch // first epoch in which it holds
}

// Account is what an address has.
type Account struct {
	Balance uint64 // FROST
	Nonce   uint64 // of its next transaction
}

// ringEntry is what is sold of one epoch.
type ringEntry struct {
	Used    uint64 // encoded bytes
	Rewards uint64 // FROST to be shared out when the epoch ends
	// Subsidized is what of the rewards is no revenue, or had its subsidy.
	Subsidized uint64
}

// ReadParams returns what the network is run by now.
func ReadParams(r Reader) (Params, error) {
	return read[Params](r, []byte{keyParams}, "params")
}

// ReadSystem returns the running epoch and the supply.
func ReadSystem(r Reader) (System, error) {
	return read[System](r, []byte{keySystem}, "system")
}

// ReadAccount returns what an address has; nothing for one that was never used.
func ReadAccount(r Reader, a Address) (Account, error) {
	if r.Get(accountKey(a)) == nil {
		return Account{}, nil
	}
	return read[Account](r, accountKey(a), "account")
}

// read gets and decodes one value. What is absent is an *Error of CodeNotFound;
// what does not decode is another error, which only a damaged state has.
func read[T any, P fielderOf[T]](r Reader, key []byte, what string) (T, error) {
	b := r.Get(key)
	if b == nil {
		var zero T
		return zero, refuse(CodeNotFound, "no such %s", what)
	}
	return parse[T, P](b, what)
}

func accountKey(a Address) []byte { return append([]byte{keyAccount}, a[:]...) }

func objectKey(kind byte, id committee.ObjectID) []byte { return append([]byte{kind}, id[:]...) }

func nodeKey(id committee.NodeID) []byte { return append([]byte{keyNode}, id[:]...) }

func epochKey(kind byte, e committee.Epoch) []byte {
	return binary.BigEndian.AppendUint32([]byte{kind}, uint32(e))
}

func ringKey(e committee.Epoch) []byte { return epochKey(keyRing, e) }

func expiryKey(end committee.Epoch, id committee.ObjectID) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{keyExpiry}, uint32(end)), id[:]...)
}

// KeyParams and KeySystem are the keys that nearly every reader reads first: a
// remote reader fetches them together.
func KeyParams() []byte { return []byte{keyParams} }

// KeySystem is where the running epoch stands; see [KeyParams].
func KeySystem() []byte { return []byte{keySystem} }
