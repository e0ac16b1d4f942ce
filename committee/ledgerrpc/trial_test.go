package ledgerrpc

import (
	"errors"
	"testing"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
)

// A trial says to the FROST what sending then costs, and changes nothing.
func TestTry(t *testing.T) {
	t.Parallel()
	chain := rpctest.New(t, rpctest.Genesis(shards))
	w := NewWallet(chain, rpctest.Account(0))
	messages := []ledger.Message{ledger.ReserveStorage{Size: 3 << 20, Epochs: 2}, one}
	var made ledger.Storage
	trial, err := w.Try(t.Context(), func(after ledger.Reader, t Trial) (err error) {
		made, err = ledger.ReadStorage(after, t.Objects[0])
		return err
	}, messages...)
	if err != nil || made.Size != 3<<20 || trial.Objects[0].IsZero() || !trial.Objects[1].IsZero() {
		t.Fatalf("got %+v with storage %+v, %v", trial, made, err)
	}
	if got := balance(t, chain); got != 0 {
		t.Fatalf("the trial has sent %d FROST", got)
	}
	sent, err := w.Send(t.Context(), messages...)
	if err != nil {
		t.Fatal(err)
	}
	after, err := w.Balance(t.Context())
	if err != nil || after != trial.After || sent.Fee != trial.Fee || trial.Before <= after {
		t.Errorf("got %d FROST after a fee of %d, %v; the trial said %+v", after, sent.Fee, err, trial)
	}

	// A refusal is that of the ledger; the visitor's error is the visitor's.
	refusal, ok := errors.AsType[*ledger.Error](func() error {
		_, err := w.Try(t.Context(), nil, ledger.Send{To: to, Amount: trial.Before})
		return err
	}())
	if !ok || refusal.Code != ledger.CodeInsufficientFunds {
		t.Errorf("got %v", refusal)
	}
	mine := errors.New("mine")
	if _, err := w.Try(t.Context(), func(ledger.Reader, Trial) error { return mine }, one); !errors.Is(err, mine) {
		t.Errorf("got %v, want %v", err, mine)
	}
}
