package stake

import (
	"errors"
	"testing"
)

// [WL] §5.3, pool_early_withdraw_tests and pool_direct_withdraw_tests.

func TestWithdrawBeforeActivationBeforeCommitteeSelection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(1000 * wal)
	w.withdraw(a, 1000*wal)
	w.empty()
}

func TestWithdrawProcessingAtDifferentEpochs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.stake(1000*wal), w.stake(1000*wal)
	w.withdraw(a, 1000*wal)
	w.choose(true)
	w.request(b)
	c, d := w.stake(1000*wal), w.stake(1000*wal)
	w.next(0)
	w.withdraw(c, 1000*wal)
	w.choose(true)
	w.request(d)
	w.next(1000 * wal)
	w.withdraw(b, 2000*wal)
	w.next(1000 * wal)
	w.withdraw(d, 2000*wal)
	w.empty()
}

func TestRequestWithdrawAfterCommitteeSelection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(1000 * wal)
	w.choose(true)
	w.cannotWithdraw(a, ErrNotWithdrawing)
	w.request(a)
	w.cannotRequest(a, ErrNotStaked)
	w.cannotWithdraw(a, ErrWithdrawEpoch)
	w.next(0)
	w.cannotWithdraw(a, ErrWithdrawEpoch)
	w.next(0)
	w.withdraw(a, 1000*wal)
	w.empty()
}

func TestRequestWithdrawWhenCanWithdrawDirectly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(1000 * wal)
	w.cannotRequest(a, ErrWithdrawDirectly)
	w.choose(false)
	w.cannotRequest(a, ErrWithdrawDirectly)
	w.withdraw(a, 1000*wal) // request_withdraw_can_withdraw_directly
	b := w.stake(1000 * wal)
	w.cannotRequest(b, ErrWithdrawDirectly)
	w.withdraw(b, 1000*wal)
	w.empty()
}

// A node outside of every committee. [WL] withdraw_same_epoch,
// withdraw_after_committee_selection, try_to_request_withdrawal_for_inactive_pool,
// direct_withdraw_for_inactive_pool_pre_active_stake,
// direct_withdraw_for_inactive_pool_active_stake
func TestDirectWithdrawOutsideOfCommittees(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.now.InCurrent = false
	sameEpoch := w.stake(1000 * wal)
	w.withdraw(sameEpoch, 1000*wal)

	active := w.stake(1000 * wal)
	w.choose(false)
	w.skip()
	w.choose(false)
	w.skip()
	w.cannotRequest(active, ErrWithdrawDirectly)
	preActive := w.stake(500 * wal)
	w.stakes(2, 1000, 1500)
	w.withdraw(active, 1000*wal)
	w.stakes(3, 500)
	w.withdraw(preActive, 500*wal)
	w.stakes(3, 0)
	w.empty()
}

// [WL] withdraw_after_the_pool_became_inactive and …_alternative
func TestWithdrawAfterThePoolBecameInactive(t *testing.T) {
	t.Parallel()
	for _, aFirst := range []bool{false, true} {
		w := newWorld(t)
		a, b := w.stake(1000*wal), w.stake(1000*wal)
		w.choose(true)
		w.next(0)
		w.choose(true)
		w.next(2000 * wal)
		w.request(b)
		w.choose(false)
		w.cannotWithdraw(a, ErrNotWithdrawing)
		w.next(2000 * wal)
		w.cannotRequest(a, ErrWithdrawDirectly)
		if aFirst {
			w.withdraw(a, 3000*wal)
			w.withdraw(b, 3000*wal)
		} else {
			w.withdraw(b, 3000*wal)
			w.withdraw(a, 3000*wal)
		}
		w.stakes(4, 0)
		w.empty()
	}
}

// Our decision 8: what departs is paid only when the node's shards are handed
// over; in [WL] the epoch number alone releases it.
func TestWithdrawIsHeldUntilHandOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, c := w.stake(1000*wal), w.stake(1000*wal), w.stake(500*wal)
	w.next(0)
	w.request(a)
	w.choose(false)
	d := w.stake(20 * wal)
	w.next(0)
	w.now.HandedOver = false
	w.cannotWithdraw(a, ErrNotReleased)
	w.cannotWithdraw(b, ErrNotReleased)
	w.withdraw(d, 20*wal) // never served
	w.now.HandedOver = true
	w.withdraw(a, 1000*wal)
	w.withdraw(b, 1000*wal)
	w.now.HandedOver = false
	w.cannotWithdraw(c, ErrNotReleased)
	w.now.HandedOver = true
	w.withdraw(c, 500*wal)
	w.empty()
}

// An exit of an epoch before needs no waiting for the running one's hand-over.
func TestOldExitsAreReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(1000 * wal)
	w.next(0)
	w.request(a)
	w.next(0)
	w.next(0)
	w.now.HandedOver = false
	w.withdraw(a, 1000*wal)
	w.empty()
}

func TestStakeRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ amount, least uint64 }{
		{1000, wal}, // [WL] §5.2 try_minting_small_amount
		{wal - 1, wal},
		{0, 0}, // [WL] EZeroStake
	} {
		if _, err := w.Stake(w.book, w.now, c.amount, c.least); !errors.Is(err, ErrBelowMinimum) {
			t.Errorf("%d of at least %d: got %v", c.amount, c.least, err)
		}
	}
	w.empty()
}

// A position that is not the pool's is refused wherever that shows.
func TestInconsistent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stake(1000 * wal)
	w.next(0)
	w.choose(true)
	for name, s := range map[string]Position{
		"never staked":  {Principal: wal, Activation: 3},
		"too much":      {Principal: 2000 * wal, Activation: 1},
		"never left":    {Principal: wal, Activation: 0, Withdraw: 1},
		"too many left": {Principal: wal, Activation: 0, Withdraw: 1, Fixed: true, Shares: 1 << 63},
	} {
		p := w.Clone()
		_, err := p.Withdraw(w.book, w.now, s)
		if errors.Is(err, ErrNotWithdrawing) {
			err = p.RequestWithdraw(w.book, w.now, &s)
		}
		if !errors.Is(err, ErrInconsistent) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// What leaves is not there for others.
func TestWithdrawMoreThanStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.stake(1000*wal), w.stake(10*wal)
	w.next(0)
	w.choose(true)
	w.request(a)
	w.choose(false)
	w.next(0)
	b.Principal += wal
	w.cannotWithdraw(b, ErrInconsistent)
}

// Value shows what would be paid, at any stage, and is then paid.
func TestValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.stake(1000*wal), w.stake(1000*wal)
	c := w.stake(1000 * wal)
	value := func(s *Position, want uint64) {
		t.Helper()
		before, rates := w.Clone(), len(w.book.rates)
		got, err := w.Value(w.book, w.now.Epoch+1, *s)
		if err != nil || got != want {
			t.Errorf("epoch %d: got value %d, %v, want %d", w.now.Epoch, got, err, want)
		}
		if w.Latest != before.Latest || len(w.book.rates) != rates {
			t.Error("looking at a value changed the pool")
		}
	}
	value(a, 1000*wal)
	w.next(0)
	w.next(300 * wal)
	value(a, 1100*wal)
	w.request(a)
	w.request(b)
	value(a, 1100*wal)
	w.next(30 * wal)
	value(a, 1110*wal)
	w.withdraw(a, 1110*wal)
	value(b, 1110*wal)
	value(c, 1110*wal)
	w.next(3 * wal)
	value(c, 1113*wal)
	w.withdraw(b, 1110*wal)
	w.request(c)
	w.next(0)
	w.withdraw(c, 1113*wal)
	w.empty()
}
