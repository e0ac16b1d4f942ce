package ledgerrpc

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
)

const (
	txLifetime = 500 // blocks after the present in which a transaction may be included
	maxTries   = 64  // nonces or states tried before a transaction is given up
	// aheadTries is how often a nonce is offered again that the mempool finds
	// too high: the transactions before it may be on their way there.
	aheadTries = 5
	aheadPause = 100 * time.Millisecond
	maxDrops   = 5 // times that a transaction may leave the mempools before it is given up
	// offerEvery is how often a transaction that waits is broadcast again, in
	// case the peers that had it have lost it.
	offerEvery = 5 * time.Second
	// DefaultMaxFee is what a transaction may cost, in FROST, unless LimitFee
	// says otherwise: more than the largest one does at a thousand times the
	// prices of a devnet.
	DefaultMaxFee = 1 * ledger.FrostPerWAL
)

// ErrFee says that a transaction's fee would be above the wallet's limit:
// nothing was sent.
var ErrFee = errors.New("ledgerrpc: the fee is above the limit")

// Wallet sends transactions of one account.
type Wallet struct {
	ledger Ledger
	key    ed25519.PrivateKey

	// turn has one token. Who holds it gives a transaction its nonce and
	// broadcasts it, so that they enter the mempool in the order of their nonces,
	// and owns the fields below.
	turn   chan struct{}
	maxFee uint64 // FROST
	params ledger.Params
	nonce  uint64
	known  bool // params and nonce are
}

// NewWallet returns a wallet that signs with key and sends through l.
func NewWallet(l Ledger, key ed25519.PrivateKey) *Wallet {
	return &Wallet{ledger: l, key: key, turn: make(chan struct{}, 1), maxFee: DefaultMaxFee}
}

// LimitFee sets what one transaction may cost at most, in FROST, besides what it
// buys. The network sets the price of a transaction, not its size; the limit is
// what protects the account when that price goes up. It waits for a
// transaction that is being signed.
func (w *Wallet) LimitFee(frost uint64) {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	w.maxFee = frost
}

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
// is in a block. A refusal is a *[ledger.Error]. When ctx ends, or no peer
// answers, the transaction may still come to be in a block.
func (w *Wallet) Send(ctx context.Context, messages ...ledger.Message) (Sent, error) {
	tx, err := w.broadcast(ctx, messages)
	if err != nil {
		return Sent{}, err
	}
	hash := ledger.TxHash(tx)
	receipt, err := w.await(ctx, tx, hash)
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

// broadcast signs and broadcasts a transaction and returns it.
func (w *Wallet) broadcast(ctx context.Context, messages []ledger.Message) ([]byte, error) {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ahead := 0
	for range maxTries {
		height, err := w.refresh(ctx)
		if err != nil {
			return nil, err
		}
		tx := ledger.Tx{ChainID: w.params.ChainID, Nonce: w.nonce, Salt: rand.Uint64(), Expiry: height + txLifetime, Messages: messages}
		tx.Fee = w.params.Fee(tx)
		if tx.Fee > w.maxFee {
			return nil, fmt.Errorf("%w: %d FROST, at most %d", ErrFee, tx.Fee, w.maxFee)
		}
		b := tx.Sign(w.key)
		result, err := w.ledger.Broadcast(ctx, b)
		if err != nil {
			w.known = false
			return nil, fmt.Errorf("broadcast transaction: %w", err)
		}
		switch ledger.Code(result.Code) {
		case ledger.CodeOK:
			w.nonce++
			return b, nil
		case ledger.CodeNonceUsed: // by a transaction that still waits, perhaps of another process
			w.nonce++
		case ledger.CodeNonceAhead: // those before it are on their way, or were dropped
			if ahead++; ahead%aheadTries == 0 {
				w.known = false
			}
			if err := pause(ctx, aheadPause); err != nil {
				return nil, err
			}
		default:
			return nil, result.Err()
		}
	}
	return nil, fmt.Errorf("%w: no free nonce found", ErrUnavailable)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refresh learns what a transaction needs to know and returns the height. The
// caller holds the turn.
func (w *Wallet) refresh(ctx context.Context) (uint64, error) {
	var height uint64
	var params ledger.Params
	var account ledger.Account
	err := w.ledger.View(ctx, func(r ledger.Reader, h uint64) (err error) {
		height = h
		if params, err = ledger.ReadParams(r); err != nil {
			return err
		}
		account, err = ledger.ReadAccount(r, w.Address())
		return err
	})
	if err != nil {
		w.known = false
		return 0, fmt.Errorf("account %v: %w", w.Address(), err)
	}
	if !w.known || account.Nonce > w.nonce { // others may use the account, too
		w.nonce = account.Nonce
	}
	w.params, w.known = params, true
	return height, nil
}

// await waits until a transaction is in a block. It is lost when the ledger
// refuses it both now and a while later: another one has got its nonce, or its
// time is over. A refusal once may come from a peer that is behind, and so may
// receipts of no block, which say that the mempools have dropped it.
func (w *Wallet) await(ctx context.Context, tx []byte, hash [32]byte) (ledger.Receipt, error) {
	var refusal error
	for drops := 0; ; {
		receipt, err := w.awaitOnce(ctx, hash)
		dropped := err == nil && receipt.Height == 0 && receipt.Code != uint32(ledger.CodeOK)
		if !dropped && (err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded)) {
			return receipt, err
		}
		if refusal != nil {
			return ledger.Receipt{}, refusal
		}
		if dropped {
			if drops++; drops == maxDrops {
				return ledger.Receipt{}, receipt.Err()
			}
			if err := pause(ctx, aheadPause); err != nil {
				return ledger.Receipt{}, err
			}
		}
		result, err := w.ledger.Broadcast(ctx, tx)
		if err != nil {
			return ledger.Receipt{}, err
		}
		if c := ledger.Code(result.Code); c == ledger.CodeNonceUsed || c == ledger.CodeTxExpired {
			refusal = result.Err()
		}
	}
}

func (w *Wallet) awaitOnce(ctx context.Context, hash [32]byte) (ledger.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, offerEvery)
	defer cancel()
	return w.ledger.Await(ctx, hash)
}
