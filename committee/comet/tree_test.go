package comet

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/floe-storage/floe/committee/ledger"
)

func newTestTree(t *testing.T) (*tree, *database) {
	t.Helper()
	db, err := openDatabase(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	tr, err := openTree(db)
	if err != nil {
		t.Fatal(err)
	}
	return tr, db
}

func contents(r ledger.Reader) map[string]string {
	out := map[string]string{}
	r.Ascend(nil, nil, func(key, value []byte) bool {
		out[string(key)] = string(value)
		return true
	})
	return out
}

// Against a map: random blocks, some empty, some staged and then replaced.
func TestTreeAgainstModel(t *testing.T) {
	t.Parallel()
	tr, db := newTestTree(t)
	rng := rand.New(rand.NewPCG(1, 2))
	model := map[string]string{}
	var lastHash []byte
	for height := range 60 {
		next := maps.Clone(model)
		overlay := ledger.NewOverlay(tr.base)
		junk := ledger.NewOverlay(tr.base)
		junk.Set([]byte("junk"), []byte("of a block that was not committed"))
		tr.stage(junk)
		if height%5 != 4 {
			for range rng.IntN(40) {
				key, value := fmt.Sprint("k", rng.IntN(100)), fmt.Sprint("v", rng.IntN(3))
				switch rng.IntN(4) {
				case 0:
					overlay.Delete([]byte(key))
					delete(next, key)
				case 1:
					overlay.Set([]byte(key), nil) // empty
					next[key] = ""
				default:
					overlay.Set([]byte(key), []byte(value))
					next[key] = value
				}
			}
		}
		same := maps.Equal(model, next)
		hash := slices.Clone(tr.stage(overlay))
		if same != bytes.Equal(hash, lastHash) && height > 0 {
			t.Fatalf("height %d: state unchanged is %v, hash unchanged is %v", height, same, !same)
		}
		tr.commit(nil)
		lastHash, model = hash, next
		got, at, _ := tr.last()
		if at != uint64(height) || !bytes.Equal(got.t.Hash(), hash) {
			t.Fatalf("got height %d and hash %x, want %d and %x", at, got.t.Hash(), height, hash)
		}
		if !maps.Equal(contents(got), model) {
			t.Fatalf("height %d: got %v, want %v", height, contents(got), model)
		}
	}
	again, err := openTree(db)
	if err != nil {
		t.Fatal(err)
	}
	got, _, _ := again.last()
	if !maps.Equal(contents(got), model) || !bytes.Equal(got.t.Hash(), lastHash) {
		t.Error("opened again: the state differs")
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	tr, _ := newTestTree(t)
	overlay := ledger.NewOverlay(reader{})
	for _, key := range []string{"a", "b", "b\x00", "c"} {
		overlay.Set([]byte(key), []byte{})
	}
	tr.stage(overlay)
	tr.commit(nil)
	r, _, _ := tr.last()
	if r.Get([]byte("b")) == nil || r.Get([]byte("bb")) != nil {
		t.Error("an empty value and none are not told apart")
	}
	for _, tt := range []struct {
		start, end string
		limit      int
		want       []string
	}{
		{"", "", 9, []string{"a", "b", "b\x00", "c"}},
		{"b", "c", 9, []string{"b", "b\x00"}},
		{"b", "", 2, []string{"b", "b\x00"}},
		{"d", "", 9, nil},
		{"b", "b", 9, nil},
	} {
		var end []byte
		if tt.end != "" {
			end = []byte(tt.end)
		}
		var got []string
		r.Ascend([]byte(tt.start), end, func(key, _ []byte) bool {
			got = append(got, string(key))
			return len(got) < tt.limit
		})
		if !slices.Equal(got, tt.want) {
			t.Errorf("[%q,%q): got %q, want %q", tt.start, tt.end, got, tt.want)
		}
	}
	if got := contents(reader{}); len(got) != 0 {
		t.Errorf("before genesis: got %v", got)
	}
}

func TestProofs(t *testing.T) {
	t.Parallel()
	tr, _ := newTestTree(t)
	overlay := ledger.NewOverlay(reader{})
	for i := range 100 {
		overlay.Set(fmt.Append(nil, "k", i), fmt.Append(nil, "v", i))
	}
	tr.stage(overlay)
	tr.commit(nil)
	r, _, _ := tr.last()
	for _, key := range []string{"k42", "no such key"} {
		proof, err := r.t.GetProof([]byte(key))
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := r.t.VerifyProof(proof, []byte(key)); err != nil || !ok {
			t.Errorf("%s: got %v, %v", key, ok, err)
		}
	}
}

// Readers hold on to a height while others are committed: both keys of it always agree.
func TestSnapshotsWhileCommitting(t *testing.T) {
	t.Parallel()
	tr, _ := newTestTree(t)
	put := func(i int) {
		overlay := ledger.NewOverlay(tr.base)
		overlay.Set([]byte("first"), fmt.Append(nil, i))
		for j := range 20 {
			overlay.Set(fmt.Append(nil, "k", (i*7+j)%50), fmt.Append(nil, i))
		}
		overlay.Set([]byte("last"), fmt.Append(nil, i))
		tr.stage(overlay)
		tr.commit(nil)
	}
	put(0)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				r, height, _ := tr.last()
				want := fmt.Sprint(height)
				got := contents(r)
				if got["first"] != want || got["last"] != want || string(r.Get([]byte("first"))) != want {
					t.Errorf("height %s: got %q and %q", want, got["first"], got["last"])
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range 100 {
		put(i + 1)
	}
	close(stop)
	wg.Wait()
}

func TestDatabaseAfterClose(t *testing.T) {
	t.Parallel()
	tr, db := newTestTree(t)
	overlay := ledger.NewOverlay(reader{})
	for i := range 10 {
		overlay.Set(fmt.Append(nil, "k", i), []byte("v"))
	}
	tr.stage(overlay)
	tr.commit(nil)
	batch := db.NewBatch()
	if err := batch.Set([]byte("k"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	it, err := db.Iterator(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- db.Close() }()
	eventually(t, "the database is closing", db.isClosed)
	if !it.Valid() { // an open iterator holds up the closing
		t.Error("the iterator ended")
	}
	if err := it.Close(); err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if got, err := db.Get([]byte("chain")); got != nil || err != nil {
		t.Errorf("get: got %q, %v", got, err)
	}
	for name, err := range map[string]error{
		"set": db.Set([]byte("k"), []byte("v")), "set sync": db.SetSync([]byte("k"), []byte("v")), "delete": db.Delete([]byte("k")),
		"delete sync": db.DeleteSync([]byte("k")), "batch": batch.Write(), "batch sync": batch.WriteSync(), "compact": db.Compact(nil, nil),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: got %v, want ErrClosed", name, err)
		}
	}
	if _, err := db.ReverseIterator(nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("iterator: got %v, want ErrClosed", err)
	}
	fresh, err := func() (_ map[string]string, err error) {
		defer catchFault(&err)
		// Nodes in the cache need no disk; a fresh tree has none.
		_, err = openTree(db)
		return nil, err
	}()
	if !errors.Is(err, ErrClosed) {
		t.Errorf("state after close: got %v, %v, want ErrClosed", fresh, err)
	}
}
