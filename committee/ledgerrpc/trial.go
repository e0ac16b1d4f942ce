package ledgerrpc

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/floe-storage/floe/committee/ledger"
)

// Trial is what would become of a transaction if it were in the next block.
type Trial struct {
	Height  uint64         // of the state that it was tried on
	Fee     uint64         // FROST
	Before  uint64         // FROST that the account has
	After   uint64         // FROST that the account would have, the fee paid
	Objects ledger.Results // what each message would make; their IDs are not those that Send would give
}

// Try finds out what Send would do with the messages, and sends nothing. A
// refusal is a *[ledger.Error]. Unless visit is nil it is called with the
// messages' effects in place, under the conditions of [Ledger] for reading.
func (w *Wallet) Try(ctx context.Context, visit func(after ledger.Reader, t Trial) error, messages ...ledger.Message) (Trial, error) {
	var t Trial
	err := w.ledger.View(ctx, func(r ledger.Reader, height uint64) (err error) {
		t, err = w.try(r, height, messages, visit)
		return err
	})
	return t, err
}

func (w *Wallet) try(r ledger.Reader, height uint64, messages []ledger.Message, visit func(ledger.Reader, Trial) error) (Trial, error) {
	params, err := ledger.ReadParams(r)
	if err != nil {
		return Trial{}, err
	}
	before, err := ledger.ReadAccount(r, w.Address())
	if err != nil {
		return Trial{}, err
	}
	tx := ledger.Tx{ChainID: params.ChainID, Nonce: before.Nonce, Salt: rand.Uint64(), Expiry: height + txLifetime, Messages: messages}
	tx.Fee = params.Fee(tx)
	var machine ledger.Machine
	checker := machine.NewChecker(r, height)
	result := checker.Check(tx.Sign(w.key))
	if err := result.Err(); err != nil {
		return Trial{}, err
	}
	objects, err := ledger.ParseResults(result.Data)
	if err != nil {
		return Trial{}, fmt.Errorf("results of a trial: %w", err)
	}
	after, err := ledger.ReadAccount(checker.View(), w.Address())
	if err != nil {
		return Trial{}, err
	}
	t := Trial{Height: height, Fee: result.Fee, Before: before.Balance, After: after.Balance, Objects: objects}
	if visit == nil {
		return t, nil
	}
	return t, visit(checker.View(), t)
}
