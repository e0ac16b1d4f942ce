package light_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/committee/light/lighttest"
)

const chainID = "floe-test"

// chain returns a chain of some blocks with a few values, the last of them a minute old.
func chain(validators []byte, blocks int) *lighttest.Chain {
	return chainFrom(time.Now().Add(-time.Minute-time.Duration(blocks)*time.Second), validators, blocks)
}

// chainFrom returns a chain that begins at a time.
func chainFrom(start time.Time, validators []byte, blocks int) *lighttest.Chain {
	c := lighttest.New(chainID, validators, func(s ledger.Store) {
		for i := range 40 {
			s.Set(fmt.Appendf(nil, "key/%02d", i), fmt.Appendf(nil, "value %d", i))
		}
		s.Set([]byte("empty"), []byte{})
	})
	for i := range blocks {
		c.Commit(lighttest.Block{Time: start.Add(time.Duration(i) * time.Second), Write: func(s ledger.Store) {
			s.Set([]byte("height"), fmt.Appendf(nil, "%d", i+1))
		}})
	}
	return c
}

// later commits a block that is newer than those of chain.
func later(c *lighttest.Chain, b lighttest.Block) uint64 {
	b.Time = time.Now().Add(-time.Minute + time.Duration(c.Height())*time.Millisecond)
	return c.Commit(b)
}

// source is a source that a test bends. It counts what it is asked.
type source struct {
	light.Source
	name string
	bend func(height uint64, b []byte, err error) ([]byte, error)

	mu    sync.Mutex // mu guards the field below.
	calls int
}

func (s *source) String() string { return s.name }

func (s *source) LightBlock(ctx context.Context, height uint64) ([]byte, error) {
	s.mu.Lock()
	s.calls++
	s.mu.Unlock()
	b, err := s.Source.LightBlock(ctx, height)
	if s.bend != nil {
		return s.bend(height, b, err)
	}
	return b, err
}

func (s *source) called() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// dropped collects the sources that a client drops.
type dropped struct {
	mu      sync.Mutex // mu guards the field below.
	sources []light.Source
}

func (d *dropped) add(e *light.SourceError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sources = append(d.sources, e.Source)
}

func (d *dropped) only(t *testing.T, want ...light.Source) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.sources) != len(want) {
		t.Fatalf("dropped %v, want %v", d.sources, want)
	}
	for i := range want {
		if d.sources[i] != want[i] {
			t.Errorf("dropped %v, want %v", d.sources, want)
		}
	}
}

func client(t testing.TB, root light.Root, cfg light.Config, sources ...light.Source) *light.Client {
	t.Helper()
	c, err := light.New(root, sources, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
