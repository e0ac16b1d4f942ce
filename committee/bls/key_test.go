package bls_test

import (
	"errors"
	"math/big"
	"testing"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fp"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"

	"github.com/floe-storage/floe/committee/bls"
)

// torsion returns a point of G1's curve whose order divides the cofactor.
func torsion(t testing.TB) bls12381.G1Affine {
	t.Helper()
	for x := uint64(1); ; x++ {
		var p bls12381.G1Affine
		p.X.SetUint64(x)
		var four, y fp.Element
		four.SetUint64(4)
		y.Square(&p.X).Mul(&y, &p.X).Add(&y, &four)
		if p.Y.Sqrt(&y) == nil {
			continue
		}
		var j, sum bls12381.G1Jac // by the order, bit by bit: the library's shortcuts hold in the group only
		j.FromAffine(&p)
		sum.FromAffine(&bls12381.G1Affine{})
		order := fr.Modulus()
		for i := order.BitLen() - 1; i >= 0; i-- {
			sum.DoubleAssign()
			if order.Bit(i) == 1 {
				sum.AddAssign(&j)
			}
		}
		p.FromJacobian(&sum)
		if !p.IsInfinity() {
			return p
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	good := scalar(t, 5)
	var outside bls12381.G1Affine
	g := good.PublicKey()
	if _, err := outside.SetBytes(g[:]); err != nil {
		t.Fatal(err)
	}
	low := torsion(t)
	outside.Add(&outside, &low)
	with := func(b byte) bls.PublicKey {
		k := good.PublicKey()
		k[0] = b
		return k
	}
	beyond := bls.PublicKey{}
	modulus := fp.Modulus()
	modulus.Add(modulus, big.NewInt(1)).FillBytes(beyond[:])
	beyond[0] |= 0x80
	for _, tt := range []struct {
		name   string
		k      bls.PublicKey
		proved bool // whether ParseProved takes it
		parse  bool
	}{
		{"a key", good.PublicKey(), true, true},
		{"outside the group", outside.Bytes(), true, false},
		{"nothing", bls.PublicKey{}, false, false},
		{"infinity", bls.PublicKey{0: 0xc0}, false, false},
		{"infinity with a coordinate", bls.PublicKey{0: 0xc0, 47: 1}, false, false},
		{"not compressed", with(g[0] &^ 0x80), false, false},
		{"an unknown form", with(g[0] | 0xe0), false, false},
		{"a coordinate beyond the field", beyond, false, false},
		{"not on the curve", bls.PublicKey{0: 0x80, 47: 1}, false, false},
	} {
		k, err := tt.k.ParseProved()
		if (err == nil) != tt.proved || err != nil && !errors.Is(err, bls.ErrKey) {
			t.Errorf("%s, proved: got %v, want %t", tt.name, err, tt.proved)
		}
		if err == nil && k.Bytes() != tt.k {
			t.Errorf("%s: got %v, want %v", tt.name, k.Bytes(), tt.k)
		}
		k, err = tt.k.Parse()
		if (err == nil) != tt.parse || err != nil && !errors.Is(err, bls.ErrKey) {
			t.Errorf("%s: got %v, want %t", tt.name, err, tt.parse)
		}
		if err == nil && k.Bytes() != tt.k {
			t.Errorf("%s: got %v, want %v", tt.name, k.Bytes(), tt.k)
		}
		if verr := tt.k.Validate(); (verr == nil) != (err == nil) {
			t.Errorf("%s, validate: got %v, want %v", tt.name, verr, err)
		}
	}
	// What is said at ParseProved.
	k, err := bls.PublicKey(outside.Bytes()).ParseProved()
	if err != nil {
		t.Fatal(err)
	}
	msg := []byte("m")
	items := []bls.Signed{{Keys: []bls.Key{k}, Message: msg, Signature: good.Sign(msg)}, {Keys: []bls.Key{k}, Message: []byte("n"), Signature: good.Sign([]byte("n"))}}
	if err := k.Verify(msg, items[0].Signature); err != nil {
		t.Errorf("key outside the group: %v", err)
	}
	for _, err := range bls.VerifyBatch(items) {
		if err != nil {
			t.Errorf("key outside the group, batch: %v", err)
		}
	}
}

func TestSum(t *testing.T) {
	t.Parallel()
	keys := make([]bls.Key, 11)
	for i := 1; i < len(keys); i++ {
		keys[i] = parse(t, scalar(t, byte(i)).PublicKey())
	}
	of := func(ns ...int) []bls.Key {
		ks := make([]bls.Key, len(ns))
		for i, n := range ns {
			ks[i] = keys[n]
		}
		return ks
	}
	less := func(sum bls.Key, ks ...bls.Key) bls.Key {
		terms := []bls.Key{sum}
		for _, k := range ks {
			terms = append(terms, k.Neg())
		}
		return bls.Sum(terms)
	}
	total := bls.Sum(keys[1:])
	// [WL] §3.9
	const want = "89db41a6183c2fe47cf54d1e00c3cfaae53df634a32cccd5cf0c0a73e95ee0450fc3d060bb6878780fbf5f30d9e29aac"
	if got := total.Bytes().String(); got != want {
		t.Errorf("total: got %s, want %s", got, want)
	}
	for _, tt := range []struct {
		name string
		got  bls.Key
		want bls.Key
	}{
		{"without some", less(total, of(6, 7, 10)...), bls.Sum(of(1, 2, 3, 4, 5, 8, 9))},
		{"without none", less(total), total},
		{"a key twice", bls.Sum(of(3, 3)), keys[6]},
		{"without one of two", less(bls.Sum(of(3, 3)), keys[3]), keys[3]},
		{"without all", less(total, keys[1:]...), bls.Key{}},
		{"none", bls.Sum(nil), bls.Key{}},
		{"minus none", bls.Key{}.Neg(), bls.Key{}},
		{"with the sum of none", bls.Sum([]bls.Key{{}, keys[2], {}}), keys[2]},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got.Bytes(), tt.want.Bytes())
		}
	}
	infinity := bls.Signature{0: 0xc0}
	for name, sig := range map[string]bls.Signature{"infinity": infinity, "a signature": scalar(t, 1).Sign(nil)} {
		if err := (bls.Key{}).Verify(nil, sig); !errors.Is(err, bls.ErrKey) {
			t.Errorf("the sum of no keys and %s: got %v, want ErrKey", name, err)
		}
	}
}
