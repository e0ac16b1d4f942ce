package committee

import (
	"fmt"
	"slices"

	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// leastMember is the fewest bytes that a member takes: with one shard.
const leastMember = 32 + bls.PublicKeySize + 32 + 1 + 2

// AppendBinary appends to b all of the committee that it takes to check a
// certificate and to know who holds which shard, in a form that is the same for
// equal committees. Names and addresses are not in it. The error is always nil.
//
//	epoch    u32
//	shards   u16
//	members  sequence, ascending by ID:
//	         ID 32 ‖ BLS key 48 ‖ network key 32 ‖ shards: sequence of u16, ascending
//
// Numbers, counts and sequences are as in BCS.
func (c *Committee) AppendBinary(b []byte) ([]byte, error) {
	e := bcs.NewEncoder(b)
	e.U32(uint32(c.epoch))
	e.U16(uint16(c.Shards()))
	e.Count(len(c.members))
	for i := range c.members {
		m := &c.members[i]
		e.Fixed(m.ID[:])
		e.Fixed(m.BLSKey[:])
		e.Fixed(m.NetworkKey[:])
		e.Count(len(m.Shards))
		for _, s := range m.Shards {
			e.U16(uint16(s))
		}
	}
	return e.Data(), nil
}

// ParseCommittee reads what AppendBinary writes and nothing else; b is not kept.
// Whoever wrote b chose its keys: certificates that the committee verifies mean
// something only once b is known to come from the ledger. Errors:
// [bcs.ErrMalformed], [ErrMembers], or a number of shards that no network has.
func ParseCommittee(b []byte) (*Committee, error) {
	d := bcs.NewDecoder(b)
	epoch := Epoch(d.U32())
	left := int(d.U16()) // shards that nobody holds yet
	n := left
	members := make([]Member, d.Count(n, leastMember))
	for i := range members {
		m := &members[i]
		d.Fixed(m.ID[:])
		d.Fixed(m.BLSKey[:])
		d.Fixed(m.NetworkKey[:])
		m.Shards = make([]shard.Index, d.Count(left, 2))
		left -= len(m.Shards)
		for j := range m.Shards {
			m.Shards[j] = shard.Index(d.U16())
		}
		if i > 0 && members[i-1].ID.Compare(m.ID) >= 0 {
			d.Fail("members are not in the order of IDs")
		}
		if !slices.IsSorted(m.Shards) {
			d.Fail("shards are not in order")
		}
		if d.Err() != nil {
			break
		}
	}
	if err := d.Finish(); err != nil {
		return nil, fmt.Errorf("committee of %d bytes: %w", len(b), err)
	}
	return New(epoch, n, members)
}
