package ledger

import (
	"errors"
	"fmt"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// StatusKind says what the ledger knows of a blob ID, from nothing upwards.
type StatusKind uint8

const (
	// StatusNone is a blob ID without a living object.
	StatusNone StatusKind = iota
	// StatusRegistered is one that is announced and not yet available.
	StatusRegistered
	// StatusDeletable is one that is available until its owner deletes it.
	StatusDeletable
	// StatusPermanent is one that is available until its end.
	StatusPermanent
)

var statusNames = [...]string{"nonexistent", "registered", "deletable", "permanent"}

// String returns the word for k.
func (k StatusKind) String() string {
	if int(k) < len(statusNames) {
		return statusNames[k]
	}
	return fmt.Sprintf("status %d", uint8(k))
}

// Status is the strongest claim to a blob ID that holds in the running epoch.
type Status struct {
	Kind  StatusKind
	Epoch committee.Epoch // in which this is said
	Blob  Blob            // the object behind the claim; zero for StatusNone
}

// Available tells whether a quorum holds the blob.
func (s Status) Available() bool { return s.Kind >= StatusDeletable }

// ReadStatus returns the strongest living claim to a blob ID; among equal ones
// that which lasts longest.
func ReadStatus(r Reader, id shard.BlobID) (Status, error) {
	sys, err := ReadSystem(r)
	if err != nil {
		return Status{}, err
	}
	out := Status{Epoch: sys.Epoch}
	prefix := append([]byte{keyBlobIndex}, id[:]...)
	for rank, kind := range [ranks]StatusKind{StatusPermanent, StatusDeletable, StatusRegistered, StatusRegistered} {
		b, ok, err := firstOfRank(r, prefix, byte(rank))
		if err != nil {
			return Status{}, err
		}
		if ok && sys.Epoch < b.Storage.End {
			out.Kind, out.Blob = kind, b
			return out, nil
		}
	}
	return out, nil
}

// ReadClaim returns the living object by which a blob is kept with the given
// persistence, certified or not: for a deletable one the object that is named,
// for a permanent one that which lasts longest. It returns false if there is
// none; then nobody may confirm to hold the blob in that way.
func ReadClaim(r Reader, id shard.BlobID, p committee.Persistence) (Blob, bool, error) {
	sys, err := ReadSystem(r)
	if err != nil {
		return Blob{}, false, err
	}
	if p.Deletable {
		b, err := ReadBlob(r, p.Object)
		if err != nil {
			return Blob{}, false, ignoreNotFound(err)
		}
		return b, b.BlobID == id && b.Deletable && sys.Epoch < b.Storage.End, nil
	}
	prefix := append([]byte{keyBlobIndex}, id[:]...)
	for _, rank := range []byte{rankPermanent, rankRegisteredPermanent} {
		b, ok, err := firstOfRank(r, prefix, rank)
		if err != nil {
			return Blob{}, false, err
		}
		if ok && sys.Epoch < b.Storage.End {
			return b, true, nil
		}
	}
	return Blob{}, false, nil
}

func ignoreNotFound(err error) error {
	var refusal *Error
	if errors.As(err, &refusal) && refusal.Code == CodeNotFound {
		return nil
	}
	return err
}

func firstOfRank(r Reader, prefix []byte, rank byte) (Blob, bool, error) {
	var object committee.ObjectID
	found := false
	start := append(append([]byte(nil), prefix...), rank)
	end := append(append([]byte(nil), prefix...), rank+1)
	r.Ascend(start, end, func(key, _ []byte) bool {
		if found = len(key) == indexKeySize; found {
			copy(object[:], key[len(key)-len(object):])
		}
		return false
	})
	if !found {
		return Blob{}, false, nil
	}
	b, err := ReadBlob(r, object)
	return b, err == nil, err
}

// AscendAvailable visits, in the order of their IDs and from the given one on,
// the blob IDs that are certified and not ended, each once, until visit
// returns false.
func AscendAvailable(r Reader, from shard.BlobID, visit func(id shard.BlobID, end committee.Epoch) bool) error {
	sys, err := ReadSystem(r)
	if err != nil {
		return err
	}
	var last shard.BlobID
	seen, foreign := false, false
	start := append([]byte{keyBlobIndex}, from[:]...)
	r.Ascend(start, []byte{keyBlobIndex + 1}, func(key, _ []byte) bool {
		if foreign = len(key) != indexKeySize; foreign {
			return false
		}
		id := shard.BlobID(key[1 : 1+len(from)])
		rank := key[1+len(from)]
		if seen && id == last || rank > rankDeletable {
			return true
		}
		end := indexEnd(key)
		if sys.Epoch >= end {
			return true
		}
		last, seen = id, true
		return visit(id, end)
	})
	if foreign {
		return fmt.Errorf("%w: a key of the blob index has another size", bcs.ErrMalformed)
	}
	return nil
}

// indexEnd reads the end epoch out of a key of the blob index.
func indexEnd(key []byte) committee.Epoch {
	const at = 1 + 32 + 1
	inverted := uint32(key[at])<<24 | uint32(key[at+1])<<16 | uint32(key[at+2])<<8 | uint32(key[at+3])
	return committee.Epoch(^inverted)
}
