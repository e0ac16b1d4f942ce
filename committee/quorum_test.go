package committee_test

import (
	"testing"

	"github.com/floe-storage/floe/committee"
)

// The thresholds of [WL] §3.9.
func TestThresholds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n                int
		quorum, validity committee.Weight
	}{
		{3, 3, 2},
		{4, 3, 2},
		{5, 4, 2},
		{6, 5, 3},
		{7, 5, 3},
		{10, 7, 4},
		{11, 8, 4},
		{50, 34, 17},
		{100, 67, 34},
		{300, 201, 101},
		{1000, 667, 334},
	} {
		if got := least(committee.Quorum, tt.n); got != tt.quorum {
			t.Errorf("quorum of %d: got %d, want %d", tt.n, got, tt.quorum)
		}
		if got := least(committee.Validity, tt.n); got != tt.validity {
			t.Errorf("validity of %d: got %d, want %d", tt.n, got, tt.validity)
		}
	}
}

// With at most f = ⌊(n-1)/3⌋ wrong shards, a quorum is what two sets must weigh
// so that they meet in a correct shard, and validity what holds a correct one.
// The twin counts instead of comparing products.
func TestThresholdsTwin(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 700; n++ {
		f := (n - 1) / 3
		quorum, validity := least(committee.Quorum, n), least(committee.Validity, n)
		if got := int(quorum); got != n-f {
			t.Fatalf("quorum of %d: got %d, want n-f = %d", n, got, n-f)
		}
		if got := 2*int(quorum) - n; got <= f {
			t.Fatalf("two quorums of %d meet in %d shards, %d may be wrong", n, got, f)
		}
		if got := int(validity); got <= f || got > n-f {
			t.Fatalf("validity of %d: got %d, want above %d and at most %d", n, got, f, n-f)
		}
	}
}

// least returns the least weight that is enough, after checking that every
// greater one is.
func least(enough func(committee.Weight, int) bool, n int) committee.Weight {
	w := committee.Weight(n)
	for enough(w-1, n) {
		w--
	}
	for low := range w {
		if enough(low, n) {
			return -1
		}
	}
	return w
}
