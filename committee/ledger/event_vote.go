package ledger

import (
	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// ParamsVoted says that a member has voted for changes of parameters.
type ParamsVoted struct {
	Epoch    committee.Epoch
	Proposal ProposalID
	Node     committee.NodeID // that voted
	Weight   uint16           // shards of all that vote for it now
}

// ParamsDecided says that changes of parameters take effect with the next
// epoch.
type ParamsDecided struct {
	Epoch    committee.Epoch
	Proposal ProposalID
}

// ParamChanged says that a parameter has another value.
type ParamChanged struct {
	Epoch    committee.Epoch // with whose beginning
	Param    ParamID
	From, To uint64 // in the parameter's unit
}

// UpgradeVoted says that a member has voted for a version of the rules.
type UpgradeVoted struct {
	Epoch    committee.Epoch
	Proposal ProposalID
	Node     committee.NodeID // that voted
	Weight   uint16           // shards of all that vote for it now
	Version  uint64
	Start    committee.Epoch // first in which it would hold
	Digest   [32]byte        // SHA-256 of the release that knows the version
}

// ProtocolDecided says that another version of the rules will hold.
type ProtocolDecided struct {
	Epoch   committee.Epoch
	Version uint64
	Start   committee.Epoch // first in which it holds
	Digest  [32]byte        // SHA-256 of the release that knows the version; zero if decided by certificate
}

// DenyListAnnounced says that a node has a new list of blobs that it does not
// want to serve.
type DenyListAnnounced struct {
	Epoch    committee.Epoch
	Node     committee.NodeID
	Root     [32]byte // of the list
	Sequence uint64
}

// DenyListUpdated says that a quorum has consented to a node's deny list.
type DenyListUpdated struct {
	Epoch    committee.Epoch
	Node     committee.NodeID
	Root     [32]byte // of the list
	Sequence uint64
	Size     uint64 // encoded bytes of the blobs on it
}

// DeniedBlobDeleted says that nodes delete a blob.
type DeniedBlobDeleted struct {
	Epoch  committee.Epoch
	BlobID shard.BlobID
}

func (ParamsVoted) kind() string       { return "params_voted" }
func (ParamsDecided) kind() string     { return "params_decided" }
func (ParamChanged) kind() string      { return "param_changed" }
func (UpgradeVoted) kind() string      { return "upgrade_voted" }
func (ProtocolDecided) kind() string   { return "protocol_decided" }
func (DenyListAnnounced) kind() string { return "deny_list_announced" }
func (DenyListUpdated) kind() string   { return "deny_list_updated" }
func (DeniedBlobDeleted) kind() string { return "denied_blob_deleted" }

func (v *ParamsVoted) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.fixed(v.Proposal[:])
	c.node(&v.Node)
	c.u16(&v.Weight)
}

func (v *ParamsDecided) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.fixed(v.Proposal[:])
}

func (v *ParamChanged) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.u16((*uint16)(&v.Param))
	c.u64(&v.From)
	c.u64(&v.To)
}

func (v *UpgradeVoted) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.fixed(v.Proposal[:])
	c.node(&v.Node)
	c.u16(&v.Weight)
	c.u64(&v.Version)
	c.epoch(&v.Start)
	c.fixed(v.Digest[:])
}

func (v *ProtocolDecided) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.u64(&v.Version)
	c.epoch(&v.Start)
	c.fixed(v.Digest[:])
}

func (v *DenyListAnnounced) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.node(&v.Node)
	c.fixed(v.Root[:])
	c.u64(&v.Sequence)
}

func (v *DenyListUpdated) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.node(&v.Node)
	c.fixed(v.Root[:])
	c.u64(&v.Sequence)
	c.u64(&v.Size)
}

func (v *DeniedBlobDeleted) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.blobID(&v.BlobID)
}
