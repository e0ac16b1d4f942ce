package shard_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/merkle"
	"github.com/floe-storage/floe/shard/shardtest"
)

// symbolsFor returns proven symbols of the target from sources of the other axis.
func symbolsFor(t *testing.T, p shard.Params, sources []shard.Sliver, target shard.SliverIndex) []shard.RecoverySymbol {
	t.Helper()
	var list []shard.RecoverySymbol
	for _, s := range sources {
		syms, err := shard.ProvenSymbols(p, s, []shard.SliverIndex{target})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, syms...)
	}
	return list
}

// "Sliver recovery": n-f symbols rebuild a primary sliver, n-2f a secondary one.
func TestRecoverSlivers(t *testing.T) {
	t.Parallel()
	sizes := []int{4, 5, 7, 10, 13, 31, 64, 100}
	if !testing.Short() {
		sizes = append(sizes, 1000)
	}
	for _, n := range sizes {
		t.Run(fmt.Sprintf("n=%d", n), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(n), 2))
			p := shardtest.MustParams(n)
			md, pairs, err := shard.Encode(p, shardtest.Blob("recover", 6*p.Rows()*p.Cols()-5))
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range axes {
				lost := pick(r, ofAxis(pairs, a), min(n, 12))
				sources := pick(r, ofAxis(pairs, a.Other()), p.SourceSymbols(a))
				targets := make([]shard.SliverIndex, len(lost))
				syms := make([][][]byte, len(lost))
				for i := range lost {
					targets[i] = lost[i].Index
					syms[i] = make([][]byte, len(sources))
				}
				indices := make([]shard.SliverIndex, len(sources))
				for j, s := range sources {
					indices[j] = s.Index
					cells, err := shard.Symbols(p, s, targets)
					if err != nil {
						t.Fatal(err)
					}
					for i := range cells {
						syms[i][j] = cells[i]
					}
				}
				got, errs := shard.RecoverSlivers(p, md, a, targets, indices, syms)
				for i := range lost {
					if errs[i] != nil {
						t.Fatalf("%v: %v", &lost[i], errs[i])
					}
					if got[i].Axis != a || got[i].Index != lost[i].Index || got[i].SymbolSize != lost[i].SymbolSize ||
						!bytes.Equal(got[i].Data, lost[i].Data) {
						t.Fatalf("%v is another one", &lost[i])
					}
				}
				single := make([]shard.DecodingSymbol, len(sources))
				for j := range sources {
					single[j] = shard.DecodingSymbol{Source: indices[j], Data: syms[0][j]}
				}
				one, err := shard.RecoverSliver(p, md, a, targets[0], single)
				if err != nil || !bytes.Equal(one.Data, lost[0].Data) {
					t.Errorf("%v alone: %v", &lost[0], err)
				}
			}
		})
	}
}

// Each cell of the matrix is one and the same, seen from its row and its column.
func TestSymbolsOfBothAxesAgree(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(13)
	_, pairs, err := shard.Encode(p, shardtest.Blob("cells", 5000))
	if err != nil {
		t.Fatal(err)
	}
	all := make([]shard.SliverIndex, 13)
	for i := range all {
		all[i] = shard.SliverIndex(i)
	}
	var rows, cols [13][][]byte
	for i := range pairs {
		if rows[i], err = shard.Symbols(p, pairs[i].Primary, all); err != nil {
			t.Fatal(err)
		}
		if cols[12-i], err = shard.Symbols(p, pairs[i].Secondary, all); err != nil {
			t.Fatal(err)
		}
	}
	for r := range rows {
		for c := range cols {
			if !bytes.Equal(rows[r][c], cols[c][r]) {
				t.Errorf("cell %d,%d differs", r, c)
			}
		}
	}
}

func TestRecoverSliversFaults(t *testing.T) {
	t.Parallel()
	p, md, pairs := worked(t)
	cols := ofAxis(pairs, shard.Secondary)[:7]
	targets := []shard.SliverIndex{0, 9, 5, 10}
	indices := make([]shard.SliverIndex, len(cols))
	syms := make([][][]byte, len(targets))
	for j, s := range cols {
		indices[j] = s.Index
		cells, err := shard.Symbols(p, s, targets[:3])
		if err != nil {
			t.Fatal(err)
		}
		for i := range targets {
			syms[i] = append(syms[i], cells[min(i, 2)])
		}
	}
	syms[0][3] = syms[0][3][:1]                           // too short
	syms[1][3] = []byte{syms[1][3][0] ^ 1, syms[1][3][1]} // wrong
	slivers, errs := shard.RecoverSlivers(p, md, shard.Primary, targets, indices, syms)
	for i, want := range []error{shard.ErrSymbolSize, shard.ErrMismatch, nil, shard.ErrIndex} {
		if !errors.Is(errs[i], want) {
			t.Errorf("target %d: got %v, want %v", i, errs[i], want)
		}
		if (want == nil) != (slivers[i].Data != nil) {
			t.Errorf("target %d: sliver of %d bytes", i, len(slivers[i].Data))
		}
	}
	if _, ok := errors.AsType[*shard.InvalidError](errs[1]); ok {
		t.Error("a mismatch accuses somebody")
	}
	tests := []struct {
		name    string
		axis    shard.Axis
		sources []shard.SliverIndex
		syms    [][][]byte
		want    error
	}{
		{"axis", 2, indices, syms, shard.ErrAxis},
		{"too few", shard.Primary, indices[:6], syms, shard.ErrNotEnough},
		{"repeated", shard.Primary, []shard.SliverIndex{0, 1, 2, 3, 4, 5, 5}, syms, shard.ErrNotEnough},
		{"source index", shard.Primary, []shard.SliverIndex{0, 1, 2, 3, 4, 5, 10}, syms, shard.ErrIndex},
		{"fewer targets", shard.Primary, indices, syms[:3], shard.ErrCount},
		{"fewer symbols", shard.Primary, indices, [][][]byte{syms[0], syms[1], syms[2][:6], syms[3]}, shard.ErrCount},
	}
	for _, tt := range tests {
		slivers, errs := shard.RecoverSlivers(p, md, tt.axis, targets, tt.sources, tt.syms)
		for i := range errs {
			if !errors.Is(errs[i], tt.want) || slivers[i].Data != nil {
				t.Errorf("%s, target %d: got %v, want %v", tt.name, i, errs[i], tt.want)
			}
		}
	}
	if s, e := shard.RecoverSlivers(p, md, shard.Primary, nil, indices, nil); len(s) != 0 || len(e) != 0 {
		t.Error("no targets, but a result")
	}
}

func TestSymbolsRefuse(t *testing.T) {
	t.Parallel()
	p, _, pairs := worked(t)
	tests := []struct {
		name    string
		change  func(*shard.Sliver)
		targets []shard.SliverIndex
		want    error
	}{
		{"target", func(*shard.Sliver) {}, []shard.SliverIndex{10}, shard.ErrIndex},
		{"many targets", func(*shard.Sliver) {}, make([]shard.SliverIndex, 11), shard.ErrCount},
		{"index", func(s *shard.Sliver) { s.Index = 10 }, nil, shard.ErrIndex},
		{"axis", func(s *shard.Sliver) { s.Axis = 9 }, nil, shard.ErrAxis},
		{"size", func(s *shard.Sliver) { s.Data = s.Data[2:] }, nil, shard.ErrSliverSize},
		{"symbol size 0", func(s *shard.Sliver) { s.SymbolSize = 0 }, nil, shard.ErrSymbolSize},
		{"symbol size below 0", func(s *shard.Sliver) { s.SymbolSize = -2 }, nil, shard.ErrSymbolSize},
		{"odd symbol size", func(s *shard.Sliver) { s.SymbolSize = 3 }, nil, shard.ErrSymbolSize},
		{"large symbol size", func(s *shard.Sliver) { s.SymbolSize = 65536 }, nil, shard.ErrSymbolSize},
	}
	for _, tt := range tests {
		s := pairs[3].Primary
		tt.change(&s)
		if _, err := shard.Symbols(p, s, tt.targets); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
		if _, err := shard.ProvenSymbols(p, s, tt.targets); !errors.Is(err, tt.want) {
			t.Errorf("%s, proven: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestVerifySymbolRefuses(t *testing.T) {
	t.Parallel()
	p, md, pairs := worked(t)
	good := symbolsFor(t, p, []shard.Sliver{pairs[2].Secondary}, 4)[0]
	if err := shard.VerifySymbol(p, md, shard.Primary, 4, good); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		axis   shard.Axis
		target shard.SliverIndex
		change func(*shard.RecoverySymbol)
		want   error
	}{
		{"axis", 2, 4, func(*shard.RecoverySymbol) {}, shard.ErrAxis},
		{"other axis", shard.Secondary, 4, func(*shard.RecoverySymbol) {}, shard.ErrProof},
		{"target", shard.Primary, 10, func(*shard.RecoverySymbol) {}, shard.ErrIndex},
		{"other target", shard.Primary, 5, func(*shard.RecoverySymbol) {}, shard.ErrProof},
		{"source", shard.Primary, 4, func(s *shard.RecoverySymbol) { s.Source = 10 }, shard.ErrIndex},
		{"other source", shard.Primary, 4, func(s *shard.RecoverySymbol) { s.Source-- }, shard.ErrProof},
		{"size", shard.Primary, 4, func(s *shard.RecoverySymbol) { s.Data = nil }, shard.ErrSymbolSize},
		{"data", shard.Primary, 4, func(s *shard.RecoverySymbol) { s.Data = []byte{s.Data[0], s.Data[1] ^ 1} }, shard.ErrProof},
		{"no proof", shard.Primary, 4, func(s *shard.RecoverySymbol) { s.Proof = nil }, shard.ErrProof},
		{"long proof", shard.Primary, 4, func(s *shard.RecoverySymbol) { s.Proof = make(merkle.Proof, 16) }, shard.ErrProof},
	}
	for _, tt := range tests {
		s := good
		tt.change(&s)
		err := shard.VerifySymbol(p, md, tt.axis, tt.target, s)
		if _, ok := errors.AsType[*shard.InvalidError](err); !ok || !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

// A general symbol serves both slivers that cross at its cell, and no others: a
// sliver of the wrong axis with the same number is not one of them.
func TestGeneralSymbol(t *testing.T) {
	t.Parallel()
	p, md, pairs := worked(t)
	sym := symbolsFor(t, p, []shard.Sliver{pairs[2].Secondary}, 4)[0] // row 4, column 7
	g := shard.GeneralSymbol{Axis: shard.Primary, Source: 7, Target: 4, Data: sym.Data, Proof: sym.Proof}
	for _, a := range append(slices.Clone(axes), 2) {
		for i := range shard.SliverIndex(11) {
			want := a == shard.Primary && i == 4 || a == shard.Secondary && i == 7
			if got := g.UsableFor(a, i); got != want {
				t.Errorf("%v sliver %d: got %v, want %v", a, i, got, want)
			}
			if err := g.Verify(p, md, a, i); (err == nil) != want {
				t.Errorf("%v sliver %d: got %v, want good: %v", a, i, err, want)
			}
		}
	}
	if got := g.DecodingFor(shard.Primary).Source; got != 7 {
		t.Errorf("for the row: got source %d, want 7", got)
	}
	if got := g.DecodingFor(shard.Secondary).Source; got != 4 {
		t.Errorf("for the column: got source %d, want 4", got)
	}
}

// A cutter that is used again gives what a new one does, whatever came before.
func TestCutter(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(13)
	cut := shard.NewCutter(p)
	for _, size := range []int{9000, 1, 500, 100_000, 500} {
		_, pairs, err := shard.Encode(p, shardtest.Blob("cutter", size))
		if err != nil {
			t.Fatal(err)
		}
		for i, pair := range pairs {
			for _, s := range []shard.Sliver{pair.Primary, pair.Secondary} {
				for _, targets := range [][]shard.SliverIndex{{0}, {12}, {3, 11, 4, 9}, nil} {
					got, err := cut.Symbols(s, targets)
					if err != nil {
						t.Fatal(err)
					}
					want, err := shard.ProvenSymbols(p, s, targets)
					if err != nil {
						t.Fatal(err)
					}
					for k := range want {
						if !bytes.Equal(got[k], want[k].Data) {
							t.Errorf("%d bytes, pair %d, %v: symbol of %d differs", size, i, s.Axis, targets[k])
						}
					}
				}
			}
		}
		if _, err := cut.Symbols(shard.Sliver{SymbolSize: 2}, nil); err == nil {
			t.Error("a sliver without data was cut")
		}
	}
}
