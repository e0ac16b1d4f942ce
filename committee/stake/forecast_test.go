package stake

import (
	"testing"

	"github.com/floe-storage/floe/committee"
)

// A forecast answers like the book itself would, which stays as it was.
func TestForecast(t *testing.T) {
	t.Parallel()
	base, all := newMemory(), newMemory()
	f := &forecast{book: base}
	for _, b := range []Book{base, all} {
		b.SetRate(2, Rate{2, 1, 0})
		b.SetExit(2, Exit{1, 2, 3})
		b.SetExit(3, Exit{4, 5, 6})
	}
	for _, b := range []Book{f, all} {
		b.SetRate(4, Rate{4, 1, 0})
		b.SetRate(6, Rate{6, 1, 0})
		b.SetExit(3, Exit{7, 8, 9})
		b.SetExit(3, Exit{1, 1, 1})
		b.SetExit(2, Exit{})
		b.SetExit(6, Exit{3, 2, 1})
	}
	for e := range committee.Epoch(9) {
		got, ok := f.Rate(e)
		if want, wantOK := all.Rate(e); got != want || ok != wantOK {
			t.Errorf("epoch %d: got rate %v, %t, want %v, %t", e, got, ok, want, wantOK)
		}
		if got, want := f.Exit(e), all.Exit(e); got != want {
			t.Errorf("epoch %d: got exit %v, want %v", e, got, want)
		}
	}
	if len(base.rates) != 1 || base.Exit(2) != (Exit{1, 2, 3}) {
		t.Errorf("the book changed: %v", base)
	}
}
