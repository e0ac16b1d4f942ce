package shard_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// The files in testdata were made with the reference encoder; they are facts.

func readVectors(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

// skipLong leaves out what takes long under the race detector.
func skipLong(t *testing.T, n, length int) {
	t.Helper()
	if testing.Short() && n*n*2+length > 200_000 {
		t.Skip("long")
	}
}

// bcsOf returns the canonical bytes of a sliver.
func bcsOf(s *shard.Sliver) []byte {
	b, _ := s.AppendBinary(nil)
	return b
}

func TestBlobIDVectors(t *testing.T) {
	t.Parallel()
	var vectors []struct {
		N          int    `json:"n_shards"`
		Length     int    `json:"length"`
		Seed       string `json:"seed"`
		SymbolSize int    `json:"symbol_size"`
		Root       string `json:"root_hash"`
		ID         string `json:"blob_id"`
	}
	readVectors(t, "blob-ids.json", &vectors)
	if len(vectors) != 343 {
		t.Fatalf("got %d vectors, want 343", len(vectors))
	}
	for _, v := range vectors {
		t.Run(fmt.Sprintf("n=%d/len=%d", v.N, v.Length), func(t *testing.T) {
			t.Parallel()
			skipLong(t, v.N, v.Length)
			p := shardtest.MustParams(v.N)
			if ss, err := p.SymbolSize(uint64(v.Length)); err != nil || ss != v.SymbolSize {
				t.Errorf("symbol size: got %d, %v, want %d", ss, err, v.SymbolSize)
			}
			md, err := shard.ComputeMetadata(p, shardtest.Blob(v.Seed, v.Length))
			if err != nil {
				t.Fatal(err)
			}
			if got := md.Root().String(); got != v.Root {
				t.Errorf("root: got %s, want %s", got, v.Root)
			}
			if got := md.ID().String(); got != v.ID {
				t.Errorf("ID: got %s, want %s", got, v.ID)
			}
		})
	}
}

func TestSecondVectors(t *testing.T) {
	t.Parallel()
	var file struct {
		Vectors []struct {
			N          int    `json:"n"`
			Len        int    `json:"len"`
			Seed       int    `json:"seed"`
			SymbolSize int    `json:"symbolSize"`
			ID         string `json:"blobIdHex"`
			Root       string `json:"rootHex"`
			Slivers    string `json:"sliversSha256"`
		} `json:"vectors"`
	}
	readVectors(t, "blob-vectors-2.json", &file)
	if len(file.Vectors) != 194 {
		t.Fatalf("got %d vectors, want 194", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		t.Run(fmt.Sprintf("n=%d/len=%d", v.N, v.Len), func(t *testing.T) {
			t.Parallel()
			skipLong(t, v.N, v.Len)
			md, pairs, err := shard.Encode(shardtest.MustParams(v.N), shardtest.Ramp(v.Seed, v.Len))
			if err != nil {
				t.Fatal(err)
			}
			if got := md.Root().String(); got != v.Root {
				t.Errorf("root: got %s, want %s", got, v.Root)
			}
			if id := md.ID(); hex.EncodeToString(id[:]) != v.ID {
				t.Errorf("ID: got %x, want %s", id[:], v.ID)
			}
			h := sha256.New()
			for i := range pairs {
				h.Write(bcsOf(&pairs[i].Primary))
				h.Write(bcsOf(&pairs[i].Secondary))
			}
			if got := hex.EncodeToString(h.Sum(nil)); got != v.Slivers {
				t.Errorf("slivers: got %s, want %s", got, v.Slivers)
			}
			if pairs[0].Primary.SymbolSize != v.SymbolSize {
				t.Errorf("symbol size: got %d, want %d", pairs[0].Primary.SymbolSize, v.SymbolSize)
			}
		})
	}
}

func TestSliverVectors(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"slivers-n4.json", "slivers-n7.json", "slivers-n10.json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v struct {
				N      int    `json:"n_shards"`
				Length int    `json:"length"`
				Seed   string `json:"seed"`
				ID     string `json:"blob_id"`
				Pairs  []struct {
					Primary       string `json:"primary_bcs"`
					Secondary     string `json:"secondary_bcs"`
					PrimaryHash   string `json:"primary_hash"`
					SecondaryHash string `json:"secondary_hash"`
				} `json:"pairs"`
			}
			readVectors(t, name, &v)
			md, pairs, err := shard.Encode(shardtest.MustParams(v.N), shardtest.Blob(v.Seed, v.Length))
			if err != nil {
				t.Fatal(err)
			}
			if got := md.ID().String(); got != v.ID {
				t.Errorf("ID: got %s, want %s", got, v.ID)
			}
			if len(pairs) != len(v.Pairs) || len(pairs) != v.N {
				t.Fatalf("got %d pairs, file has %d", len(pairs), len(v.Pairs))
			}
			for i, want := range v.Pairs {
				for _, c := range [][2]string{
					{hex.EncodeToString(bcsOf(&pairs[i].Primary)), want.Primary},
					{hex.EncodeToString(bcsOf(&pairs[i].Secondary)), want.Secondary},
					{md.Hashes[i].Primary.String(), want.PrimaryHash},
					{md.Hashes[i].Secondary.String(), want.SecondaryHash},
				} {
					if c[0] != c[1] {
						t.Errorf("pair %d: got %s, want %s", i, c[0], c[1])
					}
				}
			}
		})
	}
}

func TestSliverDigestVectors(t *testing.T) {
	t.Parallel()
	type digests struct {
		Primary   string `json:"primary_sha256"`
		Secondary string `json:"secondary_sha256"`
	}
	var vectors []struct {
		digests

		N      int     `json:"n_shards"`
		Length int     `json:"length"`
		Seed   string  `json:"seed"`
		ID     string  `json:"blob_id"`
		First  digests `json:"first_pair"`
		Last   digests `json:"last_pair"`
	}
	readVectors(t, "sliver-digests.json", &vectors)
	digest := func(pairs []shard.SliverPair) digests {
		p, s := sha256.New(), sha256.New()
		for i := range pairs {
			p.Write(bcsOf(&pairs[i].Primary))
			s.Write(bcsOf(&pairs[i].Secondary))
		}
		return digests{hex.EncodeToString(p.Sum(nil)), hex.EncodeToString(s.Sum(nil))}
	}
	for _, v := range vectors {
		t.Run(fmt.Sprintf("n=%d", v.N), func(t *testing.T) {
			t.Parallel()
			skipLong(t, v.N, v.Length)
			md, pairs, err := shard.Encode(shardtest.MustParams(v.N), shardtest.Blob(v.Seed, v.Length))
			if err != nil {
				t.Fatal(err)
			}
			if got := md.ID().String(); got != v.ID {
				t.Errorf("ID: got %s, want %s", got, v.ID)
			}
			if got := digest(pairs); got != v.digests {
				t.Errorf("all pairs: got %v, want %v", got, v.digests)
			}
			if got := digest(pairs[:1]); got != v.First {
				t.Errorf("first pair: got %v, want %v", got, v.First)
			}
			if got := digest(pairs[len(pairs)-1:]); got != v.Last {
				t.Errorf("last pair: got %v, want %v", got, v.Last)
			}
		})
	}
}
