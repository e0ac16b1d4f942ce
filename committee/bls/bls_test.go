package bls_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/floe-storage/floe/committee/bls"
)

func scalar(t testing.TB, n byte) *bls.SecretKey {
	t.Helper()
	b := make([]byte, bls.SecretKeySize)
	b[bls.SecretKeySize-1] = n
	k, err := bls.ParseSecretKey(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func parse(t testing.TB, k bls.PublicKey) bls.Key {
	t.Helper()
	key, err := k.Parse()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The bytes below come from [WE] §8.1 and §8.4: an independent library made
// them and the reference verifier accepted them.
func TestKnownAnswers(t *testing.T) {
	t.Parallel()
	k := scalar(t, 117)
	if got, want := k.PublicKey().String(), "95eacc3adc09c827593f581e8e2de068bf4cf5d0c0eb29e5372f0d23364788ee0f9beb112c8a7e9c2f0c720433705cf0"; got != want {
		t.Errorf("public key of 117: got %s, want %s", got, want)
	}
	for _, tt := range []struct{ name, msg, want string }{
		{"deadbeef", "deadbeef", "8904a736824b69b1fc342d5500e8302299f7740a36e25c723914455d9d7f6a2a7848cb3e921e0956a3cb8b6eb6d2ab930e0a1fbd5b16cb4fe84cb0ab291449f978abe21e4d6cfd42f583f82b7608a07dfb24a2c9aef3bfbd7a10adea9292bb55"},
		{"confirmation", "01000315000000" + "0707070707070707070707070707070707070707070707070707070707070707" + "00", "995191f911d22d9d0aadf3f1cf43b436dfc9d231171d2ece1e312d760d3abaebb22f308a68206b7bedd64af2e30b151301305fc1e2b68083b1674e9ed79296ff7c2d866db9d969f63659963369f50e13dc49b8c67741b5f868e9181a69c5dee7"},
	} {
		sig := k.Sign(unhex(t, tt.msg))
		if got := hex.EncodeToString(sig[:]); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
		if err := k.PublicKey().Verify(unhex(t, tt.msg), sig); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestAggregateKnownAnswer(t *testing.T) {
	t.Parallel()
	msg := unhex(t, "01000305000000bc0a"+"000000000000000000000000000000000000000000000000000000000000"+"00")
	var sigs []bls.Signature
	var keys []bls.Key
	for _, n := range []byte{1, 2, 3, 4, 5, 8, 9} {
		k := scalar(t, n)
		sigs = append(sigs, k.Sign(msg))
		keys = append(keys, parse(t, k.PublicKey()))
	}
	sum, err := bls.Aggregate(sigs)
	if err != nil {
		t.Fatal(err)
	}
	const want = "99c43ae152f3a090e35298c95afd2e686517a17dc4bbee35d3ab6e0aa0872624c1707e15ca534cf9413d61a89218e92208807c67b27230c8ae4fd4660d0feab4d56514a320a0c81e929c09a94e973eced440a1dcd4c5c6efcf2bc61e9fd44324"
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("aggregate: got %s, want %s", got, want)
	}
	key := bls.Sum(keys)
	// The secrets add up to 32.
	const wantKey = "a72841987e4f219d54f2b6a9eac5fe6e78704644753c3579e776a3691bc123743f8c63770ed0f72a71e9e964dbf58f43"
	if got := key.Bytes().String(); got != wantKey || key.Bytes() != scalar(t, 32).PublicKey() {
		t.Errorf("key of the signers: got %s, want %s", got, wantKey)
	}
	if err := key.Verify(msg, sum); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"a key short":   bls.Sum(keys[1:]).Verify(msg, sum),
		"a key twice":   bls.Sum(append(keys, keys[0])).Verify(msg, sum),
		"other message": key.Verify(append([]byte{0}, msg...), sum),
		"one signature": key.Verify(msg, sigs[0]),
	} {
		if !errors.Is(err, bls.ErrSignature) {
			t.Errorf("%s: got %v, want ErrSignature", name, err)
		}
	}
}

func TestHostileBytes(t *testing.T) {
	t.Parallel()
	k := scalar(t, 5)
	sig := k.Sign([]byte("m"))
	infinity := bls.PublicKey{0: 0xc0}
	if err := infinity.Validate(); !errors.Is(err, bls.ErrKey) {
		t.Errorf("key at infinity: got %v, want ErrKey", err)
	}
	for i := range bls.PublicKeySize {
		bad := k.PublicKey()
		bad[i] ^= 1
		if err := bad.Verify([]byte("m"), sig); err == nil {
			t.Fatalf("public key with byte %d changed verifies", i)
		}
	}
	for i := range bls.SignatureSize {
		bad := sig
		bad[i] ^= 1
		if err := k.PublicKey().Verify([]byte("m"), bad); err == nil {
			t.Fatalf("signature with byte %d changed verifies", i)
		}
	}
	for _, b := range [][]byte{nil, make([]byte, 31), make([]byte, 32), unhex(t, "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001")} {
		if _, err := bls.ParseSecretKey(b); !errors.Is(err, bls.ErrKey) {
			t.Errorf("secret %x: got %v, want ErrKey", b, err)
		}
	}
	if _, err := bls.Aggregate(nil); !errors.Is(err, bls.ErrSignature) {
		t.Errorf("aggregate of none: got %v", err)
	}
}

func TestGenerateKey(t *testing.T) {
	t.Parallel()
	k, err := bls.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	again, err := bls.ParseSecretKey(k.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if again.PublicKey() != k.PublicKey() {
		t.Error("a key that was written and read again is another key")
	}
}
