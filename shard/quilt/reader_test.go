package quilt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
	"github.com/floe-storage/floe/shard/quilt"
	"github.com/floe-storage/floe/shard/shardtest"
)

// serve adds the columns that err misses to r and counts them; it reports
// whether err was such an error.
func serve(t *testing.T, r *quilt.Reader, pairs []shard.SliverPair, err error, count *int) bool {
	t.Helper()
	missing, ok := errors.AsType[*quilt.MissingError](err)
	if !ok {
		return false
	}
	for _, c := range missing.Columns {
		if err := r.Add(pairs[len(pairs)-1-int(c)].Secondary); err != nil {
			t.Fatal(err)
		}
		*count++
	}
	return true
}

// A reader that has nothing says step by step what it needs, and never asks for
// more than the columns of the index and of the patch.
func TestReadFromNeededColumns(t *testing.T) {
	t.Parallel()
	for seed := range uint64(15) {
		rng := rand.New(rand.NewPCG(seed, 3))
		p := shardtest.MustParams(7 + rng.IntN(30))
		sources := append(randomSources(rng, quilt.MaxPatches(p)-1), quilt.FromBytes("wanted", shardtest.Blob("w", 3000)))
		q, blob := build(t, p.Shards(), sources...)
		_, pairs, err := shard.Encode(p, blob)
		if err != nil {
			t.Fatal(err)
		}
		r, err := quilt.NewReader(p, uint64(len(blob)))
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		x, err := r.Index()
		for serve(t, r, pairs, err, &count) {
			x, err = r.Index()
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := int(q.Index().Patches[0].ID.Start); count != want {
			t.Errorf("seed %d: the index took %d columns, want %d", seed, count, want)
		}
		if !slices.EqualFunc(x.Patches, q.Index().Patches, samePatch) {
			t.Errorf("seed %d: the index differs", seed)
		}

		patch, err := x.Lookup("wanted")
		if err != nil {
			t.Fatal(err)
		}
		count = 0
		c, err := r.OpenPatch(patch)
		for serve(t, r, pairs, err, &count) {
			c, err = r.OpenPatch(patch)
		}
		if err != nil {
			t.Fatal(err)
		}
		if count == 0 || count > len(patch.ID.Needed()) {
			t.Errorf("seed %d: the head took %d columns of %d", seed, count, len(patch.ID.Needed()))
		}
		got, err := c.Bytes()
		for serve(t, r, pairs, err, &count) {
			got, err = c.Bytes()
		}
		if err != nil || !bytes.Equal(got, shardtest.Blob("w", 3000)) {
			t.Errorf("seed %d: the patch differs: %v", seed, err)
		}
		if count != len(patch.ID.Needed()) {
			t.Errorf("seed %d: the patch took %d columns, want %d", seed, count, len(patch.ID.Needed()))
		}
	}
}

func samePatch(a, b quilt.Patch) bool {
	return a.ID == b.ID && a.Identifier == b.Identifier && maps.Equal(a.Tags, b.Tags)
}

// Any range of a patch can be read from the columns that Needed names, and from
// no fewer.
func TestRanges(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(31)
	data := shardtest.Blob("ranges", 20_000)
	q, blob := build(t, 31, quilt.FromBytes("a", data[:50]), quilt.FromBytes("b", data))
	_, pairs, err := shard.Encode(p, blob)
	if err != nil {
		t.Fatal(err)
	}
	patch := q.Index().Patches[1]
	rng := rand.New(rand.NewPCG(1, 4))
	for range 200 {
		off := rng.IntN(len(data))
		n := 1 + rng.IntN(len(data)-off)
		if rng.IntN(2) == 0 {
			n = 1 + rng.IntN(min(n, 100))
		}
		r, err := quilt.NewReader(p, uint64(len(blob)))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Add(pairs[30-int(patch.ID.Start)].Secondary); err != nil {
			t.Fatal(err)
		}
		c, err := r.Open(patch.ID)
		if err != nil {
			t.Fatal(err)
		}
		needed := c.Needed(int64(off), int64(n))
		b := make([]byte, n)
		for i, column := range needed {
			_, err := c.ReadAt(b, int64(off))
			missing, ok := errors.AsType[*quilt.MissingError](err)
			if column != patch.ID.Start && (!ok || !slices.Equal(missing.Columns, needed[i:])) {
				t.Fatalf("%d bytes from %d on: got %v, want columns %v to be missing", n, off, err, needed[i:])
			}
			if err := r.Add(pairs[30-int(column)].Secondary); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := c.ReadAt(b, int64(off)); got != n || err != nil || !bytes.Equal(b, data[off:off+n]) {
			t.Fatalf("%d bytes from %d on: got %d, %v", n, off, got, err)
		}
	}
}

func TestContentIsReaderAt(t *testing.T) {
	t.Parallel()
	data := shardtest.Blob("stream", 5000)
	q, blob := build(t, 13, quilt.FromBytes("a", data))
	r, err := quilt.Open(shardtest.MustParams(13), blob)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Open(q.Index().Patches[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(io.NewSectionReader(c, 0, c.Size()), data); err != nil {
		t.Error(err)
	}
	if n, err := c.ReadAt(make([]byte, 10), 4998); n != 2 || !errors.Is(err, io.EOF) {
		t.Errorf("over the end: got %d, %v, want 2, EOF", n, err)
	}
	if n, err := c.ReadAt(make([]byte, 10), 9000); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("beyond the end: got %d, %v, want 0, EOF", n, err)
	}
	if _, err := c.ReadAt(make([]byte, 10), -1); err == nil {
		t.Error("read at -1")
	}
	for _, off := range []int64{-1, 5000, 1 << 62} {
		if got := c.Needed(off, 10); got != nil {
			t.Errorf("needed from %d on: got %v, want none", off, got)
		}
	}
	if got := c.Needed(0, 1<<62); !slices.Equal(got, c.ID.Needed()) {
		t.Errorf("needed: got %v, want %v", got, c.ID.Needed())
	}
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(7) // 3 rows, 5 columns
	valid := shard.Sliver{Axis: shard.Secondary, Index: 4, SymbolSize: 4, Data: make([]byte, 12)}
	tests := []struct {
		name    string
		corrupt func(*shard.Sliver)
		want    error
	}{
		{"nothing wrong", func(*shard.Sliver) {}, nil},
		{"a row", func(s *shard.Sliver) { s.Axis = shard.Primary }, shard.ErrAxis},
		{"parity", func(s *shard.Sliver) { s.Index = 5 }, shard.ErrIndex},
		{"symbol size", func(s *shard.Sliver) { s.SymbolSize = 2 }, shard.ErrSymbolSize},
		{"short", func(s *shard.Sliver) { s.Data = s.Data[1:] }, shard.ErrSliverSize},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := quilt.NewReader(p, 60)
			if err != nil {
				t.Fatal(err)
			}
			s := valid
			tt.corrupt(&s)
			if err := r.Add(s); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestSizeOfQuilt(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(7) // 3 rows, 5 columns
	for size, ok := range map[uint64]bool{
		0: false, 15: false, 30: true, 31: false, 45: false, 60: true,
		15 * shard.MaxSymbolSize: true, 15 * (shard.MaxSymbolSize + 2): false, 1<<64 - 16: false,
	} {
		_, err := quilt.NewReader(p, size)
		if (err == nil) != ok || err != nil && !errors.Is(err, quilt.ErrMalformed) {
			t.Errorf("size %d: got %v", size, err)
		}
	}
	if _, err := quilt.Open(shard.Params{}, nil); !errors.Is(err, shard.ErrParams) {
		t.Errorf("no parameters: got %v", err)
	}
}

// hostile lays content into the columns of a quilt of 7 shards (3 rows, 5
// columns) with symbols of 20 bytes: 60 bytes per column.
func hostile(columns map[int][]byte) []byte {
	const rows, cols, size = 3, 5, 20
	blob := make([]byte, rows*cols*size)
	for c, b := range columns {
		for i, v := range b {
			symbol := i / size
			blob[(symbol%rows*cols+c+symbol/rows)*size+i%size] = v
		}
	}
	return blob
}

// index returns column 0 for index bytes of that claimed length.
func index(length int, b ...byte) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte{1}, uint32(length)), b...)
}

// entries returns an index of patches a, b, … with those end columns.
func entries(ends ...uint16) []byte {
	var e bcs.Encoder
	e.Count(len(ends))
	for i, end := range ends {
		e.U16(end)
		e.String(string(rune('a' + i)))
		e.Count(0)
	}
	return index(e.Len(), e.Data()...)
}

func TestIndexRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		column []byte
	}{
		{"all zero", nil},
		{"version", append([]byte{2}, entries(2)[1:]...)},
		{"longer than ten columns", index(1<<32 - 1)},
		{"longer than the quilt", index(5*60-4, 0)},
		{"no bytes at all", index(0)},
		{"trailing byte", index(2, 0, 0)},
		{"trailing patch", index(11, append([]byte{1}, append(entries(2)[6:], entries(3)[6:]...)...)...)},
		{"cut off", index(4, 1, 2, 0, 1)},
		{"huge count", index(5, 0xff, 0xff, 0xff, 0xff, 7)},
		{"count not shortest", index(2, 0x80, 0)},
		{"more patches than columns", entries(2, 3, 4, 5, 6)},
		{"end before start", entries(0)},
		{"no column", entries(1)},
		{"overlap", entries(3, 2)},
		{"same columns twice", entries(2, 2)},
		{"beyond the matrix", entries(2, 6)},
		{"far beyond", entries(65535)},
		{"identifier not UTF-8", index(6, 1, 2, 0, 1, 0xff, 0)},
		{"tags out of order", index(14, 1, 2, 0, 1, 'a', 2, 1, 'b', 0, 1, 'a', 0)},
		{"tag twice", index(12, 1, 2, 0, 1, 'a', 2, 1, 'b', 0, 1, 'b', 0)},
		{"tag not UTF-8", index(9, 1, 2, 0, 1, 'a', 1, 1, 0xff, 0)},
		{"huge count of tags", index(8, 1, 2, 0, 1, 'a', 0xff, 0xff, 3)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := quilt.Open(shardtest.MustParams(7), hostile(map[int][]byte{0: tt.column}))
			if err != nil {
				t.Fatal(err)
			}
			if x, err := r.Index(); !errors.Is(err, quilt.ErrMalformed) {
				t.Errorf("got %v, %v, want ErrMalformed", x, err)
			}
		})
	}
	// The helpers make an index that is good when nothing is wrong with it.
	r, _ := quilt.Open(shardtest.MustParams(7), hostile(map[int][]byte{0: entries(2, 4, 5)}))
	if x, err := r.Index(); err != nil || len(x.Patches) != 3 || x.Patches[1].ID.String() != "2-4" {
		t.Errorf("valid index: got %v, %v", x, err)
	}
}

// patch returns the bytes of a patch; length says what its header claims, or -1
// for the truth.
func patch(length int, mask byte, fields ...[]byte) []byte {
	body := bytes.Join(fields, nil)
	if length < 0 {
		length = len(body)
	}
	b := binary.LittleEndian.AppendUint32([]byte{1}, uint32(length))
	return append(append(b, mask), body...)
}

func field(b ...byte) []byte {
	return append(binary.LittleEndian.AppendUint16(nil, uint16(len(b))), b...)
}

func TestPatchRefuses(t *testing.T) {
	t.Parallel()
	name, data := field(1, 'a'), []byte("data")
	tags := field(1, 1, 'k', 1, 'v')
	tests := []struct {
		name  string
		patch []byte
		ok    bool
	}{
		{"nothing wrong", patch(-1, 0, name, data), true},
		{"nothing wrong, tags", patch(-1, 1, name, tags, data), true},
		{"whole column", patch(60-6, 0, name, data), true},
		{"all zero", nil, false},
		{"version", append([]byte{2}, patch(-1, 0, name)[1:]...), false},
		{"longer than its columns", patch(60-5, 0, name, data), false},
		{"4 GiB", patch(1<<32-1, 0, name, data), false},
		{"no identifier", patch(0, 0), false},
		{"length of identifier cut off", patch(1, 0, name), false},
		{"identifier over the length", patch(3, 0, name, data), false},
		{"identifier over the end", patch(54, 0, []byte{255, 255}), false},
		{"identifier shorter than its field", patch(-1, 0, field(1, 'a', 'b')), false},
		{"identifier longer than its field", patch(-1, 0, field(2, 'a'), data), false},
		{"field without identifier", patch(-1, 0, field(), data), false},
		{"empty identifier", patch(-1, 0, field(0), data), false},
		{"identifier with a line break", patch(-1, 0, field(2, 'a', '\n'), data), false},
		{"identifier not UTF-8", patch(-1, 0, field(1, 0xff), data), false},
		{"tags cut off", patch(len(name), 1, name, tags), false},
		{"tags over the length", patch(len(name)+4, 1, name, tags), false},
		{"tags shorter than their field", patch(-1, 1, name, field(1, 1, 'k', 1, 'v', 0)), false},
		{"tags out of order", patch(-1, 1, name, field(2, 1, 'b', 0, 1, 'a', 0)), false},
		{"no tags but a field", patch(-1, 1, name, field(0)), false},
		{"unknown mask", patch(-1, 2, name, data), false},
		{"unknown mask with tags", patch(-1, 0x81, name, tags, data), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// The column after the patch is full of something that must not be read.
			other := bytes.Repeat([]byte{7}, 60)
			blob := hostile(map[int][]byte{0: entries(3, 4), 3: tt.patch, 4: other})
			r, err := quilt.Open(shardtest.MustParams(7), blob)
			if err != nil {
				t.Fatal(err)
			}
			c, err := r.Open(quilt.InternalID{Start: 3, End: 4})
			if !tt.ok {
				if !errors.Is(err, quilt.ErrMalformed) {
					t.Errorf("got %v, want ErrMalformed", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if b, err := c.Bytes(); err != nil || !bytes.HasPrefix(b, data) || bytes.Contains(b, []byte{7}) {
				t.Errorf("got %q, %v", b, err)
			}
		})
	}
}

// A quilt that its author made inconsistent gives what can be given.
func TestLyingIndex(t *testing.T) {
	t.Parallel()
	var e bcs.Encoder
	e.Count(4)
	for i, identifier := range []string{"a", "a", "bad\n", "c"} {
		e.U16(uint16(i + 2))
		e.String(identifier)
		e.Count(0)
	}
	blob := hostile(map[int][]byte{
		0: index(e.Len(), e.Data()...),
		1: patch(-1, 0, field(1, 'a'), []byte("first")),
		2: patch(-1, 0, field(1, 'a'), []byte("second")),
		3: patch(-1, 0, field(4, 'b', 'a', 'd', '\n')),
		4: patch(-1, 0, field(1, 'x')),
	})
	r, err := quilt.Open(shardtest.MustParams(7), blob)
	if err != nil {
		t.Fatal(err)
	}
	x, err := r.Index()
	if err != nil {
		t.Fatal(err)
	}
	first, err := x.Lookup("a")
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.OpenPatch(first)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := c.Bytes(); string(b) != "first" {
		t.Errorf("of two patches with one identifier: got %q, want the first", b)
	}
	if _, err := r.OpenPatch(x.Patches[2]); !errors.Is(err, quilt.ErrMalformed) || !errors.Is(err, quilt.ErrIdentifier) {
		t.Errorf("bad identifier: got %v", err)
	}
	if _, err := r.OpenPatch(x.Patches[3]); !errors.Is(err, quilt.ErrMalformed) {
		t.Errorf("identifiers that differ: got %v", err)
	}
	if _, err := x.Lookup("b"); !errors.Is(err, quilt.ErrNotFound) {
		t.Errorf("no such patch: got %v", err)
	}
	for _, id := range []quilt.InternalID{{Start: 0, End: 1}, {Start: 2, End: 2}, {Start: 3, End: 2}, {Start: 4, End: 6}, {}} {
		if _, err := r.Open(id); !errors.Is(err, quilt.ErrNotFound) {
			t.Errorf("columns %v: got %v, want ErrNotFound", id, err)
		}
	}
}

// A head of the greatest size lies in many columns; the reader asks as it goes.
func TestLongHead(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(100)
	s := source(strings.Repeat("i", quilt.MaxIdentifierSize), []byte("data"),
		map[string]string{"k": strings.Repeat("v", quilt.MaxTagsSize-1-2-3)})
	sources := []quilt.Source{s}
	for i := range 30 {
		sources = append(sources, quilt.FromBytes(fmt.Sprint(i), shardtest.Blob("x", 1000)))
	}
	q, blob := build(t, 100, sources...)
	_, pairs, err := shard.Encode(p, blob)
	if err != nil {
		t.Fatal(err)
	}
	r, err := quilt.NewReader(p, uint64(len(blob)))
	if err != nil {
		t.Fatal(err)
	}
	long, err := q.Index().Lookup(s.Identifier)
	if err != nil {
		t.Fatal(err)
	}
	steps, count := 0, 0
	c, err := r.OpenPatch(long)
	for serve(t, r, pairs, err, &count) {
		steps++
		c, err = r.OpenPatch(long)
	}
	if err != nil || c.Size() != 4 || !maps.Equal(c.Tags, s.Tags) {
		t.Fatalf("got %v", err)
	}
	if steps != 3 {
		t.Errorf("got %d requests, want 3: the first column, the identifier, the tags", steps)
	}
}

func TestTagged(t *testing.T) {
	t.Parallel()
	q, _ := build(t, 13, source("a", nil, map[string]string{"k": "v"}), source("b", nil, map[string]string{"k": "w"}),
		source("c", nil, map[string]string{"k": "v", "l": "m"}), source("d", nil, nil))
	var got []string
	for _, p := range q.Index().Tagged("k", "v") {
		got = append(got, p.Identifier)
	}
	if !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("got %v, want [a c]", got)
	}
	if got := q.Index().Tagged("n", ""); got != nil {
		t.Errorf("no such tag: got %v", got)
	}
}
