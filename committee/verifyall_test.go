package committee_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
)

// certificateBy is a valid certificate of the given members but for what they are.
func certificateBy(t testing.TB, c *committee.Committee, blob int, positions ...int) committee.Certificate {
	t.Helper()
	msg := committee.Confirmation{Epoch: c.Epoch(), Blob: shard.BlobID{byte(blob), byte(blob >> 8)}}.Message()
	return committee.Certificate{
		Signers: bitmapOf((len(c.Members())+7)/8, positions...), Message: msg, Signature: sumOf(t, msg, positions...),
	}
}

func everyMember(c *committee.Committee) []int {
	all := make([]int, len(c.Members()))
	for i := range all {
		all[i] = i
	}
	return all
}

// checkVerdicts compares VerifyAll with Verify one by one.
func checkVerdicts(t *testing.T, c *committee.Committee, certs []committee.Certificate, enough func(committee.Weight, int) bool) {
	t.Helper()
	got := c.VerifyAll(certs, enough)
	if len(got) != len(certs) {
		t.Fatalf("got %d verdicts on %d certificates", len(got), len(certs))
	}
	for i, cert := range certs {
		if want := c.Verify(cert, enough); fmt.Sprint(got[i]) != fmt.Sprint(want) {
			t.Errorf("certificate %d of %d: got %v, want %v", i, len(certs), got[i], want)
		}
	}
}

// Random mixtures of good and bad certificates.
func TestVerifyAll(t *testing.T) {
	t.Parallel()
	c := newCommittee(t, 1, 2, 3, 1, 1, 2, 1, 1, 4)
	seen := map[error]int{}
	kinds := []error{nil, bls.ErrSignature, committee.ErrBitmap, committee.ErrNoQuorum}
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 0))
		certs := make([]committee.Certificate, r.IntN(40))
		for i := range certs {
			count := 9 - r.IntN(1+r.IntN(5))
			cert := certificateBy(t, c, r.IntN(1000), r.Perm(9)[:count]...)
			switch r.IntN(16) {
			case 0:
				cert.Message = append(bytes.Clone(cert.Message), 0)
			case 1:
				cert.Signature[95] ^= 1
			case 2:
				cert.Signature = bls.Signature{0: 0xc0}
			case 3:
				cert.Signature = sumOf(t, cert.Message, 0, 1)
			case 4:
				cert.Signers[1] |= 1 << (1 + r.IntN(7))
			case 5:
				cert.Signers = append(cert.Signers, 0)
			case 6:
				cert.Signers[0] ^= 1 << r.IntN(8)
			case 7:
				cert = committee.Certificate{}
			}
			certs[i] = cert
		}
		for _, enough := range []func(committee.Weight, int) bool{
			committee.Quorum, committee.Validity, func(committee.Weight, int) bool { return true },
		} {
			checkVerdicts(t, c, certs, enough)
		}
		for _, err := range c.VerifyAll(certs, committee.Quorum) {
			seen[kinds[slices.IndexFunc(kinds, func(k error) bool { return errors.Is(err, k) })]]++
		}
	}
	for _, k := range kinds {
		if seen[k] == 0 {
			t.Errorf("%v: not among the certificates", k)
		}
	}
	if got := c.VerifyAll(nil, committee.Quorum); len(got) != 0 {
		t.Errorf("no certificates: got %v", got)
	}
}

// Any set of signers, be it added up or taken from the total.
func TestVerifyAnySigners(t *testing.T) {
	t.Parallel()
	c := newCommittee(t, 1, 1, 1, 1, 1)
	some := func(w committee.Weight, _ int) bool { return w > 0 }
	var certs []committee.Certificate
	for set := 1; set < 1<<5; set++ {
		var positions []int
		for i := range 5 {
			if set>>i&1 == 1 {
				positions = append(positions, i)
			}
		}
		certs = append(certs, certificateBy(t, c, set, positions...))
	}
	for i, err := range c.VerifyAll(certs, some) {
		if err != nil {
			t.Errorf("signers %b: %v", i+1, err)
		}
	}
	checkVerdicts(t, c, certs, some)
}

// A member whose key is none cannot sign; what the others sign counts.
func TestVerifyWithBadKey(t *testing.T) {
	t.Parallel()
	for _, bad := range []bls.PublicKey{{}, {0: 0xc0}, {0: 0x80, 47: 1}, bls.PublicKey(bytes.Repeat([]byte{0xff}, 48))} {
		ms := members(t, 1, 1, 1, 1, 1, 1, 1)
		ms[2].BLSKey = bad
		c, err := committee.New(5, 7, ms)
		if err != nil {
			t.Fatal(err)
		}
		without := certificateBy(t, c, 1, 0, 1, 3, 4, 5)
		with := certificateBy(t, c, 1, 0, 1, 2, 3, 4, 5)
		if err := c.Verify(without, committee.Quorum); err != nil {
			t.Errorf("key %v, not a signer: %v", bad, err)
		}
		if err := c.Verify(with, committee.Quorum); !errors.Is(err, bls.ErrKey) {
			t.Errorf("key %v: got %v, want ErrKey", bad, err)
		}
		checkVerdicts(t, c, []committee.Certificate{with, without, with}, committee.Quorum)
		k := committee.NewCollector(c, without.Message)
		s := committee.SignedConfirmation{Message: without.Message, Signature: secret(t, 3).Sign(without.Message)}
		if err := k.Add(ms[2].ID, s); !errors.Is(err, bls.ErrKey) || k.Weight() != 0 {
			t.Errorf("key %v, collector: got %v and weight %d, want ErrKey and 0", bad, err, k.Weight())
		}
	}
}

// A committee and the same at other epochs verify at once from many goroutines.
func TestVerifyConcurrently(t *testing.T) {
	t.Parallel()
	c := newCommittee(t, 1, 1, 1, 1)
	cert := certificateBy(t, c, 1, 0, 1, 3)
	var wg sync.WaitGroup
	for e := range committee.Epoch(4) {
		wg.Go(func() {
			if err := c.AtEpoch(e).Verify(cert, committee.Quorum); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			for _, err := range c.VerifyAll([]committee.Certificate{cert, cert}, committee.Quorum) {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkVerify(b *testing.B) {
	for _, n := range []int{10, 100} {
		b.Run(fmt.Sprintf("%d members", n), func(b *testing.B) {
			c := newCommittee(b, slices.Repeat([]int{1}, n)...)
			cert := certificateBy(b, c, 1, everyMember(c)[:(2*n+3)/3]...)
			for b.Loop() {
				if err := c.Verify(cert, committee.Quorum); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerifyAll checks 100 certificates of as many blobs.
func BenchmarkVerifyAll(b *testing.B) {
	const count = 100
	for _, n := range []int{10, 100} {
		c := newCommittee(b, slices.Repeat([]int{1}, n)...)
		for _, bb := range []struct {
			name    string
			signers func(r *rand.Rand) []int
		}{
			{"a quorum each", func(r *rand.Rand) []int { return r.Perm(n)[:(2*n+3)/3] }},
			{"everybody", func(*rand.Rand) []int { return everyMember(c) }},
		} {
			b.Run(fmt.Sprintf("%d members, %s", n, bb.name), func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, 1))
				certs := make([]committee.Certificate, count)
				for i := range certs {
					certs[i] = certificateBy(b, c, i, bb.signers(r)...)
				}
				for b.Loop() {
					for _, err := range c.VerifyAll(certs, committee.Quorum) {
						if err != nil {
							b.Fatal(err)
						}
					}
				}
				b.ReportMetric(float64(b.N*count)/b.Elapsed().Seconds(), "certificates/s")
			})
		}
	}
}
