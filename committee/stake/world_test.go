package stake

import (
	"errors"
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
)

const wal = 1_000_000_000 // FROST

// memory is a [Book] in maps.
type memory struct {
	rates map[committee.Epoch]Rate
	exits map[committee.Epoch]Exit
}

func newMemory() *memory {
	return &memory{rates: map[committee.Epoch]Rate{}, exits: map[committee.Epoch]Exit{}}
}

func (b *memory) Rate(e committee.Epoch) (Rate, bool) {
	best, found := committee.Epoch(0), false
	for at := range b.rates {
		if at <= e && (!found || at > best) {
			best, found = at, true
		}
	}
	return b.rates[best], found
}

func (b *memory) SetRate(e committee.Epoch, r Rate) { b.rates[e] = r }

func (b *memory) Exit(e committee.Epoch) Exit { return b.exits[e] }

func (b *memory) SetExit(e committee.Epoch, x Exit) {
	if x == (Exit{}) {
		delete(b.exits, e)
		return
	}
	b.exits[e] = x
}

// held returns the FROST in all exits.
func (b *memory) held() uint64 {
	sum := uint64(0)
	for _, x := range b.exits {
		sum += x.WAL
	}
	return sum
}

// world is one pool, its book and the running epoch. Amounts of its methods
// are in FROST.
type world struct {
	t *testing.T
	Pool
	book *memory
	now  Moment
}

// newWorld has a pool made in epoch 0 whose node is in every committee.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, book: newMemory(), now: Moment{InCurrent: true, HandedOver: true}}
	w.create(0)
	return w
}

func (w *world) create(commission uint16) {
	w.t.Helper()
	p, err := New(w.now, commission)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Pool = p
}

// choose is the end of voting; member says whether the node is chosen.
func (w *world) choose(member bool) { w.now.Chosen, w.now.InNext = true, member }

// next begins the next epoch and advances the pool with a reward for the last one.
func (w *world) next(reward uint64) {
	w.t.Helper()
	w.skip()
	if err := w.Advance(w.book, w.now.Epoch, reward); err != nil {
		w.t.Fatalf("advance to epoch %d: %v", w.now.Epoch, err)
	}
}

// skip begins the next epoch without touching the pool. A node that was not
// chosen is in the committee nevertheless unless choose was called.
func (w *world) skip() {
	if w.now.Chosen {
		w.now.InCurrent = w.now.InNext
	}
	w.now.Epoch++
	w.now.Chosen, w.now.InNext = false, false
}

func (w *world) stake(amount uint64) *Position {
	w.t.Helper()
	s, err := w.Stake(w.book, w.now, amount, wal)
	if err != nil {
		w.t.Fatal(err)
	}
	return &s
}

func (w *world) request(s *Position) {
	w.t.Helper()
	if err := w.RequestWithdraw(w.book, w.now, s); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) cannotRequest(s *Position, want error) {
	w.t.Helper()
	c := *s
	if err := w.RequestWithdraw(w.book, w.now, &c); !errors.Is(err, want) {
		w.t.Fatalf("request: got %v, want %v", err, want)
	}
}

// withdraw checks what a position is paid.
func (w *world) withdraw(s *Position, want uint64) {
	w.t.Helper()
	got, err := w.Withdraw(w.book, w.now, *s)
	if err != nil {
		w.t.Fatal(err)
	}
	if got != want {
		w.t.Errorf("epoch %d: withdrew %d FROST, want %d", w.now.Epoch, got, want)
	}
}

func (w *world) cannotWithdraw(s *Position, want error) {
	w.t.Helper()
	if _, err := w.Withdraw(w.book, w.now, *s); !errors.Is(err, want) {
		w.t.Fatalf("withdraw: got %v, want %v", err, want)
	}
}

// stakes checks the balances at epochs from the given one on, in WAL.
func (w *world) stakes(from committee.Epoch, want ...uint64) {
	w.t.Helper()
	got := make([]uint64, len(want))
	for i := range want {
		balance, err := w.StakeAt(from + committee.Epoch(i))
		if err != nil {
			w.t.Fatal(err)
		}
		got[i] = balance / wal
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("stake from epoch %d on: got %d WAL, want %d", from, got, want)
	}
}

// balance checks balance and shares, in FROST.
func (w *world) balance(balance, shares uint64) {
	w.t.Helper()
	if w.Balance != balance || w.Shares != shares {
		w.t.Errorf("epoch %d: got %d FROST for %d shares, want %d for %d", w.now.Epoch, w.Balance, w.Shares, balance, shares)
	}
}

// empty checks that nobody and nothing is left.
func (w *world) empty() {
	w.t.Helper()
	if !w.Empty() || len(w.book.exits) > 0 {
		w.t.Errorf("epoch %d: the pool is not empty: %+v, exits %v", w.now.Epoch, w.Pool, w.book.exits)
	}
}
