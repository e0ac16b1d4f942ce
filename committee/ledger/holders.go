package ledger

import (
	"slices"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// ReadHolders returns the running committee with the shards that are being handed
// over at their former holders: who has them as far as the ledger knows. Nil if
// no shard is being handed over.
func ReadHolders(r Reader) (*committee.Committee, error) {
	sys, err := ReadSystem(r)
	open := openMoves(r)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	running, err := ReadCommitteeAt(r, sys.Epoch)
	if err != nil {
		return nil, err
	}
	before, err := ReadCommitteeAt(r, sys.Epoch-1)
	if err != nil {
		return nil, err
	}
	var members []committee.Member
	for s := range shard.Index(running.Shards()) {
		from := running.Holder(s)
		if slices.ContainsFunc(open, func(m Move) bool { return m.Shard == s }) {
			from = before.Holder(s)
		}
		at := slices.IndexFunc(members, func(m committee.Member) bool { return m.ID == from.ID })
		if at < 0 {
			m := *from
			m.Shards = nil
			at, members = len(members), append(members, m)
		}
		members[at].Shards = append(members[at].Shards, s)
	}
	slices.SortFunc(members, func(a, b committee.Member) int { return a.ID.Compare(b.ID) })
	return committee.New(sys.Epoch, running.Shards(), members)
}

// ReadKept returns the shards that a node has to keep, in no order and some of
// them twice: those that it holds now or in the epoch whose committee is chosen,
// and those that it held before as long as somebody may read or take them.
func ReadKept(r Reader, id committee.NodeID) ([]shard.Index, error) {
	sys, err := ReadSystem(r)
	if err != nil {
		return nil, err
	}
	epochs := []committee.Epoch{sys.Epoch}
	if sys.Phase == PhaseSelected {
		epochs = append(epochs, sys.Epoch+1)
	}
	if sys.Phase == PhaseHandover && sys.Epoch > firstEpoch {
		epochs = append(epochs, sys.Epoch-1)
	}
	duty, err := ReadDuty(r, id)
	kept := duty.Give
	for _, e := range epochs {
		if err != nil {
			return nil, err
		}
		var a assignment
		if a, err = readAssignment(r, e); err == nil {
			if at := a.find(id); at >= 0 {
				kept = append(kept, a.Members[at].Shards...)
			}
		}
	}
	return kept, err
}

// ReadCertifiedBefore returns the blob IDs that are certified, not ended and not
// invalid, and were certified before an epoch, ascending.
func ReadCertifiedBefore(r Reader, e committee.Epoch) ([]shard.BlobID, error) {
	var ids []shard.BlobID
	var fault error
	err := AscendAvailable(r, shard.BlobID{}, func(id shard.BlobID, _ committee.Epoch) bool {
		var s Status
		if s, fault = ReadStatus(r, id); fault == nil && s.Available() && s.Blob.Certified < e {
			ids = append(ids, id)
		}
		return fault == nil
	})
	if err == nil {
		err = fault
	}
	return ids, err
}

// ReadTaker tells whether a network key is that of a member of the running or,
// if it is chosen, the next committee: of one that may have shards to take over.
func ReadTaker(r Reader, network [32]byte) (bool, error) {
	sys, err := ReadSystem(r)
	if err != nil {
		return false, err
	}
	for _, e := range []committee.Epoch{sys.Epoch, sys.Epoch + 1} {
		a, err := readAssignment(r, e)
		if err != nil {
			return false, ignoreNotFound(err)
		}
		if slices.ContainsFunc(a.Members, func(m assigned) bool { return m.NetworkKey == network }) {
			return true, nil
		}
	}
	return false, nil
}
