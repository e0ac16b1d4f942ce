package shard_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// ofAxis returns the slivers of one axis, by sliver index.
func ofAxis(pairs []shard.SliverPair, a shard.Axis) []shard.Sliver {
	list := make([]shard.Sliver, len(pairs))
	for i := range pairs {
		s := pairs[i].Primary
		if a == shard.Secondary {
			s = pairs[i].Secondary
		}
		list[s.Index] = s
	}
	return list
}

var axes = []shard.Axis{shard.Primary, shard.Secondary}

// pick returns count of the slivers in random order.
func pick(r *rand.Rand, slivers []shard.Sliver, count int) []shard.Sliver {
	list := make([]shard.Sliver, count)
	for i, x := range r.Perm(len(slivers))[:count] {
		list[i] = slivers[x]
	}
	return list
}

// "Blob decoding": any n-2f primary and any n-f secondary slivers give the blob.
func TestDecodeFromAnySlivers(t *testing.T) {
	t.Parallel()
	sizes := []int{4, 5, 6, 7, 8, 9, 10, 13, 16, 25, 31, 50, 64, 97, 100}
	if !testing.Short() {
		sizes = append(sizes, 301, 1000)
	}
	for _, n := range sizes {
		t.Run(fmt.Sprintf("n=%d", n), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(n), 1))
			p := shardtest.MustParams(n)
			matrix := p.Rows() * p.Cols()
			lengths := []int{0, 1, 2*matrix - 1, 2 * matrix, 2*matrix + 1, 34*matrix + 7, 64 * matrix, 130*matrix - 3}
			if n > 100 {
				lengths = []int{2*matrix + 1}
			}
			for _, length := range lengths {
				blob := shardtest.Blob(fmt.Sprint(n), length)
				md, pairs, err := shard.Encode(p, blob)
				if err != nil {
					t.Fatal(err)
				}
				if err := md.Verify(p, md.ID()); err != nil {
					t.Fatal(err)
				}
				for _, a := range axes {
					all := ofAxis(pairs, a)
					k := p.Threshold(a)
					for name, slivers := range map[string][]shard.Sliver{
						"first": all[:k], "last": all[n-k:], "random": pick(r, all, k), "too many": pick(r, all, n),
					} {
						check := []shard.Check{shard.CheckDefault, shard.CheckSkip, shard.CheckStrict}[r.IntN(3)]
						got, err := shard.Decode(p, md, slivers, check)
						if err != nil {
							t.Fatalf("%d bytes, %s %v slivers: %v", length, name, a, err)
						}
						if !bytes.Equal(got, blob) {
							t.Fatalf("%d bytes, %s %v slivers: another blob", length, name, a)
						}
					}
				}
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	p, md, pairs := worked(t)
	rows := ofAxis(pairs, shard.Primary)
	with := func(change func(*shard.Sliver)) []shard.Sliver {
		list := slices.Clone(rows)
		change(&list[2])
		return list
	}
	tests := []struct {
		name    string
		md      *shard.Metadata
		slivers []shard.Sliver
		want    error
	}{
		{"none", md, nil, shard.ErrNotEnough},
		{"one less", md, rows[:3], shard.ErrNotEnough},
		{"repeated", md, []shard.Sliver{rows[0], rows[1], rows[2], rows[2], rows[2]}, shard.ErrNotEnough},
		{"mixed axes", md, append(slices.Clone(rows[:3]), ofAxis(pairs, shard.Secondary)[:6]...), shard.ErrNotEnough},
		{"index", md, with(func(s *shard.Sliver) { s.Index = 10 }), shard.ErrIndex},
		{"axis", md, with(func(s *shard.Sliver) { s.Axis = 2 }), shard.ErrAxis},
		{"size", md, with(func(s *shard.Sliver) { s.Data = s.Data[:12] }), shard.ErrSliverSize},
		{"symbol size", md, with(func(s *shard.Sliver) { s.SymbolSize = 4 }), shard.ErrSymbolSize},
		{"metadata of other shards", &shard.Metadata{Size: md.Size, Hashes: md.Hashes[:9]}, rows, shard.ErrMetadata},
		{"no metadata", nil, rows, shard.ErrMetadata},
		{"metadata of a larger blob", &shard.Metadata{Size: 1000, Hashes: md.Hashes}, rows, shard.ErrSliverSize},
	}
	for _, tt := range tests {
		_, err := shard.Decode(p, tt.md, tt.slivers, shard.CheckDefault)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
		if _, ok := errors.AsType[*shard.InvalidError](err); ok == errors.Is(tt.want, shard.ErrNotEnough) {
			t.Errorf("%s: %T", tt.name, err)
		}
	}
	huge := &shard.Metadata{Size: 1 << 60, Hashes: md.Hashes}
	if _, ok := errors.AsType[*shard.TooLargeError](func() error {
		_, err := shard.Decode(p, huge, rows, shard.CheckDefault)
		return err
	}()); !ok {
		t.Error("size beyond the largest: no TooLargeError")
	}
	if _, err := shard.Decode(p, md, rows, shard.Check(9)); err == nil {
		t.Error("unknown check: no error")
	}
}

// A wrongly encoded blob: what each check must see, whatever the slivers.
func TestDecodeChecksConsistency(t *testing.T) {
	t.Parallel()
	const n = 10
	p := shardtest.MustParams(n)
	blob := shardtest.Blob("inconsistent", 1000)
	tests := []struct {
		name    string
		axis    shard.Axis
		wrong   shard.SliverIndex
		use     []int // indices of the slivers of that axis to decode from
		useAxis shard.Axis
		seen    [3]bool // by Check
	}{
		// The wrong row is not among the source: the rows of the blob are right, so
		// the default check, which looks at them alone, has nothing to find.
		{"parity row unused", shard.Primary, 7, []int{0, 1, 2, 3}, shard.Primary, [3]bool{false, false, true}},
		{"parity row used", shard.Primary, 7, []int{0, 1, 2, 7}, shard.Primary, [3]bool{true, false, true}},
		{"source row unused", shard.Primary, 3, []int{0, 1, 2, 7}, shard.Primary, [3]bool{true, false, true}},
		// Only rows used are trusted: a surplus sliver is not.
		{"source row surplus", shard.Primary, 3, []int{0, 1, 2, 7, 3}, shard.Primary, [3]bool{true, false, true}},
		{"source row repeated", shard.Primary, 3, []int{0, 1, 1, 2, 7, 3, 3}, shard.Primary, [3]bool{true, false, true}},
		// All rows used were verified, so the default check is content; the columns
		// still differ.
		{"source row used", shard.Primary, 3, []int{0, 1, 2, 3}, shard.Primary, [3]bool{false, false, true}},
		{"column used", shard.Secondary, 2, []int{0, 1, 2, 3, 4, 5, 6}, shard.Secondary, [3]bool{true, false, true}},
		{"column unused", shard.Secondary, 2, []int{0, 1, 9, 3, 4, 5, 6}, shard.Secondary, [3]bool{false, false, true}},
		{"rows although a column is wrong", shard.Secondary, 2, []int{0, 1, 2, 5}, shard.Primary, [3]bool{false, false, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			md, pairs, err := shardtest.ReplaceSliver(p, blob, tt.axis, tt.wrong)
			if err != nil {
				t.Fatal(err)
			}
			all := ofAxis(pairs, tt.useAxis)
			var slivers []shard.Sliver
			for _, i := range tt.use {
				slivers = append(slivers, all[i])
			}
			for _, err := range shard.VerifySlivers(p, md, slivers) {
				if err != nil {
					t.Fatal(err) // each sliver alone is as the metadata says
				}
			}
			for i := range 3 * len(tt.seen) {
				check, want := i/3, tt.seen[i/3]
				_, err := shard.Decode(p, md, slivers, shard.Check(check))
				switch i % 3 {
				case 1:
					_, err = decodeBy(t, p, md, slivers, shard.Check(check), 0)
				case 2:
					_, err = decodeBy(t, p, md, slivers, shard.Check(check), littleMemory)
				}
				lied, seen := errors.AsType[*shard.InconsistentBlobError](err)
				if seen != want || !seen && err != nil {
					t.Errorf("check %d: got %v, want it seen: %v", check, err, want)
				}
				if seen && (lied.Blob != md.ID() || lied.Check != shard.Check(check) || lied.Error() == "") {
					t.Errorf("check %d: got %+v", check, lied)
				}
			}
		})
	}
}

func TestVerifySliverRefuses(t *testing.T) {
	t.Parallel()
	p, md, pairs := worked(t)
	tests := []struct {
		name   string
		change func(*shard.Sliver)
		want   error
	}{
		{"axis", func(s *shard.Sliver) { s.Axis = 2 }, shard.ErrAxis},
		// Each later fault is there too, so the order is tested.
		{"index", func(s *shard.Sliver) { s.Index, s.SymbolSize, s.Data = 10, 4, nil }, shard.ErrIndex},
		{"size", func(s *shard.Sliver) { s.SymbolSize, s.Data = 4, append(s.Data, 0) }, shard.ErrSliverSize},
		{"symbol size", func(s *shard.Sliver) { s.SymbolSize, s.Data[0] = 0, s.Data[0]^1 }, shard.ErrSymbolSize},
		{"first byte", func(s *shard.Sliver) { s.Data[0] ^= 1 }, shard.ErrMismatch},
		{"last byte", func(s *shard.Sliver) { s.Data[len(s.Data)-1] ^= 0x80 }, shard.ErrMismatch},
		{"other index", func(s *shard.Sliver) { s.Index ^= 1 }, shard.ErrMismatch},
	}
	for _, a := range axes {
		for i, good := range ofAxis(pairs, a) {
			if err := shard.VerifySliver(p, md, &good); err != nil {
				t.Fatalf("%v: %v", &good, err)
			}
			if root, err := shardtest.Root(p, &good); err != nil || root != md.Hash(a, good.Index) {
				t.Fatalf("%v: the plain root is %v, %v", &good, root, err)
			}
			for _, tt := range tests {
				s := good
				s.Data = slices.Clone(good.Data)
				tt.change(&s)
				err := shard.VerifySliver(p, md, &s)
				if _, ok := errors.AsType[*shard.InvalidError](err); !ok || !errors.Is(err, tt.want) {
					t.Errorf("%v sliver %d, %s: got %v, want %v", a, i, tt.name, err, tt.want)
				}
			}
		}
	}
}

// A batch of both axes with some bad ones gives each its own answer.
func TestVerifySliversInBatch(t *testing.T) {
	t.Parallel()
	for _, n := range []int{10, 100} {
		p := shardtest.MustParams(n)
		md, pairs, err := shard.Encode(p, shardtest.Blob("batch", 50_000))
		if err != nil {
			t.Fatal(err)
		}
		var slivers []shard.Sliver
		for i := range pairs {
			slivers = append(slivers, pairs[i].Primary, pairs[i].Secondary)
		}
		for i := range slivers {
			switch i % 7 {
			case 3:
				slivers[i].Data = slices.Clone(slivers[i].Data)
				slivers[i].Data[i] ^= 1
			case 5:
				slivers[i].Index = shard.SliverIndex(n)
			}
		}
		for i, err := range shard.VerifySlivers(p, md, slivers) {
			var want error
			switch i % 7 {
			case 3:
				want = shard.ErrMismatch
			case 5:
				want = shard.ErrIndex
			}
			if !errors.Is(err, want) {
				t.Errorf("n=%d, sliver %d: got %v, want %v", n, i, err, want)
			}
		}
		if errs := shard.VerifySlivers(p, md, nil); len(errs) != 0 {
			t.Error("no slivers, but an answer")
		}
		for _, err := range shard.VerifySlivers(p, &shard.Metadata{}, slivers[:3]) {
			if !errors.Is(err, shard.ErrMetadata) {
				t.Errorf("empty metadata: got %v, want ErrMetadata", err)
			}
		}
	}
}

// Encode leaves the blob alone, and what it returns is not the blob's memory.
func TestEncodeOwnership(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(7)
	blob := shardtest.Blob("own", 15*64)
	want := slices.Clone(blob)
	md, pairs, err := shard.Encode(p, blob)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(blob, want) {
		t.Fatal("the blob was changed")
	}
	clear(blob)
	for i := range pairs {
		for _, s := range []*shard.Sliver{&pairs[i].Primary, &pairs[i].Secondary} {
			if err := shard.VerifySliver(p, md, s); err != nil {
				t.Error(err)
			}
		}
	}
	if _, _, err := shard.Encode(p, make([]byte, p.MaxBlobSize()+1)); err == nil {
		t.Error("a blob that is too large: no error")
	}
}
