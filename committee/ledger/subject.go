package ledger

import (
	"slices"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// Subjects is what an event is about, each listed once, in the order of the
// event's fields: a follower picks the events that it wants by them.
type Subjects struct {
	Blobs    []shard.BlobID
	Objects  []committee.ObjectID
	Accounts []Address // owners, senders and receivers
	Nodes    []committee.NodeID
	Epochs   []committee.Epoch // in which it happened, and that it begins or ends something with
}

// Subjects returns what the event is about; [ErrEvent] if it is none.
func (ev Event) Subjects() (Subjects, error) {
	var about Subjects
	_, err := ev.parse(&about)
	return about, err
}

// note adds to a list what is not zero and not yet in it.
func note[T comparable](list *[]T, v T) {
	var none T
	if v != none && !slices.Contains(*list, v) {
		*list = append(*list, v)
	}
}
