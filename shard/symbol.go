package shard

import (
	"slices"

	"github.com/floe-storage/floe/shard/bcs"
	"github.com/floe-storage/floe/shard/merkle"
)

// DecodingSymbol is one symbol of a wanted sliver without a proof. The sliver
// that is built from such symbols must be verified.
type DecodingSymbol struct {
	// Source is the sliver of the other axis that the symbol is taken from, and
	// so the place of the symbol in the wanted sliver.
	Source SliverIndex
	Data   []byte // SymbolSize bytes
}

// RecoverySymbol is one symbol of a wanted sliver and the proof that the source
// sliver has it there.
type RecoverySymbol struct {
	Source SliverIndex // as in DecodingSymbol
	Data   []byte      // SymbolSize bytes
	Proof  merkle.Proof
}

// Decoding returns the symbol without its proof; Data is shared.
func (s *RecoverySymbol) Decoding() DecodingSymbol {
	return DecodingSymbol{Source: s.Source, Data: s.Data}
}

// EncodeTo writes the canonical form.
func (s *DecodingSymbol) EncodeTo(e *bcs.Encoder) {
	e.U16(uint16(s.Source))
	e.Bytes(s.Data)
}

// DecodeFrom reads the canonical form; Data is a copy.
func (s *DecodingSymbol) DecodeFrom(d *bcs.Decoder) {
	s.Source = SliverIndex(d.U16())
	s.Data = slices.Clone(d.Bytes(MaxSymbolSize))
}

// AppendBinary appends the canonical form to b. It never fails.
func (s *DecodingSymbol) AppendBinary(b []byte) ([]byte, error) {
	e := bcs.NewEncoder(b)
	s.EncodeTo(e)
	return e.Data(), nil
}

// UnmarshalBinary reads the canonical form. Its error is an *InvalidError.
func (s *DecodingSymbol) UnmarshalBinary(b []byte) error {
	d := bcs.NewDecoder(b)
	s.DecodeFrom(d)
	return finish(d, "decoding symbol")
}

// EncodeTo writes the canonical form.
func (s *RecoverySymbol) EncodeTo(e *bcs.Encoder) {
	e.U16(uint16(s.Source))
	e.Bytes(s.Data)
	s.Proof.EncodeTo(e)
}

// DecodeFrom reads the canonical form; Data is a copy.
func (s *RecoverySymbol) DecodeFrom(d *bcs.Decoder) {
	s.Source = SliverIndex(d.U16())
	s.Data = slices.Clone(d.Bytes(MaxSymbolSize))
	s.Proof.DecodeFrom(d)
}

// AppendBinary appends the canonical form to b. It never fails.
func (s *RecoverySymbol) AppendBinary(b []byte) ([]byte, error) {
	e := bcs.NewEncoder(b)
	s.EncodeTo(e)
	return e.Data(), nil
}

// UnmarshalBinary reads the canonical form. Its error is an *InvalidError.
func (s *RecoverySymbol) UnmarshalBinary(b []byte) error {
	d := bcs.NewDecoder(b)
	s.DecodeFrom(d)
	return finish(d, "recovery symbol")
}

// GeneralSymbol is a recovery symbol that also says which cell of the matrix it
// is. The cell lies in two slivers, and the symbol helps to recover either.
type GeneralSymbol struct {
	// Axis is the axis of the sliver Target, across which the source lies.
	Axis   Axis
	Source SliverIndex // the sliver of axis Axis.Other() that proves the symbol
	Target SliverIndex // the sliver of axis Axis, and the place in the source
	Data   []byte
	Proof  merkle.Proof
}

// UsableFor reports whether the symbol is a cell of sliver target of axis a.
// Both alternatives ask for the axis too, unlike [ENC] symbols.rs, where a sliver
// of the wrong axis with the wanted number passes.
func (s *GeneralSymbol) UsableFor(a Axis, target SliverIndex) bool {
	if a == s.Axis {
		return s.Target == target
	}
	return a == s.Axis.Other() && s.Source == target
}

// DecodingFor returns the symbol as one of the sliver of axis a that UsableFor
// agreed to. Data is shared.
func (s *GeneralSymbol) DecodingFor(a Axis) DecodingSymbol {
	if a == s.Axis {
		return DecodingSymbol{Source: s.Source, Data: s.Data}
	}
	return DecodingSymbol{Source: s.Target, Data: s.Data}
}

// Verify checks the symbol against verified metadata, and that it is usable for
// sliver target of axis a. Its error is an *InvalidError, or ErrParams.
func (s *GeneralSymbol) Verify(p Params, md *Metadata, a Axis, target SliverIndex) error {
	if !s.UsableFor(a, target) {
		return invalid(ErrIndex, "symbol of %s and %s for %s",
			sliverName(s.Axis, s.Target), sliverName(s.Axis.Other(), s.Source), sliverName(a, target))
	}
	return VerifySymbol(p, md, s.Axis, s.Target, RecoverySymbol{Source: s.Source, Data: s.Data, Proof: s.Proof})
}

// EncodeTo writes the canonical form.
func (s *GeneralSymbol) EncodeTo(e *bcs.Encoder) {
	e.U8(uint8(s.Axis))
	e.U16(uint16(s.Source))
	e.Bytes(s.Data)
	e.U16(uint16(s.Target))
	s.Proof.EncodeTo(e)
}

// DecodeFrom reads the canonical form; Data is a copy.
func (s *GeneralSymbol) DecodeFrom(d *bcs.Decoder) {
	s.Axis = decodeAxis(d)
	s.Source = SliverIndex(d.U16())
	s.Data = slices.Clone(d.Bytes(MaxSymbolSize))
	s.Target = SliverIndex(d.U16())
	s.Proof.DecodeFrom(d)
}

// AppendBinary appends the canonical form to b. It never fails.
func (s *GeneralSymbol) AppendBinary(b []byte) ([]byte, error) {
	e := bcs.NewEncoder(b)
	s.EncodeTo(e)
	return e.Data(), nil
}

// UnmarshalBinary reads the canonical form. Its error is an *InvalidError.
func (s *GeneralSymbol) UnmarshalBinary(b []byte) error {
	d := bcs.NewDecoder(b)
	s.DecodeFrom(d)
	return finish(d, "general symbol")
}
