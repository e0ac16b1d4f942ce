package bcs

import "encoding/binary"

// Encoder appends canonical bytes to a buffer. The zero value starts with an
// empty one. It never fails: bounds on lengths are the writer's own business.
type Encoder struct {
	buf []byte
}

// NewEncoder returns an Encoder that appends to dst, which it owns from now on.
func NewEncoder(dst []byte) *Encoder {
	return &Encoder{buf: dst}
}

// Data returns everything written so far, after what NewEncoder was given. The
// slice is the Encoder's own buffer: it is the caller's once the Encoder is no
// longer used.
func (e *Encoder) Data() []byte { return e.buf }

// Len returns the number of bytes in the buffer.
func (e *Encoder) Len() int { return len(e.buf) }

// U8 writes one byte.
func (e *Encoder) U8(v uint8) { e.buf = append(e.buf, v) }

// U16 writes two bytes.
func (e *Encoder) U16(v uint16) { e.buf = binary.LittleEndian.AppendUint16(e.buf, v) }

// U32 writes four bytes.
func (e *Encoder) U32(v uint32) { e.buf = binary.LittleEndian.AppendUint32(e.buf, v) }

// U64 writes eight bytes.
func (e *Encoder) U64(v uint64) { e.buf = binary.LittleEndian.AppendUint64(e.buf, v) }

// U128 writes the number hi·2^64 + lo as sixteen bytes.
func (e *Encoder) U128(hi, lo uint64) {
	e.U64(lo)
	e.U64(hi)
}

// Bool writes 00 or 01.
func (e *Encoder) Bool(v bool) {
	if v {
		e.U8(1)
		return
	}
	e.U8(0)
}

// ULEB writes a length, a count or an enum variant in one to five bytes.
func (e *Encoder) ULEB(v uint32) {
	for v >= 0x80 {
		e.buf = append(e.buf, byte(v)|0x80)
		v >>= 7
	}
	e.buf = append(e.buf, byte(v))
}

// Count writes the number of elements of a sequence; n is at most MaxLen.
func (e *Encoder) Count(n int) { e.ULEB(uint32(n)) }

// Bytes writes the length of b and b; len(b) is at most MaxLen.
func (e *Encoder) Bytes(b []byte) {
	e.Count(len(b))
	e.buf = append(e.buf, b...)
}

// String writes the length of s and s; len(s) is at most MaxLen.
func (e *Encoder) String(s string) {
	e.Count(len(s))
	e.buf = append(e.buf, s...)
}

// Fixed writes b without a length: an array, or bytes that are encoded already.
func (e *Encoder) Fixed(b []byte) { e.buf = append(e.buf, b...) }
