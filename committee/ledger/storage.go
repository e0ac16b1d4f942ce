package ledger

import "github.com/floe-storage/floe/committee"

// Storage is the right to keep Size encoded bytes in the epochs [Start, End).
type Storage struct {
	ID    committee.ObjectID
	Owner Address
	Start committee.Epoch
	End   committee.Epoch
	Size  uint64 // bytes, never 0
}

func (s *Storage) fields(c *codec) {
	c.fixed(s.ID[:])
	c.fixed(s.Owner[:])
	c.epoch(&s.Start)
	c.epoch(&s.End)
	c.u64(&s.Size)
}

// ReadStorage returns a storage resource; an *Error of CodeNotFound if there is none.
func ReadStorage(r Reader, id committee.ObjectID) (Storage, error) {
	return read[Storage](r, objectKey(keyStorage, id), "storage resource")
}

func (s *Storage) key() []byte { return objectKey(keyStorage, s.ID) }

func (s *Storage) bytes() []byte { return encode(*s) }

func (s *Storage) entries() []write {
	return []write{{key: expiryKey(s.End, s.ID)}, {key: ownerKey(s.Owner, KindStorage, s.ID)}}
}

func (x *execution) addStorage(s Storage) { put(x.state, nil, &s) }

func (x *execution) changeStorage(before, after Storage) { put(x.state, &before, &after) }

func (x *execution) dropStorage(s Storage) { put(x.state, &s, nil) }
