package rs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/reedsolomon"
)

// Both ways of doing a transform give the same bytes, in place and not, and
// forward undoes inverse.
func TestTransforms(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	for _, count := range []int{1, 2, 4, 8, 16, 32, 64} {
		for _, size := range []int{64, 192} {
			used := 1 + r.IntN(count)
			base := count * r.IntN(5)
			zero := make([]byte, size)
			in := randomSymbols(r, used, size)
			t.Run(fmt.Sprintf("count=%d/used=%d/base=%d", count, used, base), func(t *testing.T) {
				fast := newTransform(size, zero)
				plain := &transform{size: size, zero: zero}
				a, b := randomSymbols(r, count, size), randomSymbols(r, count, size)
				fast.inverse(a, in, base)
				plain.inverse(b, in, base)
				equal(t, "inverse", a, b)
				values := randomSymbols(r, count, size)
				fast.forward(values, a, base, 0, count)
				plain.forward(b, b, base, 0, count)
				equal(t, "forward", values, b)
				equal(t, "there and back", values[:used], in)
				for _, v := range values[used:] {
					if !bytes.Equal(v, zero) {
						t.Fatal("a value that was zero is not")
					}
				}
				from, to := used/2, used
				part := randomSymbols(r, count, size)
				fast.forward(part, a, base, from, to)
				equal(t, "part", part[from:to], values[from:to])
			})
		}
	}
}

func equal(t *testing.T, what string, got, want [][]byte) {
	t.Helper()
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("%s: cell %d differs", what, i)
		}
	}
}

// Where there is no vector code the library does the high rate: its bytes are
// those of our transforms.
func TestHighRateIsTheLibrarys(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 10))
	for _, shape := range [][2]int{{3, 1}, {5, 2}, {7, 3}, {9, 4}, {21, 10}, {67, 33}, {201, 100}} {
		k, m := shape[0], shape[1]
		const size = 128
		want := append(randomSymbols(r, k, size), randomSymbols(r, m, size)...)
		got := append(append([][]byte(nil), want[:k]...), randomSymbols(r, m, size)...)
		library, err := reedsolomon.New(k, m, reedsolomon.WithLeopardGF16(true))
		if err != nil {
			t.Fatal(err)
		}
		if err := library.Encode(want); err != nil {
			t.Fatal(err)
		}
		ours := &Code{k: k, m: m, chunk: pow2(m)}
		if err := ours.Encode(got[:k], got[k:], new(Work)); err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprintf("%d and %d", k, m), got, want)
	}
}

// Every alignment and length is copied, and nothing beyond.
func TestStreamCopy(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	src := randomSymbols(r, 1, 700)[0]
	for from := range 70 {
		for _, size := range []int{0, 1, 63, 64, 255, 256, 257, 319, 320, 400, 511, 600} {
			dst := make([]byte, 800)
			want := make([]byte, 800)
			copy(want[from:], src[from:][:size])
			StreamCopy(dst[from:from+size], src[from:from+size])
			StreamFence()
			if !bytes.Equal(dst, want) {
				t.Fatalf("%d bytes to %d: differs", size, from)
			}
		}
	}
}
