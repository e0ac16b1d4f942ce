package bls

import (
	"bytes"
	"fmt"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
)

// Key is a public key that has been read from its bytes, or the sum of several.
// The zero value is the sum of none: it verifies nothing.
type Key struct{ point bls12381.G1Affine }

// Parse reads k. It is [ErrKey] unless k is a point of the group other than
// infinity.
func (k PublicKey) Parse() (Key, error) {
	var p bls12381.G1Affine
	if n, err := p.SetBytes(k[:]); err != nil || n != PublicKeySize { // checks the subgroup
		return Key{}, ErrKey
	}
	return newKey(p)
}

// ParseProved reads k like Parse, for keys whose possession was proved before:
// it does not check again that the point, which it checks to be on the curve, is
// in the group. For any other key that check would be of no use alone, since
// only the proof rules out a key made from others' keys.
//
// Were a key outside the group all the same, no verdict would change, alone or
// in a batch: its part outside has an order prime to that of the group, and
// pairs to one.
func (k PublicKey) ParseProved() (Key, error) {
	var p bls12381.G1Affine
	d := bls12381.NewDecoder(bytes.NewReader(k[:]), bls12381.NoSubgroupChecks())
	if err := d.Decode(&p); err != nil {
		return Key{}, ErrKey
	}
	return newKey(p)
}

func newKey(p bls12381.G1Affine) (Key, error) {
	if p.IsInfinity() {
		return Key{}, fmt.Errorf("%w: point at infinity", ErrKey)
	}
	return Key{point: p}, nil
}

// Sum adds up keys: what it verifies is the sum of one signature by each. A key
// that is listed twice counts twice.
func Sum(keys []Key) Key {
	var sum bls12381.G1Jac
	sum.FromAffine(&bls12381.G1Affine{})
	for i := range keys {
		sum.AddMixed(&keys[i].point)
	}
	var k Key
	k.point.FromJacobian(&sum)
	return k
}

// Neg returns the key that takes k out of a sum which k is in.
func (k Key) Neg() Key {
	k.point.Neg(&k.point)
	return k
}

// Bytes returns what travels. For the zero value those are no valid key.
func (k Key) Bytes() PublicKey { return k.point.Bytes() }

// Validate checks that k is a point of the group other than infinity.
func (k PublicKey) Validate() error {
	_, err := k.Parse()
	return err
}

// Verify checks that the owner of k signed msg; otherwise it returns
// [ErrSignature] or [ErrKey].
func (k PublicKey) Verify(msg []byte, sig Signature) error {
	key, err := k.Parse()
	if err != nil {
		return err
	}
	return key.Verify(msg, sig)
}

// Verify checks that sig is the sum of one signature of msg by every key in k;
// otherwise it returns [ErrSignature], or [ErrKey] if k is the sum of none or of
// keys that cancel out.
func (k Key) Verify(msg []byte, sig Signature) error {
	c, err := newClaim(Signed{Keys: []Key{k}, Message: msg, Signature: sig})
	if err != nil {
		return err
	}
	return c.verify()
}

// claim is the equation e(key, hash) = e(G, signature), which holds if and only
// if the signature is right. All are in the groups of prime order.
type claim struct {
	key       Key
	hash      bls12381.G2Affine
	signature bls12381.G2Affine
}

func newClaim(s Signed) (claim, error) {
	key := Sum(s.Keys)
	if key.point.IsInfinity() {
		return claim{}, fmt.Errorf("%w: the sum of no keys, or of keys that cancel out", ErrKey)
	}
	sig, err := s.Signature.point()
	if err != nil {
		return claim{}, err
	}
	h, err := hashToG2(s.Message)
	if err != nil {
		return claim{}, err
	}
	return claim{key: key, hash: h, signature: sig}, nil
}

func (c *claim) verify() error {
	ok, err := bls12381.PairingCheck(
		[]bls12381.G1Affine{c.key.point, minusGenerator()}, []bls12381.G2Affine{c.hash, c.signature})
	if err != nil {
		return fmt.Errorf("bls: pairing: %w", err)
	}
	if !ok {
		return ErrSignature
	}
	return nil
}

func minusGenerator() bls12381.G1Affine {
	_, _, g, _ := bls12381.Generators()
	g.Neg(&g)
	return g
}
