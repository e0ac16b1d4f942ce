// Package bls signs and verifies with BLS12-381: many signatures of one message become one.
//
// # How it works
//
// The scheme is min-pk: public keys are points of G1 (48 bytes compressed),
// signatures points of G2 (96 bytes compressed), messages are hashed to G2 with
// the domain tag of the IETF basic ciphersuite. Aggregation is the sum; it is
// safe only for keys whose owner has proved to possess them (see
// committee.PossessionMessage).
//
// Bytes are cheap to keep and dear to read: a [PublicKey] is what travels, a
// [Key] is the same read once, or the sum of several. Many signatures are
// checked by one equation, [VerifyBatch].
//
// # Invariants
//
// A verdict depends on nothing but what is verified: not on a clock, on
// randomness, on the number of processors, or on what else is in the batch.
// A replicated state machine may build on it.
//
// # Concurrency
//
// Everything is a value; all functions are safe for concurrent use.
// [VerifyBatch] uses all processors and returns when its goroutines have ended.
//
// # Sources
//
//	[WE]   Walrus's exact forms, §5.8: fastcrypto's bls12381 min_pk
//	[9380] RFC 9380, hashing to elliptic curves
//	[BGR]  Bellare, Garay, Rabin, Fast batch verification for modular
//	       exponentiation and digital signatures: the small exponents test
package bls

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
)

// The sizes of what travels, in bytes.
const (
	SecretKeySize = 32 // a scalar, big-endian
	PublicKeySize = 48 // compressed G1
	SignatureSize = 96 // compressed G2
)

var (
	// ErrSignature says that a signature does not belong to message and keys,
	// or is no point of the group at all.
	ErrSignature = errors.New("bls: signature does not verify")
	// ErrKey says that bytes are no usable key: not a point of the group, the
	// point at infinity, or a scalar out of range.
	ErrKey = errors.New("bls: invalid key")
)

// PublicKey is a compressed point of G1. It may hold bytes that are no valid
// key: verifying with those fails.
type PublicKey [PublicKeySize]byte

// String returns the key in hexadecimal.
func (k PublicKey) String() string { return hex.EncodeToString(k[:]) }

// Signature is a compressed point of G2, valid or not.
type Signature [SignatureSize]byte

// SecretKey signs. The zero value is not usable.
type SecretKey struct {
	scalar fr.Element
	public PublicKey
}

// GenerateKey makes a key from the system's randomness.
func GenerateKey() (*SecretKey, error) {
	var wide [SecretKeySize + 16]byte // reduced modulo the order: bias below 2^-128
	for {
		if _, err := rand.Read(wide[:]); err != nil {
			return nil, fmt.Errorf("bls: read randomness: %w", err)
		}
		var s fr.Element
		s.SetBytes(wide[:])
		if !s.IsZero() {
			return newSecretKey(s), nil
		}
	}
}

// ParseSecretKey reads a scalar of [SecretKeySize] bytes, big-endian, at least
// 1 and below the group's order; anything else is [ErrKey].
func ParseSecretKey(b []byte) (*SecretKey, error) {
	var s fr.Element
	if len(b) != SecretKeySize {
		return nil, fmt.Errorf("%w: secret of %d bytes, want %d", ErrKey, len(b), SecretKeySize)
	}
	if err := s.SetBytesCanonical(b); err != nil || s.IsZero() {
		return nil, fmt.Errorf("%w: secret out of range", ErrKey)
	}
	return newSecretKey(s), nil
}

func newSecretKey(s fr.Element) *SecretKey {
	_, _, g1, _ := bls12381.Generators()
	var p bls12381.G1Affine
	p.ScalarMultiplication(&g1, s.BigInt(new(big.Int)))
	return &SecretKey{scalar: s, public: p.Bytes()}
}

// Bytes returns the secret scalar, big-endian. Whoever has it can sign.
func (k *SecretKey) Bytes() []byte {
	b := k.scalar.Bytes()
	return b[:]
}

// PublicKey returns the key that verifies what k signs.
func (k *SecretKey) PublicKey() PublicKey { return k.public }

// Sign signs msg. Equal inputs give equal signatures.
func (k *SecretKey) Sign(msg []byte) Signature {
	p, err := hashToG2(msg)
	if err != nil {
		panic("bls: hash to curve: " + err.Error()) //nolint:forbidigo // invariant: the domain tag is a constant that fits
	}
	p.ScalarMultiplication(&p, k.scalar.BigInt(new(big.Int)))
	return p.Bytes()
}

// Aggregate adds up signatures of one message. It is [ErrSignature] if one of
// them is no point of the group or if there are none.
func Aggregate(sigs []Signature) (Signature, error) {
	if len(sigs) == 0 {
		return Signature{}, fmt.Errorf("%w: nothing to aggregate", ErrSignature)
	}
	var sum bls12381.G2Jac
	for i, s := range sigs {
		p, err := s.point()
		if err != nil {
			return Signature{}, fmt.Errorf("signature %d: %w", i, err)
		}
		if i == 0 {
			sum.FromAffine(&p)
			continue
		}
		sum.AddMixed(&p)
	}
	var a bls12381.G2Affine
	a.FromJacobian(&sum)
	return a.Bytes(), nil
}

func (s Signature) point() (bls12381.G2Affine, error) {
	var p bls12381.G2Affine
	if n, err := p.SetBytes(s[:]); err != nil || n != SignatureSize { // checks the subgroup
		return p, fmt.Errorf("%w: not a point of the group", ErrSignature)
	}
	return p, nil
}
