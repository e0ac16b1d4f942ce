package quilt_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/quilt"
	"github.com/floe-storage/floe/shard/shardtest"
)

// FuzzReader reads a blob that claims to be a quilt, whole and by columns: both
// must say the same, and what decodes must be what the format says.
func FuzzReader(f *testing.F) {
	seeds := 0
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 5))
		n := r.IntN(12)
		var sources []quilt.Source
		for i := range r.IntN(quilt.MaxPatches(shardtest.MustParams(4 + n))) {
			sources = append(sources, source(fmt.Sprint(i), shardtest.Blob("f", r.IntN(50)), map[string]string{"k": "v"}))
		}
		_, b := build(f, 4+n, sources...)
		f.Add(uint8(n), b)
		seeds++
	}
	for _, column := range [][]byte{nil, entries(2, 4), entries(1), index(1<<32 - 1), index(5, 0xff, 0xff, 0xff, 0xff, 7)} {
		f.Add(uint8(3), hostile(map[int][]byte{
			0: column, 1: patch(-1, 1, field(1, 'a'), field(1, 1, 'k', 1, 'v'), []byte("data")), 2: patch(1<<32-1, 0),
		}))
		seeds++
	}
	if seeds < 10 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, shards uint8, blob []byte) {
		p := shardtest.MustParams(4 + int(shards)%12)
		whole, err := quilt.Open(p, blob)
		if err != nil {
			return
		}
		parts := columnsOf(t, p, blob)
		x, err := whole.Index()
		y, errParts := parts.Index()
		if (err == nil) != (errParts == nil) {
			t.Fatalf("index: %v from the whole, %v from columns", err, errParts)
		}
		if err != nil {
			readAny(t, p, whole, parts)
			return
		}
		encoded := quilt.EncodeIndex(x)
		if !bytes.Equal(encoded, quilt.EncodeIndex(y)) {
			t.Error("the index differs by where it is read from")
		}
		if c := firstColumns(p, blob); !bytes.HasPrefix(c, encoded) {
			t.Errorf("index was %x, encodes to %x", c[:min(len(c), len(encoded))], encoded)
		}
		end := shard.SliverIndex(1)
		for _, q := range x.Patches {
			if q.ID.Start < end || q.ID.End <= q.ID.Start || int(q.ID.End) > p.Cols() {
				t.Errorf("columns %v after column %d of %d", q.ID, end, p.Cols())
			}
			end = q.ID.End
		}
		readAny(t, p, whole, parts)
	})
}

// columnsOf cuts the blob into columns and gives them all to a Reader.
func columnsOf(t *testing.T, p shard.Params, blob []byte) *quilt.Reader {
	t.Helper()
	r, err := quilt.NewReader(p, uint64(len(blob)))
	if err != nil {
		t.Fatal(err)
	}
	size := len(blob) / (p.Rows() * p.Cols())
	for c := range p.Cols() {
		var column []byte
		for row := range p.Rows() {
			at := (row*p.Cols() + c) * size
			column = append(column, blob[at:at+size]...)
		}
		if err := r.Add(shard.Sliver{Axis: shard.Secondary, Index: shard.SliverIndex(c), SymbolSize: size, Data: column}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// firstColumns returns the matrix column by column.
func firstColumns(p shard.Params, blob []byte) []byte {
	size := len(blob) / (p.Rows() * p.Cols())
	var b []byte
	for c := range p.Cols() {
		for row := range p.Rows() {
			at := (row*p.Cols() + c) * size
			b = append(b, blob[at:at+size]...)
		}
	}
	return b
}

// readAny enters the quilt at every column, whatever the index says.
func readAny(t *testing.T, p shard.Params, whole, parts *quilt.Reader) {
	t.Helper()
	for start := 1; start < p.Cols(); start++ {
		id := quilt.InternalID{Start: shard.SliverIndex(start), End: shard.SliverIndex(p.Cols())}
		c, err := whole.Open(id)
		d, errParts := parts.Open(id)
		if (err == nil) != (errParts == nil) {
			t.Fatalf("patch: %v from the whole, %v from columns", err, errParts)
		}
		if err != nil {
			continue
		}
		if err := quilt.CheckIdentifier(c.Identifier); err != nil {
			t.Error(err)
		}
		a, err := c.Bytes()
		b, errParts := d.Bytes()
		if err != nil || errParts != nil || !bytes.Equal(a, b) || int64(len(a)) != c.Size() {
			t.Errorf("patch at column %d: %v, %v", start, err, errParts)
		}
	}
}

// FuzzRoundTrip writes a quilt of what the seed gives and reads it again.
func FuzzRoundTrip(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(uint8(4+seed), seed, "name.txt", "key", "value", []byte("data"))
	}
	f.Add(uint8(4), uint64(1), "\U0001f9ca", strings.Repeat("k", 300), "", []byte(nil))
	f.Fuzz(func(t *testing.T, shards uint8, seed uint64, identifier, key, value string, data []byte) {
		p := shardtest.MustParams(4 + int(shards)%40)
		r := rand.New(rand.NewPCG(seed, 6))
		sources := append(randomSources(r, quilt.MaxPatches(p)-1), source(identifier, data, map[string]string{key: value}))
		q, err := quilt.New(p, sources)
		if err != nil {
			good := quilt.CheckIdentifier(identifier) == nil && utf8.ValidString(key) && utf8.ValidString(value) &&
				len(key)+len(value) < 60_000 && len(data) < 1<<15
			if good && !errors.Is(err, quilt.ErrDuplicate) {
				t.Fatal(err)
			}
			return
		}
		b, err := q.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		readBack(t, p, b, sources)
	})
}

func FuzzMetadata(f *testing.F) {
	_, b := metadataOf(f)
	if len(b) == 0 {
		f.Fatal("no seed")
	}
	f.Add(b)
	f.Add(b[:len(b)-3])
	p := shardtest.MustParams(7)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := quilt.ParseMetadata(p, b)
		if err != nil {
			return
		}
		if got, _ := m.AppendBinary(nil); !bytes.Equal(got, b) {
			t.Errorf("decoded %x, encoded again %x", b, got)
		}
	})
}

func FuzzPatchID(f *testing.F) {
	f.Add("uIiEbhP2qgZYygEGxJX1GeB-rQATo2yufC2DCp7B4iABAQANAA")
	f.Add("OTAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABCgAUAA")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := quilt.ParsePatchID(s); err == nil && id.String() != s {
			t.Errorf("parsed %q, written again %q", s, id)
		}
	})
}

func FuzzSafePath(f *testing.F) {
	for _, s := range []string{"a/b.txt", "../a", "/a", `C:\a`, "a/./b", "nul.txt", "a\x00", "a. /b", "…/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := quilt.SafePath(s)
		if err != nil {
			return
		}
		if !filepath.IsLocal(got) || filepath.Clean(got) != got || filepath.ToSlash(got) != s {
			t.Errorf("%q gives %q", s, got)
		}
	})
}
