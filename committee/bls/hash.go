package bls

import (
	"fmt"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
)

const domain = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_"

// hashToG2 hashes msg with the suite BLS12381G2_XMD:SHA-256_SSWU_RO_ ([9380]
// §8.8.2).
func hashToG2(msg []byte) (bls12381.G2Affine, error) {
	p, err := bls12381.HashToG2(msg, []byte(domain))
	if err != nil {
		return p, fmt.Errorf("bls: hash to curve: %w", err)
	}
	return p, nil
}
