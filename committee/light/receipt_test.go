package light_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/committee/light/lighttest"
)

// receipts returns a block of count transactions, as receipts, with the two
// headers that prove them.
func receipts(t testing.TB, count int) (out []ledger.Receipt, proofs [][]byte, header, next light.Header) {
	t.Helper()
	c := chain([]byte{1, 2, 3, 4}, 2)
	var b lighttest.Block
	for i := range count {
		b.Txs = append(b.Txs, fmt.Appendf(nil, "transaction %d", i))
		b.Results = append(b.Results, ledger.TxResult{Code: uint32(i % 2), Data: []byte{byte(i)}, Fee: uint64(i), Info: "not covered"})
	}
	height := later(c, b)
	later(c, lighttest.Block{})
	for i := range count {
		out = append(out, ledger.Receipt{Height: height, Index: uint32(i), Hash: sha256.Sum256(b.Txs[i]), TxResult: b.Results[i]})
		p, err := light.ProveReceipt(b.Txs, b.Results, i)
		if err != nil {
			t.Fatal(err)
		}
		proofs = append(proofs, p)
	}
	l := client(t, c.Root(1), light.Config{}, c)
	var err error
	if header, err = l.Header(t.Context(), height); err != nil {
		t.Fatal(err)
	}
	if next, err = l.Header(t.Context(), height+1); err != nil {
		t.Fatal(err)
	}
	if _, err := light.ProveReceipt(b.Txs, b.Results, count); err == nil {
		t.Error("a transaction that is not there is proven")
	}
	return out, proofs, header, next
}

func TestReceipt(t *testing.T) {
	t.Parallel()
	for _, count := range []int{1, 2, 5, 8} {
		rs, proofs, header, next := receipts(t, count)
		for i, r := range rs {
			if err := light.VerifyReceipt(header, next, r, proofs[i]); err != nil {
				t.Fatalf("%d of %d: %v", i, count, err)
			}
			for name, bend := range map[string]func(r *ledger.Receipt){
				"hash":   func(r *ledger.Receipt) { r.Hash[0] ^= 1 },
				"height": func(r *ledger.Receipt) { r.Height++ },
				"index":  func(r *ledger.Receipt) { r.Index ^= 1 },
				"code":   func(r *ledger.Receipt) { r.Code ^= 1 },
				"data":   func(r *ledger.Receipt) { r.Data = append(bytes.Clone(r.Data), 1) },
				"fee":    func(r *ledger.Receipt) { r.Fee++ },
			} {
				bad := r
				bend(&bad)
				if err := light.VerifyReceipt(header, next, bad, proofs[i]); !errors.Is(err, light.ErrProof) {
					t.Errorf("%d of %d, %s: %v", i, count, name, err)
				}
			}
			for at := range proofs[i] {
				bad := bytes.Clone(proofs[i])
				bad[at] ^= 1
				if err := light.VerifyReceipt(header, next, r, bad); !errors.Is(err, light.ErrProof) {
					t.Errorf("%d of %d, byte %d: %v", i, count, at, err)
				}
				if err := light.VerifyReceipt(header, next, r, proofs[i][:at]); !errors.Is(err, light.ErrProof) {
					t.Errorf("%d of %d, cut off at %d: %v", i, count, at, err)
				}
			}
			if err := light.VerifyReceipt(next, header, r, proofs[i]); !errors.Is(err, light.ErrProof) {
				t.Errorf("headers of other heights: %v", err)
			}
		}
	}
}

func FuzzVerifyReceipt(f *testing.F) {
	rs, proofs, header, next := receipts(f, 5)
	f.Add(proofs[3])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if light.VerifyReceipt(header, next, rs[3], b) == nil && !bytes.Equal(b, proofs[3]) {
			t.Errorf("%x proves it as well", b)
		}
	})
}
