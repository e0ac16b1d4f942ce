package shard

import (
	"errors"
	"fmt"

	"github.com/floe-storage/floe/shard/merkle"
	"github.com/floe-storage/floe/shard/rs"
)

// Symbols returns what sliver s contributes to recover slivers of the other axis:
// for each target the symbol of s's row or column that lies in it. s is a
// verified one; there are at most n targets. The symbols are the caller's. Its
// error is an *InvalidError, or ErrParams.
func Symbols(p Params, s Sliver, targets []SliverIndex) ([][]byte, error) {
	return NewCutter(p).Symbols(s, targets)
}

// ProvenSymbols is Symbols with the proof that each symbol belongs to s.
func ProvenSymbols(p Params, s Sliver, targets []SliverIndex) ([]RecoverySymbol, error) {
	x, err := NewCutter(p).expander(&s, targets)
	if err != nil {
		return nil, err
	}
	if err := x.expand([][]byte{s.Data}); err != nil {
		return nil, err
	}
	tree := merkle.FromHashes(x.leaves(0))
	symbols := lanes(len(targets), s.SymbolSize)
	proven := make([]RecoverySymbol, len(targets))
	for i, t := range targets {
		x.symbol(symbols[i], 0, int(t))
		proven[i] = RecoverySymbol{Source: s.Index, Data: symbols[i], Proof: tree.Proof(int(t))}
	}
	return proven, nil
}

// VerifySymbol checks that sym is the symbol of sliver target of axis a that its
// source says, against verified metadata. Its error is an *InvalidError with
// ErrAxis, ErrIndex, ErrSymbolSize or ErrProof, or ErrParams.
func VerifySymbol(p Params, md *Metadata, a Axis, target SliverIndex, sym RecoverySymbol) error {
	symbolSize, err := md.symbolSize(p)
	if err != nil {
		return err
	}
	switch {
	case !a.valid():
		return invalid(ErrAxis, "%s", sliverName(a, target))
	case int(target) >= p.n:
		return invalid(ErrIndex, "%s of %d", sliverName(a, target), p.n)
	case int(sym.Source) >= p.n:
		return invalid(ErrIndex, "symbol from %s of %d", sliverName(a.Other(), sym.Source), p.n)
	case len(sym.Data) != symbolSize:
		return invalid(ErrSymbolSize, "symbol of %d bytes from %s, want %d",
			len(sym.Data), sliverName(a.Other(), sym.Source), symbolSize)
	case !merkle.Verify(md.Hash(a.Other(), sym.Source), p.n, sym.Data, int(target), sym.Proof):
		return invalid(ErrProof, "symbol of %s from %s", sliverName(a, target), sliverName(a.Other(), sym.Source))
	default:
		return nil
	}
}

// RecoverSliver builds sliver target of axis a from symbols, of which the first
// Params.SourceSymbols(a) with distinct sources are used, and verifies it. Its
// error is ErrNotEnough; ErrMismatch when the result is not the sliver that
// metadata tells of, because a symbol is wrong or the blob was encoded wrongly;
// an *InvalidError for indices and sizes; or ErrParams.
func RecoverSliver(p Params, md *Metadata, a Axis, target SliverIndex, syms []DecodingSymbol) (Sliver, error) {
	sources := make([]SliverIndex, len(syms))
	data := make([][]byte, len(syms))
	for i, s := range syms {
		sources[i], data[i] = s.Source, s.Data
	}
	slivers, errs := RecoverSlivers(p, md, a, []SliverIndex{target}, sources, [][][]byte{data})
	return slivers[0], errs[0]
}

// RecoverSlivers builds many slivers of axis a from symbols of the same sources:
// syms[t][s] is the symbol of targets[t] from sources[s]. As in RecoverSliver the
// first distinct sources are used. The results have an entry per target: a
// sliver, or an error as RecoverSliver has it and the zero Sliver.
func RecoverSlivers(p Params, md *Metadata, a Axis, targets, sources []SliverIndex, syms [][][]byte) ([]Sliver, []error) {
	slivers := make([]Sliver, len(targets))
	errs := make([]error, len(targets))
	r, err := newRecovery(p, md, a, targets, sources, syms)
	if err == nil {
		err = r.run(slivers, errs)
	}
	if err != nil {
		for i := range errs {
			slivers[i], errs[i] = Sliver{}, err
		}
		return slivers, errs
	}
	r.verify(md, slivers, errs)
	return slivers, errs
}

// recovery builds slivers of one axis from the same sources.
type recovery struct {
	*grid

	axis    Axis
	targets []SliverIndex
	syms    [][][]byte
	use     []int // which of sources are used
	known   []int // their indices
	decoder *rs.Decoder
}

func newRecovery(p Params, md *Metadata, a Axis, targets, sources []SliverIndex, syms [][][]byte) (*recovery, error) {
	g, err := gridOf(p, md)
	if err != nil {
		return nil, err
	}
	if !a.valid() {
		return nil, invalid(ErrAxis, "recovery of %v slivers", a)
	}
	if len(syms) != len(targets) {
		return nil, invalid(ErrCount, "symbols for %d slivers, want %d", len(syms), len(targets))
	}
	r := &recovery{grid: g, axis: a, targets: targets, syms: syms}
	k := g.SourceSymbols(a)
	seen := make([]bool, g.n)
	for i, s := range sources {
		if int(s) >= g.n {
			return nil, invalid(ErrIndex, "symbols from %s of %d", sliverName(a.Other(), s), g.n)
		}
		if !seen[s] && len(r.use) < k {
			seen[s] = true
			r.use = append(r.use, i)
			r.known = append(r.known, int(s))
		}
	}
	if len(r.use) < k {
		return nil, fmt.Errorf("%w: symbols from %d slivers, need %d", ErrNotEnough, len(r.use), k)
	}
	r.decoder, err = g.codes[a].Decoder(r.known)
	if err != nil {
		return nil, err
	}
	for t := range targets {
		if len(syms[t]) != len(sources) {
			return nil, invalid(ErrCount, "%d symbols of %s, want %d",
				len(syms[t]), sliverName(a, targets[t]), len(sources))
		}
	}
	return r, nil
}

// run fills slivers, in batches on all cores; targets that cannot be built get an
// error instead.
func (r *recovery) run(slivers []Sliver, errs []error) error {
	ss := r.symbolSize
	var good []int
	for t := range r.targets {
		if errs[t] = r.checkTarget(t); errs[t] != nil {
			continue
		}
		good = append(good, t)
		slivers[t] = Sliver{r.axis, r.targets[t], ss, make([]byte, r.SliverSize(r.axis, ss))}
	}
	return r.decodeBatches(r.decoder, len(good), func(l *decodeLanes, first, count int) error {
		for i, s := range r.use {
			for j, t := range good[first : first+count] {
				l.layout.Put(l.in[i], j, r.syms[t][s])
			}
		}
		if err := r.decoder.Decode(l.in, l.out, &l.work); err != nil {
			return err
		}
		for j, t := range good[first : first+count] {
			data := slivers[t].Data
			for i, s := range r.use {
				if x := r.known[i]; x < r.SourceSymbols(r.axis) {
					copy(data[x*ss:], r.syms[t][s])
				}
			}
			for i, x := range r.decoder.Missing() {
				l.layout.Get(data[x*ss:(x+1)*ss], l.out[i], j)
			}
		}
		return nil
	})
}

// checkTarget checks the index of a target and the sizes of its symbols.
func (r *recovery) checkTarget(t int) error {
	if int(r.targets[t]) >= r.n {
		return invalid(ErrIndex, "%s of %d", sliverName(r.axis, r.targets[t]), r.n)
	}
	for i, s := range r.use {
		if size := len(r.syms[t][s]); size != r.symbolSize {
			return invalid(ErrSymbolSize, "symbol of %d bytes from %s, want %d",
				size, sliverName(r.axis.Other(), SliverIndex(r.known[i])), r.symbolSize)
		}
	}
	return nil
}

// verify compares the slivers that were built with the metadata.
func (r *recovery) verify(md *Metadata, slivers []Sliver, errs []error) {
	var which []int
	for t := range slivers {
		if errs[t] == nil {
			which = append(which, t)
		}
	}
	r.grid.verify(md, r.axis, slivers, which, errs)
	for _, t := range which {
		// It is not the sliver's author who is wrong here: there is none.
		if errors.Is(errs[t], ErrMismatch) {
			errs[t] = fmt.Errorf("recover %v: %w", &slivers[t], ErrMismatch)
		}
		if errs[t] != nil {
			slivers[t] = Sliver{}
		}
	}
}
