package stake

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/floe-storage/floe/committee"
)

func TestRate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rate           Rate
		amount         uint64
		wal, shares    uint64
		wantWAL, wantS error
	}{
		{Rate{}, math.MaxUint64, math.MaxUint64, math.MaxUint64, nil, nil}, // flat
		{Rate{7, 7, 3}, math.MaxUint64, math.MaxUint64, math.MaxUint64, nil, nil},
		{Rate{4, 2, 0}, 1001, 2002, 500, nil, nil},
		{Rate{2, 4, 0}, 1001, 500, 2002, nil, nil}, // [WL] EInvalidRate; ours knows losses
		{Rate{3, 2, 0}, 1, 1, 0, nil, nil},
		{Rate{math.MaxUint64, math.MaxUint64 - 1, 0}, math.MaxUint64 - 1, math.MaxUint64, math.MaxUint64 - 2, nil, nil},
		{Rate{2, 1, 0}, math.MaxUint64, 0, math.MaxUint64 / 2, ErrOverflow, nil},
		{Rate{1, math.MaxUint64, 0}, 2, 0, 0, nil, ErrOverflow},
	} {
		got, err := c.rate.ToWAL(c.amount)
		if got != c.wal || !errors.Is(err, c.wantWAL) {
			t.Errorf("%v: %d shares are %d FROST, %v, want %d, %v", c.rate, c.amount, got, err, c.wal, c.wantWAL)
		}
		got, err = c.rate.ToShares(c.amount)
		if got != c.shares || !errors.Is(err, c.wantS) {
			t.Errorf("%v: %d FROST are %d shares, %v, want %d, %v", c.rate, c.amount, got, err, c.shares, c.wantS)
		}
	}
}

func TestSameRate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b Rate
		want bool
	}{
		{Rate{}, Rate{5, 5, 0}, true},
		{Rate{}, Rate{5, 4, 0}, false},
		{Rate{5, 4, 0}, Rate{}, false},
		{Rate{6, 4, 1}, Rate{3, 2, 1}, true},
		{Rate{6, 4, 1}, Rate{3, 2, 0}, false},
		{Rate{math.MaxUint64, 1, 0}, Rate{math.MaxUint64, 2, 0}, false},
	} {
		if got := c.a.same(c.b); got != c.want {
			t.Errorf("%v and %v: got %t, want %t", c.a, c.b, got, c.want)
		}
	}
}

func TestMulDiv(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		a, b, c := rng.Uint64()>>rng.IntN(64), rng.Uint64()>>rng.IntN(64), rng.Uint64()>>rng.IntN(64)
		got, err := mulDiv(a, b, c)
		if c == 0 {
			if !errors.Is(err, ErrOverflow) {
				t.Fatalf("%d*%d/0: got %d, %v", a, b, got, err)
			}
			continue
		}
		want := new(big.Int).SetUint64(a)
		want.Div(want.Mul(want, new(big.Int).SetUint64(b)), new(big.Int).SetUint64(c))
		if want.IsUint64() != (err == nil) || err == nil && got != want.Uint64() {
			t.Fatalf("%d*%d/%d: got %d, %v, want %v", a, b, c, got, err, want)
		}
	}
}

// Only rates that differ from the one before are kept, so a pool that earns
// nothing writes nothing.
func TestRatesAreKeptWhenTheyChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stake(1000 * wal)
	for range 5 {
		w.next(0)
	}
	if len(w.book.rates) != 0 {
		t.Errorf("flat pool: got %v", w.book.rates)
	}
	w.next(1000 * wal)
	w.stake(77 * wal)
	for range 5 {
		w.next(0)
	}
	w.next(1)
	if len(w.book.rates) != 2 {
		t.Errorf("got %v, want rates of two epochs", w.book.rates)
	}
	for e, want := range map[committee.Epoch]Rate{5: {}, 6: {2000 * wal, 1000 * wal, 0}, 11: {2000 * wal, 1000 * wal, 0}} {
		if got := rateAt(w.book, e); got != want {
			t.Errorf("epoch %d: got rate %v, want %v", e, got, want)
		}
	}
}
