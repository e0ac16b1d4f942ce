package shard

import (
	"fmt"
	"slices"

	"github.com/floe-storage/floe/shard/bcs"
)

// Sliver is one row or column of a blob's expanded matrix without the symbols
// that can be computed from the others.
type Sliver struct {
	Axis  Axis
	Index SliverIndex // of the row or column, not of the pair
	// SymbolSize is the size of a symbol in bytes, even, 2 … MaxSymbolSize.
	SymbolSize int
	// Data holds Params.SourceSymbols(Axis) symbols of SymbolSize bytes.
	Data []byte
}

// SliverPair is what one shard holds of a blob: pair i has primary sliver i and
// secondary sliver n-1-i.
type SliverPair struct {
	Primary, Secondary Sliver
}

// clone returns the pair with data of its own.
func (p SliverPair) clone() SliverPair {
	p.Primary.Data = slices.Clone(p.Primary.Data)
	p.Secondary.Data = slices.Clone(p.Secondary.Data)
	return p
}

// EncodeTo writes the canonical form without the axis.
func (s *Sliver) EncodeTo(e *bcs.Encoder) {
	e.Bytes(s.Data)
	e.U16(uint16(s.SymbolSize))
	e.U16(uint16(s.Index))
}

// DecodeFrom reads the canonical form without the axis and leaves s.Axis as it
// is. Data is a copy. It checks the form only: see VerifySliver for the rest.
func (s *Sliver) DecodeFrom(d *bcs.Decoder) {
	data := d.Bytes(bcs.MaxLen)
	s.SymbolSize = int(d.U16())
	s.Index = SliverIndex(d.U16())
	if d.Err() == nil && s.SymbolSize == 0 {
		d.Fail("symbol size is zero")
	}
	s.Data = nil
	if d.Err() == nil {
		s.Data = slices.Clone(data)
	}
}

// AppendBinary appends the canonical form without the axis. It never fails.
func (s *Sliver) AppendBinary(b []byte) ([]byte, error) {
	e := bcs.NewEncoder(b)
	s.EncodeTo(e)
	return e.Data(), nil
}

// UnmarshalBinary reads the canonical form without the axis and leaves s.Axis as
// it is. Data is a copy. Its error is an *InvalidError.
func (s *Sliver) UnmarshalBinary(b []byte) error {
	d := bcs.NewDecoder(b)
	s.DecodeFrom(d)
	return finish(d, "sliver")
}

// AppendTagged appends the canonical form that starts with the axis.
func (s *Sliver) AppendTagged(b []byte) []byte {
	e := bcs.NewEncoder(b)
	e.U8(uint8(s.Axis))
	s.EncodeTo(e)
	return e.Data()
}

// ParseTaggedSliver reads what AppendTagged wrote. Its error is an *InvalidError.
func ParseTaggedSliver(b []byte) (Sliver, error) {
	d := bcs.NewDecoder(b)
	s := Sliver{Axis: decodeAxis(d)}
	s.DecodeFrom(d)
	if err := finish(d, "sliver"); err != nil {
		return Sliver{}, err
	}
	return s, nil
}

// EncodedSize returns the size in bytes of the canonical form without the axis.
func (s *Sliver) EncodedSize() int {
	size := len(s.Data) + 2 + 2
	for v := len(s.Data); ; v >>= 7 {
		size++
		if v < 0x80 {
			return size
		}
	}
}

// String names the sliver without its data, such as "primary sliver 3".
func (s *Sliver) String() string { return sliverName(s.Axis, s.Index) }

func sliverName(a Axis, i SliverIndex) string { return fmt.Sprintf("%v sliver %d", a, i) }

// decodeAxis reads an axis.
func decodeAxis(d *bcs.Decoder) Axis { return Axis(d.Variant(2)) }

// finish ends the decoding of what.
func finish(d *bcs.Decoder, what string) error {
	if err := d.Finish(); err != nil {
		return &InvalidError{What: "decode " + what, Err: err}
	}
	return nil
}
