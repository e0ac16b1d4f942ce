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
