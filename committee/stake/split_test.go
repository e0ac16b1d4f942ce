package stake

import (
	"errors"
	"testing"
)

// [WL] §5.2, staked_wal_tests. unable_to_join_different_pool is the ledger's.

func (w *world) split(s *Position, amount uint64) *Position {
	w.t.Helper()
	part, err := w.Split(w.book, w.now, s, amount, wal)
	if err != nil {
		w.t.Fatal(err)
	}
	return &part
}

func (w *world) join(s, other *Position) {
	w.t.Helper()
	if err := w.Join(w.book, w.now, s, *other); err != nil {
		w.t.Fatal(err)
	}
}

func TestSplitRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.stake(1000 * wal)
	for _, c := range []struct {
		name   string
		amount uint64
		want   error
	}{
		{"try_splitting_full_amount", 1000 * wal, ErrAmount},
		{"unable_to_split_larger_amount", 1001 * wal, ErrAmount},
		{"try_split_zero", 0, ErrBelowMinimum},
		{"try_splitting_small_amount", 1_000_000, ErrBelowMinimum},
		{"leaves too little", 999*wal + 1, ErrBelowMinimum},
	} {
		if _, err := w.Split(w.book, w.now, s, c.amount, wal); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	w.withdraw(s, 1000*wal)
	w.empty()
}

// A position is split and joined again at every stage of its life, and the
// pool knows how many there are: staked_wal_lifecycle, withdrawing_wal_lifecycle.
func TestSplitAndJoin(t *testing.T) {
	t.Parallel()
	const (
		pending = iota
		active
		leaving
		left
		preActive // requested before it begins
		preLeaving
		preLeft
	)
	for stage := pending; stage <= preLeft; stage++ {
		w := newWorld(t)
		s, other := w.stake(100*wal), w.stake(300*wal)
		if stage >= preActive {
			w.choose(true)
			w.request(s)
		}
		if stage >= active && stage != preActive {
			w.next(0)
		}
		if stage == leaving || stage == left {
			w.request(s)
		}
		paid := uint64(100 * wal)
		if stage == left || stage == preLeft {
			w.next(40 * wal)
			paid = 110 * wal
		}
		part := w.split(s, 50*wal)
		if s.Principal != 50*wal || part.Principal != 50*wal || s.Withdraw != part.Withdraw {
			t.Errorf("stage %d: got %+v and %+v", stage, s, part)
		}
		w.join(s, part)
		if s.Principal != 100*wal {
			t.Errorf("stage %d: got %+v", stage, s)
		}
		part = w.split(s, 25*wal)
		switch stage {
		case pending:
			w.withdraw(s, 75*wal)
			w.withdraw(part, 25*wal)
			w.withdraw(other, 300*wal)
			w.empty()
			continue
		case active:
			w.request(s)
			w.request(part)
		}
		for w.now.Epoch < s.Withdraw {
			w.next(0)
		}
		w.withdraw(part, paid/4)
		w.withdraw(s, paid-paid/4)
		w.choose(false)
		w.next(0)
		w.withdraw(other, 3*paid)
		w.empty()
	}
}

func TestJoinRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stake(100 * wal)
	w.next(0)
	b, b2 := w.stake(100*wal), w.stake(100*wal)
	c := w.stake(100 * wal)
	cannot := func(name string, s, other *Position) {
		t.Helper()
		joined := *s
		if err := w.Join(w.book, w.now, &joined, *other); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	cannot("unable_to_join_activation_epoch", a, b)
	w.next(0)
	w.request(a)
	w.request(b)
	if a.Withdraw != b.Withdraw {
		t.Fatalf("got withdraw epochs %d and %d", a.Withdraw, b.Withdraw)
	}
	cannot("staked_wal_join_different_activation_epochs", a, b)
	cannot("unable_to_join_activation_epoch_withdrawing", b, a)
	cannot("one asked back", b, c)
	w.next(0)
	w.request(b2)
	cannot("asked back in other epochs", b, b2)
}

// A position asked back before it begins and one asked back in its first epoch
// leave together, so they can be joined.
func TestJoinPreActive(t *testing.T) {
	t.Parallel()
	for _, aFirst := range []bool{true, false} {
		w := newWorld(t)
		a, b, c := w.stake(100*wal), w.stake(100*wal), w.stake(200*wal)
		w.choose(true)
		w.request(a)
		w.next(0)
		w.request(b)
		w.request(c)
		if !aFirst {
			a, b = b, a
		}
		w.join(a, b)
		w.next(7)
		w.withdraw(a, 200*wal+3)
		w.withdraw(c, 200*wal+4)
		w.empty()
	}
}

// The money moves when the stake could be withdrawn and begins anew there.
func TestRedelegate(t *testing.T) {
	t.Parallel()
	from, to := newWorld(t), newWorld(t)
	a, b, pending := from.stake(1000*wal), from.stake(500*wal), to.stake(10*wal)
	next := func(reward uint64) {
		from.next(reward)
		to.next(0)
	}
	next(0)
	move := func(s *Position) (Position, error) {
		return Redelegate(*s, &from.Pool, from.book, from.now, &to.Pool, to.book, to.now)
	}
	if _, err := move(a); !errors.Is(err, ErrNotWithdrawing) {
		t.Errorf("serving: got %v", err)
	}
	from.request(a)
	next(1500 * wal)
	from.now.HandedOver = false
	if _, err := move(a); !errors.Is(err, ErrNotReleased) {
		t.Errorf("not handed over: got %v", err)
	}
	if _, err := from.Lose(from.book, from.now, 1, 4); err != nil {
		t.Fatal(err)
	}
	from.now.HandedOver = true
	got, err := move(a)
	if want := (Position{Principal: 1500 * wal, Activation: 3}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if from.Exited != 0 || to.Money() != 1510*wal {
		t.Errorf("got %d exited, %d FROST moved", from.Exited, to.Money())
	}
	if _, err := from.Lose(from.book, from.now, 1, 1); err != nil {
		t.Fatal(err)
	}
	from.now.InCurrent = false
	if _, err := move(b); !errors.Is(err, ErrBelowMinimum) {
		t.Errorf("worth nothing: got %v", err)
	}
	next(0)
	to.request(&got)
	to.request(pending)
	next(0)
	to.withdraw(&got, 1500*wal)
	to.withdraw(pending, 10*wal)
	to.empty()
}
