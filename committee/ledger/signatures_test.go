package ledger

import "testing"

// What is remembered is bounded and only ever true.
func TestSignaturesAreRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var v signatures
	parse := func(b []byte) *Signed {
		s, err := ParseTx(b)
		if err != nil {
			t.Fatal(err)
		}
		return &s
	}
	good := w.signed(0, Send{To: accountAddress(1), Amount: 1})
	bad := append([]byte(nil), good...)
	bad[len(bad)-1] ^= 1
	for range 3 {
		if !v.verify(parse(good)) || v.verify(parse(bad)) {
			t.Fatal("a good one is refused or a bad one accepted")
		}
	}
	if v.known.Len() != 1 || len(v.order) != 1 {
		t.Errorf("got %d and %d remembered, want 1", v.known.Len(), len(v.order))
	}
	first := parse(good).hash
	for i := range maxSignatures { // as if they had been verified
		hash := [32]byte{0xff, byte(i), byte(i >> 8)}
		v.remember(hash)
	}
	if v.known.Len() != maxSignatures || len(v.order) != maxSignatures || v.known.Has(first) {
		t.Errorf("got %d and %d remembered, the first among them: %t", v.known.Len(), len(v.order), v.known.Has(first))
	}
	if !v.verify(parse(good)) {
		t.Error("a forgotten one is refused")
	}
}
