package shard

import (
	"errors"
	"fmt"

	"github.com/floe-storage/floe/shard/bcs"
)

// minRecoverySymbolSize is the size of the canonical form of a recovery symbol
// with neither data nor proof.
const minRecoverySymbolSize = 2 + 1 + 1

// InconsistencyProof shows that a blob was encoded wrongly: symbols, each proven
// to be in its source sliver, that give a sliver other than the one in the
// metadata. Anyone who has verified metadata can check it.
type InconsistencyProof struct {
	Axis   Axis        // of the sliver that cannot be recovered
	Target SliverIndex // its index
	// Symbols are exactly Params.SourceSymbols(Axis) with distinct sources.
	Symbols []RecoverySymbol
}

// RecoverOrProve builds sliver target of axis a from recovery symbols. It uses
// the first that verify and have distinct sources, and ignores the others. It
// returns the sliver; or, when the blob was encoded wrongly, a proof of it, which
// shares the symbols' memory; or an error: ErrNotEnough, or an *InvalidError for
// metadata that does not fit p, an index or an axis, or ErrParams.
func RecoverOrProve(p Params, md *Metadata, a Axis, target SliverIndex, syms []RecoverySymbol) (Sliver, *InconsistencyProof, error) {
	if _, err := md.symbolSize(p); err != nil {
		return Sliver{}, nil, err
	}
	if !a.valid() {
		return Sliver{}, nil, invalid(ErrAxis, "%s", sliverName(a, target))
	}
	if int(target) >= p.n {
		return Sliver{}, nil, invalid(ErrIndex, "%s of %d", sliverName(a, target), p.n)
	}
	proof := &InconsistencyProof{Axis: a, Target: target}
	seen := make(map[SliverIndex]bool)
	for _, s := range syms {
		if len(proof.Symbols) == p.SourceSymbols(a) {
			break
		}
		if !seen[s.Source] && VerifySymbol(p, md, a, target, s) == nil {
			seen[s.Source] = true
			proof.Symbols = append(proof.Symbols, s)
		}
	}
	sliver, err := RecoverSliver(p, md, a, target, proof.decoding())
	if errors.Is(err, ErrMismatch) {
		return Sliver{}, proof, nil
	}
	return sliver, nil, err
}

// decoding returns the symbols without their proofs.
func (ip *InconsistencyProof) decoding() []DecodingSymbol {
	list := make([]DecodingSymbol, len(ip.Symbols))
	for i := range list {
		list[i] = ip.Symbols[i].Decoding()
	}
	return list
}

// Verify checks the proof against verified metadata; nil means that the blob was
// encoded wrongly. Its error is an *InvalidError, with ErrConsistent if the
// sliver is as it should be and with ErrCount, ErrNotEnough or the reasons of
// VerifySymbol if the proof is malformed; or it is ErrParams.
func (ip *InconsistencyProof) Verify(p Params, md *Metadata) error {
	name := "inconsistency proof for " + sliverName(ip.Axis, ip.Target)
	if _, err := md.symbolSize(p); err != nil {
		return err
	}
	if !ip.Axis.valid() {
		return invalid(ErrAxis, "%s", name)
	}
	if want := p.SourceSymbols(ip.Axis); len(ip.Symbols) != want {
		return invalid(ErrCount, "%s of %d symbols, want %d", name, len(ip.Symbols), want)
	}
	for _, s := range ip.Symbols {
		if err := VerifySymbol(p, md, ip.Axis, ip.Target, s); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_, err := RecoverSliver(p, md, ip.Axis, ip.Target, ip.decoding())
	switch {
	case err == nil:
		return invalid(ErrConsistent, "%s", name)
	case errors.Is(err, ErrMismatch):
		return nil
	default:
		return invalid(err, "%s", name)
	}
}

// EncodeTo writes the canonical form without the axis.
func (ip *InconsistencyProof) EncodeTo(e *bcs.Encoder) {
	e.U16(uint16(ip.Target))
	e.Count(len(ip.Symbols))
	for i := range ip.Symbols {
		ip.Symbols[i].EncodeTo(e)
	}
}

// DecodeFrom reads the canonical form without the axis and leaves ip.Axis as it
// is.
func (ip *InconsistencyProof) DecodeFrom(d *bcs.Decoder) {
	ip.Target = SliverIndex(d.U16())
	count := d.Count(MaxShards, minRecoverySymbolSize)
	// The list grows with what is read: a symbol in memory is larger than the
	// least that its bytes may be.
	ip.Symbols = nil
	for i := 0; i < count && d.Err() == nil; i++ {
		var s RecoverySymbol
		s.DecodeFrom(d)
		ip.Symbols = append(ip.Symbols, s)
	}
}

// AppendBinary appends the canonical form without the axis. It never fails.
func (ip *InconsistencyProof) AppendBinary(b []byte) ([]byte, error) {
	e := bcs.NewEncoder(b)
	ip.EncodeTo(e)
	return e.Data(), nil
}

// UnmarshalBinary reads the canonical form without the axis and leaves ip.Axis as
// it is. Its error is an *InvalidError.
func (ip *InconsistencyProof) UnmarshalBinary(b []byte) error {
	d := bcs.NewDecoder(b)
	ip.DecodeFrom(d)
	return finish(d, "inconsistency proof")
}

// AppendTagged appends the canonical form that starts with the axis.
func (ip *InconsistencyProof) AppendTagged(b []byte) []byte {
	e := bcs.NewEncoder(b)
	e.U8(uint8(ip.Axis))
	ip.EncodeTo(e)
	return e.Data()
}

// ParseTaggedInconsistencyProof reads what AppendTagged wrote. Its error is an
// *InvalidError.
func ParseTaggedInconsistencyProof(b []byte) (*InconsistencyProof, error) {
	d := bcs.NewDecoder(b)
	ip := &InconsistencyProof{Axis: decodeAxis(d)}
	ip.DecodeFrom(d)
	if err := finish(d, "inconsistency proof"); err != nil {
		return nil, err
	}
	return ip, nil
}
