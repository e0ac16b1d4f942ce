package ledger

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/floe-storage/floe/committee"
)

// Limits of a blob's attributes.
const (
	MaxAttributes     = 32
	MaxAttributeKey   = 100     // bytes
	MaxAttributeValue = 1 << 10 // bytes
	MaxAttributesSize = 8 << 10 // bytes of all keys and values of a blob
)

// attributesTag begins what is hashed of attributes.
const attributesTag = "floe/attributes/1"

// Attribute is a pair of texts that the owner of a blob object has put on it.
type Attribute struct{ Key, Value string }

func (a *Attribute) fields(c *codec) {
	c.text(&a.Key, MaxAttributeKey)
	c.text(&a.Value, MaxAttributeValue)
}

// attributes are those of a blob object, by key.
type attributes struct{ Pairs []Attribute }

func (v *attributes) fields(c *codec) { attributeList(c, &v.Pairs, MaxAttributes) }

func attributeList(c *codec, v *[]Attribute, limit int) {
	list(c, v, limit, 2, func(c *codec, a *Attribute) { a.fields(c) })
}

// AttributesHash names a blob's attributes, in the order in which
// [ReadAttributes] returns them; zero for none.
func AttributesHash(pairs []Attribute) [32]byte {
	if len(pairs) == 0 {
		return [32]byte{}
	}
	return sha256.Sum256(append([]byte(attributesTag), encode(attributes{pairs})...))
}

// AttributesKey returns where the attributes of a blob object stand in the state.
func AttributesKey(id committee.ObjectID) []byte { return objectKey(keyAttributes, id) }

// ReadAttributes returns the attributes of a blob object, sorted by key; none
// for an object that has none or is not there.
func ReadAttributes(r Reader, id committee.ObjectID) ([]Attribute, error) {
	v, err := read[attributes](r, AttributesKey(id), "attributes")
	return v.Pairs, ignoreNotFound(err)
}

// SetAttributes changes the attributes of a blob of the sender's: it removes
// those named, which must be there, and then sets those given, anew or over what
// is there. A blob has at most 32 attributes with keys of 1 to 100 bytes and
// values of up to 1 KiB, in all 8 KiB, UTF-8. The blob must not be shared.
type SetAttributes struct {
	Blob   Ref
	Set    []Attribute
	Remove []string // keys
}

func (SetAttributes) kind() byte { return kindAttributes }

func (SetAttributes) work() uint64 { return workPlain + workAttributes }

func (m *SetAttributes) fields(c *codec) {
	m.Blob.fields(c)
	attributeList(c, &m.Set, MaxAttributes)
	list(c, &m.Remove, MaxAttributes, 1, func(c *codec, key *string) { c.text(key, MaxAttributeKey) })
}

func (m SetAttributes) apply(x *execution) *Error {
	before, err := x.blob(m.Blob)
	if err != nil {
		return err
	}
	if err := notShared(before); err != nil {
		return err
	}
	pairs, fault := ReadAttributes(x.state, before.ID)
	if fault != nil {
		return damaged(fault)
	}
	if pairs, err = m.change(pairs); err != nil {
		return err
	}
	b := before
	b.Attributes = AttributesHash(pairs)
	if len(pairs) == 0 {
		x.state.Delete(AttributesKey(b.ID))
	} else {
		x.state.Set(AttributesKey(b.ID), encode(attributes{pairs}))
	}
	x.changeBlob(before, b)
	x.emit(AttributesSet{BlobID: b.BlobID, Object: b.ID, Owner: b.Owner, Hash: b.Attributes})
	return nil
}

// change returns the pairs as they are after the message, sorted by key.
func (m SetAttributes) change(pairs []Attribute) ([]Attribute, *Error) {
	if len(m.Set) == 0 && len(m.Remove) == 0 {
		return nil, refuse(CodeNoAttribute, "nothing to set or to remove")
	}
	at := func(key string) (int, bool) {
		return slices.BinarySearchFunc(pairs, key, func(a Attribute, key string) int { return strings.Compare(a.Key, key) })
	}
	for _, key := range m.Remove {
		i, ok := at(key)
		if !ok {
			return nil, refuse(CodeNoAttribute, "there is no attribute %q to remove", key)
		}
		pairs = slices.Delete(pairs, i, i+1)
	}
	for _, a := range m.Set {
		if a.Key == "" || !isText(a.Key, MaxAttributeKey) || !isText(a.Value, MaxAttributeValue) {
			return nil, refuse(CodeBadAttribute, "attribute %q is empty or not text", a.Key)
		}
		if i, ok := at(a.Key); ok {
			pairs[i] = a
		} else {
			pairs = slices.Insert(pairs, i, a)
		}
	}
	size := 0
	for _, a := range pairs {
		size += len(a.Key) + len(a.Value)
	}
	if len(pairs) > MaxAttributes || size > MaxAttributesSize {
		return nil, refuse(CodeBadAttribute, "%d attributes of %d bytes, at most %d of %d", len(pairs), size, MaxAttributes, MaxAttributesSize)
	}
	return pairs, nil
}
