package ledger

import (
	"bytes"
	"slices"

	"github.com/floe-storage/floe/committee"
)

// ObjectKind says what an object is. The numbers stand in the index of owners
// and never change their meaning.
type ObjectKind uint8

// The kinds of objects.
const (
	KindStorage ObjectKind = iota + 1
	KindBlob
	KindPool
	KindStake
)

// String returns the words for k.
func (k ObjectKind) String() string {
	switch k {
	case KindStorage:
		return "storage"
	case KindBlob:
		return "blob"
	case KindPool:
		return "pool"
	case KindStake:
		return "stake"
	}
	return "object"
}

// key returns where an object of the kind stands in the state.
func (k ObjectKind) key(id committee.ObjectID) []byte {
	switch k {
	case KindStorage:
		return objectKey(keyStorage, id)
	case KindBlob:
		return objectKey(keyBlob, id)
	case KindPool:
		return objectKey(keyPool, id)
	case KindStake:
		return objectKey(keyStake, id)
	}
	return nil
}

// objectKinds are all kinds of objects.
func objectKinds() []ObjectKind { return []ObjectKind{KindStorage, KindBlob, KindPool, KindStake} }

// KindOf returns what an object is; false if there is none of that ID.
func KindOf(r Reader, id committee.ObjectID) (ObjectKind, bool) {
	for _, k := range objectKinds() {
		if r.Get(k.key(id)) != nil {
			return k, true
		}
	}
	return 0, false
}

// An indexed record stands under a key of its own and under entries of indexes
// that lead to it.
type indexed interface {
	key() []byte
	bytes() []byte
	entries() []write
}

// put writes a record and its entries in the place of another that it follows
// on; nil for none. Entries that both have are not written again.
func put(s Store, before, after indexed) {
	var old, now []write
	if before != nil {
		old = before.entries()
	}
	if after != nil {
		now = after.entries()
	}
	for _, w := range old {
		if !slices.ContainsFunc(now, w.equal) {
			s.Delete(w.key)
		}
	}
	for _, w := range now {
		if !slices.ContainsFunc(old, w.equal) {
			s.Set(w.key, w.value)
		}
	}
	if after != nil {
		s.Set(after.key(), after.bytes())
	} else {
		s.Delete(before.key())
	}
}

func (w write) equal(o write) bool { return bytes.Equal(w.key, o.key) && bytes.Equal(w.value, o.value) }

// ownerKey is the entry of an object in the index of owners.
func ownerKey(owner Address, kind ObjectKind, id committee.ObjectID) []byte {
	k := append([]byte{keyOwner}, owner[:]...)
	return append(append(k, byte(kind)), id[:]...)
}

// AscendOwned visits the objects of an owner that follow after a kind and an
// ID, by kind and ID, until visit returns false; zero values begin with the
// first. What has ended and is not yet collected is among them. Blobs in a pool
// are not: see [AscendPool].
func AscendOwned(r Reader, owner Address, kind ObjectKind, after committee.ObjectID, visit func(ObjectKind, committee.ObjectID) bool) {
	prefix := append([]byte{keyOwner}, owner[:]...)
	start := append(ownerKey(owner, kind, after), 0)
	r.Ascend(start, append(slices.Clone(prefix), 0xff), func(key, _ []byte) bool {
		rest := key[len(prefix):]
		if len(rest) != 1+len(after) {
			return false // nothing that this package has written
		}
		return visit(ObjectKind(rest[0]), committee.ObjectID(rest[1:]))
	})
}

// object resolves a reference to an object that must be of the given kind.
func (x *execution) object(r Ref, want ObjectKind) (committee.ObjectID, *Error) {
	id, err := x.resolve(r)
	if err != nil {
		return id, err
	}
	switch kind, ok := KindOf(x.state, id); {
	case !ok:
		return id, refuse(CodeNotFound, "no object %v", id)
	case kind != want:
		return id, refuse(CodeWrongKind, "object %v is a %v, not a %v", id, kind, want)
	}
	return id, nil
}

// owned refuses an object that is not the sender's.
func (x *execution) owned(id committee.ObjectID, owner Address) *Error {
	if owner != x.sender {
		return refuse(CodeNotOwner, "object %v belongs to %v", id, owner)
	}
	return nil
}

// running refuses an object whose end has come, even if it is not yet collected.
func (x *execution) running(id committee.ObjectID, end committee.Epoch) *Error {
	if x.system.Epoch >= end {
		return refuse(CodeExpired, "object %v ended at the start of epoch %d", id, end)
	}
	return nil
}

// storage returns a storage resource that the sender owns and that has not ended.
func (x *execution) storage(r Ref) (Storage, *Error) {
	id, err := x.object(r, KindStorage)
	if err != nil {
		return Storage{}, err
	}
	s, fault := ReadStorage(x.state, id)
	if fault != nil {
		return s, damaged(fault)
	}
	if err := x.owned(id, s.Owner); err != nil {
		return s, err
	}
	return s, x.running(id, s.End)
}

// blob returns a blob object that the sender owns, itself or by its pool, and
// that has not ended.
func (x *execution) blob(r Ref) (Blob, *Error) {
	b, err := x.anyBlob(r)
	if err != nil {
		return b, err
	}
	if err := x.owned(b.ID, b.Owner); err != nil {
		return b, err
	}
	return b, x.running(b.ID, b.Storage.End)
}

// anyBlob returns a blob object, whoever owns it.
func (x *execution) anyBlob(r Ref) (Blob, *Error) {
	id, err := x.object(r, KindBlob)
	if err != nil {
		return Blob{}, err
	}
	b, fault := ReadBlob(x.state, id)
	if fault != nil {
		return b, damaged(fault)
	}
	return b, nil
}

// pool returns a pool that the sender owns and that has not ended.
func (x *execution) pool(r Ref) (Pool, *Error) {
	id, err := x.object(r, KindPool)
	if err != nil {
		return Pool{}, err
	}
	p, fault := ReadPool(x.state, id)
	if fault != nil {
		return p, damaged(fault)
	}
	if err := x.owned(id, p.Owner); err != nil {
		return p, err
	}
	return p, x.running(id, p.End)
}

// damaged is the refusal because of a value that does not decode.
func damaged(err error) *Error { return refuse(CodeMalformed, "%v", err) }
