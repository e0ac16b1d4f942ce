package ledgerrpc

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
)

// faulty is a ledger whose calls can be made to fail.
type faulty struct {
	Ledger
	mu        sync.Mutex // mu guards the fields below.
	broadcast func(ctx context.Context, tx []byte) (ledger.TxResult, error)
	await     func(ctx context.Context, hash [32]byte) (ledger.Receipt, error)
}

func (f *faulty) Broadcast(ctx context.Context, tx []byte) (ledger.TxResult, error) {
	f.mu.Lock()
	fn := f.broadcast
	f.mu.Unlock()
	if fn != nil {
		return fn(ctx, tx)
	}
	return f.Ledger.Broadcast(ctx, tx)
}

func (f *faulty) Await(ctx context.Context, hash [32]byte) (ledger.Receipt, error) {
	if f.await != nil {
		return f.await(ctx, hash)
	}
	return f.Ledger.Await(ctx, hash)
}

var (
	to  = ledger.Address{1}
	one = ledger.Send{To: to, Amount: 1}
)

func balance(t *testing.T, c Ledger) uint64 {
	t.Helper()
	var a ledger.Account
	if err := c.View(t.Context(), func(r ledger.Reader, _ uint64) (err error) {
		a, err = ledger.ReadAccount(r, to)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return a.Balance
}

func TestSend(t *testing.T) {
	t.Parallel()
	chain := rpctest.New(t, rpctest.Genesis(shards))
	w := NewWallet(chain, rpctest.Account(0))
	before, err := w.Balance(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		sent, err := w.Send(t.Context(), ledger.ReserveStorage{Size: 1 << 20, Epochs: 1}, one)
		if err != nil || sent.Object(0).IsZero() || !sent.Object(1).IsZero() || sent.Fee == 0 {
			t.Fatalf("got %+v, %v", sent, err)
		}
	}
	if after, err := w.Balance(t.Context()); err != nil || after >= before || balance(t, chain) != 3 {
		t.Errorf("balance %d, %v", after, err)
	}
}

// A refusal is a *ledger.Error, be it by the mempool or in the block, and the
// wallet goes on after it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	chain := rpctest.New(t, rpctest.Genesis(shards))
	w := NewWallet(chain, rpctest.Account(1))
	refused := func(err error, want ledger.Code) {
		t.Helper()
		if e, ok := errors.AsType[*ledger.Error](err); !ok || e.Code != want {
			t.Errorf("got %v, want code %d", err, want)
		}
	}
	_, err := NewWallet(chain, rpctest.Account(99)).Send(t.Context(), one)
	refused(err, ledger.CodeInsufficientFunds)
	// Refused in the block, where the mempool knew no better.
	l := &faulty{Ledger: chain, broadcast: func(_ context.Context, tx []byte) (ledger.TxResult, error) {
		chain.Push(tx)
		return ledger.TxResult{}, nil
	}}
	rich, err := w.Balance(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := NewWallet(l, rpctest.Account(1))
	sent, err := other.Send(t.Context(), ledger.Send{To: to, Amount: rich}) // and the fee
	refused(err, ledger.CodeInsufficientFunds)
	if sent.Fee == 0 || sent.Height == 0 {
		t.Errorf("refused in a block: %+v", sent)
	}
	if _, err := other.Send(t.Context(), one); err != nil {
		t.Errorf("after a refusal: %v", err)
	}
}

func TestConcurrentSend(t *testing.T) {
	t.Parallel()
	n := connect(t, 1)
	wallets := []*Wallet{NewWallet(n.client, rpctest.Account(0)), NewWallet(n.client, rpctest.Account(0))} // as of two processes
	const each = 8
	faults := make(chan error)
	for _, w := range wallets {
		for range each {
			go func() { _, err := w.Send(bounded(t), one); faults <- err }()
		}
	}
	for range 2 * each {
		if err := <-faults; err != nil {
			t.Error(err)
		}
	}
	if got := balance(t, n.chain); got != 2*each {
		t.Errorf("balance %d", got)
	}
}

// Another process has used many nonces since.
func TestNoncesUsedElsewhere(t *testing.T) {
	t.Parallel()
	chain := rpctest.New(t, rpctest.Genesis(shards))
	w, other := NewWallet(chain, rpctest.Account(0)), NewWallet(chain, rpctest.Account(0))
	if _, err := w.Send(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	for range 2 * maxTries {
		if _, err := other.Send(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Send(t.Context(), one); err != nil {
		t.Error(err)
	}
	// Of transactions that wait the state says nothing.
	chain.Hold(true)
	done := make(chan error)
	for i, x := range []*Wallet{other, other, other, w} {
		go func() { _, err := x.Send(t.Context(), one); done <- err }()
		eventually(t, "the transaction to wait", func() bool { return chain.Waiting() == i+1 })
	}
	chain.Hold(false)
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// What a mempool drops without a word is offered again; a wallet that counted
// on it finds back to the nonce that is next.
func TestDroppedTransaction(t *testing.T) { //nolint:paralleltest // a bubble
	synctest.Test(t, func(t *testing.T) {
		chain := rpctest.New(t, rpctest.Genesis(shards))
		w := NewWallet(chain, rpctest.Account(0))
		chain.Hold(true)
		done := make(chan error, 1)
		go func() { _, err := w.Send(t.Context(), one); done <- err }()
		synctest.Wait()
		chain.Drop()
		time.Sleep(offerEvery + time.Second) // the bubble's
		if chain.Waiting() != 1 {
			t.Fatal("not offered again")
		}
		chain.Hold(false)
		if err := <-done; err != nil {
			t.Fatal(err)
		}

		// Dropped, and given up by the caller: its nonce is free again.
		chain.Hold(true)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, err := w.Send(ctx, one); done <- err }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		chain.Drop()
		chain.Hold(false)
		if _, err := w.Send(t.Context(), one); err != nil {
			t.Error(err)
		}
		if got := balance(t, chain); got != 2 {
			t.Errorf("balance %d", got)
		}
	})
}

// A transaction whose nonce another one has got is lost, and its sender told.
func TestLostTransaction(t *testing.T) { //nolint:paralleltest // a bubble
	synctest.Test(t, func(t *testing.T) {
		chain := rpctest.New(t, rpctest.Genesis(shards))
		w := NewWallet(chain, rpctest.Account(0))
		chain.Hold(true)
		done := make(chan error, 1)
		go func() { _, err := w.Send(t.Context(), one); done <- err }()
		synctest.Wait()
		chain.Drop()
		chain.Hold(false)
		if _, err := NewWallet(chain, rpctest.Account(0)).Send(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		if e, ok := errors.AsType[*ledger.Error](<-done); !ok || e.Code != ledger.CodeNonceUsed {
			t.Errorf("got %v", e)
		}
	})
}

// A wallet whose turn it is not obeys its context, too.
func TestSendObeysContext(t *testing.T) { //nolint:paralleltest // a bubble
	synctest.Test(t, func(t *testing.T) {
		chain := rpctest.New(t, rpctest.Genesis(shards))
		release := make(chan struct{})
		l := &faulty{Ledger: chain, broadcast: func(context.Context, []byte) (ledger.TxResult, error) {
			<-release
			return ledger.TxResult{}, ErrUnavailable
		}}
		w := NewWallet(l, rpctest.Account(0))
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { _, err := w.Send(t.Context(), one); first <- err }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, err := w.Send(ctx, one); second <- err }()
		synctest.Wait()
		cancel()
		if err := <-second; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(release)
		if err := <-first; !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		l.mu.Lock()
		l.broadcast = nil
		l.mu.Unlock()
		if _, err := w.Send(t.Context(), one); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// A ledger that refuses every nonce is given up, and results of the wrong
// shape are no results.
func TestAbsurdLedger(t *testing.T) { //nolint:paralleltest // a bubble
	synctest.Test(t, func(t *testing.T) {
		chain := rpctest.New(t, rpctest.Genesis(shards))
		for _, code := range []ledger.Code{ledger.CodeNonceUsed, ledger.CodeNonceAhead} {
			l := &faulty{Ledger: chain, broadcast: func(context.Context, []byte) (ledger.TxResult, error) {
				return ledger.TxResult{Code: uint32(code)}, nil
			}}
			if _, err := NewWallet(l, rpctest.Account(0)).Send(t.Context(), one); !errors.Is(err, ErrUnavailable) {
				t.Errorf("code %d: got %v", code, err)
			}
		}
		for _, data := range [][]byte{nil, {0}, {1, 2}, {0xff, 0xff}, make([]byte, 40)} {
			l := &faulty{Ledger: chain, await: func(context.Context, [32]byte) (ledger.Receipt, error) {
				return ledger.Receipt{TxResult: ledger.TxResult{Data: data}}, nil
			}}
			if _, err := NewWallet(l, rpctest.Account(0)).Send(t.Context(), one); err == nil {
				t.Errorf("results %x are taken", data)
			}
		}
	})
}
