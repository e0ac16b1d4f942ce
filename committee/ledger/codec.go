package ledger

import (
	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
)

// Limits of what the state, a genesis and transactions may hold.
const (
	maxChainID  = 50   // bytes, as CometBFT has it
	maxMembers  = 1000 // nodes of a committee
	maxName     = 100  // bytes. [WL] §0.9
	maxAddrs    = 16   // multiaddrs of a node
	maxAddr     = 259  // bytes. [WL] §0.9
	maxLink     = 500  // bytes of a text or address on a node's card
	maxAccounts = 100_000
)

func (p *Params) fields(c *codec) {
	c.text(&p.ChainID, maxChainID)
	c.u16(&p.Shards)
	c.u64(&p.EpochDuration)
	c.u64(&p.HandoverBlocks)
	c.u32(&p.MaxEpochsAhead)
	c.u32(&p.CommitteeSize)
	c.u64(&p.Capacity)
	c.u64(&p.StoragePrice)
	c.u64(&p.WritePrice)
	c.u64(&p.FeePerByte)
	c.u64(&p.FeePerWork)
	c.u16(&p.DepositRate)
	c.u64(&p.NodeDeposit)
	c.u64(&p.MinStake)
	c.u16(&p.BurnRate)
	c.u16(&p.DoubleSignPenalty)
	c.u16(&p.SenderPenalty)
	c.u16(&p.ReceiverPenalty)
	c.u32(&p.SubsidyRate)
	c.u64(&p.NodeSubsidy)
	c.u64(&p.ShardSubsidy)
}

func (s *System) fields(c *codec) {
	c.epoch(&s.Epoch)
	c.u64(&s.EpochStart)
	c.u64(&s.Supply)
	c.u8((*uint8)(&s.Phase))
	c.u64(&s.Settled)
	c.u64(&s.Deadline)
	c.u16(&s.Synced)
	c.u64(&s.Capacity)
	s.Protocol.fields(c)
}

func (p *Protocol) fields(c *codec) {
	c.u64(&p.Version)
	c.epoch(&p.Start)
}

func (a *Account) fields(c *codec) {
	c.u64(&a.Balance)
	c.u64(&a.Nonce)
}

func (r *ringEntry) fields(c *codec) {
	c.u64(&r.Used)
	c.u64(&r.Rewards)
	c.u64(&r.Subsidized)
}

func (p *Profile) fields(c *codec) {
	c.text(&p.Name, maxName)
	c.text(&p.Image, maxLink)
	c.text(&p.Project, maxLink)
	c.text(&p.Description, maxLink)
}

func (v *Votes) fields(c *codec) {
	c.u64(&v.StoragePrice)
	c.u64(&v.WritePrice)
	c.u64(&v.Capacity)
}

func (k *Candidate) fields(c *codec) {
	k.Profile.fields(c)
	c.fixed(k.Account[:])
	c.fixed(k.BLSKey[:])
	c.fixed(k.Possession[:])
	c.fixed(k.NetworkKey[:])
	c.fixed(k.ConsensusKey[:])
	addrs(c, &k.Addrs)
	c.u16(&k.Commission)
	k.Votes.fields(c)
}

func addrs(c *codec, v *[]string) {
	list(c, v, maxAddrs, 1, func(c *codec, a *string) { c.text(a, maxAddr) })
}

// leastCandidate is the size of a candidate whose texts and lists are empty.
const leastCandidate = 4 + 32 + bls.PublicKeySize + bls.SignatureSize + 32 + 32 + 1 + 2 + 24

func (f *Founder) fields(c *codec) {
	f.Candidate.fields(c)
	c.u64(&f.Stake)
}

func (n *Node) fields(c *codec) {
	c.fixed(n.ID[:])
	n.Candidate.fields(c)
	c.fixed(n.NextKey[:])
	c.u64(&n.Stake)
	c.u64(&n.Deposit)
	c.u16(&n.Score)
	c.epoch(&n.Synced)
	c.bool(&n.Exiting)
}

// assignment is who holds which shards from an epoch on: the value under
// keyCommittee. It is all that the past needs to know of a committee.
type assignment struct {
	Since   committee.Epoch // the members stand under this epoch if there are none here
	Members []assigned
}

// assigned is a member with the keys that it had when the committee was chosen.
type assigned struct {
	ID           committee.NodeID
	Name         string
	BLSKey       bls.PublicKey
	NetworkKey   [32]byte
	ConsensusKey [32]byte
	Addrs        []string
	Shards       []shard.Index
}

func (a *assignment) fields(c *codec) {
	const least = 32 + 1 + bls.PublicKeySize + 32 + 32 + 1 + 1
	c.epoch(&a.Since)
	list(c, &a.Members, maxMembers, least, func(c *codec, m *assigned) {
		c.fixed(m.ID[:])
		c.text(&m.Name, maxName)
		c.fixed(m.BLSKey[:])
		c.fixed(m.NetworkKey[:])
		c.fixed(m.ConsensusKey[:])
		addrs(c, &m.Addrs)
		shardList(c, &m.Shards)
	})
}
