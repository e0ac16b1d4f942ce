package stake

import "testing"

// [WL] §5.3 split_odd_number_of_rewards_pool_leftovers_failure: there both get
// 100 FROST, one stays for ever and the pool cannot be destroyed. Here nothing
// is stranded: the last to leave takes what is left.
func TestSplitOddRewards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.stake(100*wal), w.stake(100*wal)
	w.next(0)
	w.request(a)
	w.request(b)
	w.next(201)
	w.balance(0, 0) // [WL] keeps 200 WAL shares until the next advance
	w.withdraw(a, 100*wal+100)
	w.withdraw(b, 100*wal+101)
	w.empty()
}

// The same if they leave one after the other, and if the node's committee days
// are over.
func TestLastTakesAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, c := w.stake(100*wal), w.stake(100*wal), w.stake(100*wal)
	w.next(0)
	w.request(a)
	w.next(302)
	w.withdraw(a, 100*wal+100)
	w.request(b)
	w.next(0)
	w.withdraw(b, 100*wal+101)
	w.choose(false)
	w.skip()
	w.withdraw(c, 100*wal+101)
	w.empty()
}

// [WL] §5.3 commission_rounding_success
func TestCommissionRounding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(1000)
	a := w.stake(1000 * wal)
	w.next(0)
	w.next(202)
	if w.Commission != 20 || w.Balance != 1000*wal+182 {
		t.Errorf("got commission %d, balance %d", w.Commission, w.Balance)
	}
	w.request(a)
	w.next(0)
	w.withdraw(a, 1000*wal+182)
	w.Unblock()
	if got := w.CollectCommission(); got != 20 {
		t.Errorf("got commission %d, want 20", got)
	}
	w.empty()
}

// Shares are given for all that enters in an epoch together, so there may be
// one more than the positions have, each rounded down. It goes with the last.
func TestSharesOfNobody(t *testing.T) {
	t.Parallel()
	for _, preActive := range []bool{false, true} {
		w := newWorld(t)
		a := w.stake(100 * wal)
		w.next(0)
		b, c := w.stake(wal), w.stake(wal)
		if preActive {
			w.choose(true)
			w.request(b)
			w.request(c)
		}
		w.next(50 * wal)
		if w.Shares != 100*wal+2*wal*2/3 {
			t.Errorf("got %d shares", w.Shares)
		}
		w.request(a)
		if !preActive {
			w.request(b)
			w.request(c)
		}
		w.next(0)
		w.balance(0, 0)
		if x := w.book.Exit(w.now.Epoch); x.Positions != 3 || x.WAL != 152*wal {
			t.Errorf("got exit %+v", x)
		}
		if preActive { // the share of nobody is in the exit
			w.withdraw(a, 150*wal)
			w.withdraw(b, wal-1)
			w.withdraw(c, wal+1)
		} else {
			w.withdraw(a, 150*wal+1)
			w.withdraw(b, wal-1)
			w.withdraw(c, wal)
		}
		w.empty()
	}
}
