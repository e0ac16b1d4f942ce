package bcs

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// Decoder reads canonical bytes. The first fault sticks: every later call
// returns zero values, and Err and Finish report it. So a whole message can be
// read without a check between the fields, as long as no field is used before
// Err or Finish has said nil.
type Decoder struct {
	rest []byte
	err  error
}

// NewDecoder reads from b, which must not change while it is read.
func NewDecoder(b []byte) *Decoder {
	return &Decoder{rest: b}
}

// Err returns the first fault, which is an ErrMalformed, or nil.
func (d *Decoder) Err() error { return d.err }

// Finish returns the first fault; bytes that are left unread are one.
func (d *Decoder) Finish() error {
	if d.err == nil && len(d.rest) > 0 {
		d.Fail(fmt.Sprintf("%d bytes after the end", len(d.rest)))
	}
	return d.err
}

// Fail records a fault that the caller has found in a value, unless there is
// one already.
func (d *Decoder) Fail(reason string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrMalformed, reason)
		d.rest = nil
	}
}

// Remaining returns the number of bytes not read yet; 0 after a fault.
func (d *Decoder) Remaining() int { return len(d.rest) }

// take returns the next n bytes, or nil after a fault.
func (d *Decoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n < 0 || n > len(d.rest) {
		d.Fail(fmt.Sprintf("need %d bytes, have %d", n, len(d.rest)))
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

// U8 reads one byte.
func (d *Decoder) U8() uint8 {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

// U16 reads two bytes.
func (d *Decoder) U16() uint16 {
	if b := d.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// U32 reads four bytes.
func (d *Decoder) U32() uint32 {
	if b := d.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// U64 reads eight bytes.
func (d *Decoder) U64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// U128 reads sixteen bytes, the number hi·2^64 + lo.
func (d *Decoder) U128() (hi, lo uint64) {
	lo = d.U64()
	hi = d.U64()
	if d.err != nil {
		return 0, 0
	}
	return hi, lo
}

// Bool reads one byte that must be 00 or 01.
func (d *Decoder) Bool() bool {
	v := d.U8()
	if v > 1 {
		d.Fail(fmt.Sprintf("bool is %#x", v))
	}
	return v == 1
}

// ULEB reads a number of up to 32 bits in its shortest form.
func (d *Decoder) ULEB() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := d.U8()
		if d.err != nil {
			return 0
		}
		v |= uint64(b&0x7f) << shift
		if b&0x80 != 0 {
			continue
		}
		if b == 0 && shift > 0 {
			d.Fail("number is not in its shortest form")
			return 0
		}
		if v > 1<<32-1 {
			break
		}
		return uint32(v)
	}
	d.Fail("number exceeds 32 bits")
	return 0
}

// Variant reads an enum variant, which must be below count.
func (d *Decoder) Variant(count int) int {
	v := d.ULEB()
	if d.err == nil && int64(v) >= int64(count) {
		d.Fail(fmt.Sprintf("enum variant %d of %d", v, count))
		return 0
	}
	return int(v)
}

// Count reads the number of elements of a sequence. It refuses one above limit,
// and one whose elements, of at least minSize bytes each, cannot fit in what is
// left: a caller may allocate that many elements. A minSize below 1 counts as 1.
func (d *Decoder) Count(limit, minSize int) int {
	n := int64(d.ULEB())
	if d.err != nil {
		return 0
	}
	if n > int64(min(limit, MaxLen)) {
		d.Fail(fmt.Sprintf("count %d exceeds %d", n, limit))
		return 0
	}
	if n > int64(len(d.rest)/max(minSize, 1)) {
		d.Fail(fmt.Sprintf("count %d with %d bytes left", n, len(d.rest)))
		return 0
	}
	return int(n)
}

// Bytes reads a length of at most limit and that many bytes. The result is a
// part of the input, not a copy: clone it to keep it longer than the input.
func (d *Decoder) Bytes(limit int) []byte {
	n := d.Count(limit, 1)
	return d.take(n)
}

// String reads a length of at most limit and that many bytes of UTF-8.
func (d *Decoder) String(limit int) string {
	b := d.Bytes(limit)
	if !utf8.Valid(b) {
		d.Fail("text is not UTF-8")
		return ""
	}
	return string(b)
}

// Fixed fills dst with the next len(dst) bytes, and with zeros after a fault.
func (d *Decoder) Fixed(dst []byte) {
	b := d.take(len(dst))
	if d.err != nil {
		clear(dst)
		return
	}
	copy(dst, b)
}

// Rest reads everything that is left. The result is a part of the input.
func (d *Decoder) Rest() []byte { return d.take(len(d.rest)) }
