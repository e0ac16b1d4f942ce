package light_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/committee/light/lighttest"
)

func TestHeader(t *testing.T) {
	t.Parallel()
	c := chain([]byte{1, 2, 3, 4}, 60)
	for _, root := range []light.Root{c.Root(0), c.Root(1), c.Root(20)} {
		s := &source{Source: c, name: "honest"}
		l := client(t, root, light.Config{}, s)
		for _, height := range []uint64{60, 33, 34, 60, max(root.Height, 1)} {
			got, err := l.Header(t.Context(), height)
			if err != nil || got.Height != height || got.Hash != c.Root(height).Hash {
				t.Fatalf("root %v, height %d: got %+v, %v", root, height, got, err)
			}
			if err := light.VerifyValue(got.AppHash, []byte("absent"), nil, prove(t, c.State(height-1), "absent")); err != nil {
				t.Errorf("height %d: the state of the height before: %v", height, err)
			}
		}
		if n := s.called(); n > 4 {
			t.Errorf("asked %d times, want the root and three headers", n)
		}
		newest, err := l.Header(t.Context(), 0)
		if err != nil || newest.Height != 60 {
			t.Errorf("newest: got %+v, %v", newest, err)
		}
		if _, err := l.Header(t.Context(), 61); !errors.Is(err, light.ErrUnavailable) {
			t.Errorf("a header to come: %v", err)
		}
	}
	if _, err := client(t, c.Root(20), light.Config{}, c).Header(t.Context(), 19); !errors.Is(err, light.ErrBeforeRoot) {
		t.Errorf("before the root: %v", err)
	}
}

// All validators are replaced, two at a time: more headers are needed, and not all.
func TestSkipping(t *testing.T) {
	t.Parallel()
	c := chain([]byte{0, 1, 2, 3}, 10)
	for i := range byte(10) {
		later(c, lighttest.Block{Validators: []byte{2*i + 2, 2*i + 3, 2*i + 4, 2*i + 5}})
		for range 9 {
			later(c, lighttest.Block{})
		}
	}
	s := &source{Source: c, name: "honest"}
	l := client(t, c.Root(1), light.Config{}, s)
	got, err := l.Header(t.Context(), c.Height())
	if err != nil || got.Hash != c.Root(c.Height()).Hash {
		t.Fatalf("got %+v, %v", got, err)
	}
	if n := s.called(); n < 10 || n > 60 {
		t.Errorf("asked for %d headers of %d", n, c.Height())
	}
}

// A source whose chain is signed by others than the validators cannot get by,
// however it lies, and is named.
func TestLyingSource(t *testing.T) {
	t.Parallel()
	c := chain([]byte{1, 2, 3, 4}, 20)
	other := chain([]byte{5, 6, 7, 8}, 21)
	fork := c.Fork() // the past is true
	later(c, lighttest.Block{})
	later(fork, lighttest.Block{Absent: []byte{1, 2}, Txs: [][]byte{{1}}})
	for name, bend := range map[string]func(height uint64, b []byte, err error) ([]byte, error){
		"another chain":  func(height uint64, _ []byte, _ error) ([]byte, error) { return other.LightBlock(t.Context(), height) },
		"two signatures": func(height uint64, _ []byte, _ error) ([]byte, error) { return fork.LightBlock(t.Context(), height) },
		"another height": func(uint64, []byte, error) ([]byte, error) { return c.LightBlock(t.Context(), 7) },
		"garbage":        func(uint64, []byte, error) ([]byte, error) { return []byte("garbage"), nil },
		"nothing":        func(uint64, []byte, error) ([]byte, error) { return nil, nil },
		"too much":       func(uint64, []byte, error) ([]byte, error) { return make([]byte, light.MaxBlockSize+1), nil },
		"true root, other chain": func(height uint64, b []byte, _ error) ([]byte, error) {
			if height <= 20 {
				return b, nil
			}
			return other.LightBlock(t.Context(), height-1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			liar, honest := &source{Source: c, name: "liar", bend: bend}, &source{Source: c, name: "honest"}
			var d dropped
			alone := client(t, c.Root(1), light.Config{Faulty: d.add}, liar)
			_, err := alone.Header(t.Context(), 21)
			if e, ok := errors.AsType[*light.SourceError](err); !ok || e.Source != light.Source(liar) {
				t.Errorf("alone: got %v", err)
			}
			d.only(t, liar)
			for _, order := range [][]light.Source{{liar, honest}, {honest, liar}} { // asked, or asked whether it is true
				var d dropped
				got, err := client(t, c.Root(1), light.Config{Faulty: d.add}, order...).Header(t.Context(), 21)
				if err != nil || got.Hash != c.Root(21).Hash {
					t.Errorf("among others: got %+v, %v", got, err)
				}
				d.only(t, liar)
			}
		})
	}
}

// Two headers that the validators have signed are believed by nobody.
func TestFork(t *testing.T) {
	t.Parallel()
	c := chain([]byte{1, 2, 3, 4}, 10)
	fork := c.Fork()
	later(c, lighttest.Block{})
	later(fork, lighttest.Block{Txs: [][]byte{{1}}})
	var d dropped
	l := client(t, c.Root(5), light.Config{Faulty: d.add}, c, fork)
	_, err := l.Header(t.Context(), 11)
	if e, ok := errors.AsType[*light.ForkError](err); !ok || e.Height != 11 || e.Hashes[0] == e.Hashes[1] {
		t.Errorf("got %v", err)
	}
	d.only(t)
	// A header that was verified before, and one that is sent later.
	l = client(t, c.Root(5), light.Config{}, c)
	if _, err := l.Header(t.Context(), 11); err != nil {
		t.Fatal(err)
	}
	b, err := fork.LightBlock(t.Context(), 11)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(t.Context(), fork, b); err == nil || !isFork(err) {
		t.Errorf("got %v", err)
	}
}

func isFork(err error) bool {
	_, ok := errors.AsType[*light.ForkError](err)
	return ok
}

func TestTrustPeriod(t *testing.T) {
	t.Parallel()
	c := chain([]byte{1, 2, 3, 4}, 100) // the first is 160 s old
	if _, err := client(t, c.Root(1), light.Config{TrustPeriod: 100 * time.Second}, c).Header(t.Context(), 100); !errors.Is(err, light.ErrExpired) {
		t.Errorf("an old root: %v", err)
	}
	l := client(t, c.Root(90), light.Config{TrustPeriod: 100 * time.Second}, c)
	if _, err := l.Header(t.Context(), 100); err != nil {
		t.Errorf("a fresh root: %v", err)
	}
	c.Commit(lighttest.Block{Time: time.Now().Add(time.Hour)})
	if _, err := l.Header(t.Context(), 101); !errors.Is(err, light.ErrClock) {
		t.Errorf("of the future: %v", err)
	}
	if _, err := light.New(c.Root(1), nil, light.Config{TrustPeriod: -1}); err == nil {
		t.Error("a negative trust period is taken")
	}
	if _, err := light.New(light.Root{}, nil, light.Config{}); !errors.Is(err, light.ErrRoot) {
		t.Errorf("no root: %v", err)
	}
}

// What a source cannot say is no fault; what all of them cannot is told of each.
func TestUnavailableSources(t *testing.T) {
	t.Parallel()
	c := chain([]byte{1}, 5)
	mute := func(uint64, []byte, error) ([]byte, error) { return nil, errors.New("mute") }
	a, b := &source{Source: c, name: "first", bend: mute}, &source{Source: c, name: "second", bend: mute}
	var d dropped
	l := client(t, c.Root(0), light.Config{Faulty: d.add}, a, b)
	_, err := l.Header(t.Context(), 5)
	if !errors.Is(err, light.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	l.Use(c, c)
	if _, err := l.Header(t.Context(), 5); err != nil {
		t.Errorf("with one that answers: %v", err)
	}
	d.only(t)
	l.Drop(c)
	if _, err := l.Header(t.Context(), 4); !errors.Is(err, light.ErrUnavailable) {
		t.Errorf("without it: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Header(ctx, 4); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// A witness that keeps silent is waited for once, not at every header.
func TestSilentWitness(t *testing.T) { //nolint:paralleltest // a bubble
	synctest.Test(t, func(t *testing.T) {
		c := chain([]byte{1, 2, 3}, 20)
		silent := &silence{}
		l := client(t, c.Root(0), light.Config{}, c, silent)
		began := time.Now()
		for height := uint64(10); height <= 20; height++ {
			if _, err := l.Header(t.Context(), height); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(began); waited > 5*time.Second || silent.calls != 1 {
			t.Errorf("waited %v of the bubble's time, asked %d times", waited, silent.calls)
		}
		time.Sleep(2 * time.Minute)
		later(c, lighttest.Block{})
		if _, err := l.Header(t.Context(), 21); err != nil || silent.calls != 2 {
			t.Errorf("later it was asked %d times, %v", silent.calls, err)
		}
	})
}

// silence is a source that never answers. It is asked by one goroutine at a time.
type silence struct{ calls int }

func (s *silence) LightBlock(ctx context.Context, _ uint64) ([]byte, error) {
	s.calls++
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestConcurrentHeaders(t *testing.T) {
	t.Parallel()
	c := chain([]byte{1, 2, 3, 4}, 200)
	l := client(t, c.Root(0), light.Config{}, c, c.Fork())
	var work sync.WaitGroup
	for i := range 4 {
		work.Go(func() {
			for height := uint64(1 + i); height <= 200; height += 3 {
				if h, err := l.Header(t.Context(), height); err != nil || h.Hash != c.Root(height).Hash {
					t.Errorf("height %d: %+v, %v", height, h, err)
				}
			}
		})
	}
	work.Wait()
}

// Every byte of a light block is covered, or of no meaning: altered ones are
// refused or say the same.
func TestAlteredBlock(t *testing.T) {
	t.Parallel()
	c := chain([]byte{1, 2, 3, 4}, 3)
	good, err := c.LightBlock(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := range good {
		for _, flip := range []byte{1, 0x80} {
			bad := append([]byte{}, good...)
			bad[i] ^= flip
			s := &source{Source: c, name: "bent"}
			h, err := client(t, c.Root(1), light.Config{}, s).Accept(t.Context(), s, bad)
			if err == nil && h.Hash != c.Root(3).Hash {
				t.Fatalf("byte %d: another header is taken", i)
			}
			if err != nil {
				refused++
			}
		}
		if _, err := light.ParseBlock(chainID, good[:i]); !errors.Is(err, light.ErrBlock) {
			t.Fatalf("cut off at %d: %v", i, err)
		}
	}
	if refused < len(good) {
		t.Errorf("only %d of %d alterations are refused", refused, 2*len(good))
	}
}

func FuzzParseBlock(f *testing.F) {
	c := chainFrom(time.Unix(1_700_000_000, 0), []byte{1, 2, 3, 4}, 2) // the same in every process that fuzzes
	for height := uint64(1); height <= 2; height++ {
		b, err := c.LightBlock(f.Context(), height)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	s := &source{Source: c, name: "fuzz"}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := light.ParseBlock(chainID, b); err != nil && !errors.Is(err, light.ErrBlock) {
			t.Errorf("got %v", err)
		}
		l, err := light.New(c.Root(1), []light.Source{s}, light.Config{TrustPeriod: 100 * 365 * 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if h, err := l.Accept(t.Context(), s, b); err == nil && h.Hash != c.Root(h.Height).Hash {
			t.Error("another header is taken")
		}
	})
}

func ExampleClient() {
	c := chain([]byte{1, 2, 3, 4}, 10) // in reality: peers
	root, err := light.ParseRoot(c.Root(1).String())
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := light.New(root, []light.Source{c}, light.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := l.Header(context.Background(), 10)
	fmt.Println(h.Height, err)
	// Output: 10 <nil>
}
