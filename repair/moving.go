package repair

import (
	"slices"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// shards returns those of a member's shards that are to be repaired: not those
// that are being moved here.
func (r *Repairer) shards(self *committee.Member) []shard.Index {
	if r.cfg.Moving == nil {
		return self.Shards
	}
	return slices.DeleteFunc(slices.Clone(self.Shards), r.cfg.Moving)
}

// holders returns who is asked, when c is the running committee.
func (r *Repairer) holders(c *committee.Committee) *committee.Committee {
	if r.cfg.Holders != nil {
		if h := r.cfg.Holders(); h != nil {
			return h
		}
	}
	return c
}
