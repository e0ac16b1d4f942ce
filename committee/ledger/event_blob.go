package ledger

import (
	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// StorageSplit says that a part of a storage resource became one of its own.
type StorageSplit struct {
	Object committee.ObjectID // keeps the rest
	Part   committee.ObjectID // the new one
	Owner  Address
	Start  committee.Epoch // of the part, as the next two
	End    committee.Epoch
	Size   uint64
}

// StorageFused says that one storage resource was added to another.
type StorageFused struct {
	Object   committee.ObjectID // as it is now
	Consumed committee.ObjectID
	Owner    Address
	Start    committee.Epoch
	End      committee.Epoch
	Size     uint64
}

// StorageDestroyed says that storage was given up: it can be sold again.
type StorageDestroyed struct {
	Object committee.ObjectID
	Owner  Address
	Start  committee.Epoch
	End    committee.Epoch
	Size   uint64
}

// BlobBurned says that nobody owns a blob object any more.
type BlobBurned struct {
	Epoch  committee.Epoch
	BlobID shard.BlobID
	Object committee.ObjectID
	Owner  Address // until then
}

// BlobShared says that anybody may keep a blob object alive from now on.
type BlobShared struct {
	BlobID shard.BlobID
	Object committee.ObjectID
	Owner  Address
	Funds  uint64 // FROST that it begins with
}

// BlobFunded says that a shared blob got FROST for more epochs.
type BlobFunded struct {
	BlobID shard.BlobID
	Object committee.ObjectID
	From   Address
	Amount uint64
	Funds  uint64 // FROST that it has now
}

// FundsReturned says that the funds left of a shared blob went back to the one
// who had shared it.
type FundsReturned struct {
	Object committee.ObjectID
	To     Address
	Amount uint64
}

// DepositSettled says what became of a registration's deposit.
type DepositSettled struct {
	Object   committee.ObjectID
	Owner    Address
	Refunded uint64 // FROST that the owner got
	Kept     uint64 // FROST that became revenue
}

// BlobInvalid says that a blob is recorded as encoded wrongly.
type BlobInvalid struct {
	Epoch    committee.Epoch
	BlobID   shard.BlobID
	Evidence [32]byte // hash of the certificate
}

// AttributesSet says that a blob object has other attributes.
type AttributesSet struct {
	BlobID shard.BlobID
	Object committee.ObjectID
	Owner  Address
	Hash   [32]byte // of all that it has now; zero if it has none
}

// PoolCreated says that storage became a pool.
type PoolCreated struct {
	Epoch committee.Epoch
	Pool  committee.ObjectID
	Owner Address
	Start committee.Epoch
	End   committee.Epoch
	Size  uint64
}

// PoolExtended says that a pool, with the blobs in it, lives longer.
type PoolExtended struct {
	Epoch committee.Epoch
	Pool  committee.ObjectID
	Owner Address
	End   committee.Epoch
}

// PoolResized says that storage was added to a pool or taken from it.
type PoolResized struct {
	Epoch   committee.Epoch
	Pool    committee.ObjectID
	Owner   Address
	Size    uint64             // that it has now
	Storage committee.ObjectID // that was added or taken
}

// PoolDestroyed says that an empty pool became storage again.
type PoolDestroyed struct {
	Epoch   committee.Epoch
	Pool    committee.ObjectID
	Owner   Address
	Storage committee.ObjectID // what the owner got back
}

// PoolExpired says that a pool has ended, after the blobs in it.
type PoolExpired struct {
	Epoch committee.Epoch
	Pool  committee.ObjectID
	Owner Address
}

// FundsBurned says that FROST ceased to exist.
type FundsBurned struct {
	From   Address
	Amount uint64
}

func (StorageSplit) kind() string     { return "storage_split" }
func (StorageFused) kind() string     { return "storage_fused" }
func (StorageDestroyed) kind() string { return "storage_destroyed" }
func (BlobBurned) kind() string       { return "blob_burned" }
func (BlobShared) kind() string       { return "blob_shared" }
func (BlobFunded) kind() string       { return "blob_funded" }
func (FundsReturned) kind() string    { return "funds_returned" }
func (DepositSettled) kind() string   { return "deposit_settled" }
func (BlobInvalid) kind() string      { return "blob_invalid" }
func (AttributesSet) kind() string    { return "attributes_set" }
func (PoolCreated) kind() string      { return "pool_created" }
func (PoolExtended) kind() string     { return "pool_extended" }
func (PoolResized) kind() string      { return "pool_resized" }
func (PoolDestroyed) kind() string    { return "pool_destroyed" }
func (PoolExpired) kind() string      { return "pool_expired" }
func (FundsBurned) kind() string      { return "funds_burned" }

func (v *StorageSplit) fields(c *codec) {
	c.object(&v.Object)
	c.object(&v.Part)
	c.address(&v.Owner)
	c.epoch(&v.Start)
	c.epoch(&v.End)
	c.u64(&v.Size)
}

func (v *StorageFused) fields(c *codec) {
	c.object(&v.Object)
	c.object(&v.Consumed)
	c.address(&v.Owner)
	c.epoch(&v.Start)
	c.epoch(&v.End)
	c.u64(&v.Size)
}

func (v *StorageDestroyed) fields(c *codec) {
	c.object(&v.Object)
	c.address(&v.Owner)
	c.epoch(&v.Start)
	c.epoch(&v.End)
	c.u64(&v.Size)
}

func (v *BlobBurned) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.blobID(&v.BlobID)
	c.object(&v.Object)
	c.address(&v.Owner)
}

func (v *BlobShared) fields(c *codec) {
	c.blobID(&v.BlobID)
	c.object(&v.Object)
	c.address(&v.Owner)
	c.u64(&v.Funds)
}

func (v *BlobFunded) fields(c *codec) {
	c.blobID(&v.BlobID)
	c.object(&v.Object)
	c.address(&v.From)
	c.u64(&v.Amount)
	c.u64(&v.Funds)
}

func (v *FundsReturned) fields(c *codec) {
	c.object(&v.Object)
	c.address(&v.To)
	c.u64(&v.Amount)
}

func (v *DepositSettled) fields(c *codec) {
	c.object(&v.Object)
	c.address(&v.Owner)
	c.u64(&v.Refunded)
	c.u64(&v.Kept)
}

func (v *BlobInvalid) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.blobID(&v.BlobID)
	c.fixed(v.Evidence[:])
}

func (v *AttributesSet) fields(c *codec) {
	c.blobID(&v.BlobID)
	c.object(&v.Object)
	c.address(&v.Owner)
	c.fixed(v.Hash[:])
}

func (v *PoolCreated) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.object(&v.Pool)
	c.address(&v.Owner)
	c.epoch(&v.Start)
	c.epoch(&v.End)
	c.u64(&v.Size)
}

func (v *PoolExtended) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.object(&v.Pool)
	c.address(&v.Owner)
	c.epoch(&v.End)
}

func (v *PoolResized) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.object(&v.Pool)
	c.address(&v.Owner)
	c.u64(&v.Size)
	c.object(&v.Storage)
}

func (v *PoolDestroyed) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.object(&v.Pool)
	c.address(&v.Owner)
	c.object(&v.Storage)
}

func (v *PoolExpired) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.object(&v.Pool)
	c.address(&v.Owner)
}

func (v *FundsBurned) fields(c *codec) {
	c.address(&v.From)
	c.u64(&v.Amount)
}
