package bls

import (
	"bytes"
	"testing"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fp"
)

// The library hashes by the letter of [9380].
func FuzzHashToG2(f *testing.F) {
	for n := range 20 {
		f.Add(bytes.Repeat([]byte{byte(n)}, 7*n))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		got, err := hashToG2(msg)
		if err != nil {
			t.Fatal(err)
		}
		want, err := bls12381.HashToG2(msg, []byte(domain))
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%x: got %v, want %v", msg, got, want)
		}
	})
}

// Field elements that no message is known to hash to, among them the only one for
// which the map would divide by zero: 0. (Z·u² = -1 has no root: -1 is a square
// and Z is none.)
func TestMapToTwistExceptions(t *testing.T) {
	t.Parallel()
	var one, minusOne, five bls12381.E2
	one.SetOne()
	minusOne.Neg(&one)
	five.SetString("5", "0")
	for _, u := range []bls12381.E2{{}, one, minusOne, five, {A1: fp.One()}, {A0: fp.One(), A1: fp.One()}} {
		if got, want := mapToTwist(&u), bls12381.MapToCurve2(&u); got != want {
			t.Errorf("%v: got %v, want %v", u, got, want)
		}
	}
}
