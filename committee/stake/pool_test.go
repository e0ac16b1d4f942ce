package stake

import (
	"errors"
	"math"
	"reflect"
	"testing"
)

// The tests of [WL] §5.3 are named as there. Amounts are in WAL; next(x) is
// "adv(x)". Principals are part of the pool's money here, so "balance 0" and
// "destroyable" are one: the pool is empty once everybody was paid.

func TestStakeAndReceiveRewards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(1000 * wal)
	w.next(0)
	w.balance(1000*wal, 1000*wal)
	w.next(1000 * wal)
	w.request(a)
	w.next(0)
	w.withdraw(a, 2000*wal)
	w.empty()
}

func TestStakeNoRewardsDifferentEpochs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(1000 * wal)
	w.next(0)
	b := w.stake(1000 * wal)
	w.next(0)
	w.request(a)
	w.request(b)
	w.next(0)
	w.withdraw(a, 1000*wal)
	w.withdraw(b, 1000*wal)
	w.empty()
}

func TestStakeAndReceivePartialRewards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.stake(1000*wal), w.stake(1000*wal)
	w.next(0)
	w.next(1000 * wal)
	w.request(a)
	w.request(b)
	w.next(0)
	w.withdraw(a, 1500*wal)
	c := w.stake(1000 * wal)
	w.next(0)
	w.next(1000 * wal)
	w.withdraw(b, 1500*wal) // late, and no more for it
	w.request(c)
	w.next(0)
	w.withdraw(c, 2000*wal)
	w.empty()
}

func TestStakeSplitStake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(1000 * wal)
	w.next(0)
	w.next(1000 * wal)
	b := w.split(a, 500*wal)
	w.request(a)
	w.request(b)
	w.next(1000 * wal)
	w.withdraw(a, 1500*wal)
	w.withdraw(b, 1500*wal)
	w.empty()
}

func TestStakeMaintainRatio(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(1000 * wal)
	w.next(0)
	b := w.stake(2000 * wal)
	w.next(1000 * wal)
	w.balance(4000*wal, 2000*wal)
	w.request(a)
	w.request(b)
	w.next(1000 * wal)
	w.withdraw(a, 2500*wal)
	w.withdraw(b, 2500*wal)
	w.empty()
}

func TestWALBalanceAtEpoch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(1000 * wal)
	w.choose(true)
	b := w.stake(1000 * wal)
	w.stakes(0, 0, 1000, 2000)

	w.next(0)
	c := w.stake(2000 * wal)
	w.choose(true)
	d := w.stake(2000 * wal)
	w.stakes(1, 1000, 4000, 6000)

	w.next(1000 * wal)
	w.stakes(2, 5000, 7000, 7000)
	w.request(a)
	w.stakes(2, 5000, 5000, 5000)
	w.choose(true)
	w.request(b)
	w.stakes(2, 5000, 5000, 4000)

	w.next(5000 * wal)
	w.stakes(3, 8000, 6000, 6000)
	w.request(c)
	w.stakes(3, 8000, 2000, 2000)
	w.choose(true)
	w.request(d)
	w.stakes(3, 8000, 2000, 0)

	w.next(4000 * wal)
	w.stakes(4, 3000, 0)
	w.withdraw(a, 4000*wal)
	w.withdraw(b, 3000*wal)
	w.withdraw(c, 6000*wal)
	w.next(0)
	w.withdraw(d, 3000*wal)
	w.empty()
}

func TestWALBalanceAfterPreActiveWithdrawal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.stake(1000*wal), w.stake(500*wal)
	w.choose(true)
	w.request(b)
	c := w.stake(1000 * wal)
	w.stakes(0, 0, 1500, 2000)
	w.withdraw(c, 1000*wal)
	w.stakes(0, 0, 1500, 1000)
	w.next(0)
	w.request(a)
	w.next(0)
	w.withdraw(a, 1000*wal)
	w.withdraw(b, 500*wal)
	w.empty()
}

func TestWALBalanceWithWithdrawalAfterTwoEpochs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.choose(false)
	w.create(0)
	if w.Activation != 1 {
		t.Errorf("got activation %d, want 1", w.Activation)
	}
	a := w.stake(1000 * wal)
	w.next(0)
	w.choose(true)
	w.request(a)
	w.stakes(1, 0, 1000, 0)
	w.next(0)
	w.next(0)
	w.withdraw(a, 1000*wal)
	w.empty()
}

// [WL] gives the sequence of the next epoch's stake, not the steps.
func TestCorrectStakeWithWithdrawals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(1000 * wal)
	w.stakes(1, 1000)
	b := w.stake(2000 * wal)
	w.stakes(1, 3000)
	w.next(0)
	w.request(a)
	w.stakes(2, 2000)
	w.next(0)
	w.withdraw(a, 1000*wal)
	w.request(w.split(b, 750*wal))
	w.stakes(3, 1250)
	w.stake(500 * wal)
	w.stakes(3, 1750)
	w.stake(1000 * wal)
	w.stakes(3, 2750)
}

func TestPoolTokenWithRewardsAtEpochs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(1000 * wal)
	w.next(0)
	b := w.stake(1000 * wal)
	w.next(1000 * wal)
	w.request(a)
	w.request(b)
	if a.Withdraw != 3 || b.Withdraw != 3 {
		t.Errorf("asked back in epoch 2: got withdraw epochs %d, %d, want 3", a.Withdraw, b.Withdraw)
	}
	w.next(0)
	w.withdraw(a, 2000*wal)
	w.withdraw(b, 1000*wal)
	w.empty()
}

func TestPoolTokenSplitRewards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.stake(1000*wal), w.stake(1000*wal)
	w.next(0)
	w.next(1000 * wal)
	w.balance(3000*wal, 2000*wal)
	w.request(a)
	w.request(b)
	w.next(0)
	w.withdraw(a, 1500*wal)
	w.withdraw(b, 1500*wal)
	w.empty()
}

func TestAdvancePoolEpoch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(100)
	w.setCommission(1000)
	w.stake(1000 * wal)
	w.choose(true)
	w.stake(1000 * wal)
	w.next(0)
	if w.CommissionRate != 100 {
		t.Errorf("got commission rate %d, want 100", w.CommissionRate)
	}
	w.balance(1000*wal, 1000*wal)
	w.next(0)
	if w.CommissionRate != 1000 {
		t.Errorf("got commission rate %d, want 1000", w.CommissionRate)
	}
	w.balance(2000*wal, 2000*wal)
}

func TestAdvancePoolEpochHighRewards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(MaxCommission)
	w.stake(1000 * wal)
	w.next(0)
	w.next(2_000_000 * wal)
	if w.Commission != 2_000_000*wal || w.Balance != 1000*wal {
		t.Errorf("got commission %d, balance %d", w.Commission, w.Balance)
	}
}

// [WL] §5.2 test_pending_values
func TestPendingValues(t *testing.T) {
	t.Parallel()
	var s Schedule
	for _, d := range []Due{{0, 1, 10}, {0, 1, 10}, {1, 1, 20}} {
		if err := s.add(d.Epoch, d.Positions, d.Amount); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := s, (Schedule{{0, 2, 20}, {1, 1, 20}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := s.total(); got.Amount != 40 || got.Positions != 3 {
		t.Errorf("got %v in all", got)
	}
	if err := s.drop(2, 1, 1); !errors.Is(err, ErrInconsistent) { // EMissingEpochValue
		t.Errorf("nothing at epoch 2: got %v", err)
	}
	if err := s.drop(1, 1, 21); !errors.Is(err, ErrInconsistent) { // EReduceValueTooLarge
		t.Errorf("21 of 20: got %v", err)
	}
	for e, want := range []Due{{0, 2, 20}, {1, 1, 20}, {2, 0, 0}} {
		if got, err := s.take(want.Epoch); err != nil || got != want {
			t.Errorf("up to epoch %d: got %v, %v, want %v", e, got, err, want)
		}
	}
	if len(s) != 0 {
		t.Errorf("got %v left", s)
	}
}

// A pool that nobody touches for epochs is settled in the end as if it had
// been each time: the rates of the epochs in which something was due hold.
func TestSettleLate(t *testing.T) {
	t.Parallel()
	build := func(touch bool) (*world, []*Position) {
		w := newWorld(t)
		var all []*Position
		all = append(all, w.stake(1000*wal), w.stake(300*wal))
		w.next(0)
		w.setCommission(500)
		all = append(all, w.stake(700*wal))
		w.next(333 * wal)
		w.choose(true)
		w.request(all[0])
		all = append(all, w.stake(11*wal))
		w.next(77)
		w.setCommission(700)
		w.request(all[1])
		all = append(all, w.stake(22*wal))
		w.choose(false)
		all = append(all, w.stake(33*wal))
		for range 5 {
			w.skip()
			if touch {
				if err := w.Settle(w.book, w.now.Epoch); err != nil {
					t.Fatal(err)
				}
			}
		}
		return w, all
	}
	w, all := build(false)
	touched, same := build(true)
	for i, s := range all {
		got, err := w.Value(w.book, w.now.Epoch, *s)
		want, err2 := touched.Value(touched.book, w.now.Epoch, *s)
		if got != want || err != nil || err2 != nil {
			t.Errorf("position %d: got value %d, %v, want %d, %v", i, got, err, want, err2)
		}
	}
	if err := w.Settle(w.book, w.now.Epoch); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(w.Pool, touched.Pool) || !reflect.DeepEqual(w.book, touched.book) {
		t.Errorf("settled late: got %+v, %v, want %+v, %v", w.Pool, w.book, touched.Pool, touched.book)
	}
	if w.CommissionRate != 700 {
		t.Errorf("got commission rate %d, want 700", w.CommissionRate)
	}
	for i := range all {
		value, err := w.Value(w.book, w.now.Epoch, *all[i])
		if err != nil {
			t.Fatal(err)
		}
		w.withdraw(all[i], value)
		touched.withdraw(same[i], value)
	}
	w.empty()
}

func TestAdvanceRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Advance(w.book, 0, 0); !errors.Is(err, ErrAdvanced) {
		t.Errorf("to the running epoch: got %v", err)
	}
	p := w.Clone() // [WL] EIncorrectEpochAdvance
	if err := p.Advance(w.book, 1, 1); !errors.Is(err, ErrNoStake) {
		t.Errorf("reward without stake: got %v", err)
	}
	w.stake(5 * wal)
	w.next(0)
	p = w.Clone()
	if err := p.Advance(w.book, 2, MaxMoney-5*wal+1); !errors.Is(err, ErrOverflow) {
		t.Errorf("reward beyond all money: got %v", err)
	}
	if _, err := w.Stake(w.book, w.now, math.MaxUint64, wal); !errors.Is(err, ErrOverflow) {
		t.Errorf("stake beyond all money: got %v", err)
	}
	w.next(MaxMoney - 5*wal) // the most there can be
	w.now.Epoch = math.MaxUint32 - 1
	w.choose(true)
	w.now.Epoch++
	if _, err := w.Stake(w.book, w.now, wal, wal); !errors.Is(err, ErrOverflow) {
		t.Errorf("stake beyond the last epoch: got %v", err)
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.empty()
	a := w.stake(wal)
	if w.Empty() || w.Money() != wal {
		t.Errorf("empty with pending stake, money %d", w.Money())
	}
	w.next(0)
	w.request(a)
	w.next(0)
	if w.Empty() || w.Money() != 0 || w.book.held() != wal {
		t.Errorf("empty with stake in an exit, money %d, exits %d", w.Money(), w.book.held())
	}
	w.withdraw(a, wal)
	w.empty()
	if err := w.Credit(1, true); err != nil || w.Empty() {
		t.Errorf("empty with commission: %v", err)
	}
}

// One change of epoch for one pool, and the forecast for the next committee.
func BenchmarkEpoch(b *testing.B) {
	book := newMemory()
	p := Pool{Balance: 1000 * wal, Shares: 900 * wal, Positions: 50}
	m := Moment{InCurrent: true, HandedOver: true}
	for b.Loop() {
		clear(book.rates)
		clear(book.exits)
		s, err := p.Stake(book, m, wal, wal)
		if err != nil {
			b.Fatal(err)
		}
		m.Epoch++
		if err := p.Advance(book, m.Epoch, 10); err != nil {
			b.Fatal(err)
		}
		if err := p.RequestWithdraw(book, m, &s); err != nil {
			b.Fatal(err)
		}
		if _, err := p.StakeAt(m.Epoch + 1); err != nil {
			b.Fatal(err)
		}
	}
}
