package wire

import (
	"slices"

	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard/bcs"
)

// variants of a part
const (
	variantEnd = iota
	variantSliver
	partVariants
)

// Part announces the next sliver of an upload, or its end.
type Part struct {
	End    bool
	Sliver SliverID // zero at the end
	Length uint32   // of the body that follows, in bytes; zero at the end
}

// MaxSize implements Message.
func (p *Part) MaxSize() int { return 1 + sliverIDSize + 4 }

// EncodeTo implements Message.
func (p *Part) EncodeTo(e *bcs.Encoder) {
	if p.End {
		e.ULEB(variantEnd)
		return
	}
	e.ULEB(variantSliver)
	p.Sliver.encodeTo(e)
	e.U32(p.Length)
}

// DecodeFrom implements Message.
func (p *Part) DecodeFrom(d *bcs.Decoder) {
	*p = Part{End: d.Variant(partVariants) == variantEnd}
	if !p.End {
		p.Sliver.decodeFrom(d)
		p.Length = d.U32()
	}
}

// Confirmation is a signed confirmation: see committee.Confirmation for the message.
type Confirmation struct {
	Message   []byte // at most MaxMessageSize
	Signature bls.Signature
}

// MaxSize implements Message.
func (c *Confirmation) MaxSize() int { return 2 + MaxMessageSize + bls.SignatureSize }

// EncodeTo implements Message.
func (c *Confirmation) EncodeTo(e *bcs.Encoder) {
	e.Bytes(c.Message)
	e.Fixed(c.Signature[:])
}

// DecodeFrom implements Message.
func (c *Confirmation) DecodeFrom(d *bcs.Decoder) {
	c.Message = slices.Clone(d.Bytes(MaxMessageSize))
	d.Fixed(c.Signature[:])
}

// Uploaded answers an upload.
type Uploaded struct {
	Stored       uint32        // slivers that are now durable, those that were so before included
	Confirmation *Confirmation // nil unless it was wanted and could be given
}

// MaxSize implements Message.
func (u *Uploaded) MaxSize() int { return 4 + 1 + (*Confirmation)(nil).MaxSize() }

// EncodeTo implements Message.
func (u *Uploaded) EncodeTo(e *bcs.Encoder) {
	e.U32(u.Stored)
	e.Bool(u.Confirmation != nil)
	if u.Confirmation != nil {
		u.Confirmation.EncodeTo(e)
	}
}

// DecodeFrom implements Message.
func (u *Uploaded) DecodeFrom(d *bcs.Decoder) {
	u.Stored = d.U32()
	u.Confirmation = nil
	if d.Bool() {
		u.Confirmation = new(Confirmation)
		u.Confirmation.DecodeFrom(d)
	}
}

// Length announces a metadata body.
type Length struct{ Bytes uint32 }

// MaxSize implements Message.
func (l *Length) MaxSize() int { return 4 }

// EncodeTo implements Message.
func (l *Length) EncodeTo(e *bcs.Encoder) { e.U32(l.Bytes) }

// DecodeFrom implements Message.
func (l *Length) DecodeFrom(d *bcs.Decoder) { l.Bytes = d.U32() }

// Item announces a sliver body in the answer to a slivers call.
type Item struct {
	Sliver     SliverID
	SymbolSize uint16 // in bytes
	Length     uint32 // of the body that follows, in bytes
}

// MaxSize implements Message.
func (i *Item) MaxSize() int { return sliverIDSize + 2 + 4 }

// EncodeTo implements Message.
func (i *Item) EncodeTo(e *bcs.Encoder) {
	i.Sliver.encodeTo(e)
	e.U16(i.SymbolSize)
	e.U32(i.Length)
}

// DecodeFrom implements Message.
func (i *Item) DecodeFrom(d *bcs.Decoder) {
	i.Sliver.decodeFrom(d)
	i.SymbolSize = d.U16()
	i.Length = d.U32()
}

// Holding says what a node has of one blob.
type Holding struct {
	Metadata           bool
	Primary, Secondary uint16 // how many slivers of either axis
}

// Holdings answers a status call, in the order of its blobs.
type Holdings struct{ Blobs []Holding }

const holdingSize = 1 + 2 + 2

// MaxSize implements Message.
func (h *Holdings) MaxSize() int { return 2 + MaxBlobs*holdingSize }

// EncodeTo implements Message.
func (h *Holdings) EncodeTo(e *bcs.Encoder) {
	e.Count(len(h.Blobs))
	for _, b := range h.Blobs {
		e.Bool(b.Metadata)
		e.U16(b.Primary)
		e.U16(b.Secondary)
	}
}

// DecodeFrom implements Message.
func (h *Holdings) DecodeFrom(d *bcs.Decoder) {
	h.Blobs = make([]Holding, d.Count(MaxBlobs, holdingSize))
	for i := range h.Blobs {
		h.Blobs[i] = Holding{Metadata: d.Bool(), Primary: d.U16(), Secondary: d.U16()}
	}
}
