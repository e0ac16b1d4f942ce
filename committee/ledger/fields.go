package ledger

import (
	"bytes"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// A fielder lists its fields to a codec, in the order in which they stand in
// its canonical bytes: one list serves for writing and for reading.
type fielder interface{ fields(c *codec) }

// fielderOf is a pointer to T that lists T's fields.
type fielderOf[T any] interface {
	*T
	fielder
}

// A codec writes the fields that it is shown, or fills them in. What is
// malformed or beyond a limit makes the decoder behind it fail.
type codec struct {
	out   *bcs.Encoder // one of the two is nil
	in    *bcs.Decoder
	about *Subjects // notes what is read; nil if nobody asks
}

// encode returns the canonical bytes of v.
func encode[T any, P fielderOf[T]](v T) []byte {
	c := codec{out: bcs.NewEncoder(nil)}
	P(&v).fields(&c)
	return c.out.Data()
}

// decode reads a value; what is wrong with it is in d.
func decode[T any, P fielderOf[T]](d *bcs.Decoder) T {
	var v T
	P(&v).fields(&codec{in: d})
	return v
}

func (c *codec) u8(v *uint8) {
	if c.out != nil {
		c.out.U8(*v)
	} else {
		*v = c.in.U8()
	}
}

func (c *codec) u16(v *uint16) {
	if c.out != nil {
		c.out.U16(*v)
	} else {
		*v = c.in.U16()
	}
}

func (c *codec) u32(v *uint32) {
	if c.out != nil {
		c.out.U32(*v)
	} else {
		*v = c.in.U32()
	}
}

func (c *codec) u64(v *uint64) {
	if c.out != nil {
		c.out.U64(*v)
	} else {
		*v = c.in.U64()
	}
}

func (c *codec) bool(v *bool) {
	if c.out != nil {
		c.out.Bool(*v)
	} else {
		*v = c.in.Bool()
	}
}

func (c *codec) epoch(v *committee.Epoch) {
	c.u32((*uint32)(v))
	if c.about != nil {
		note(&c.about.Epochs, *v)
	}
}

func (c *codec) blobID(v *shard.BlobID) {
	c.fixed(v[:])
	if c.about != nil {
		note(&c.about.Blobs, *v)
	}
}

func (c *codec) object(v *committee.ObjectID) {
	c.fixed(v[:])
	if c.about != nil {
		note(&c.about.Objects, *v)
	}
}

func (c *codec) node(v *committee.NodeID) {
	c.fixed(v[:])
	if c.about != nil {
		note(&c.about.Nodes, *v)
	}
}

func (c *codec) address(v *Address) {
	c.fixed(v[:])
	if c.about != nil {
		note(&c.about.Accounts, *v)
	}
}

// choice is the variant of an enumeration of two: 0 or 1.
func (c *codec) choice(v *bool) { c.bool(v) }

// fixed is an array, given as the slice of it.
func (c *codec) fixed(v []byte) {
	if c.out != nil {
		c.out.Fixed(v)
	} else {
		c.in.Fixed(v)
	}
}

func (c *codec) bytes(v *[]byte, limit int) {
	if c.out != nil {
		c.out.Bytes(*v)
	} else {
		*v = bytes.Clone(c.in.Bytes(limit))
	}
}

func (c *codec) text(v *string, limit int) {
	if c.out != nil {
		c.out.String(*v)
	} else {
		*v = c.in.String(limit)
	}
}

// list is a sequence of at most limit elements of at least least bytes each.
func list[T any](c *codec, v *[]T, limit, least int, element func(c *codec, v *T)) {
	if c.out != nil {
		c.out.Count(len(*v))
	} else {
		*v = make([]T, c.in.Count(limit, least))
	}
	for i := range *v {
		element(c, &(*v)[i])
	}
}

// recordCodec reads and writes one of the types that implement I.
type recordCodec[I any] struct {
	read  func(c *codec) I
	write func(c *codec, v I)
}

// codecOf returns how T, which implements I, is read and written.
func codecOf[I, T any, P fielderOf[T]]() recordCodec[I] {
	return recordCodec[I]{
		read: func(c *codec) I {
			var v T
			P(&v).fields(c)
			return any(v).(I) //nolint:forcetypeassert // the registry lists only types that implement I
		},
		write: func(c *codec, v I) {
			t := any(v).(T) //nolint:forcetypeassert // its kind led here
			P(&t).fields(c)
		},
	}
}
