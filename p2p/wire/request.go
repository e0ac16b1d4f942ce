package wire

import (
	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// variants of a request on blob/1
const (
	variantUpload = iota
	variantMetadata
	variantSlivers
	variantStatus
	variantConfirm
	variantCount
)

// Call is one of the requests of blob/1: *Upload, *Metadata, *Slivers, *Status or *Confirm.
type Call interface {
	variant() uint32
	encodeTo(e *bcs.Encoder)
	decodeFrom(d *bcs.Decoder)
}

// Request is the first frame of a stream of blob/1.
type Request struct {
	Call Call // not nil, except before DecodeFrom
}

// MaxSize implements Message: the status call is the longest.
func (r *Request) MaxSize() int { return 1 + 2 + MaxBlobs*shard.BlobIDSize }

// EncodeTo implements Message.
func (r *Request) EncodeTo(e *bcs.Encoder) {
	e.ULEB(r.Call.variant())
	r.Call.encodeTo(e)
}

// DecodeFrom implements Message.
func (r *Request) DecodeFrom(d *bcs.Decoder) {
	switch d.Variant(variantCount) {
	case variantUpload:
		r.Call = new(Upload)
	case variantMetadata:
		r.Call = new(Metadata)
	case variantSlivers:
		r.Call = new(Slivers)
	case variantStatus:
		r.Call = new(Status)
	case variantConfirm:
		r.Call = new(Confirm)
	}
	r.Call.decodeFrom(d)
}

// Upload announces metadata and slivers of a blob.
type Upload struct {
	Blob        shard.BlobID
	Epoch       committee.Epoch // the writer's; a node far from it can say so
	Persistence committee.Persistence
	Size        uint64 // of the blob, from which the size of each sliver follows
	Metadata    bool   // whether the metadata body follows
	Confirm     bool   // whether a confirmation is wanted at the end
}

func (u *Upload) variant() uint32 { return variantUpload }

func (u *Upload) encodeTo(e *bcs.Encoder) {
	e.Fixed(u.Blob[:])
	e.U32(uint32(u.Epoch))
	encodePersistence(e, u.Persistence)
	e.U64(u.Size)
	e.Bool(u.Metadata)
	e.Bool(u.Confirm)
}

func (u *Upload) decodeFrom(d *bcs.Decoder) {
	d.Fixed(u.Blob[:])
	u.Epoch = committee.Epoch(d.U32())
	u.Persistence = decodePersistence(d)
	u.Size = d.U64()
	u.Metadata = d.Bool()
	u.Confirm = d.Bool()
}

// Metadata asks for a blob's metadata.
type Metadata struct{ Blob shard.BlobID }

func (m *Metadata) variant() uint32           { return variantMetadata }
func (m *Metadata) encodeTo(e *bcs.Encoder)   { e.Fixed(m.Blob[:]) }
func (m *Metadata) decodeFrom(d *bcs.Decoder) { d.Fixed(m.Blob[:]) }

// SliverID names a sliver of a blob.
type SliverID struct {
	Axis  shard.Axis
	Index shard.SliverIndex
}

const sliverIDSize = 3

// Slivers asks for slivers of a blob, at most MaxSlivers.
type Slivers struct {
	Blob shard.BlobID
	IDs  []SliverID
}

func (s *Slivers) variant() uint32 { return variantSlivers }

func (s *Slivers) encodeTo(e *bcs.Encoder) {
	e.Fixed(s.Blob[:])
	e.Count(len(s.IDs))
	for _, id := range s.IDs {
		id.encodeTo(e)
	}
}

func (s *Slivers) decodeFrom(d *bcs.Decoder) {
	d.Fixed(s.Blob[:])
	s.IDs = make([]SliverID, d.Count(MaxSlivers, sliverIDSize))
	for i := range s.IDs {
		s.IDs[i].decodeFrom(d)
	}
}

func (id SliverID) encodeTo(e *bcs.Encoder) {
	e.U8(uint8(id.Axis))
	e.U16(uint16(id.Index))
}

func (id *SliverID) decodeFrom(d *bcs.Decoder) {
	id.Axis = decodeAxis(d)
	id.Index = shard.SliverIndex(d.U16())
}

func decodeAxis(d *bcs.Decoder) shard.Axis { return shard.Axis(d.Variant(2)) }

// Status asks what the node holds of some blobs, at most MaxBlobs.
type Status struct{ Blobs []shard.BlobID }

func (s *Status) variant() uint32 { return variantStatus }

func (s *Status) encodeTo(e *bcs.Encoder) {
	e.Count(len(s.Blobs))
	for i := range s.Blobs {
		e.Fixed(s.Blobs[i][:])
	}
}

func (s *Status) decodeFrom(d *bcs.Decoder) {
	s.Blobs = make([]shard.BlobID, d.Count(MaxBlobs, shard.BlobIDSize))
	for i := range s.Blobs {
		d.Fixed(s.Blobs[i][:])
	}
}

// Confirm asks for a signed confirmation that the node holds all its slivers of a blob.
type Confirm struct {
	Blob        shard.BlobID
	Persistence committee.Persistence
}

func (c *Confirm) variant() uint32 { return variantConfirm }

func (c *Confirm) encodeTo(e *bcs.Encoder) {
	e.Fixed(c.Blob[:])
	encodePersistence(e, c.Persistence)
}

func (c *Confirm) decodeFrom(d *bcs.Decoder) {
	d.Fixed(c.Blob[:])
	c.Persistence = decodePersistence(d)
}

func encodePersistence(e *bcs.Encoder, p committee.Persistence) {
	e.Bool(p.Deletable)
	if p.Deletable {
		e.Fixed(p.Object[:])
	}
}

func decodePersistence(d *bcs.Decoder) (p committee.Persistence) {
	p.Deletable = d.Bool()
	if p.Deletable {
		d.Fixed(p.Object[:])
	}
	return p
}
