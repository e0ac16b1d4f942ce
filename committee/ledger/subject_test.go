package ledger

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// Each ID and epoch that stands in an event is one of its subjects. One that is
// missing here was not listed to the codec by its type: blobID, object, node,
// address or epoch.
func TestSubjects(t *testing.T) {
	t.Parallel()
	for _, v := range goldenEvents() {
		var want Subjects
		collect(reflect.ValueOf(v), &want)
		got, err := toEvent(v).Subjects()
		if err != nil || !reflect.DeepEqual(sorted(got), sorted(want)) {
			t.Errorf("%s: got %+v, %v, want %+v", v.kind(), got, err, want)
		}
	}
	if _, err := (Event{Kind: "unheard_of"}).Subjects(); !errors.Is(err, ErrEvent) {
		t.Errorf("an unknown kind: got %v, want ErrEvent", err)
	}
	same := toEvent(ObjectTransferred{From: Address{1}, To: Address{1}})
	if got, err := same.Subjects(); err != nil || len(got.Accounts) != 1 || len(got.Objects) != 0 {
		t.Errorf("from an account to itself: got %+v, %v, want it once and no object", got, err)
	}
}

// collect adds what is in v by its Go types.
func collect(v reflect.Value, out *Subjects) {
	switch id := v.Interface().(type) {
	case shard.BlobID:
		note(&out.Blobs, id)
	case committee.ObjectID:
		note(&out.Objects, id)
	case committee.NodeID:
		note(&out.Nodes, id)
	case Address:
		note(&out.Accounts, id)
	case committee.Epoch:
		note(&out.Epochs, id)
	default:
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				collect(v.Field(i), out)
			}
		}
		if v.Kind() == reflect.Slice {
			for i := range v.Len() {
				collect(v.Index(i), out)
			}
		}
	}
}

func sorted(s Subjects) Subjects {
	slices.SortFunc(s.Blobs, func(a, b shard.BlobID) int { return slices.Compare(a[:], b[:]) })
	slices.SortFunc(s.Objects, func(a, b committee.ObjectID) int { return slices.Compare(a[:], b[:]) })
	slices.SortFunc(s.Accounts, func(a, b Address) int { return slices.Compare(a[:], b[:]) })
	slices.SortFunc(s.Nodes, committee.NodeID.Compare)
	slices.Sort(s.Epochs)
	return s
}
