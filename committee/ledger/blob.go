package ledger

import (
	"encoding/binary"
	"fmt"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// Blob is a registered blob with the storage that it occupies. Its canonical
// bytes are what a proof of availability proves.
//
// The record of a blob in a pool leaves the owner and the epochs of its storage
// empty: they are those of the pool, see [Blob.In]. Functions that read the
// state fill them in.
type Blob struct {
	ID         committee.ObjectID
	Owner      Address // zero if nobody owns it any more
	BlobID     shard.BlobID
	Size       uint64 // bytes before encoding
	Encoding   uint8  // 1: Red Stuff over Reed-Solomon
	Deletable  bool
	Shared     bool // anybody may pay for it, nobody can end it; the owner gets what is left of Funds
	Registered committee.Epoch
	Certified  committee.Epoch    // 0 if not yet certified
	Point      Point              // where it was certified: the point of availability
	Storage    Storage            // Owner is unused while a blob occupies it
	Pool       committee.ObjectID // that it is in; zero if none
	Attributes [32]byte           // AttributesHash of its attributes; zero if it has none
	Deposit    uint64             // FROST, until it is certified
	Funds      uint64             // FROST for more epochs of a shared blob
}

// Point is a place in the chain.
type Point struct {
	Height uint64
	Tx     [32]byte // hash of the transaction
	Event  uint32   // position of the event among those of the transaction
}

// In returns a blob with what it has from the pool that it is in.
func (b Blob) In(p Pool) Blob {
	b.Owner, b.Storage.Start, b.Storage.End = p.Owner, p.Start, p.End
	return b
}

func (b *Blob) fields(c *codec) {
	c.fixed(b.ID[:])
	c.fixed(b.Owner[:])
	c.fixed(b.BlobID[:])
	c.u64(&b.Size)
	c.u8(&b.Encoding)
	c.bool(&b.Deletable)
	c.bool(&b.Shared)
	c.epoch(&b.Registered)
	c.epoch(&b.Certified)
	b.Point.fields(c)
	b.Storage.fields(c)
	c.fixed(b.Pool[:])
	c.fixed(b.Attributes[:])
	c.u64(&b.Deposit)
	c.u64(&b.Funds)
}

func (p *Point) fields(c *codec) {
	c.u64(&p.Height)
	c.fixed(p.Tx[:])
	c.u32(&p.Event)
}

func (b *Blob) money() uint64 { return b.Deposit + b.Funds }

// BlobKey returns where the record of a blob object stands in the state.
func BlobKey(id committee.ObjectID) []byte { return objectKey(keyBlob, id) }

// ReadBlob returns a blob object; an *Error of CodeNotFound if there is none.
func ReadBlob(r Reader, id committee.ObjectID) (Blob, error) {
	b, err := read[Blob](r, BlobKey(id), "blob object")
	if err != nil || b.Pool.IsZero() {
		return b, err
	}
	p, err := read[Pool](r, PoolKey(b.Pool), "pool")
	if err != nil {
		return b, fmt.Errorf("blob object %v: %v", id, err) //nolint:errorlint // not as a refusal: the object is there
	}
	return b.In(p), nil
}

// CertificateKey returns where the certificate of a certified blob object
// stands in the state.
func CertificateKey(id committee.ObjectID) []byte { return objectKey(keyCertificate, id) }

// ParseCertificate reads the value under the [CertificateKey] of a blob object;
// [bcs.ErrMalformed] if it is none. What the certificate says follows from the
// object, which must be certified; its signers are members of the committee of
// epoch b.Certified. Nothing is verified.
func ParseCertificate(value []byte, b Blob) (committee.Certificate, error) {
	e, err := parse[endorsement](value, "certificate")
	if err != nil {
		return committee.Certificate{}, err
	}
	return committee.Certificate{Signers: e.Signers, Message: b.confirmation(b.Certified).Message(), Signature: e.Signature}, nil
}

// ReadCertificate returns the certificate by which a blob object was certified;
// an *Error of CodeNotFound if it is not.
func ReadCertificate(r Reader, id committee.ObjectID) (committee.Certificate, error) {
	b, err := ReadBlob(r, id)
	if err != nil {
		return committee.Certificate{}, err
	}
	value := r.Get(CertificateKey(id))
	if value == nil {
		return committee.Certificate{}, refuse(CodeNotFound, "blob object %v is not certified", id)
	}
	return ParseCertificate(value, b)
}

// confirmation is what nodes confirm of the object in an epoch.
func (b *Blob) confirmation(e committee.Epoch) committee.Confirmation {
	c := committee.Confirmation{Epoch: e, Blob: b.BlobID}
	if b.Deletable {
		c.Persistence = committee.Persistence{Deletable: true, Object: b.ID}
	}
	return c
}

// endorsement is what the state keeps of a certificate: the rest follows from
// the blob.
type endorsement struct {
	Signers   []byte
	Signature bls.Signature
}

func (e *endorsement) fields(c *codec) {
	c.bytes(&e.Signers, maxBitmap)
	c.fixed(e.Signature[:])
}

// parse reads the canonical bytes of a record.
func parse[T any, P fielderOf[T]](value []byte, what string) (T, error) {
	d := bcs.NewDecoder(value)
	v := decode[T, P](d)
	if err := d.Finish(); err != nil {
		return v, fmt.Errorf("%s: %w", what, err)
	}
	return v, nil
}

// The ranks under which a blob ID's objects are listed: the strongest claim
// first. The objects in pools come behind the others of their strength.
const (
	rankPermanent           byte = iota << 1 // certified, cannot be deleted
	rankDeletable                            // certified, can be deleted
	rankRegisteredPermanent                  // not certified, cannot be deleted
	rankRegisteredDeletable                  // not certified, can be deleted

	rankPooled byte = 1 // added to a rank for an object in a pool
)

func (b *Blob) rank() byte {
	rank := rankPermanent
	switch {
	case b.Certified == 0 && b.Deletable:
		rank = rankRegisteredDeletable
	case b.Certified == 0:
		rank = rankRegisteredPermanent
	case b.Deletable:
		rank = rankDeletable
	}
	if !b.Pool.IsZero() {
		rank |= rankPooled
	}
	return rank
}

// indexKeySize is the length of a key of the blob index.
const indexKeySize = 1 + shard.BlobIDSize + 1 + 4 + 32

// indexKey is the entry of the object among those of its blob ID. The end of one
// in a pool is its pool's and not in the key.
func (b *Blob) indexKey() []byte {
	k := append([]byte{keyBlobIndex}, b.BlobID[:]...)
	k = append(k, b.rank())
	end := uint32(b.Storage.End)
	if !b.Pool.IsZero() {
		end = 0
	}
	k = binary.BigEndian.AppendUint32(k, ^end)
	return append(k, b.ID[:]...)
}

func (b *Blob) key() []byte { return BlobKey(b.ID) }

// bytes are those of the record: what comes from the pool is left out.
func (b *Blob) bytes() []byte {
	record := *b
	if !b.Pool.IsZero() {
		record = record.In(Pool{})
	}
	return encode(record)
}

func (b *Blob) entries() []write {
	if !b.Pool.IsZero() {
		return []write{{key: b.indexKey(), value: b.Pool[:]}, {key: pooledKey(b.Pool, b.BlobID), value: b.ID[:]}}
	}
	out := []write{{key: b.indexKey()}, {key: expiryKey(b.Storage.End, b.ID)}}
	if b.Owner != (Address{}) {
		out = append(out, write{key: ownerKey(b.Owner, KindBlob, b.ID)})
	}
	return out
}

func (x *execution) addBlob(b Blob) { put(x.state, nil, &b) }

func (x *execution) changeBlob(before, after Blob) { put(x.state, &before, &after) }

func (x *execution) dropBlob(b Blob) { dropBlob(x.state, b) }

// dropBlob removes a blob object with all that hangs on it.
func dropBlob(s Store, b Blob) {
	put(s, &b, nil)
	if b.Certified != 0 {
		s.Delete(CertificateKey(b.ID))
	}
	if b.Attributes != ([32]byte{}) {
		s.Delete(objectKey(keyAttributes, b.ID))
	}
}
