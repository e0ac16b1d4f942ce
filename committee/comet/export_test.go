package comet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/floe-storage/floe/committee/ledger"
)

// churn commits a height of random writes to all of the trees, and compares their hashes.
func churn(t *testing.T, rng *rand.Rand, trees ...*tree) {
	t.Helper()
	type write struct{ key, value []byte }
	var writes []write
	for range rng.IntN(10) {
		w := write{key: fmt.Append(nil, "k", rng.IntN(60))}
		if rng.IntN(3) > 0 {
			w.value = fmt.Append(nil, rng.IntN(1000))
		}
		writes = append(writes, w)
	}
	var want []byte
	for i, tr := range trees {
		overlay := ledger.NewOverlay(tr.base)
		for _, w := range writes {
			if w.value == nil {
				overlay.Delete(w.key)
			} else {
				overlay.Set(w.key, w.value)
			}
		}
		hash := bytes.Clone(tr.stage(overlay))
		tr.commit(nil)
		if i == 0 {
			want = hash
		} else if !bytes.Equal(hash, want) {
			t.Fatalf("got hash %x, want %x", hash, want)
		}
	}
}

func export(t testing.TB, tr *tree) []byte {
	t.Helper()
	var out bytes.Buffer
	r, _, release, _ := tr.hold()
	defer release()
	if err := exportTree(&out, tr.db.raw, r.t.Version(), nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A restored tree is the same, stays the same whatever is written, and can be
// pruned and exported again.
func TestExportedTreeGoesOn(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 9))
		tr, _ := newTestTree(t)
		genesis := ledger.NewOverlay(reader{}) // a state is never empty
		genesis.Set([]byte("k"), []byte("v"))
		tr.stage(genesis)
		tr.commit(nil)
		for range 1 + rng.IntN(60) {
			churn(t, rng, tr)
		}
		bytesOf := export(t, tr)
		r, height, _ := tr.last()
		db := newTestDatabase(t)
		hash, err := importTree(db, int64(height)+1, bytes.NewReader(bytesOf))
		if err != nil || !bytes.Equal(hash, r.t.Hash()) {
			t.Fatalf("seed %d: got hash %x, %v, want %x", seed, hash, err, r.t.Hash())
		}
		restored, err := openTree(db)
		if err != nil {
			t.Fatal(err)
		}
		if got := export(t, restored); !bytes.Equal(got, bytesOf) {
			t.Fatalf("seed %d: exported again, the bytes differ", seed)
		}
		for i := range 60 {
			churn(t, rng, tr, restored)
			if i%7 == 0 {
				if _, err := restored.prune(); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
			if i%13 == 0 {
				if restored, err = openTree(db); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		}
		if got := newIAVL(newTreeDB(db), 1).AvailableVersions(); len(got) > keptVersions+10 {
			t.Errorf("seed %d: %d versions are left", seed, len(got))
		}
	}
}

func newTestDatabase(t testing.TB) *database {
	t.Helper()
	db, err := openDatabase(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// One valid tree and what is done to it: nothing is taken for the same tree.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	leaf := func(version int, key, value string) []byte {
		b := binary.AppendUvarint([]byte{0}, uint64(version))
		b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
		return append(binary.AppendUvarint(b, uint64(len(value))), value...)
	}
	inner := func(height, version int) []byte { return binary.AppendUvarint([]byte{byte(height)}, uint64(version)) }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	const version = 5
	a, b, c := leaf(1, "a", "1"), leaf(2, "b", "2"), leaf(3, "c", "")
	valid := join(a, b, c, inner(1, 3), inner(2, 4))
	if _, err := importTree(newTestDatabase(t), version, bytes.NewReader(valid)); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"empty":                nil,
		"two roots":            join(a, b),
		"no children":          inner(1, 1),
		"one child":            join(a, inner(1, 1)),
		"children swapped":     join(b, a, inner(1, 2)),
		"equal keys":           join(a, a, inner(1, 2)),
		"height too large":     join(a, b, inner(2, 2)),
		"height negative":      join(a, b, inner(255, 2)),
		"not balanced":         join(a, b, c, leaf(1, "d", ""), inner(1, 3), inner(2, 3), inner(3, 3)),
		"version in future":    leaf(version+1, "a", "1"),
		"version 0":            leaf(0, "a", "1"),
		"version overflows":    append([]byte{0}, bytes.Repeat([]byte{0xff}, 10)...),
		"cut":                  valid[:len(valid)-1],
		"cut in a value":       a[:len(a)-1],
		"key claims to be big": join([]byte{0, 1}, binary.AppendUvarint(nil, maxExported+1)),
		"key ends early":       join([]byte{0, 1}, binary.AppendUvarint(nil, maxExported), []byte("x")),
	} {
		if hash, err := importTree(newTestDatabase(t), version, bytes.NewReader(bad)); !errors.Is(err, errExport) {
			t.Errorf("%s: got %x, %v, want errExport", name, hash, err)
		}
	}
}

func FuzzImportTree(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 1, 1, 'a', 1, '1', 0, 2, 1, 'b', 0, 1, 2})
	f.Add([]byte{0, 1, 1, 'a', 1, '1', 0, 2, 1, 'b', 0, 1, 2, 1, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		db := newTestDatabase(t)
		hash, err := importTree(db, 5, bytes.NewReader(b))
		if err != nil {
			return
		}
		tr, err := openTree(db)
		if err != nil {
			t.Fatal(err)
		}
		r, _, _ := tr.last()
		if !bytes.Equal(r.t.Hash(), hash) || !bytes.Equal(export(t, tr), b) {
			t.Errorf("%x: what was taken is not what is there", b)
		}
	})
}

func FuzzParseManifest(f *testing.F) {
	m := manifest{height: 7, hash: [32]byte{1}, size: chunkSize + 1, chunks: [][32]byte{{2}, {3}}}
	f.Add(m.append(nil))
	f.Add((&manifest{height: 1}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseManifest(b)
		if err == nil && !bytes.Equal(m.append(nil), b) {
			t.Errorf("%x: encoded again it differs", b)
		}
	})
}
