package light_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/committee/light/lighttest"
)

// traced returns a chain whose validators have all been replaced, and the
// trace from its first header to the last.
func traced(t testing.TB) (*lighttest.Chain, []byte) {
	t.Helper()
	c := chainFrom(time.Unix(1_700_000_000, 0), []byte{0, 1, 2, 3}, 5)
	start := time.Unix(1_700_000_100, 0)
	for i := range byte(2) {
		c.Commit(lighttest.Block{Time: start.Add(time.Duration(i) * time.Minute), Validators: []byte{2*i + 2, 2*i + 3, 2*i + 4, 2*i + 5}})
		for j := range 8 {
			c.Commit(lighttest.Block{Time: start.Add(time.Duration(i)*time.Minute + time.Duration(j+1)*time.Second), Absent: []byte{2*i + 4}})
		}
	}
	l := client(t, c.Root(1), light.Config{TrustPeriod: 200 * 365 * 24 * time.Hour}, c)
	trace, err := l.Trace(t.Context(), c.Height())
	if err != nil {
		t.Fatal(err)
	}
	return c, trace
}

func TestTrace(t *testing.T) {
	t.Parallel()
	c, trace := traced(t)
	at := time.Unix(1_700_001_000, 0)
	found := 0
	for height := range c.Height() + 1 { // a root of any header in it will do
		h, err := light.VerifyTrace(trace, c.Root(height), at, light.DefaultTrustPeriod)
		if err == nil {
			found++
			if h.Height != c.Height() || h.Hash != c.Root(c.Height()).Hash {
				t.Errorf("root of height %d: got %+v", height, h)
			}
		} else if !errors.Is(err, light.ErrProof) {
			t.Errorf("root of height %d: %v", height, err)
		}
	}
	if found < 3 || found > 15 {
		t.Errorf("%d headers in the trace of %d", found-1, c.Height())
	}
	for height, want := range map[uint64]error{1: light.ErrExpired, c.Height(): nil} { // the last one is itself what is trusted
		if _, err := light.VerifyTrace(trace, c.Root(height), at.Add(light.DefaultTrustPeriod), light.DefaultTrustPeriod); !errors.Is(err, want) {
			t.Errorf("a root of height %d, too late: %v", height, err)
		}
	}
	if _, err := light.VerifyTrace(trace, c.Root(1), at.Add(-time.Hour), light.DefaultTrustPeriod); !errors.Is(err, light.ErrClock) {
		t.Errorf("before its time: %v", err)
	}
	for i := range trace {
		bad := bytes.Clone(trace)
		bad[i] ^= 1 << (i % 8)
		for j, root := range []light.Root{c.Root(1), c.Root(c.Height())} {
			if j > 0 && i%16 > 0 { // which takes as long
				continue
			}
			if _, err := light.VerifyTrace(bad, root, at, light.DefaultTrustPeriod); err == nil {
				t.Fatalf("byte %d of %d changed, root of height %d: it holds", i, len(trace), root.Height)
			}
		}
		if _, err := light.VerifyTrace(trace[:i], c.Root(1), at, light.DefaultTrustPeriod); !errors.Is(err, light.ErrProof) {
			t.Fatalf("cut off at %d: %v", i, err)
		}
	}
	if _, again := traced(t); !bytes.Equal(again, trace) {
		t.Error("the same chain has two traces")
	}
}

// A trace of one header is the root's own.
func TestTraceToRoot(t *testing.T) {
	t.Parallel()
	c := chain([]byte{1, 2, 3}, 4)
	trace, err := client(t, c.Root(4), light.Config{}, c).Trace(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := light.VerifyTrace(trace, c.Root(4), time.Now(), light.DefaultTrustPeriod); err != nil || h.Height != 4 {
		t.Errorf("got %+v, %v", h, err)
	}
	if _, err := light.VerifyTrace(trace, c.Root(0), time.Now(), light.DefaultTrustPeriod); !errors.Is(err, light.ErrProof) {
		t.Errorf("genesis: %v", err)
	}
	if _, err := client(t, c.Root(4), light.Config{}, c).Trace(t.Context(), 3); !errors.Is(err, light.ErrBeforeRoot) {
		t.Errorf("before the root: %v", err)
	}
}

func FuzzVerifyTrace(f *testing.F) {
	c, trace := traced(f)
	f.Add(trace)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := light.VerifyTrace(b, c.Root(1), time.Unix(1_700_001_000, 0), light.DefaultTrustPeriod)
		if err == nil && h.Hash != c.Root(h.Height).Hash {
			t.Error("another header is taken")
		}
	})
}

func ExampleVerifyTrace() {
	c := chain([]byte{1, 2, 3, 4}, 10)
	l, err := light.New(c.Root(1), []light.Source{c}, light.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	trace, err := l.Trace(context.Background(), 10) // in a file, from here on
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := light.VerifyTrace(trace, c.Root(1), time.Now(), light.DefaultTrustPeriod)
	fmt.Println(h.Height, err)
	// Output: 10 <nil>
}
