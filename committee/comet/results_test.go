package comet

import (
	"encoding/binary"
	"testing"

	"github.com/floe-storage/floe/committee/ledger"
)

func numbered(i int) (hash [32]byte) {
	binary.BigEndian.PutUint64(hash[:], uint64(i)+1)
	return hash
}

// A refusal in a block is found by who asks after it, until the transaction is
// offered again.
func TestResultsKeepRefusals(t *testing.T) {
	t.Parallel()
	r := newResults()
	hash := numbered(0)
	r.offered(hash, []byte("tx"))
	if got := r.offer(hash); string(got) != "tx" {
		t.Errorf("offered %q, want tx", got)
	}
	refused := ledger.Receipt{Height: 3, Hash: hash, TxResult: ledger.TxResult{Code: 24}}
	r.committed([]ledger.Receipt{refused})
	if got, ok := r.lookup(hash); !ok || got.Code != 24 {
		t.Errorf("got %+v, %t; want the refusal", got, ok)
	}
	if r.offer(hash) != nil {
		t.Error("a transaction in a block is offered again")
	}
	r.offered(hash, []byte("tx"))
	if got, ok := r.lookup(hash); ok {
		t.Errorf("got %+v after it was offered again", got)
	}
}

func TestResultsTellAllWaiters(t *testing.T) {
	t.Parallel()
	r := newResults()
	first, stopFirst, _ := r.wait(numbered(1))
	second, stopSecond, _ := r.wait(numbered(1))
	stopSecond()
	r.committed([]ledger.Receipt{{Height: 9, Hash: numbered(1)}})
	if got := <-first; got.Height != 9 {
		t.Errorf("got %+v", got)
	}
	select {
	case got := <-second:
		t.Errorf("one that stopped waiting is told %+v", got)
	default:
	}
	stopFirst() // after it was told
	if r.waiting != 0 || len(r.waiters) != 0 {
		t.Errorf("%d wait, %d transactions", r.waiting, len(r.waiters))
	}
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	t.Parallel()
	var m memory[int]
	const extra = 10
	for i := range maxRecent + extra {
		m.put(numbered(i), i)
	}
	for i := range maxRecent + extra {
		v, ok := m.get(numbered(i))
		if want := i >= extra; ok != want || ok && v != i {
			t.Fatalf("value %d: got %d, %t; want there: %t", i, v, ok, want)
		}
	}
	if len(m.values) != maxRecent || len(m.order) != maxRecent {
		t.Errorf("%d values, %d in order; want %d", len(m.values), len(m.order), maxRecent)
	}
}
