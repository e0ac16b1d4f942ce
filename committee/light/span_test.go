package light_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	ics23 "github.com/cosmos/ics23/go"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/committee/light/lighttest"
)

func prove(t testing.TB, p light.Prover, key string) []byte {
	t.Helper()
	b, err := p.Proof([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// state returns a random state of count keys, its hash, and the keys in order.
func state(seed uint64, count int) (light.Prover, [32]byte, []light.Entry) {
	r := rand.New(rand.NewPCG(seed, 1))
	values := map[string][]byte{}
	for len(values) < count {
		key := make([]byte, 1+r.IntN(3))
		for i := range key {
			key[i] = byte(r.IntN(6))
		}
		values[string(key)] = make([]byte, r.IntN(4))
	}
	var entries []light.Entry
	for k, v := range values {
		entries = append(entries, light.Entry{Key: []byte(k), Value: v})
	}
	slices.SortFunc(entries, func(a, b light.Entry) int { return bytes.Compare(a.Key, b.Key) })
	c := lighttest.New(chainID, []byte{1}, func(s ledger.Store) {
		for _, e := range entries[:1] {
			s.Set(e.Key, e.Value)
		}
	})
	for part := range slices.Chunk(entries[1:], 7) { // nodes of several versions
		c.Commit(lighttest.Block{Write: func(s ledger.Store) {
			for _, e := range part {
				s.Set(e.Key, e.Value)
			}
		}})
	}
	h := c.Commit(lighttest.Block{})
	p := c.State(h - 1)
	return p, appHash(c, h), entries
}

func appHash(c *lighttest.Chain, height uint64) [32]byte {
	b, err := c.LightBlock(context.Background(), height)
	if err != nil {
		panic(err)
	}
	block, err := light.ParseBlock(chainID, b)
	if err != nil {
		panic(err)
	}
	return [32]byte(block.AppHash)
}

// Ranges prove what a list that is searched from end to end has.
func TestRange(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 2))
		p, hash, entries := state(seed, []int{1, 2, 3, 5, 20, 60, 90, 120}[seed])
		bound := func() []byte {
			switch r.IntN(4) {
			case 0:
				return nil
			case 1:
				return entries[r.IntN(len(entries))].Key
			}
			return []byte{byte(r.IntN(7)), byte(r.IntN(7))}
		}
		for range 200 {
			start, end := bound(), bound()
			if end != nil && bytes.Compare(start, end) >= 0 {
				continue
			}
			var want []light.Entry
			for _, e := range entries {
				if bytes.Compare(e.Key, start) >= 0 && (end == nil || bytes.Compare(e.Key, end) < 0) {
					want = append(want, e)
				}
			}
			limit := 1 + r.IntN(10)
			proof, err := light.ProveRange(p, start, end, limit, 1000)
			if err != nil {
				t.Fatalf("seed %d, [%x, %x): %v", seed, start, end, err)
			}
			got, more, err := light.VerifyRange(hash, start, end, proof)
			if err != nil {
				t.Fatalf("seed %d, [%x, %x), limit %d: %v", seed, start, end, limit, err)
			}
			if len(got) != min(limit, len(want)) {
				t.Fatalf("seed %d, [%x, %x): got %d entries, want %d", seed, start, end, len(got), len(want))
			}
			for i := range got {
				if !bytes.Equal(got[i].Key, want[i].Key) || !bytes.Equal(got[i].Value, want[i].Value) || got[i].Value == nil {
					t.Fatalf("seed %d, [%x, %x): entry %d is %v", seed, start, end, i, got[i])
				}
			}
			if len(got) < len(want) && !more {
				t.Fatalf("seed %d, [%x, %x): %d of %d entries and no more", seed, start, end, len(got), len(want))
			}
		}
	}
}

// A range that omits a key, repeats one or belongs elsewhere does not verify.
// The alterations know the format: they are what a liar would try.
func TestAlteredRange(t *testing.T) {
	t.Parallel()
	p, hash, entries := state(7, 30)
	start, end := entries[5].Key, entries[12].Key
	whole, err := light.ProveRange(p, start, end, 100, 1000)
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := light.VerifyRange(hash, start, end, whole)
	if err != nil || len(want) != 7 {
		t.Fatal(want, err)
	}
	refused := func(name string, start, end, proof []byte) {
		t.Helper()
		got, more, err := light.VerifyRange(hash, start, end, proof)
		if err == nil || !errors.Is(err, light.ErrProof) {
			t.Errorf("%s: got %d entries, more %v, %v", name, len(got), more, err)
		}
	}
	for i := range whole {
		for bit := range 8 {
			bad := bytes.Clone(whole)
			bad[i] ^= 1 << bit
			refused(fmt.Sprintf("byte %d bit %d", i, bit), start, end, bad)
		}
		refused(fmt.Sprintf("cut off at %d", i), start, end, whole[:i])
	}
	refused("longer", start, end, append(bytes.Clone(whole), 0))
	refused("a value outside", entries[6].Key, end, whole)
	refused("no bound", entries[4].Key, end, whole)
	// A part of the range passes for the whole only if it says that there is more.
	part, err := light.ProveRange(p, start, end, 3, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if got, more, err := light.VerifyRange(hash, start, end, part); err != nil || !more || len(got) != 3 {
		t.Errorf("a part: got %d, more %v, %v", len(got), more, err)
	}
	// An empty range needs both its neighbors.
	gap, err := light.ProveRange(p, append(bytes.Clone(entries[4].Key), 0, 0), append(bytes.Clone(entries[4].Key), 0, 1), 10, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if got, more, err := light.VerifyRange(hash, append(bytes.Clone(entries[4].Key), 0, 0), append(bytes.Clone(entries[4].Key), 0, 1), gap); err != nil || more || len(got) != 0 {
		t.Errorf("an empty range: got %v, %v, %v", got, more, err)
	}
	refused("emptiness elsewhere", start, end, gap)
	var other [32]byte
	if _, _, err := light.VerifyRange(other, start, end, whole); !errors.Is(err, light.ErrProof) {
		t.Errorf("another state: %v", err)
	}
}

// Proofs of single values hold where the reference implementation says so; it
// does not know values of no bytes.
func TestValue(t *testing.T) {
	t.Parallel()
	p, hash, entries := state(3, 40)
	held := 0
	for _, e := range entries {
		proof := prove(t, p, string(e.Key))
		if err := light.VerifyValue(hash, e.Key, e.Value, proof); err != nil {
			t.Errorf("%x: %v", e.Key, err)
		}
		var parsed ics23.CommitmentProof
		if err := parsed.Unmarshal(proof); err != nil {
			t.Fatal(err)
		}
		if len(e.Value) > 0 {
			held++
			if !ics23.VerifyMembership(ics23.IavlSpec, hash[:], &parsed, e.Key, e.Value) {
				t.Errorf("%x: the reference says no", e.Key)
			}
		}
		for name, err := range map[string]error{
			"another value": light.VerifyValue(hash, e.Key, append(bytes.Clone(e.Value), 1), proof),
			"absence":       light.VerifyValue(hash, e.Key, nil, proof),
			"another key":   light.VerifyValue(hash, append(bytes.Clone(e.Key), 9), e.Value, proof),
			"another state": light.VerifyValue([32]byte{}, e.Key, e.Value, proof),
			"no proof":      light.VerifyValue(hash, e.Key, e.Value, nil),
		} {
			if !errors.Is(err, light.ErrProof) {
				t.Errorf("%x: %s: %v", e.Key, name, err)
			}
		}
		absent := append(bytes.Clone(e.Key), 7)
		if err := light.VerifyValue(hash, absent, nil, prove(t, p, string(absent))); err != nil {
			t.Errorf("%x: %v", absent, err)
		}
	}
	if held < 10 {
		t.Errorf("only %d values with bytes", held)
	}
	for _, absent := range [][]byte{{}, {0xff}} { // at the edges
		if len(absent) == 0 {
			absent = []byte{0}
			if bytes.Equal(entries[0].Key, absent) {
				continue
			}
		}
		if err := light.VerifyValue(hash, absent, nil, prove(t, p, string(absent))); err != nil {
			t.Errorf("%x: %v", absent, err)
		}
	}
}

func TestAlteredValue(t *testing.T) {
	t.Parallel()
	p, hash, entries := state(5, 20)
	key, value := entries[7].Key, entries[7].Value
	absent := append(bytes.Clone(key), 7)
	for _, c := range []struct{ key, value, proof []byte }{
		{key, value, prove(t, p, string(key))},
		{absent, nil, prove(t, p, string(absent))},
	} {
		if err := light.VerifyValue(hash, c.key, c.value, c.proof); err != nil {
			t.Fatal(err)
		}
		for i := range c.proof {
			for bit := range 8 {
				bad := bytes.Clone(c.proof)
				bad[i] ^= 1 << bit
				if err := light.VerifyValue(hash, c.key, c.value, bad); !errors.Is(err, light.ErrProof) {
					t.Fatalf("byte %d bit %d of the proof of %x: %v", i, bit, c.key, err)
				}
			}
			if err := light.VerifyValue(hash, c.key, c.value, c.proof[:i]); !errors.Is(err, light.ErrProof) {
				t.Fatalf("cut off at %d: %v", i, err)
			}
		}
	}
}

func FuzzVerify(f *testing.F) {
	p, hash, entries := state(9, 20)
	for _, e := range entries[:3] {
		b, err := p.Proof(e.Key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(e.Key, b)
		if b, err = light.ProveRange(p, e.Key, nil, 10, 100); err != nil {
			f.Fatal(err)
		}
		f.Add(e.Key, b)
	}
	f.Fuzz(func(t *testing.T, key, proof []byte) {
		if light.VerifyValue(hash, key, nil, proof) == nil && p.Get(key) != nil {
			t.Errorf("%x is proven to be absent", key)
		}
		got, _, err := light.VerifyRange(hash, key, nil, proof)
		for _, e := range got {
			if err == nil && !bytes.Equal(p.Get(e.Key), e.Value) {
				t.Errorf("%x is proven to be %x", e.Key, e.Value)
			}
		}
	})
}

func ExampleVerifyRange() {
	p, hash, entries := state(1, 10) // in reality: comet.Prover and Header.AppHash
	proof, err := light.ProveRange(p, entries[2].Key, entries[5].Key, 100, 1<<20)
	if err != nil {
		fmt.Println(err)
		return
	}
	got, more, err := light.VerifyRange(hash, entries[2].Key, entries[5].Key, proof)
	fmt.Println(len(got), more, err)
	// Output: 3 false <nil>
}

func ExampleVerifyValue() {
	p, hash, entries := state(1, 10)
	proof, err := p.Proof(entries[4].Key)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(light.VerifyValue(hash, entries[4].Key, entries[4].Value, proof))
	// Output: <nil>
}

// A span of neighbors costs little more than its entries.
func BenchmarkRange(b *testing.B) {
	p, hash, entries := state(1, 200)
	proof, err := light.ProveRange(p, entries[10].Key, entries[170].Key, 1000, 1<<20)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(proof)), "B")
	for b.Loop() {
		if _, _, err := light.VerifyRange(hash, entries[10].Key, entries[170].Key, proof); err != nil {
			b.Fatal(err)
		}
	}
}
