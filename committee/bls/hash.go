package bls

import (
	"fmt"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fp"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/hash_to_curve"
)

const domain = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_"

// hashToG2 hashes msg with the suite BLS12381G2_XMD:SHA-256_SSWU_RO_ ([9380]
// §8.8.2).
func hashToG2(msg []byte) (bls12381.G2Affine, error) {
	p, err := hashToTwist(msg)
	p.ClearCofactor(&p)
	return p, err
}

// hashToTwist is hashToG2 but for its last step, which takes the point into the
// group and is linear: it may as well be taken after points have been added up.
//
// It is what the library does but for the map to the curve: that one takes its
// roots with an exponentiation in the field of p² elements, ours with two in the
// field of p, which makes the whole a third cheaper.
func hashToTwist(msg []byte) (bls12381.G2Affine, error) {
	u, err := fp.Hash(msg, []byte(domain), 2*2)
	if err != nil {
		return bls12381.G2Affine{}, fmt.Errorf("bls: hash to field: %w", err)
	}
	var sum bls12381.G2Jac
	for i := 0; i < len(u); i += 2 {
		q := mapToTwist(&bls12381.E2{A0: u[i], A1: u[i+1]})
		hash_to_curve.G2Isogeny(&q.X, &q.Y)
		var j bls12381.G2Jac
		j.FromAffine(&q)
		if i == 0 {
			sum = j
			continue
		}
		sum.AddAssign(&j)
	}
	var p bls12381.G2Affine
	p.FromJacobian(&sum)
	return p, nil
}

// mapToTwist is the simplified map of Shallue, van de Woestijne and Ulas to the
// curve y² = x³ + A·x + B that is isogenous to that of G2 ([9380] §6.6.2). Its
// time depends on u, which is public.
func mapToTwist(u *bls12381.E2) bls12381.G2Affine {
	curveA, curveB := hash_to_curve.G2SSWUIsogenyCurveCoefficients()
	z := hash_to_curve.G2SSWUIsogenyZ()
	var one, zu2, d, x, y bls12381.E2
	one.SetOne()
	zu2.Square(u).Mul(&zu2, &z)
	d.Square(&zu2).Add(&d, &zu2)
	if d.IsZero() {
		x.Mul(&z, &curveA).Inverse(&x).Mul(&x, &curveB) // B/(Z·A)
	} else {
		var denominator bls12381.E2
		denominator.Mul(&curveA, &d).Inverse(&denominator)
		x.Add(&d, &one).Mul(&x, &curveB).Neg(&x).Mul(&x, &denominator) // (-B/A)·(1 + 1/d)
	}
	rhs := func() bls12381.E2 {
		var r bls12381.E2
		r.Square(&x).Add(&r, &curveA).Mul(&r, &x).Add(&r, &curveB)
		return r
	}
	g := rhs()
	if g.Legendre() < 0 {
		x.Mul(&x, &zu2)
		g = rhs() // a square, since that of the first x is none
	}
	y.Sqrt(&g)
	if hash_to_curve.G2Sgn0(u) != hash_to_curve.G2Sgn0(&y) {
		y.Neg(&y)
	}
	return bls12381.G2Affine{X: x, Y: y}
}
