package stake

import (
	"errors"
	"testing"
)

// [WL] §5.3, pool_commission_tests. Who may collect is the ledger's business:
// change_commission_receiver and the two tests of EAuthorizationFailure are there.

func (w *world) setCommission(rate uint16) {
	w.t.Helper()
	if err := w.SetNextCommission(w.book, w.now, rate); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) collect(want uint64) {
	w.t.Helper()
	if got := w.CollectCommission(); got != want {
		w.t.Errorf("collected %d FROST, want %d", got, want)
	}
}

func TestCollectCommissionWithRewards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(1000)
	a := w.stake(1000 * wal)
	w.next(0)
	w.next(10_000 * wal)
	w.request(a)
	w.next(0)
	w.withdraw(a, 10_000*wal)
	w.collect(0)
	w.Unblock()
	w.collect(1000 * wal)
	w.empty()
}

func TestCommissionSettingAtDifferentEpochs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rates := []uint16{w.CommissionRate}
	next := func() {
		w.next(0)
		rates = append(rates, w.CommissionRate)
	}
	w.setCommission(1000)
	next()
	w.setCommission(2000)
	w.setCommission(3000)
	next()
	w.setCommission(4000)
	next()
	next()
	for e, want := range []uint16{0, 0, 1000, 3000, 4000} {
		if rates[e] != want {
			t.Errorf("epoch %d: got rate %d, want %d", e, rates[e], want)
		}
	}
}

func TestPendingCommissionAppliedAfterSkippedEpochs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.setCommission(1000)
	w.skip()
	w.setCommission(2000)
	w.skip()
	w.skip()
	w.next(0)
	w.next(0)
	if w.CommissionRate != 2000 || len(w.NextCommissions) != 0 {
		t.Errorf("got rate %d, pending %v", w.CommissionRate, w.NextCommissions)
	}
}

// The reward of an epoch pays commission at that epoch's rate, also when the
// pool was not touched since the rate was set.
func TestCommissionOfTheEpochBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stake(1000 * wal)
	w.setCommission(1000) // for epoch 2
	w.skip()
	w.skip()
	w.next(1000)
	if w.Commission != 100 {
		t.Errorf("got commission %d, want 100", w.Commission)
	}
}

func TestSetIncorrectCommissionRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.SetNextCommission(w.book, w.now, MaxCommission+1); !errors.Is(err, ErrCommissionRate) {
		t.Errorf("got %v", err)
	}
	if _, err := New(w.now, MaxCommission+1); !errors.Is(err, ErrCommissionRate) {
		t.Errorf("got %v", err)
	}
}

func TestCommissionBlockingAcrossEpochs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(1000)
	w.stake(1000 * wal)
	w.next(0)
	w.next(5000 * wal)
	if w.Commission != 500*wal || w.Blocked != 500*wal {
		t.Errorf("got commission %d, blocked %d", w.Commission, w.Blocked)
	}
	w.Unblock()
	w.next(10_000 * wal)
	if w.Commission != 1500*wal || w.Blocked != 1000*wal {
		t.Errorf("got commission %d, blocked %d", w.Commission, w.Blocked)
	}
	w.collect(500 * wal)
	w.collect(0)
	w.Unblock()
	w.collect(1000 * wal)
}

func TestZeroCommissionNotBlocked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stake(1000 * wal)
	w.next(0)
	w.next(1000 * wal)
	if w.Commission != 0 || w.Blocked != 0 {
		t.Errorf("got commission %d, blocked %d", w.Commission, w.Blocked)
	}
	w.collect(0)
}

func TestExtractCommissionToBurnClearsBlocked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(1000)
	w.stake(1000 * wal)
	w.next(0)
	w.next(10_000 * wal)
	if got := w.ForfeitCommission(); got != 1000*wal {
		t.Errorf("got %d", got)
	}
	if w.Commission != 0 || w.Blocked != 0 {
		t.Errorf("got commission %d, blocked %d", w.Commission, w.Blocked)
	}
}

func TestAddCommissionBlocking(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		amount  uint64
		blocked bool
	}{{100, true}, {200, true}, {50, false}} {
		if err := w.Credit(c.amount, c.blocked); err != nil {
			t.Fatal(err)
		}
	}
	w.collect(50)
	w.Unblock()
	w.collect(300)
	if err := w.Credit(MaxMoney, false); err != nil {
		t.Fatal(err)
	}
	if err := w.Credit(1, false); !errors.Is(err, ErrOverflow) {
		t.Errorf("credit beyond all money: got %v", err)
	}
}

func TestDestroyPoolWithZeroBlockedCommission(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(1000 * wal)
	w.next(0)
	w.next(0) // blocks a commission of 0
	w.request(a)
	w.next(0)
	w.withdraw(a, 1000*wal)
	w.empty()
}
