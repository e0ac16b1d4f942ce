package quilt_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
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

// naive builds a quilt by the text of the format: a list of bytes per column,
// then rows across. It takes the symbol size as given and sources in order.
func naive(p shard.Params, symbolSize int, sources []quilt.Source) []byte {
	column := p.Rows() * symbolSize
	var patches [][]byte
	var index bcs.Encoder
	index.Count(len(sources))
	size := indexSize(sources)
	next := (5 + size + column - 1) / column
	for _, s := range sources {
		data := make([]byte, s.Size)
		_, _ = s.Data.ReadAt(data, 0)
		var body bcs.Encoder
		body.U16(uint16(len(text(s.Identifier))))
		body.Fixed(text(s.Identifier))
		if len(s.Tags) > 0 {
			body.U16(uint16(len(tagBytes(s.Tags))))
			body.Fixed(tagBytes(s.Tags))
		}
		body.Fixed(data)
		var patch bcs.Encoder
		patch.U8(1)
		patch.U32(uint32(body.Len()))
		patch.Bool(len(s.Tags) > 0)
		patch.Fixed(body.Data())
		columns := (patch.Len() + column - 1) / column
		patches = append(patches, append(patch.Data(), make([]byte, columns*column-patch.Len())...))
		next += columns
		index.U16(uint16(next))
		index.Fixed(text(s.Identifier))
		index.Fixed(tagBytes(s.Tags))
	}
	var all bcs.Encoder
	all.U8(1)
	all.U32(uint32(index.Len()))
	all.Fixed(index.Data())
	all.Fixed(make([]byte, (column-all.Len()%column)%column))
	for _, patch := range patches {
		all.Fixed(patch)
	}
	byColumn := append(all.Data(), make([]byte, p.Cols()*column-all.Len())...)
	blob := make([]byte, len(byColumn))
	for i, b := range byColumn {
		symbol := i / symbolSize
		row, col := symbol%p.Rows(), symbol/p.Rows()
		blob[(row*p.Cols()+col)*symbolSize+i%symbolSize] = b
	}
	return blob
}

func indexSize(sources []quilt.Source) int {
	size := 1
	if len(sources) > 127 {
		size++
	}
	for _, s := range sources {
		size += 2 + len(text(s.Identifier)) + len(tagBytes(s.Tags))
	}
	return size
}

func text(s string) []byte {
	var e bcs.Encoder
	e.String(s)
	return e.Data()
}

// tagBytes sorts tags by the bytes that they are written as.
func tagBytes(tags map[string]string) []byte {
	var pairs [][2][]byte
	for k, v := range tags {
		pairs = append(pairs, [2][]byte{text(k), text(v)})
	}
	slices.SortFunc(pairs, func(a, b [2][]byte) int { return bytes.Compare(a[0], b[0]) })
	var e bcs.Encoder
	e.Count(len(pairs))
	for _, p := range pairs {
		e.Fixed(p[0])
		e.Fixed(p[1])
	}
	return e.Data()
}

// randomSources returns up to most sources, in order of their identifiers.
func randomSources(r *rand.Rand, most int) []quilt.Source {
	sources := make([]quilt.Source, r.IntN(most+1))
	for i := range sources {
		identifier := fmt.Sprintf("%04d-%s", i, strings.Repeat("é", r.IntN(40)))
		tags := map[string]string{}
		for range r.IntN(3) * r.IntN(4) {
			tags[strings.Repeat("k", r.IntN(300))] = strings.Repeat("v", r.IntN(200))
		}
		sources[i] = source(identifier, shardtest.Blob(identifier, r.IntN(1+r.IntN(4000))), tags)
	}
	return sources
}

func TestLayoutAgainstNaive(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := shardtest.MustParams(4 + r.IntN(30))
		sources := randomSources(r, quilt.MaxPatches(p))
		q, got := build(t, p.Shards(), shuffled(r, sources)...)
		if want := naive(p, q.SymbolSize(), sources); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: quilt of %d shards differs", seed, p.Shards())
		}
		// With less, something does not fit, or the index takes too many columns.
		if smaller := q.SymbolSize() - 2; smaller > 0 && fitsNaive(p, smaller, sources) {
			t.Errorf("seed %d: symbols of %d bytes would do, got %d", seed, smaller, q.SymbolSize())
		}
		readBack(t, p, got, sources)
	}
}

func shuffled(r *rand.Rand, sources []quilt.Source) []quilt.Source {
	sources = slices.Clone(sources)
	r.Shuffle(len(sources), func(i, j int) { sources[i], sources[j] = sources[j], sources[i] })
	return sources
}

// fitsNaive reports whether everything finds room with that symbol size.
func fitsNaive(p shard.Params, symbolSize int, sources []quilt.Source) bool {
	column := p.Rows() * symbolSize
	index := (5 + indexSize(sources) + column - 1) / column
	total := index
	for _, s := range sources {
		size := 6 + 2 + len(text(s.Identifier)) + int(s.Size)
		if len(s.Tags) > 0 {
			size += 2 + len(tagBytes(s.Tags))
		}
		total += (size + column - 1) / column
	}
	return index <= 10 && total <= p.Cols() && 5 <= column
}

func TestStreamIsBytes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		p := shardtest.MustParams(4 + r.IntN(30))
		q, want := build(t, p.Shards(), randomSources(r, quilt.MaxPatches(p))...)
		if int64(len(want)) != q.Size() {
			t.Errorf("got %d bytes, Size says %d", len(want), q.Size())
		}
		if err := iotest.TestReader(io.NewSectionReader(q, 0, q.Size()), want); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		for range 50 {
			off := r.IntN(len(want))
			b := make([]byte, r.IntN(len(want)-off+1))
			if _, err := q.ReadAt(b, int64(off)); err != nil || !bytes.Equal(b, want[off:off+len(b)]) {
				t.Fatalf("seed %d: %d bytes from %d on: %v", seed, len(b), off, err)
			}
		}
		var out bytes.Buffer
		if n, err := q.WriteTo(&out); n != q.Size() || err != nil || !bytes.Equal(out.Bytes(), want) {
			t.Errorf("seed %d: wrote %d of %d bytes: %v", seed, n, q.Size(), err)
		}
	}
}

// A quilt of more than one band, from sources that are never in memory as a whole.
func TestWriteToLarge(t *testing.T) {
	t.Parallel()
	data := shardtest.Ramp(3, 5<<20)
	q, want := build(t, 31, quilt.FromBytes("a", data), quilt.FromBytes("b", data[:3<<20]))
	var out bytes.Buffer
	if _, err := q.WriteTo(&out); err != nil || !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%d of %d bytes, or others: %v", out.Len(), len(want), err)
	}
}

func TestWriteToReportsFaults(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(7)
	broken := errors.New("disk on fire")
	tests := []struct {
		name string
		data io.ReaderAt
		want error
	}{
		{"source is short", bytes.NewReader(make([]byte, 9)), io.ErrUnexpectedEOF},
		{"source fails", faulty{broken}, broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q, err := quilt.New(p, []quilt.Source{{Identifier: "a", Size: 10, Data: tt.data}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := q.Bytes(); !errors.Is(err, tt.want) {
				t.Errorf("Bytes: got %v, want %v", err, tt.want)
			}
			if _, err := q.WriteTo(io.Discard); !errors.Is(err, tt.want) {
				t.Errorf("WriteTo: got %v, want %v", err, tt.want)
			}
		})
	}
	q, _ := build(t, 7, quilt.FromBytes("a", []byte("x")))
	r, w := io.Pipe()
	_ = r.CloseWithError(broken)
	if _, err := q.WriteTo(w); !errors.Is(err, broken) {
		t.Errorf("broken writer: got %v, want %v", err, broken)
	}
	if _, err := q.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("read at -1")
	}
	if n, err := q.ReadAt(make([]byte, 1), q.Size()); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read at the end: got %d, %v", n, err)
	}
}

type faulty struct{ err error }

func (f faulty) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(10) // 7 columns
	var eight []quilt.Source
	for i := range 7 {
		eight = append(eight, quilt.FromBytes(fmt.Sprint(i), nil))
	}
	one := func(s quilt.Source) []quilt.Source { return []quilt.Source{s} }
	named := func(s string) []quilt.Source { return one(quilt.FromBytes(s, nil)) }
	sized := func(n int64) []quilt.Source {
		return one(quilt.Source{Identifier: "a", Size: n, Data: bytes.NewReader(nil)})
	}
	long := strings.Repeat("x", math.MaxUint16)
	tests := []struct {
		name    string
		sources []quilt.Source
		want    error
	}{
		{"too many", eight, quilt.ErrTooMany},
		{"duplicate", append(named("a"), quilt.FromBytes("b", nil), quilt.FromBytes("a", []byte("other"))), quilt.ErrDuplicate},
		{"no identifier", named(""), quilt.ErrIdentifier},
		{"long identifier", named(long[:quilt.MaxIdentifierSize+1]), quilt.ErrIdentifier},
		{"space at the end", named("a "), quilt.ErrIdentifier},
		{"no-break space at the end", named("a\u00a0"), quilt.ErrIdentifier},
		{"ideographic space at the end", named("a\u3000"), quilt.ErrIdentifier},
		{"line break", named("a\nb"), quilt.ErrIdentifier},
		{"zero byte", named("a\x00b"), quilt.ErrIdentifier},
		{"C1 control", named("a\u0085b"), quilt.ErrIdentifier},
		{"not UTF-8", named("a\xff"), quilt.ErrIdentifier},
		{"tag not UTF-8", one(source("a", nil, map[string]string{"k": "\xff"})), quilt.ErrTags},
		{"tag key not UTF-8", one(source("a", nil, map[string]string{"\xff": "v"})), quilt.ErrTags},
		{"long tags", one(source("a", nil, map[string]string{"k": long})), quilt.ErrTags},
		{"negative size", sized(-1), quilt.ErrTooLarge},
		{"patch above 4 GiB", sized(math.MaxUint32 - 3), quilt.ErrTooLarge},
		{"huge", sized(math.MaxInt64), quilt.ErrTooLarge},
		{"above the symbol size", sized(4*7*shard.MaxSymbolSize + 1), quilt.ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := quilt.New(p, tt.sources); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := quilt.New(shard.Params{}, nil); !errors.Is(err, shard.ErrParams) {
		t.Errorf("no parameters: got %v", err)
	}
	if _, err := quilt.New(p, []quilt.Source{{Identifier: "a", Size: 1}}); err == nil {
		t.Error("a source without data is accepted")
	}
}

func TestNewTakesExtremes(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", quilt.MaxIdentifierSize)
	tests := []struct {
		name    string
		n       int
		sources []quilt.Source
	}{
		{"nothing", 4, nil},
		{"longest identifier", 4, []quilt.Source{quilt.FromBytes(longest, []byte("data"))}},
		{"longest tags", 31, []quilt.Source{source("a", []byte("data"), map[string]string{"k": longest[:65535-1-2-3]})}},
		{"odd but legal identifiers", 13, []quilt.Source{
			quilt.FromBytes(" ../../etc/passwd", nil), quilt.FromBytes("/", nil), quilt.FromBytes("_", nil),
			quilt.FromBytes("\U0001f9ca", nil), quilt.FromBytes("\uffff", nil), quilt.FromBytes("a\u200b", nil),
		}},
		{"no data", 4, []quilt.Source{{Identifier: "a"}}},
		{"full", 10, []quilt.Source{
			quilt.FromBytes("1", nil), quilt.FromBytes("2", nil), quilt.FromBytes("3", nil),
			quilt.FromBytes("4", nil), quilt.FromBytes("5", nil), quilt.FromBytes("6", nil),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, b := build(t, tt.n, tt.sources...)
			readBack(t, shardtest.MustParams(tt.n), b, tt.sources)
		})
	}
}

// UTF-8 and UTF-16 order differ beyond the first plane: Walrus sorts by UTF-8.
func TestOrderOfIdentifiers(t *testing.T) {
	t.Parallel()
	q, _ := build(t, 13, quilt.FromBytes("\U0001f9ca", nil), quilt.FromBytes("\uffff", nil), quilt.FromBytes("z", nil))
	var got []string
	for _, p := range q.Index().Patches {
		got = append(got, p.Identifier)
	}
	if want := []string{"z", "\uffff", "\U0001f9ca"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Keys sort by their length prefix first, and prefixes of two bytes sort by the
// low one first.
func TestOrderOfTags(t *testing.T) {
	t.Parallel()
	var keys []string
	for _, n := range []int{0, 1, 2, 127, 128, 256, 384, 16256, 129, 257, 130, 255} {
		keys = append(keys, strings.Repeat("k", n))
	}
	keys = append(keys, "a", "b", "aa", "é")
	slices.SortFunc(keys, quilt.CompareKeys)
	if !slices.IsSortedFunc(keys, func(a, b string) int { return bytes.Compare(text(a), text(b)) }) {
		t.Error("keys are not in the order of their canonical bytes")
	}
}
