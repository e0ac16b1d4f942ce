package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
	"github.com/floe-storage/floe/shard/store"
)

// stored is a blob as a node with all shards would keep it.
type stored struct {
	id    shard.BlobID
	md    *shard.Metadata
	items []store.Item
}

func encoded(t *testing.T, seed string, size int) stored {
	t.Helper()
	p := shardtest.MustParams(7)
	md, pairs, err := shard.Encode(p, shardtest.Blob(seed, size))
	if err != nil {
		t.Fatal(err)
	}
	b := stored{id: md.ID(), md: md}
	for i, pair := range pairs {
		at := p.ShardOf(b.id, shard.PairIndex(i))
		b.items = append(b.items, store.Item{Shard: at, Sliver: pair.Primary}, store.Item{Shard: at, Sliver: pair.Secondary})
	}
	return b
}

func (b stored) put(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.PutMetadata(t.Context(), b.id, b.md); err != nil {
		t.Fatal(err)
	}
	if err := s.PutSlivers(t.Context(), b.id, b.items); err != nil {
		t.Fatal(err)
	}
}

func (b stored) at(i int) store.SliverID {
	return store.SliverID{Blob: b.id, Shard: b.items[i].Shard, Axis: b.items[i].Sliver.Axis}
}

// scrubAll scrubs in steps of a budget and returns what was found and how many
// steps it took.
func scrubAll(t *testing.T, s *store.Store, budget int64) (total store.Scrubbed, steps int) {
	t.Helper()
	for !total.Done {
		part, err := s.Scrub(t.Context(), total.Next, budget)
		if err != nil {
			t.Fatal(err)
		}
		steps++
		total.Next, total.Done = part.Next, part.Done
		total.Slivers += part.Slivers
		total.Bytes += part.Bytes
		total.Unverified += part.Unverified
		total.Bad = append(total.Bad, part.Bad...)
	}
	return total, steps
}

func TestScrubFindsNothing(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	want := int64(0)
	for _, b := range []stored{encoded(t, "a", 900_000), encoded(t, "b", 5000), encoded(t, "c", 40)} {
		b.put(t, s)
		for _, it := range b.items {
			want += int64(len(it.Sliver.Data))
		}
	}
	for _, budget := range []int64{1, 100_000, 1 << 40} {
		got, steps := scrubAll(t, s, budget)
		if len(got.Bad) != 0 || got.Slivers != 42 || got.Bytes != want || got.Unverified != 0 {
			t.Errorf("budget %d: got %+v, want 42 slivers of %d bytes", budget, got, want)
		}
		if single := budget == 1<<40; single != (steps == 1) || budget == 1 && steps != 21 {
			t.Errorf("budget %d: got %d steps", budget, steps)
		}
	}
}

// TestScrubQuarantine has slivers that are intact on the disk and wrong by their
// metadata, which no checksum shows.
func TestScrubQuarantine(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(b *stored, i int){
		"other bytes":   func(b *stored, i int) { b.items[i].Sliver.Data = append([]byte{1}, b.items[i].Sliver.Data[1:]...) },
		"cut":           func(b *stored, i int) { b.items[i].Sliver.Data = b.items[i].Sliver.Data[2:] },
		"other index":   func(b *stored, i int) { b.items[i].Sliver.Index = (b.items[i].Sliver.Index + 1) % 7 },
		"unknown index": func(b *stored, i int) { b.items[i].Sliver.Index = 900 },
		"other symbols": func(b *stored, i int) { b.items[i].Sliver.SymbolSize += 2 },
		"other shard":   func(b *stored, i int) { b.items[i].Sliver = b.items[(i+2)%14].Sliver },
	} {
		for _, size := range []int{3000, 900_000} { // in Badger, in segments
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := open(t, t.TempDir())
				good, bad := encoded(t, "good", size), encoded(t, "bad", size)
				original := slices.Clone(bad.items)
				spoil(&bad, 4)
				good.put(t, s)
				bad.put(t, s)
				checkQuarantine(t, s, bad, original)
			})
		}
	}
}

func checkQuarantine(t *testing.T, s *store.Store, bad stored, original []store.Item) {
	t.Helper()
	id := bad.at(4)
	var seen []store.Bad
	if _, err := s.Check(t.Context(), false, func(b store.Bad) { seen = append(seen, b) }); err != nil || len(seen) != 1 || seen[0].SliverID != id {
		t.Errorf("check: got %v, %v, want %v", seen, err, id)
	}
	got, _ := scrubAll(t, s, 50_000)
	if len(got.Bad) != 1 || got.Bad[0].SliverID != id || got.Bad[0].Reason == nil || got.Slivers != 28 {
		t.Fatalf("scrub: got %+v, want %v", got, id)
	}
	if _, err := s.Sliver(id.Blob, id.Shard, id.Axis); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a sliver in quarantine is served: %v", err)
	}
	if has, err := s.Has(id.Blob, id.Shard, id.Axis); has || err != nil {
		t.Errorf("a sliver in quarantine is held: %v, %v", has, err)
	}
	if list := quarantined(t, s); !slices.Equal(list, []store.SliverID{id}) {
		t.Errorf("quarantine: got %v, want %v", list, id)
	}
	if again, _ := scrubAll(t, s, 1<<40); len(again.Bad) != 0 || again.Slivers != 27 {
		t.Errorf("scrub again: got %+v", again)
	}
	if err := s.PutSlivers(t.Context(), bad.id, original[4:5]); err != nil {
		t.Fatal(err)
	}
	if list := quarantined(t, s); len(list) != 0 {
		t.Errorf("quarantine after repair: got %v", list)
	}
	if sl, err := s.Sliver(id.Blob, id.Shard, id.Axis); err != nil || !same(sl, original[4].Sliver) {
		t.Errorf("repaired sliver differs (%v)", err)
	}
}

// quarantined lists the quarantine and compares it with its count.
func quarantined(t *testing.T, s *store.Store) (list []store.SliverID) {
	t.Helper()
	for b, err := range s.Quarantined() {
		if err != nil {
			t.Fatal(err)
		}
		if b.Reason.Error() == "" {
			t.Errorf("%v is in quarantine for no reason", b.SliverID)
		}
		list = append(list, b.SliverID)
	}
	if st, err := s.Stats(); err != nil || st.Quarantined != len(list) {
		t.Errorf("stats: got %d in quarantine, %v; want %d", st.Quarantined, err, len(list))
	}
	return list
}

// Bytes flipped on the disk are found, and the rest of the file goes on being served.
func TestScrubFindsDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	b := encoded(t, "a", 900_000)
	b.put(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "segments", "*.seg"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	f, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	f[len(f)/2] ^= 4
	if err := os.WriteFile(files[0], f, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	got, _ := scrubAll(t, s, 1)
	if len(got.Bad) != 1 || !errors.Is(got.Bad[0].Reason, store.ErrCorrupt) {
		t.Errorf("got %+v, want one bad", got)
	}
	if list := quarantined(t, s); len(list) != 1 {
		t.Errorf("quarantine: got %v", list)
	}
	// It survives a restart, and deleting the blob ends it.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if list := quarantined(t, s); len(list) != 1 {
		t.Errorf("quarantine after restart: got %v", list)
	}
	if err := s.DeleteBlob(t.Context(), b.id); err != nil {
		t.Fatal(err)
	}
	if list := quarantined(t, s); len(list) != 0 {
		t.Errorf("quarantine of a deleted blob: got %v", list)
	}
}

func TestScrubMetadata(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	b, other := encoded(t, "a", 5000), encoded(t, "b", 5000)
	b.md = other.md // intact by its checksum
	b.put(t, s)
	var seen []store.Bad
	if _, err := s.Check(t.Context(), false, func(b store.Bad) { seen = append(seen, b) }); err != nil || len(seen) != 1 || !seen[0].Metadata {
		t.Errorf("check: got %v, %v", seen, err)
	}
	got, _ := scrubAll(t, s, 1)
	if len(got.Bad) != 1 || !got.Bad[0].Metadata || got.Bad[0].Blob != b.id || got.Unverified != 14 {
		t.Errorf("got %+v, want bad metadata", got)
	}
	if has, err := s.HasMetadata(b.id); has || err != nil {
		t.Errorf("bad metadata is here: %v, %v", has, err)
	}
}

func TestScrubStepGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	encoded(t, "a", 5000).put(t, s)
	total := 0
	for step := range 7 {
		out, err := s.ScrubStep(t.Context(), 1)
		if err != nil || out.Slivers != 2 || out.Done != (step == 6) {
			t.Fatalf("step %d: got %+v, %v", step, out, err)
		}
		total += out.Slivers
		if step == 3 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir)
		}
	}
	if total != 14 {
		t.Errorf("got %d slivers, want each once", total)
	}
	if out, err := s.ScrubStep(t.Context(), 1); err != nil || out.Slivers != 2 || out.Done {
		t.Errorf("second pass: got %+v, %v", out, err)
	}
}

// A sliver that a read has found corrupt is put away once.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	b := encoded(t, "a", 5000)
	b.put(t, s)
	for range 2 {
		if err := s.Quarantine(t.Context(), b.at(3), errors.New(strings.Repeat("long ", 1000))); err != nil {
			t.Fatal(err)
		}
		if list := quarantined(t, s); !slices.Equal(list, []store.SliverID{b.at(3)}) {
			t.Errorf("got %v", list)
		}
	}
	if err := s.DeleteSliver(t.Context(), b.id, b.at(3).Shard, b.at(3).Axis); err != nil {
		t.Fatal(err)
	}
	if list := quarantined(t, s); len(list) != 0 {
		t.Errorf("after delete: got %v", list)
	}
}
