package ledgerrpc

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
)

const (
	txLifetime = 500 // blocks after the present in which a transaction may be included
	maxTries   = 64  // nonces or states tried before a transaction is given up
)

// Wallet sends transactions of one account.
type Wallet struct {
	ledger Ledger
	key    ed25519.PrivateKey

	// mu is held while a transaction gets its nonce and is broadcast: they
	// enter the mempool in the order of their nonces.
	mu     sync.Mutex
	params ledger.Params
	nonce  uint64
	known  bool // params and nonce are
}

// NewWallet returns a wallet that signs with key and sends through l.
func NewWallet(l Ledger, key ed25519.PrivateKey) *Wallet { return &Wallet{ledger: l, key: key} }

// Address returns the account's address.
func (w *Wallet) Address() ledger.Address {
	return ledger.AddressOf(w.key.Public().(ed25519.PublicKey))
}

// Balance returns the account's balance in FROST.
func (w *Wallet) Balance(ctx context.Context) (uint64, error) {
	var a ledger.Account
	err := w.ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
		a, err = ledger.ReadAccount(r, w.Address())
		return err
	})
	return a.Balance, err
}

// Sent is a transaction in a block.
type Sent struct {
	ledger.Receipt
	Objects ledger.Results // made by each message
}

// Object returns the ID of the object that the message at a position made.
func (s Sent) Object(message int) committee.ObjectID { return s.Objects[message] }

// Send signs the messages as one transaction, broadcasts it and waits until it
// is in a block. A refusal is a *[ledger.Error].
func (w *Wallet) Send(ctx context.Context, messages ...ledger.Message) (Sent, error) {
	hash, err := w.broadcast(ctx, messages)
	if err != nil {
		return Sent{}, err
	}
	receipt, err := w.ledger.Await(ctx, hash)
	if err != nil {
		return Sent{}, fmt.Errorf("await transaction %x: %w", hash[:8], err)
	}
	if err := receipt.Err(); err != nil {
		return Sent{Receipt: receipt}, err
	}
	objects, err := ledger.ParseResults(receipt.Data)
	if err == nil && len(objects) != len(messages) {
		err = fmt.Errorf("%w: %d results of %d messages", ledger.ErrTx, len(objects), len(messages))
	}
	if err != nil {
		return Sent{}, fmt.Errorf("results of transaction %x: %w", hash[:8], err)
	}
	return Sent{Receipt: receipt, Objects: objects}, nil
}

func (w *Wallet) broadcast(ctx context.Context, messages []ledger.Message) (hash [32]byte, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range maxTries {
		height, err := w.refresh(ctx)
		if err != nil {
			return hash, err
		}
		tx := ledger.Tx{ChainID: w.params.ChainID, Nonce: w.nonce, Salt: rand.Uint64(), Expiry: height + txLifetime, Messages: messages}
		tx.Fee = w.params.Fee(tx.SignedSize(), len(messages))
		b := tx.Sign(w.key)
		result, err := w.ledger.Broadcast(ctx, b)
		if err != nil {
			w.known = false
			return hash, fmt.Errorf("broadcast transaction: %w", err)
		}
		switch ledger.Code(result.Code) {
		case ledger.CodeOK:
			w.nonce++
			return ledger.TxHash(b), nil
		case ledger.CodeNonceUsed: // by a transaction that still waits, perhaps of another process
			w.nonce++
		case ledger.CodeNonceAhead: // one that we counted on was dropped
			w.known = false
		default:
			return hash, result.Err()
		}
	}
	return hash, fmt.Errorf("%w: no free nonce found", ErrUnavailable)
}

// refresh learns what a transaction needs to know and returns the height. The
// caller holds mu.
func (w *Wallet) refresh(ctx context.Context) (uint64, error) {
	var height uint64
	err := w.ledger.View(ctx, func(r ledger.Reader, h uint64) error {
		height = h
		if w.known {
			return nil
		}
		var err error
		if w.params, err = ledger.ReadParams(r); err != nil {
			return err
		}
		a, err := ledger.ReadAccount(r, w.Address())
		w.nonce = a.Nonce
		return err
	})
	if err != nil {
		w.known = false
		return 0, fmt.Errorf("account %v: %w", w.Address(), err)
	}
	w.known = true
	return height, nil
}
