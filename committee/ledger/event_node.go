package ledger

import (
	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
)

// NodeRegistered says that a storage node may be staked on.
type NodeRegistered struct {
	Epoch   committee.Epoch
	Node    committee.NodeID
	Account Address
	Deposit uint64 // FROST
}

// NodeUpdated says that a node's profile or addresses have changed.
type NodeUpdated struct{ Node committee.NodeID }

// NodeTransferred says that another account controls a node.
type NodeTransferred struct {
	Node     committee.NodeID
	From, To Address
}

// NodeExiting says that a node will not be chosen any more.
type NodeExiting struct {
	Epoch committee.Epoch
	Node  committee.NodeID
}

// NodeRemoved says that a node is gone with its pool.
type NodeRemoved struct {
	Epoch   committee.Epoch
	Node    committee.NodeID
	Account Address
	Deposit uint64 // FROST paid back to the account
}

// CommissionSet says what part of a node's rewards will be its operator's from
// the epoch after the next on.
type CommissionSet struct {
	Epoch committee.Epoch // in which it was set
	Node  committee.NodeID
	Rate  uint16 // basis points
}

// CommissionCollected says that a node's operator was paid.
type CommissionCollected struct {
	Node   committee.NodeID
	To     Address
	Amount uint64 // FROST
}

// NodeKeyRotated says that a node will have another BLS key when it is next
// chosen into a committee.
type NodeKeyRotated struct {
	Epoch  committee.Epoch // in which it was asked for
	Node   committee.NodeID
	BLSKey bls.PublicKey
}

// DoubleSigned says that a node's validator has signed two blocks of a height.
type DoubleSigned struct {
	Epoch  committee.Epoch // in which it was proven
	Node   committee.NodeID
	Height uint64
}

// NodePenalized says that a part of a node's stake was burned.
type NodePenalized struct {
	Epoch  committee.Epoch
	Node   committee.NodeID
	Fault  Fault
	Rate   uint16 // basis points
	Amount uint64 // FROST
}

// PricesVoted is what a node wants the network to charge and to sell.
type PricesVoted struct {
	Node  committee.NodeID
	Votes Votes
}

// PricesChanged says what storage and writing cost from now on.
type PricesChanged struct {
	Epoch        committee.Epoch
	StoragePrice uint64 // FROST per unit and epoch
	WritePrice   uint64 // FROST per unit
}

// CapacityChanged says how much the network sells per epoch from now on.
type CapacityChanged struct {
	Epoch    committee.Epoch
	Capacity uint64 // encoded bytes
}

// CommitteeSelected says that the next epoch's committee is chosen: what is
// staked from now on comes too late for it.
type CommitteeSelected struct {
	Epoch    committee.Epoch // in which it will be responsible
	Members  uint32
	Moved    uint16 // shards that will have another holder
	Capacity uint64 // encoded bytes that its members have voted for
}

// HandoverEnded says that a quorum holds the shards that it should, or that the
// time for that is over.
type HandoverEnded struct {
	Epoch  committee.Epoch
	Time   uint64 // ms since 1970
	Synced uint16 // shards of the members that hold what they should
}

// ShardsReceived says that a member holds the shards that it gained with the
// running epoch, but for those that it had to recover.
type ShardsReceived struct {
	Epoch  committee.Epoch
	Node   committee.NodeID
	Shards []shard.Index // gained, ascending
	Lost   []shard.Index // those of them that were not handed over
}

// ShardsUnreported says that a member has not reported in time to hold the
// shards that it gained with the running epoch.
type ShardsUnreported struct {
	Epoch  committee.Epoch
	Node   committee.NodeID
	Shards []shard.Index // ascending
}

func (NodeRegistered) kind() string      { return "node_registered" }
func (NodeUpdated) kind() string         { return "node_updated" }
func (NodeTransferred) kind() string     { return "node_transferred" }
func (NodeExiting) kind() string         { return "node_exiting" }
func (NodeRemoved) kind() string         { return "node_removed" }
func (CommissionSet) kind() string       { return "commission_set" }
func (CommissionCollected) kind() string { return "commission_collected" }
func (NodeKeyRotated) kind() string      { return "node_key_rotated" }
func (DoubleSigned) kind() string        { return "double_signed" }
func (NodePenalized) kind() string       { return "node_penalized" }
func (PricesVoted) kind() string         { return "prices_voted" }
func (PricesChanged) kind() string       { return "prices_changed" }
func (CapacityChanged) kind() string     { return "capacity_changed" }
func (CommitteeSelected) kind() string   { return "committee_selected" }
func (HandoverEnded) kind() string       { return "handover_ended" }
func (ShardsReceived) kind() string      { return "shards_received" }
func (ShardsUnreported) kind() string    { return "shards_unreported" }

func (v *NodeRegistered) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.node(&v.Node)
	c.address(&v.Account)
	c.u64(&v.Deposit)
}

func (v *NodeUpdated) fields(c *codec) { c.node(&v.Node) }

func (v *NodeTransferred) fields(c *codec) {
	c.node(&v.Node)
	c.address(&v.From)
	c.address(&v.To)
}

func (v *NodeExiting) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.node(&v.Node)
}

func (v *NodeRemoved) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.node(&v.Node)
	c.address(&v.Account)
	c.u64(&v.Deposit)
}

func (v *CommissionSet) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.node(&v.Node)
	c.u16(&v.Rate)
}

func (v *CommissionCollected) fields(c *codec) {
	c.node(&v.Node)
	c.address(&v.To)
	c.u64(&v.Amount)
}

func (v *NodeKeyRotated) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.node(&v.Node)
	c.fixed(v.BLSKey[:])
}

func (v *DoubleSigned) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.node(&v.Node)
	c.u64(&v.Height)
}

func (v *NodePenalized) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.node(&v.Node)
	c.u8((*uint8)(&v.Fault))
	c.u16(&v.Rate)
	c.u64(&v.Amount)
}

func (v *PricesVoted) fields(c *codec) {
	c.node(&v.Node)
	v.Votes.fields(c)
}

func (v *PricesChanged) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.u64(&v.StoragePrice)
	c.u64(&v.WritePrice)
}

func (v *CapacityChanged) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.u64(&v.Capacity)
}

func (v *CommitteeSelected) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.u32(&v.Members)
	c.u16(&v.Moved)
	c.u64(&v.Capacity)
}

func (v *HandoverEnded) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.u64(&v.Time)
	c.u16(&v.Synced)
}

func (v *ShardsReceived) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.node(&v.Node)
	shardList(c, &v.Shards)
	shardList(c, &v.Lost)
}

func (v *ShardsUnreported) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.node(&v.Node)
	shardList(c, &v.Shards)
}

func shardList(c *codec, v *[]shard.Index) {
	list(c, v, shard.MaxShards, 2, func(c *codec, s *shard.Index) { c.u16((*uint16)(s)) })
}
