package shard

import "errors"

var errUnfinished = errors.New("shard: not written yet")

// Check selects how Decode makes sure that the blob was encoded consistently.
type Check uint8

// The checks.
const (
	CheckDefault Check = iota
	CheckSkip
	CheckStrict
)

// Decode gives the blob back.
func Decode(p Params, md *Metadata, slivers []Sliver, c Check) ([]byte, error) {
	return nil, errUnfinished
}

// Symbols returns cells of the expanded sliver.
func Symbols(p Params, s Sliver, targets []SliverIndex) ([][]byte, error) { return nil, errUnfinished }

// ProvenSymbols returns cells of the expanded sliver with proofs.
func ProvenSymbols(p Params, s Sliver, targets []SliverIndex) ([]RecoverySymbol, error) {
	return nil, errUnfinished
}

// VerifySymbol checks one recovery symbol.
func VerifySymbol(p Params, md *Metadata, a Axis, target SliverIndex, sym RecoverySymbol) error {
	return errUnfinished
}

// RecoverSliver rebuilds one sliver.
func RecoverSliver(p Params, md *Metadata, a Axis, target SliverIndex, syms []DecodingSymbol) (Sliver, error) {
	return Sliver{}, errUnfinished
}

// RecoverSlivers rebuilds many slivers.
func RecoverSlivers(p Params, md *Metadata, a Axis, targets, sources []SliverIndex, syms [][][]byte) ([]Sliver, []error) {
	return nil, nil
}

// InconsistencyProof shows that a blob was encoded wrongly.
type InconsistencyProof struct {
	Axis    Axis
	Target  SliverIndex
	Symbols []RecoverySymbol
}

// Verify checks the proof.
func (ip *InconsistencyProof) Verify(p Params, md *Metadata) error { return errUnfinished }

// RecoverOrProve rebuilds a sliver or proves that it cannot be.
func RecoverOrProve(p Params, md *Metadata, a Axis, target SliverIndex, syms []RecoverySymbol) (Sliver, *InconsistencyProof, error) {
	return Sliver{}, nil, errUnfinished
}
