package ledger

import (
	"fmt"
	"slices"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard/bcs"
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

// CommitteeKey returns where the committee of an epoch stands in the state.
func CommitteeKey(e committee.Epoch) []byte { return epochKey(keyCommittee, e) }

// ParseCommittee reads the value under a [CommitteeKey] in a network of so many
// shards. If the epoch's committee is that of an earlier epoch, it returns that
// epoch, under whose key it stands, and no committee; the caller sets the epoch
// of what it finds there with [committee.Committee.AtEpoch]. A value that makes
// no committee is an error.
func ParseCommittee(value []byte, e committee.Epoch, shards int) (*committee.Committee, committee.Epoch, error) {
	a, err := parse[assignment](value, "committee")
	if err != nil {
		return nil, 0, err
	}
	if a.Since > e {
		return nil, 0, fmt.Errorf("%w: a committee since epoch %d under epoch %d", bcs.ErrMalformed, a.Since, e)
	}
	if a.Since != e {
		return nil, a.Since, nil
	}
	c, err := a.committee(e, shards)
	return c, e, err
}

// ParseParams reads the value under [KeyParams]; [bcs.ErrMalformed] if it is none.
func ParseParams(value []byte) (Params, error) { return parse[Params](value, "params") }

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
