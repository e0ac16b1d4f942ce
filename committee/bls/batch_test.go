package bls_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee/bls"
)

// signed returns n items that verify: of few keys or many, with some messages
// in common.
func signed(t testing.TB, n, keys int) []bls.Signed {
	t.Helper()
	secrets := make([]*bls.SecretKey, keys)
	points := make([]bls.Key, keys)
	for i := range secrets {
		secrets[i] = scalar(t, byte(i+2)) // with 1 the pairings would cancel before the costly part
		points[i] = parse(t, secrets[i].PublicKey())
	}
	items := make([]bls.Signed, n)
	for i := range items {
		msg := fmt.Appendf(nil, "message %d", i/2)
		items[i] = bls.Signed{Keys: points[i%keys : i%keys+1], Message: msg, Signature: secrets[i%keys].Sign(msg)}
	}
	return items
}

// spoil makes one item wrong in one of several ways.
func spoil(r *rand.Rand, items []bls.Signed, i int) {
	s := &items[i]
	switch r.IntN(8) {
	case 0:
		s.Message = append(bytes.Clone(s.Message), 0)
	case 1:
		s.Signature[50] ^= 1 // no point
	case 2:
		s.Signature[0] ^= 0x20 // the other root: minus the signature
	case 3:
		s.Signature = bls.Signature{}
	case 4:
		s.Signature = bls.Signature{0: 0xc0}
	case 5:
		s.Keys = nil
	case 6:
		s.Keys = slices.Repeat(s.Keys, 2)
	case 7: // two that are wrong by opposite amounts: their sum is right
		j := r.IntN(len(items))
		s.Signature, items[j].Signature = items[j].Signature, s.Signature
	}
}

// checkVerdicts compares a batch with the items one by one.
func checkVerdicts(t *testing.T, items []bls.Signed) {
	t.Helper()
	got := bls.VerifyBatch(items)
	if len(got) != len(items) {
		t.Fatalf("got %d verdicts on %d items", len(got), len(items))
	}
	for i, s := range items {
		if want := bls.Sum(s.Keys).Verify(s.Message, s.Signature); fmt.Sprint(got[i]) != fmt.Sprint(want) {
			t.Errorf("item %d of %d: got %v, want %v", i, len(items), got[i], want)
		}
	}
}

func TestVerifyBatch(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 3, 8, 9, 17, 40} {
		for _, keys := range []int{1, 3, 40} {
			t.Run(fmt.Sprintf("%d items, %d keys", n, keys), func(t *testing.T) {
				t.Parallel()
				items := signed(t, n, keys)
				for i, err := range bls.VerifyBatch(items) {
					if err != nil {
						t.Errorf("item %d of good ones: %v", i, err)
					}
				}
				if n == 0 {
					return
				}
				r := rand.New(rand.NewPCG(uint64(n), uint64(keys)))
				spoil(r, items, r.IntN(n))
				checkVerdicts(t, items)
				for range n / 4 {
					spoil(r, items, r.IntN(n))
				}
				checkVerdicts(t, items)
			})
		}
	}
}

// Every item wrong, in every way.
func TestVerifyBatchAllWrong(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	items := signed(t, 30, 4)
	for i := range items {
		spoil(r, items, i)
	}
	checkVerdicts(t, items)
}

// Signatures that are wrong each but right in sum, as is a sum without weights.
func TestVerifyBatchWeighs(t *testing.T) {
	t.Parallel()
	items := signed(t, 2, 2)
	items[0].Signature, items[1].Signature = items[1].Signature, items[0].Signature
	for i, err := range bls.VerifyBatch(items) {
		if !errors.Is(err, bls.ErrSignature) {
			t.Errorf("item %d: got %v, want ErrSignature", i, err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	s := signed(b, 1, 1)[0]
	for b.Loop() {
		if err := s.Keys[0].Verify(s.Message, s.Signature); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyBatch(b *testing.B) {
	for _, bb := range []struct{ n, keys, wrong int }{{100, 100, 0}, {100, 1, 0}, {1000, 100, 0}, {100, 100, 1}, {100, 100, 100}} {
		b.Run(fmt.Sprintf("%d items, %d keys, %d wrong", bb.n, bb.keys, bb.wrong), func(b *testing.B) {
			items := signed(b, bb.n, bb.keys)
			for i := range bb.wrong {
				items[i].Message = append(items[i].Message, 0)
			}
			for b.Loop() {
				bls.VerifyBatch(items)
			}
			b.ReportMetric(float64(b.N*bb.n)/b.Elapsed().Seconds(), "items/s")
		})
	}
}
