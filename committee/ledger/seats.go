package ledger

import (
	"bytes"
	"slices"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard/bcs"
)

// seats remembers who is in the committees that every message about stake asks
// for, the running one and the next: to read them takes longer than the rest of
// such a message.
type seats [2]seating

type seating struct {
	record  []byte             // the value that was read
	members []committee.NodeID // ascending
}

// seated tells whether a node is in the committee of an epoch that has begun or
// whose committee is chosen.
func (x *execution) seated(e committee.Epoch, id committee.NodeID) bool {
	if x.seats == nil {
		x.seats = new(seats)
	}
	record := x.state.Get(epochKey(keyCommittee, e))
	if since := committee.Epoch(bcs.NewDecoder(record).U32()); since != e { // the first field; see readAssignment
		record = x.state.Get(epochKey(keyCommittee, since))
	}
	known := &x.seats[e%2]
	if known.members == nil || !bytes.Equal(known.record, record) {
		a := x.assignment(e)
		known.record, known.members = bytes.Clone(record), make([]committee.NodeID, len(a.Members))
		for i, m := range a.Members {
			known.members[i] = m.ID
		}
	}
	_, ok := slices.BinarySearchFunc(known.members, id, committee.NodeID.Compare)
	return ok
}
