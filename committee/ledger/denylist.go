package ledger

import (
	"bytes"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// DenyList is what a node last declared, with a quorum's consent, not to
// serve. It is paid for that much less.
type DenyList struct {
	Root     [32]byte // of the list
	Sequence uint64   // greater with each of the node's lists
	Size     uint64   // encoded bytes of the blobs on it
}

func (l *DenyList) fields(c *codec) {
	c.fixed(l.Root[:])
	c.u64(&l.Sequence)
	c.u64(&l.Size)
}

// Denied is the record of a blob that nodes were told to delete.
type Denied struct {
	Epoch       committee.Epoch
	Certificate [32]byte // SHA-256 of the certificate's canonical bytes
}

func (d *Denied) fields(c *codec) {
	c.epoch(&d.Epoch)
	c.fixed(d.Certificate[:])
}

// The kinds of records under keyDenied.
const (
	deniedList byte = iota
	deniedBlob
)

func denyListKey(id committee.NodeID) []byte { return append([]byte{keyDenied, deniedList}, id[:]...) }

func deniedKey(id shard.BlobID) []byte { return append([]byte{keyDenied, deniedBlob}, id[:]...) }

// ReadDenyList returns a node's deny list; an empty one of sequence 0 if it
// never declared any.
func ReadDenyList(r Reader, id committee.NodeID) (DenyList, error) {
	l, err := read[DenyList](r, denyListKey(id), "deny list")
	return l, ignoreNotFound(err)
}

// ReadDenied returns the record of a denied blob; an *Error of CodeNotFound if
// it is not denied.
func ReadDenied(r Reader, id shard.BlobID) (Denied, error) {
	return read[Denied](r, deniedKey(id), "denied blob")
}

// AscendDenied visits the denied blobs, in the order of their IDs and from the
// given one on, until visit returns false.
func AscendDenied(r Reader, from shard.BlobID, visit func(id shard.BlobID, d Denied) bool) error {
	var fault error
	r.Ascend(deniedKey(from), []byte{keyDenied, deniedBlob + 1}, func(key, _ []byte) bool {
		id := shard.BlobID(bytes.Clone(key[2:]))
		var d Denied
		d, fault = ReadDenied(r, id)
		return fault == nil && visit(id, d)
	})
	return fault
}
