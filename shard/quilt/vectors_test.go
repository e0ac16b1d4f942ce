package quilt_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/quilt"
	"github.com/floe-storage/floe/shard/shardtest"
)

// source is a quilt.Source of bytes.
func source(identifier string, data []byte, tags map[string]string) quilt.Source {
	s := quilt.FromBytes(identifier, data)
	s.Tags = tags
	return s
}

// build returns the quilt and its bytes.
func build(t testing.TB, n int, sources ...quilt.Source) (*quilt.Quilt, []byte) {
	t.Helper()
	q, err := quilt.New(shardtest.MustParams(n), sources)
	if err != nil {
		t.Fatal(err)
	}
	b, err := q.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return q, b
}

// blobID returns the ID of the quilt as a blob, and checks that shard cuts it
// into symbols of the same size.
func blobID(t *testing.T, n int, q *quilt.Quilt, b []byte) string {
	t.Helper()
	p := shardtest.MustParams(n)
	if got, err := p.SymbolSize(uint64(len(b))); err != nil || got != q.SymbolSize() {
		t.Errorf("symbol size: the blob has %d (%v), the quilt %d", got, err, q.SymbolSize())
	}
	md, err := shard.ComputeMetadata(p, b)
	if err != nil {
		t.Fatal(err)
	}
	return md.ID().String()
}

// readBack checks that the whole quilt gives every source back.
func readBack(t *testing.T, p shard.Params, blob []byte, sources []quilt.Source) {
	t.Helper()
	r, err := quilt.Open(p, blob)
	if err != nil {
		t.Fatal(err)
	}
	x, err := r.Index()
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Patches) != len(sources) {
		t.Errorf("got %d patches, want %d", len(x.Patches), len(sources))
	}
	for _, s := range sources {
		patch, err := x.Lookup(s.Identifier)
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.OpenPatch(patch)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		want := make([]byte, s.Size)
		if s.Size > 0 {
			if _, err := s.Data.ReadAt(want, 0); err != nil {
				t.Fatal(err)
			}
		}
		if string(got) != string(want) || c.Identifier != s.Identifier ||
			!maps.Equal(c.Tags, s.Tags) || !maps.Equal(patch.Tags, s.Tags) {
			t.Errorf("patch %q came back differently", s.Identifier)
		}
	}
}

// The file in testdata was made with the reference encoder; it is a fact.
func TestVectors(t *testing.T) {
	t.Parallel()
	var vectors []struct {
		N     int `json:"n_shards"`
		Files []struct {
			Identifier string            `json:"identifier"`
			Length     int               `json:"length"`
			Tags       map[string]string `json:"tags"`
			Seed       string            `json:"seed"`
		} `json:"files"`
		Length  int    `json:"quilt_length"`
		SHA256  string `json:"quilt_sha256"`
		ID      string `json:"blob_id"`
		Patches []struct {
			Identifier string            `json:"identifier"`
			Start      shard.SliverIndex `json:"start_index"`
			End        shard.SliverIndex `json:"end_index"`
			Tags       map[string]string `json:"tags"`
		} `json:"patches"`
	}
	file, err := os.ReadFile(filepath.Join("testdata", "quilts.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 5 {
		t.Fatalf("got %d vectors, want 5", len(vectors))
	}
	for i, v := range vectors {
		t.Run(fmt.Sprintf("%d/n=%d", i, v.N), func(t *testing.T) {
			t.Parallel()
			var sources []quilt.Source
			for _, f := range v.Files {
				sources = append(sources, source(f.Identifier, shardtest.Blob(f.Seed, f.Length), f.Tags))
			}
			q, b := build(t, v.N, sources...)
			if len(b) != v.Length {
				t.Errorf("length: got %d, want %d", len(b), v.Length)
			}
			if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != v.SHA256 {
				t.Errorf("SHA-256: got %x, want %s", sum, v.SHA256)
			}
			if got := blobID(t, v.N, q, b); got != v.ID {
				t.Errorf("blob ID: got %s, want %s", got, v.ID)
			}
			for i, want := range v.Patches {
				got := q.Index().Patches[i]
				if got.Identifier != want.Identifier || got.ID.Start != want.Start || got.ID.End != want.End ||
					!maps.Equal(got.Tags, want.Tags) {
					t.Errorf("patch %d: got %+v, want %+v", i, got, want)
				}
			}
			readBack(t, shardtest.MustParams(v.N), b, sources)
		})
	}
}

// djb2 is the checksum of the second set of vectors.
func djb2(b []byte) string {
	h := uint32(5381)
	for _, c := range b {
		h = h*33 + uint32(c)
	}
	return fmt.Sprintf("%08x", h)
}

// The vectors of the TypeScript SDK, for 1000 shards.
func TestVectorsOfSDK(t *testing.T) {
	t.Parallel()
	ramp := func(identifier string, length, seed int) quilt.Source {
		return source(identifier, shardtest.Ramp(seed, length), nil)
	}
	tagged := func(s quilt.Source, pairs ...string) quilt.Source {
		s.Tags = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			s.Tags[pairs[i]] = pairs[i+1]
		}
		return s
	}
	var twenty []quilt.Source
	var twentyColumns []string
	for i := range 20 {
		twenty = append(twenty, ramp(fmt.Sprintf("blob-%03d", i), 100+10*i, i))
		twentyColumns = append(twentyColumns, fmt.Sprintf("%d-%d", 1+i, 2+i))
	}
	tests := []struct {
		name    string
		sources []quilt.Source
		djb2    string
		size    int
		columns string
		id      string // "" where it is not known
	}{
		{
			"one",
			[]quilt.Source{ramp("test-blob", 1000, 42)},
			"73b40ec0", 445_556, "1-3",
			"gTIhPB3ya80ZkDiX2HjKsdSTlnex773IvVEZPtO0gaI",
		},
		{
			"three",
			[]quilt.Source{ramp("blob-a", 500, 1), ramp("blob-b", 1000, 2), ramp("blob-c", 750, 3)},
			"a5388b02", 445_556, "1-2 2-4 4-6", "",
		},
		{
			"tags",
			[]quilt.Source{tagged(ramp("tagged-blob", 500, 0), "author", "test", "version", "1.0")},
			"ebe0c7e7", 445_556, "1-2", "",
		},
		{"no tags", []quilt.Source{ramp("no-tags", 500, 0)}, "7e091d0b", 445_556, "1-2", ""},
		{"two", []quilt.Source{ramp("blob-1", 500, 1), ramp("blob-2", 500, 2)}, "60f77634", 445_556, "1-2 2-3", ""},
		{"empty", []quilt.Source{ramp("empty", 0, 0)}, "37bd7d4a", 445_556, "1-2", ""},
		{"tiny", []quilt.Source{source("tiny", []byte{1, 2, 3}, nil)}, "3d6ed5d8", 445_556, "1-2", ""},
		{
			"sorted",
			[]quilt.Source{ramp("z-last", 100, 0), ramp("a-first", 100, 0), ramp("m-middle", 100, 0)},
			"e18dbdb9", 445_556, "1-2 2-3 3-4", "",
		},
		{"another", []quilt.Source{ramp("test", 1000, 0)}, "b931e11f", 445_556, "1-3", ""},
		{"more tags", []quilt.Source{tagged(ramp("tagged-blob", 500, 0),
			"author", "test-author", "version", "2.0", "category", "images")}, "5bd12362", 445_556, "1-2", ""},
		{"another empty", []quilt.Source{ramp("empty-blob", 0, 0)}, "900c255b", 445_556, "1-2", ""},
		{"fallback", []quilt.Source{ramp("fallback-test", 1000, 42)}, "9ee04db6", 445_556, "1-3", ""},
		{"short", []quilt.Source{ramp("test", 100, 1)}, "5e618ea5", 445_556, "1-2", ""},
		{
			"greek",
			[]quilt.Source{ramp("alpha", 100, 1), ramp("beta", 200, 2), ramp("gamma", 150, 3)},
			"c635a06f", 445_556, "1-2 2-3 3-4", "",
		},
		{
			"two tags",
			[]quilt.Source{tagged(ramp("tagged", 100, 1), "key", "value", "foo", "bar")},
			"9ed5d860", 445_556, "1-2", "",
		},
		{
			"images",
			[]quilt.Source{ramp("image1.jpg", 150_000, 1), ramp("image2.png", 250_000, 2), ramp("thumb.jpg", 50_000, 3)},
			"39b32069", 891_112, "1-114 114-302 302-340", "XT5lluxcYlya3oYbsvG0PnNRXVk3L3Ms66d0kyvCXBs",
		},
		{"mixed", []quilt.Source{
			tagged(ramp("config.json", 1000, 1), "type", "json"),
			tagged(ramp("data.bin", 100_000, 2), "type", "binary"),
			tagged(ramp("readme.md", 5000, 3), "type", "text"),
		}, "5150bc69", 445_556, "1-3 3-153 153-161", ""},
		{"twenty", twenty, "39d44e50", 445_556, strings.Join(twentyColumns, " "), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q, b := build(t, 1000, tt.sources...)
			if got := djb2(b); got != tt.djb2 || len(b) != tt.size {
				t.Errorf("got djb2 %s of %d bytes, want %s of %d", got, len(b), tt.djb2, tt.size)
			}
			var columns []string
			for _, p := range q.Index().Patches {
				columns = append(columns, p.ID.String())
			}
			if got := strings.Join(columns, " "); got != tt.columns {
				t.Errorf("columns: got %s, want %s", got, tt.columns)
			}
			readBack(t, shardtest.MustParams(1000), b, tt.sources)
			if tt.id == "" || testing.Short() {
				return
			}
			if got := blobID(t, 1000, q, b); got != tt.id {
				t.Errorf("blob ID: got %s, want %s", got, tt.id)
			}
		})
	}
}

// Cases of the reference's own tests, with blob IDs from the reference binary.
func TestVectorsOfReference(t *testing.T) {
	t.Parallel()
	tag := map[string]string{"tag1": "value1"}
	tests := []struct {
		name    string
		n       int
		sources []quilt.Source
		size    int // of a symbol
		columns string
		id      string
	}{
		{"construct case 0", 7, []quilt.Source{
			source("test-blob-0", []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, tag),
			source("test-blob-1", []byte{5, 68, 3, 2, 5}, tag),
			source("test-blob-2", []byte{5, 68, 3, 2, 5, 6, 78, 8}, tag),
		}, 16, "2-3 3-4 4-5", "X5250GO6Bge0AM5qi7u6GBlxT3w4FbdnzabbpgSfyxo"},
		{"construct case 2", 12, []quilt.Source{
			source("test-blob-0", []byte{1, 3}, nil),
			source("test-blob-1", slices.Repeat([]byte{255}, 1024), nil),
			source("test-blob-2", []byte{1, 2, 3}, nil),
		}, 30, "1-2 2-8 8-9", "-TSoFHV5_Fix7g91Puj3t4GTniZlzgLy4hIohovy96c"},
		{"order of tags", 7, []quilt.Source{
			source("x", []byte("hi"), map[string]string{"b": "1", "aa": "2"}),
		}, 4, "2-4", "ZOTVoQuR2GbcrPL4bphWJu2muRn6_P3h05IzHvvGRfY"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q, b := build(t, tt.n, tt.sources...)
			if q.SymbolSize() != tt.size {
				t.Errorf("symbol size: got %d, want %d", q.SymbolSize(), tt.size)
			}
			var columns []string
			for _, p := range q.Index().Patches {
				columns = append(columns, p.ID.String())
			}
			if got := strings.Join(columns, " "); got != tt.columns {
				t.Errorf("columns: got %s, want %s", got, tt.columns)
			}
			if got := blobID(t, tt.n, q, b); got != tt.id {
				t.Errorf("blob ID: got %s, want %s", got, tt.id)
			}
			readBack(t, shardtest.MustParams(tt.n), b, tt.sources)
		})
	}
}

// The bytes of a whole quilt, so that the layout can be read here.
func TestBytesOfQuilt(t *testing.T) {
	t.Parallel()
	const want = "010f0000620131020112000002016201000000000001040061610132000102003102616100000000017802010000000001780a000132686900000000"
	_, b := build(t, 7, source("x", []byte("hi"), map[string]string{"b": "1", "aa": "2"}))
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSymbolSize(t *testing.T) {
	t.Parallel()
	full := slices.Repeat([]int64{10}, 667)
	tests := []struct {
		name             string
		sizes            []int64
		cols, rows, most int
		want             int
		err              error
	}{
		{"too many", []int64{2, 1, 2, 1}, 3, 3, 1, 0, quilt.ErrTooMany},
		{"large index", []int64{1000, 1, 1}, 4, 7, 2, 72, nil},
		{"nothing", nil, 3, 1, 1, 0, quilt.ErrTooMany},
		{"prefix", []int64{1}, 3, 2, 1, 4, nil},
		{"three", []int64{115, 80, 4}, 17, 9, 3, 6, nil},
		{"equal", []int64{20, 20, 20}, 3, 5, 2, 4, nil},
		{"one row", []int64{5, 5, 5}, 5, 1, 1, 6, nil},
		{"wide", []int64{25, 35, 45}, 200, 1, 3, 10, nil},
		{"zeros", []int64{10, 0, 0, 0}, 17, 9, 2, 2, nil},
		{"twenty-nine", []int64{
			416, 253, 258, 384, 492, 303, 276, 464, 143, 251, 388, 263, 515, 433, 505,
			385, 346, 69, 48, 495, 329, 450, 494, 104, 539, 245, 109, 317, 60,
		}, 34, 16, 3, 32, nil},
		{"sdk large", []int64{1_000_000}, 667, 334, 10, 300, nil},
		{"sdk small", []int64{100}, 667, 334, 10, 2, nil},
		{"sdk equal", []int64{1000, 1000, 1000, 1000, 1000}, 667, 334, 10, 2, nil},
		{"sdk varying", []int64{100, 5000, 200, 10000, 500}, 667, 334, 10, 2, nil},
		{"sdk powers of two", []int64{1024, 2048, 4096, 8192}, 667, 334, 10, 2, nil},
		{"sdk full", full, 667, 334, 10, 2, nil},
		{"sdk over full", append(full, 10), 667, 334, 10, 0, quilt.ErrTooMany},
		{"sdk rows", []int64{3340, 6680, 10020}, 667, 334, 10, 2, nil},
		{"sdk issue 736", []int64{
			1822, 2223620, 12027, 2453254, 10342, 3134443, 12059, 3946664, 12765, 3043298, 12087,
			3133711, 13003, 3383061, 12093, 3155563, 10893,
		}, 667, 334, 10, 112, nil},
		{"largest", []int64{5, 65534 * 9 * 16}, 17, 9, 3, 65534, nil},
		{"too large", []int64{5, 65534*9*16 + 1}, 17, 9, 3, 0, quilt.ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := quilt.FindSymbolSize(tt.sizes, tt.cols, tt.rows, tt.most)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %d, %v, want %d, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestPatchIDText(t *testing.T) {
	t.Parallel()
	number := func(b ...byte) (id shard.BlobID) {
		copy(id[:], b)
		return id
	}
	example, err := shard.ParseBlobID("uIiEbhP2qgZYygEGxJX1GeB-rQATo2yufC2DCp7B4iA")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		id   quilt.PatchID
		want string
	}{
		{
			quilt.PatchID{Quilt: number(0x39, 0x30), Patch: quilt.InternalID{Start: 10, End: 20}},
			"OTAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABCgAUAA",
		},
		{
			quilt.PatchID{Quilt: number(0xef, 0xcd, 0xab), Patch: quilt.InternalID{Start: 100, End: 500}},
			"782rAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABZAD0AQ",
		},
		{
			quilt.PatchID{Quilt: example, Patch: quilt.InternalID{Start: 1, End: 13}},
			"uIiEbhP2qgZYygEGxJX1GeB-rQATo2yufC2DCp7B4iABAQANAA",
		},
	}
	for _, tt := range tests {
		if got := tt.id.String(); got != tt.want {
			t.Errorf("text: got %s, want %s", got, tt.want)
		}
		if got, err := quilt.ParsePatchID(tt.want); got != tt.id || err != nil {
			t.Errorf("parse %s: got %v, %v, want %v", tt.want, got, err, tt.id)
		}
	}
}
