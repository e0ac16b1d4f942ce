package ledger

import (
	"bytes"
	"encoding/binary"
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
	// StatusInvalid is one that was encoded wrongly: it cannot be read.
	StatusInvalid
)

var statusNames = [...]string{"nonexistent", "registered", "deletable", "permanent", "invalid"}

// String returns the word for k.
func (k StatusKind) String() string {
	if int(k) < len(statusNames) {
		return statusNames[k]
	}
	return fmt.Sprintf("status %d", uint8(k))
}

// Status is the strongest claim to a blob ID that holds in the running epoch.
type Status struct {
	Kind    StatusKind
	Epoch   committee.Epoch // in which this is said
	Blob    Blob            // the object behind the claim; zero for StatusNone and StatusInvalid
	Invalid Invalid         // by what it is known; zero unless StatusInvalid
}

// Available tells whether a quorum holds the blob.
func (s Status) Available() bool { return s.Kind == StatusDeletable || s.Kind == StatusPermanent }

// Gone tells whether nobody needs to keep the blob: no object calls for it, or
// it is of no use.
func (s Status) Gone() bool { return s.Kind == StatusNone || s.Kind == StatusInvalid }

// strengths are the ranks of objects that are not in a pool, strongest first,
// with what they make of a blob ID.
func strengths() [4]StatusKind {
	return [...]StatusKind{
		rankPermanent >> 1: StatusPermanent, rankDeletable >> 1: StatusDeletable,
		rankRegisteredPermanent >> 1: StatusRegistered, rankRegisteredDeletable >> 1: StatusRegistered,
	}
}

// ReadStatus returns the strongest living claim to a blob ID; among equal ones
// that which lasts longest, or if there are only such in pools, the longest of
// some of them.
func ReadStatus(r Reader, id shard.BlobID) (Status, error) {
	sys, err := ReadSystem(r)
	if err != nil {
		return Status{}, err
	}
	out := Status{Epoch: sys.Epoch}
	var invalid bool
	if out.Invalid, invalid, err = ReadBlobInvalid(r, id); err != nil || invalid {
		out.Kind = StatusInvalid
		return out, err
	}
	for i, kind := range strengths() {
		b, ok, err := longest(r, id, byte(i<<1), sys.Epoch)
		if err != nil {
			return Status{}, err
		}
		if ok {
			out.Kind, out.Blob = kind, b
			return out, nil
		}
	}
	return out, nil
}

// ReadClaim returns the living object by which a blob is kept with the given
// persistence, certified or not: for a deletable one the object that is named,
// for a permanent one that which lasts longest. It returns false if there is
// none or the blob is invalid: then nobody may confirm to hold the blob in that
// way.
func ReadClaim(r Reader, id shard.BlobID, p committee.Persistence) (Blob, bool, error) {
	sys, err := ReadSystem(r)
	if err != nil {
		return Blob{}, false, err
	}
	if _, invalid, err := ReadBlobInvalid(r, id); err != nil || invalid {
		return Blob{}, false, err
	}
	if p.Deletable {
		b, err := ReadBlob(r, p.Object)
		if err != nil {
			return Blob{}, false, ignoreNotFound(err)
		}
		return b, b.BlobID == id && b.Deletable && sys.Epoch < b.Storage.End, nil
	}
	for _, rank := range []byte{rankPermanent, rankRegisteredPermanent} {
		if b, ok, err := longest(r, id, rank, sys.Epoch); err != nil || ok {
			return b, ok, err
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

// maxPooledClaims bounds how many living claims in pools are compared.
const maxPooledClaims = 8

// longest returns the living object of a rank that lasts longest; one in a pool
// only if there is no other. Objects in pools that have ended and wait to be
// collected are passed over: there is at most one in each pool.
func longest(r Reader, id shard.BlobID, rank byte, now committee.Epoch) (Blob, bool, error) {
	var best listed
	living, ended := 0, false
	look := func(from byte) error {
		return ascendListed(r, rankKey(id, from), rankKey(id, rank+2), func(o listed) bool {
			if !o.pooled { // the first of these lasts longest
				best, ended = o, o.end <= now
				return false
			}
			if o.end > now {
				living++
			}
			if o.end > max(now, best.end) {
				best = o
			}
			return living < maxPooledClaims
		})
	}
	err := look(rank)
	if err == nil && ended {
		best = listed{}
		err = look(rank | rankPooled)
	}
	if err != nil || best.end == 0 {
		return Blob{}, false, err
	}
	b, err := ReadBlob(r, best.object)
	return b, err == nil, err
}

// AscendAvailable visits, in the order of their IDs and from the given one on,
// the blob IDs that are certified, not ended and not invalid, each once, until
// visit returns false.
func AscendAvailable(r Reader, from shard.BlobID, visit func(id shard.BlobID, end committee.Epoch) bool) error {
	sys, err := ReadSystem(r)
	if err != nil {
		return err
	}
	var last shard.BlobID
	seen := false
	invalid := knownInvalid(r)
	return ascendListed(r, rankKey(from, 0), []byte{keyBlobIndex + 1}, func(o listed) bool {
		if seen && o.id == last || o.rank >= rankRegisteredPermanent || sys.Epoch >= o.end || invalid(o.id) {
			return true
		}
		last, seen = o.id, true
		return visit(o.id, o.end)
	})
}

// knownInvalid returns a function that tells of blob IDs whether they are
// recorded as invalid. It must be asked of them in their order; then it reads
// little more than the records there are.
func knownInvalid(r Reader) func(shard.BlobID) bool {
	var next shard.BlobID // the first that is recorded, from the last one asked of on
	known, none := false, false
	return func(id shard.BlobID) bool {
		if none {
			return false
		}
		if !known || bytes.Compare(next[:], id[:]) < 0 {
			known, none = true, true
			r.Ascend(InvalidKey(id), []byte{keyInvalid + 1}, func(key, _ []byte) bool {
				none = len(key) != 1+len(next)
				copy(next[:], key[1:])
				return false
			})
		}
		return !none && next == id
	}
}

// listed is an entry of the blob index.
type listed struct {
	id     shard.BlobID
	rank   byte
	pooled bool
	object committee.ObjectID
	end    committee.Epoch // that of the pool for one in a pool
}

// rankKey is where the entries of a blob ID begin that are of a rank.
func rankKey(id shard.BlobID, rank byte) []byte {
	return append(append([]byte{keyBlobIndex}, id[:]...), rank)
}

// ascendListed visits the entries of the blob index between two keys.
func ascendListed(r Reader, start, end []byte, visit func(listed) bool) error {
	var fault error
	r.Ascend(start, end, func(key, value []byte) bool {
		var o listed
		if o, fault = readListed(r, key, value); fault != nil {
			return false
		}
		return visit(o)
	})
	return fault
}

func readListed(r Reader, key, value []byte) (listed, error) {
	if len(key) != indexKeySize {
		return listed{}, fmt.Errorf("%w: a key of the blob index has %d bytes", bcs.ErrMalformed, len(key))
	}
	o := listed{id: shard.BlobID(key[1:])}
	key = key[1+len(o.id):]
	o.rank, o.pooled = key[0], key[0]&rankPooled != 0
	o.end = committee.Epoch(^binary.BigEndian.Uint32(key[1:]))
	o.object = committee.ObjectID(key[5:])
	if !o.pooled {
		return o, nil
	}
	if len(value) != len(o.object) {
		return o, fmt.Errorf("%w: an entry of the blob index names no pool", bcs.ErrMalformed)
	}
	p, err := ReadPool(r, committee.ObjectID(value))
	if err != nil {
		return o, fmt.Errorf("blob object %v: %v", o.object, err) //nolint:errorlint // not as a refusal: the object is there
	}
	o.end = p.End
	return o, nil
}
