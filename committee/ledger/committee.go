package ledger

import (
	"fmt"
	"slices"

	"github.com/floe-storage/floe/committee"
)

// ReadCommittee returns the committee of the running epoch.
func ReadCommittee(r Reader) (*committee.Committee, error) {
	sys, err := ReadSystem(r)
	if err != nil {
		return nil, err
	}
	return ReadCommitteeAt(r, sys.Epoch)
}

// ReadCommitteeAt returns the committee of an epoch: of a past one, the running
// one, or the next one if it is chosen. An *Error of CodeNotFound if there is
// none. A member's name and addresses are those that it declared last while it
// was one.
func ReadCommitteeAt(r Reader, e committee.Epoch) (*committee.Committee, error) {
	params, err := ReadParams(r)
	if err != nil {
		return nil, err
	}
	a, err := readAssignment(r, e)
	if err != nil {
		return nil, err
	}
	return a.committee(e, int(params.Shards))
}

func (a assignment) committee(e committee.Epoch, shards int) (*committee.Committee, error) {
	members := make([]committee.Member, len(a.Members))
	for i, m := range a.Members {
		members[i] = committee.Member{
			ID: m.ID, Name: m.Name, BLSKey: m.BLSKey, NetworkKey: m.NetworkKey, Addrs: m.Addrs, Shards: slices.Clone(m.Shards),
		}
	}
	return committee.New(e, shards, members)
}

// readAssignment returns the assignment of an epoch. One that did not change
// stands under the epoch since which it holds.
func readAssignment(r Reader, e committee.Epoch) (assignment, error) {
	a, err := read[assignment](r, epochKey(keyCommittee, e), fmt.Sprintf("committee of epoch %d", e))
	if err != nil || a.Since == e {
		return a, err
	}
	return read[assignment](r, epochKey(keyCommittee, a.Since), fmt.Sprintf("committee of epoch %d", a.Since))
}

// setAssignment writes who holds which shards from an epoch on.
func setAssignment(s Store, e committee.Epoch, a assignment) {
	a.Since = e
	s.Set(epochKey(keyCommittee, e), encode(a))
}

// keepAssignment says that an epoch has the assignment of the one before.
func keepAssignment(s Store, e committee.Epoch, a assignment) {
	s.Set(epochKey(keyCommittee, e), encode(assignment{Since: a.Since}))
}
