package bls

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/consensys/gnark-crypto/ecc"
	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
)

const (
	batchTag = "floe bls batch v1"

	weightSize = 16 // bytes; see VerifyBatch

	// Items are checked in parts: enough of them to keep all processors busy, but
	// large enough for what the items of a part share to be worth the sharing, and
	// not so large that one wrong item makes many others be looked at alone.
	minPart, maxPart = 8, 64

	// runSize is from how many items of one key on it is cheaper to add up the
	// hashes, with weights, than to multiply the key for each and pair them all.
	runSize = 4
)

// Signed is a signature with what it is to be checked against.
type Signed struct {
	Keys      []Key // the signature is right if it verifies under their Sum
	Message   []byte
	Signature Signature
}

// VerifyBatch checks many signatures on all processors, for little more than half
// the work of one by one, or a third where keys recur; a batch with wrong ones
// costs at most half as much again as one by one. The result is parallel to items.
// Each error is what Verify would return of the sum of the keys, nil if the
// signature is right. It neither keeps nor changes items.
//
// It checks many equations e(Kᵢ, Hᵢ) = e(G, Sᵢ) at once: with weights rᵢ of 128
// bits, Π e(rᵢ·Kᵢ, Hᵢ) = e(G, Σ rᵢ·Sᵢ) ([BGR]). Right ones always pass, and where
// the check fails, each is looked at alone. If some are wrong, let
// e(Kᵢ, Hᵢ)/e(G, Sᵢ) be the power dᵢ of a generator of the target group: the check
// passes only if Σ rᵢ·dᵢ = 0 modulo the groups' order. That is prime and above
// 2^128, every Sᵢ was found to be in its group, and not all dᵢ are 0; so whatever
// the other weights are, at most one value of a weight with dᵢ ≠ 0 passes: one
// chance in 2^128. The weights are a hash of all the items, so who forges has to
// fix the items first; to try again costs a change and a hash, and 2^128 tries
// are beyond everybody. Hence how items are divided into parts, which depends on
// the number of processors, makes no difference to the verdicts.
func VerifyBatch(items []Signed) []error {
	errs := make([]error, len(items))
	b := make([]weighted, len(items))
	spread(len(items), func(i int) {
		b[i].at = i
		b[i].claim, errs[i] = newClaim(items[i])
	})
	b = slices.DeleteFunc(b, func(w weighted) bool { return errs[w.at] != nil })
	weigh(b, items)
	// Equal keys side by side, for runSize.
	slices.SortFunc(b, func(x, y weighted) int {
		return cmp.Or(bytes.Compare(x.travels[:], y.travels[:]), cmp.Compare(x.at, y.at))
	})
	cores := runtime.GOMAXPROCS(0)
	size := min(maxPart, max(minPart, (len(b)+cores-1)/cores))
	parts := (len(b) + size - 1) / size
	doubtful := make([][]weighted, parts)
	spread(parts, func(i int) {
		part := b[i*len(b)/parts : (i+1)*len(b)/parts]
		if len(part) == 1 || !hold(part) {
			doubtful[i] = part
		}
	})
	alone := slices.Concat(doubtful...)
	spread(len(alone), func(i int) { errs[alone[i].at] = alone[i].claim.verify() })
	return errs
}

// weighted is the claim of one item and its weight.
type weighted struct {
	claim   claim
	travels PublicKey // the key's bytes
	weight  fr.Element
	at      int // position among the items
}

// weigh gives each claim of b its weight: a hash of all of them.
func weigh(b []weighted, items []Signed) {
	h := sha256.New()
	h.Write([]byte(batchTag))
	var u [8]byte
	number := func(n int) []byte {
		binary.LittleEndian.PutUint64(u[:], uint64(n))
		return u[:]
	}
	h.Write(number(len(b)))
	for i := range b {
		w := &b[i]
		w.travels = w.claim.key.Bytes()
		item := &items[w.at]
		h.Write(w.travels[:])
		h.Write(item.Signature[:])
		h.Write(number(len(item.Message)))
		h.Write(item.Message)
	}
	seed := h.Sum(nil)
	for i := range b {
		h.Reset()
		h.Write(seed)
		h.Write(number(i))
		b[i].weight.SetBytes(h.Sum(nil)[:weightSize])
	}
}

// hold checks all of b, which has equal keys side by side, in one equation. It
// is false also if the library finds fault with the points.
func hold(b []weighted) bool {
	keys := make([]bls12381.G1Affine, 0, len(b)+1)
	points := make([]bls12381.G2Affine, 0, len(b)+1)
	for rest := b; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].travels == rest[0].travels {
			n++
		}
		run := rest[:n]
		rest = rest[n:]
		if n >= runSize {
			sum, err := sumOf(run, func(c *claim) *bls12381.G2Affine { return &c.hash })
			if err != nil {
				return false
			}
			keys, points = append(keys, run[0].claim.key.point), append(points, sum)
			continue
		}
		for i := range run {
			w := &run[i]
			var k bls12381.G1Affine
			k.ScalarMultiplication(&w.claim.key.point, w.weight.BigInt(new(big.Int)))
			keys, points = append(keys, k), append(points, w.claim.hash)
		}
	}
	signatures, err := sumOf(b, func(c *claim) *bls12381.G2Affine { return &c.signature })
	if err != nil {
		return false
	}
	ok, err := bls12381.PairingCheck(append(keys, minusGenerator()), append(points, signatures))
	return err == nil && ok
}

// sumOf adds up a point of every claim times the claim's weight.
func sumOf(b []weighted, of func(*claim) *bls12381.G2Affine) (bls12381.G2Affine, error) {
	points := make([]bls12381.G2Affine, len(b))
	weights := make([]fr.Element, len(b))
	for i := range b {
		points[i], weights[i] = *of(&b[i].claim), b[i].weight
	}
	var sum bls12381.G2Affine
	_, err := sum.MultiExp(points, weights, ecc.MultiExpConfig{NbTasks: 1})
	return sum, err
}

// spread calls do with 0 … n-1 on all processors and returns when all calls have.
func spread(n int, do func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}
