package shard_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// A wrong sliver of either axis, of the source or the parity, is proven by
// symbols of the slivers across it.
func TestInconsistencyProof(t *testing.T) {
	t.Parallel()
	for _, n := range []int{4, 10, 31} {
		for _, a := range axes {
			for _, wrong := range []int{0, n / 2, n - 1} {
				t.Run(fmt.Sprintf("n=%d/%v/%d", n, a, wrong), func(t *testing.T) {
					t.Parallel()
					p := shardtest.MustParams(n)
					target := shard.SliverIndex(wrong)
					md, pairs, err := shardtest.ReplaceSliver(p, shardtest.Blob("lie", 3000), a, target)
					if err != nil {
						t.Fatal(err)
					}
					syms := symbolsFor(t, p, ofAxis(pairs, a.Other()), target)
					slices.Reverse(syms)
					_, proof, err := shard.RecoverOrProve(p, md, a, target, syms)
					if err != nil || proof == nil {
						t.Fatalf("got %v, want a proof", err)
					}
					if err := proof.Verify(p, md); err != nil {
						t.Error(err)
					}
					got, err := shard.ParseTaggedInconsistencyProof(proof.AppendTagged(nil))
					if err != nil {
						t.Fatal(err)
					}
					if err := got.Verify(p, md); err != nil {
						t.Errorf("read back: %v", err)
					}
					// The other axis is not touched by it.
					other := symbolsFor(t, p, ofAxis(pairs, a), target)
					other = slices.DeleteFunc(other, func(s shard.RecoverySymbol) bool { return s.Source == target })
					sliver, proof, err := shard.RecoverOrProve(p, md, a.Other(), target, other)
					if err != nil || proof != nil {
						t.Fatalf("other axis: got %v, %v, want a sliver", proof, err)
					}
					if err := shard.VerifySliver(p, md, &sliver); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

func TestRecoverOrProveUsesGoodSymbols(t *testing.T) {
	t.Parallel()
	p, md, pairs := worked(t)
	syms := symbolsFor(t, p, ofAxis(pairs, shard.Secondary), 2)
	for _, i := range []int{0, 4} { // bad ones among the good
		syms[i].Data = slices.Clone(syms[i].Data)
		syms[i].Data[0] ^= 1
	}
	syms = slices.Insert(syms, 2, syms[1], syms[1])
	sliver, proof, err := shard.RecoverOrProve(p, md, shard.Primary, 2, syms)
	if err != nil || proof != nil || !bytes.Equal(sliver.Data, pairs[2].Primary.Data) {
		t.Errorf("got %v, %v, %v, want the sliver", &sliver, proof, err)
	}
	if _, _, err := shard.RecoverOrProve(p, md, shard.Primary, 2, syms[:9]); !errors.Is(err, shard.ErrNotEnough) {
		t.Errorf("six good symbols: got %v, want ErrNotEnough", err)
	}
	if _, _, err := shard.RecoverOrProve(p, md, shard.Primary, 10, syms); !errors.Is(err, shard.ErrIndex) {
		t.Errorf("target: got %v, want ErrIndex", err)
	}
	if _, _, err := shard.RecoverOrProve(p, md, 2, 1, syms); !errors.Is(err, shard.ErrAxis) {
		t.Errorf("axis: got %v, want ErrAxis", err)
	}
	if _, _, err := shard.RecoverOrProve(p, nil, shard.Primary, 1, syms); !errors.Is(err, shard.ErrMetadata) {
		t.Errorf("metadata: got %v, want ErrMetadata", err)
	}
}

func TestInconsistencyProofRefuses(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(10)
	md, pairs, err := shardtest.ReplaceSliver(p, shardtest.Blob("lie", 300), shard.Primary, 6)
	if err != nil {
		t.Fatal(err)
	}
	syms := symbolsFor(t, p, ofAxis(pairs, shard.Secondary), 6)
	good := symbolsFor(t, p, ofAxis(pairs, shard.Secondary), 5)
	repeated := slices.Clone(syms[:7])
	repeated[3] = repeated[2]
	bad := slices.Clone(syms[:7])
	bad[3].Data = slices.Clone(bad[3].Data)
	bad[3].Data[0] ^= 1
	tests := []struct {
		name  string
		proof shard.InconsistencyProof
		md    *shard.Metadata
		want  error
	}{
		{"valid", shard.InconsistencyProof{Axis: shard.Primary, Target: 6, Symbols: syms[:7]}, md, nil},
		{"consistent", shard.InconsistencyProof{Axis: shard.Primary, Target: 5, Symbols: good[:7]}, md, shard.ErrConsistent},
		{"too few", shard.InconsistencyProof{Axis: shard.Primary, Target: 6, Symbols: syms[:6]}, md, shard.ErrCount},
		{"too many", shard.InconsistencyProof{Axis: shard.Primary, Target: 6, Symbols: syms[:8]}, md, shard.ErrCount},
		{"repeated", shard.InconsistencyProof{Axis: shard.Primary, Target: 6, Symbols: repeated}, md, shard.ErrNotEnough},
		{"wrong symbol", shard.InconsistencyProof{Axis: shard.Primary, Target: 6, Symbols: bad}, md, shard.ErrProof},
		{"other target", shard.InconsistencyProof{Axis: shard.Primary, Target: 7, Symbols: syms[:7]}, md, shard.ErrProof},
		{"target", shard.InconsistencyProof{Axis: shard.Primary, Target: 10, Symbols: syms[:7]}, md, shard.ErrIndex},
		{"other axis", shard.InconsistencyProof{Axis: shard.Secondary, Target: 6, Symbols: syms[:4]}, md, shard.ErrProof},
		{"axis", shard.InconsistencyProof{Axis: 3, Target: 6, Symbols: syms[:7]}, md, shard.ErrAxis},
		{"metadata", shard.InconsistencyProof{Axis: shard.Primary, Target: 6, Symbols: syms[:7]}, nil, shard.ErrMetadata},
		{"nothing", shard.InconsistencyProof{}, md, shard.ErrCount},
	}
	for _, tt := range tests {
		err := tt.proof.Verify(p, tt.md)
		if _, ok := errors.AsType[*shard.InvalidError](err); !errors.Is(err, tt.want) || ok != (tt.want != nil) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}
