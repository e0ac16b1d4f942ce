// Package committee says who is responsible in an epoch and what they have signed.
//
// # Words
//
// A member is a storage node with the shards assigned to it; its weight is the
// number of those shards. A committee is the members of one epoch; together
// they hold every shard once. A confirmation is one member's signed statement
// that it holds all it should of a blob; a certificate is the statements of a
// quorum, aggregated into one signature.
//
// # Invariants
//
// A [Committee] never changes once made; members are sorted by [NodeID]. Quorum
// and validity are decided by [Quorum] and [Validity] and nowhere else.
//
// # Concurrency
//
// All values are immutable or used by one goroutine; a [Collector] is not safe
// for concurrent use. A [Committee] reads its members' keys when it first
// verifies, once, behind a lock.
//
// # Sources
//
//	[WE] Walrus's exact forms, §5.6–§5.9 (messages, certificates, weights)
//	[WL] Walrus's control plane, §3.6 (apportionment), §3.7 (assignment),
//	     §3.9 (certificates)
package committee

import (
	"errors"
	"fmt"
	"slices"

	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
)

// ErrMembers says that a list of members is no committee: a shard twice or
// not at all, a node twice, or a member without a shard.
var ErrMembers = errors.New("committee: members do not make a committee")

// Epoch numbers the periods for which storage is paid and committees hold.
type Epoch uint32

// Weight is a number of shards.
type Weight int

// Member is a storage node in one committee.
type Member struct {
	ID         NodeID
	Name       string
	BLSKey     bls.PublicKey // verifies its confirmations
	NetworkKey [32]byte      // Ed25519; the peer's identity on the network
	Addrs      []string      // multiaddrs that it declared last; may be out of date
	Shards     []shard.Index // ascending, at least one
}

// Weight returns the number of shards that m holds.
func (m *Member) Weight() Weight { return Weight(len(m.Shards)) }

// Committee is the storage nodes of one epoch. It is immutable; what its
// methods return must not be modified.
type Committee struct {
	epoch   Epoch
	params  shard.Params
	members []Member
	holders []uint16 // by shard: position in members
	keys    *keyring // shared with the same members at other epochs
}

// New makes the committee of an epoch for n shards. It takes the members over
// and sorts them by ID and their shards. It returns [ErrMembers] if they do not
// hold each shard exactly once.
func New(epoch Epoch, n int, members []Member) (*Committee, error) {
	params, err := shard.NewParams(n)
	if err != nil {
		return nil, fmt.Errorf("committee of %d shards: %w", n, err)
	}
	slices.SortFunc(members, func(a, b Member) int { return a.ID.Compare(b.ID) })
	const nobody = 0xffff
	holders := make([]uint16, n)
	for i := range holders {
		holders[i] = nobody
	}
	for i := range members {
		m := &members[i]
		if i > 0 && m.ID == members[i-1].ID {
			return nil, fmt.Errorf("%w: node %v twice", ErrMembers, m.ID)
		}
		if len(m.Shards) == 0 {
			return nil, fmt.Errorf("%w: node %v holds no shard", ErrMembers, m.ID)
		}
		slices.Sort(m.Shards)
		for _, s := range m.Shards {
			if int(s) >= n || holders[s] != nobody {
				return nil, fmt.Errorf("%w: shard %d of node %v", ErrMembers, s, m.ID)
			}
			holders[s] = uint16(i)
		}
	}
	if i := slices.Index(holders, nobody); i >= 0 {
		return nil, fmt.Errorf("%w: nobody holds shard %d", ErrMembers, i)
	}
	return &Committee{epoch: epoch, params: params, members: members, holders: holders, keys: &keyring{members: members}}, nil
}

// Epoch returns the epoch in which the committee is responsible.
func (c *Committee) Epoch() Epoch { return c.epoch }

// AtEpoch returns the same members for another epoch. What verifying has worked
// out about their keys is shared: keep a committee as long as its members last.
func (c *Committee) AtEpoch(e Epoch) *Committee {
	d := *c
	d.epoch = e
	return &d
}

// Params returns the shapes of blobs encoded for this committee.
func (c *Committee) Params() shard.Params { return c.params }

// Shards returns the number of shards, which is the sum of all weights.
func (c *Committee) Shards() int { return len(c.holders) }

// Members returns all members, sorted by ID.
func (c *Committee) Members() []Member { return c.members }

// Member returns the member with the given ID, nil if there is none.
func (c *Committee) Member(id NodeID) *Member {
	i := c.IndexOf(id)
	if i < 0 {
		return nil
	}
	return &c.members[i]
}

// IndexOf returns the position among the members of the node with the given
// ID, -1 if it is not a member.
func (c *Committee) IndexOf(id NodeID) int {
	i, ok := slices.BinarySearchFunc(c.members, id, func(m Member, id NodeID) int { return m.ID.Compare(id) })
	if !ok {
		return -1
	}
	return i
}

// ByNetworkKey returns the member with the given network key, nil if there is none.
func (c *Committee) ByNetworkKey(key [32]byte) *Member {
	i := slices.IndexFunc(c.members, func(m Member) bool { return m.NetworkKey == key })
	if i < 0 {
		return nil
	}
	return &c.members[i]
}

// Holder returns the member that holds shard s, which must be below Shards.
func (c *Committee) Holder(s shard.Index) *Member { return &c.members[c.holders[s]] }

// HolderOfPair returns the member that holds a pair of a blob.
func (c *Committee) HolderOfPair(id shard.BlobID, p shard.PairIndex) *Member {
	return c.Holder(c.params.ShardOf(id, p))
}
