package stake

import (
	"errors"
	"math"
	"testing"
)

func (w *world) lose(part, whole, want uint64) {
	w.t.Helper()
	got, err := w.Lose(w.book, w.now, part, whole)
	if err != nil {
		w.t.Fatal(err)
	}
	if got != want {
		w.t.Errorf("epoch %d: lost %d FROST, want %d", w.now.Epoch, got, want)
	}
}

// Losses have no counterpart in [WL], which pays every principal in full
// (§6 row 3). Active and departing stake loses alike; stake that came later and
// the commission do not.
func TestLose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(1000)
	a, b, c := w.stake(1000*wal), w.stake(2000*wal), w.stake(1000*wal)
	w.next(0)
	w.next(1000 * wal) // 900 of it for the stake
	w.Unblock()
	w.request(a)
	later := w.stake(500 * wal)
	w.next(0)
	w.balance((3675+500)*wal, 3000*wal+500*wal*4000/4900)
	late := w.stake(300 * wal)
	w.now.HandedOver = false
	w.lose(1, 10, (1225+3675+500)*wal/10)
	w.collect(100 * wal)
	w.now.HandedOver = true
	w.withdraw(a, 1225*wal*9/10)
	w.lose(1, 2, (3675+500)*wal*9/10/2)
	w.request(b)
	w.request(c)
	w.request(later)
	w.next(0)
	w.withdraw(b, 2450*wal*9/20)
	w.withdraw(c, 1225*wal*9/20)
	w.withdraw(later, 500*wal*9/20)
	w.request(late)
	w.next(0)
	w.withdraw(late, 300*wal)
	w.empty()
}

// What left in an epoch before, and what left after the hand-over, is safe.
func TestLoseNotWhatIsReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.stake(1000*wal), w.stake(1000*wal)
	w.stake(1000 * wal)
	w.next(0)
	w.request(a)
	w.next(0)
	w.lose(1, 4, 2000*wal/4)
	w.request(b)
	w.next(0)
	w.now.HandedOver = false
	w.lose(1, 3, (750+750)*wal/3)
	w.withdraw(a, 1000*wal)
	w.now.HandedOver = true
	w.lose(1, 5, 100*wal)
	w.withdraw(b, 500*wal)
	w.balance(400*wal, 1000*wal)
}

func TestLoseRoundsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(1000 * wal)
	w.stake(1000 * wal)
	w.lose(1, 1, 0) // nothing is active
	w.next(0)
	w.request(a)
	w.next(0)
	w.now.HandedOver = false
	if risk, err := w.AtRisk(w.book, w.now); err != nil || risk != 2000*wal {
		t.Errorf("got %d at risk, %v", risk, err)
	}
	w.lose(1, 2000*wal+1, 2) // one of the balance, one of the exit
	w.lose(0, math.MaxUint64, 0)
	for _, c := range []struct{ part, whole uint64 }{{2, 1}, {0, 0}, {1, 0}, {math.MaxUint64, math.MaxUint64 - 1}} {
		if _, err := w.Lose(w.book, w.now, c.part, c.whole); !errors.Is(err, ErrAmount) {
			t.Errorf("%d/%d: got %v", c.part, c.whole, err)
		}
	}
	w.lose(math.MaxUint64-1, math.MaxUint64, 2000*wal-2)
	w.lose(math.MaxUint64, math.MaxUint64, 0)
}

// A pool that lost everything pays nothing to those who were in it, whenever
// they leave, and starts anew with the next stake.
func TestLoseEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.stake(1000*wal), w.stake(1000*wal)
	w.next(0)
	w.next(600 * wal)
	pending := w.stake(70 * wal)
	w.lose(1, 1, 2600*wal)
	w.balance(0, 2000*wal)
	if err := w.pay(1); !errors.Is(err, ErrNoStake) {
		t.Errorf("reward after a loss of everything: got %v", err)
	}
	w.stakes(2, 0, 70)
	w.next(0)
	w.balance(70*wal, 70*wal)
	later := w.stake(30 * wal)
	w.next(70 * wal)
	w.balance(170*wal, 85*wal)
	w.request(a)
	w.request(pending)
	w.request(later)
	w.next(0)
	w.withdraw(a, 0)
	w.withdraw(pending, 140*wal)
	w.withdraw(later, 30*wal)
	w.request(b)
	w.next(0)
	w.withdraw(b, 0)
	w.empty()
}

// pay tries to advance a copy with a reward.
func (w *world) pay(reward uint64) error {
	p := w.Clone()
	return p.Advance(&forecast{book: w.book}, w.now.Epoch+1, reward)
}

// Shares are halved when losses made more than two of a FROST, so they always
// fit, and nobody notices.
func TestHalve(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	most := uint64(MaxMoney - 2000*wal)
	a := w.stake(most)
	w.stake(1000 * wal)
	w.next(0)
	lost := uint64(0)
	for range 25 {
		kept := w.Balance / 4
		lost += w.Balance - kept
		w.lose(3, 4, w.Balance-kept)
		w.next(0)
		if w.Shares > 2*w.Balance || w.Shares < w.Balance {
			t.Fatalf("epoch %d: got %d shares for %d FROST", w.now.Epoch, w.Shares, w.Balance)
		}
	}
	if w.Money()+lost != most+1000*wal {
		t.Errorf("%d held and %d lost of %d", w.Money(), lost, most+1000*wal)
	}
	left := w.Balance
	if left != most>>50 { // what the other had is below 1 FROST
		t.Errorf("got %d FROST left, want %d", left, most>>50)
	}
	b := w.stake(most)
	w.next(0)
	w.request(a)
	w.request(b)
	w.next(0)
	if w.Balance > 1 {
		t.Errorf("got %d FROST for the one who stays, want at most 1", w.Balance)
	}
	w.withdraw(a, left-w.Balance)
	w.withdraw(b, most)
}

// Joining positions whose shares were fixed at different scales.
func TestJoinOverHalvings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, c, d := w.stake(100*wal), w.stake(200*wal), w.stake(300*wal), w.stake(400*wal)
	w.next(0)
	w.request(a) // for epoch 2
	w.choose(true)
	w.request(b) // for epoch 3
	w.lose(7, 8, 875*wal)
	w.next(0)
	if w.Scale == 0 {
		t.Fatal("nothing was halved")
	}
	w.request(c) // for epoch 3
	if b.Withdraw != c.Withdraw || b.Scale == c.Scale {
		t.Fatalf("got %+v and %+v", b, c)
	}
	w.request(d)
	w.join(b, c)
	w.next(80 * wal)
	w.withdraw(a, 100*wal/8)
	w.withdraw(b, 500*wal*(900+640)/900/8)
	w.withdraw(d, 400*wal*(900+640)/900/8+1)
	w.empty()
}

// With a single FROST left for three who leave at different times, no share is
// left of any. Whoever stakes next gets that FROST, and nobody is stuck.
func TestHalveToNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, c := w.stake(1000*wal), w.stake(1000*wal), w.stake(1000*wal)
	w.next(0)
	w.request(a)
	w.choose(true)
	w.request(b)
	w.lose(3000*wal-1, 3000*wal, 3000*wal-1)
	d := w.stake(5 * wal)
	w.next(0)
	w.balance(1, 0)
	w.next(0)
	w.balance(5*wal+1, 5*wal)
	w.withdraw(a, 0)
	w.withdraw(b, 0)
	w.request(c)
	w.request(d)
	w.next(0)
	w.withdraw(c, 0)
	w.withdraw(d, 5*wal+1)
	w.empty()
}
