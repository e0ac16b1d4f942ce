package repair_test

import (
	"slices"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
)

// Whatever as many members as may be faulty do, the node is repaired, for a
// bounded price; who has shown its fault is asked last the next time, and who can
// be proven wrong is named.
func TestAdversaries(t *testing.T) {
	for _, tc := range []struct {
		name   string
		how    behavior
		lies   bool          // and is named
		factor int           // most bytes pulled for each byte restored
		within time.Duration // at most
	}{
		{"garbage", garbled, true, 3, time.Minute},
		{"forged proofs", forger, true, 3, time.Minute},
		{"good proofs of the wrong target", misfit, true, 3, time.Minute},
		{"wrong shape", misshapen, true, 2, time.Minute},
		{"slow drip", dripping, false, 2, 2 * time.Minute},
		{"accepts and never answers", silent, false, 2, 2 * time.Minute},
		{"leaves out answers", short, false, 2, time.Minute},
		{"answers twice", flooding, false, 2, time.Minute},
		{"fails at once", failing, false, 2, time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, 100, 9, 100_000) // members 1 … 3 hold 33 shards
				w.lose(shard.Primary, shard.Secondary)
				bad := []int{1, 2, 3}
				w.set(tc.how, bad...)
				r, stop := running(t, w, nil)
				defer stop()
				started := time.Now()
				mend(t, r, w)
				if took := time.Since(started); took > tc.within {
					t.Errorf("took %v, want at most %v", took, tc.within)
				}
				st := r.Stats()
				if limit := tc.factor * int(st.BytesRestored); w.pulled > limit {
					t.Errorf("got %d bytes sent for %d restored, want at most %d", w.pulled, st.BytesRestored, limit)
				}
				var want []committee.NodeID
				if tc.lies {
					for _, i := range bad {
						want = append(want, w.c.Members()[i].ID)
					}
				}
				if !slices.Equal(st.Liars, want) {
					t.Errorf("liars: got %v, want %v", st.Liars, want)
				}
				if tc.how == flooding { // which harms nobody
					return
				}
				// The secondary slivers need 34 columns, which the others have.
				w.lose(shard.Secondary)
				before := map[committee.NodeID]int{}
				for _, i := range bad {
					before[w.c.Members()[i].ID] = w.asked[w.c.Members()[i].ID]
				}
				mend(t, r, w)
				for id, n := range before {
					if w.asked[id] != n {
						t.Errorf("member %v was asked again", id)
					}
				}
			})
		})
	}
}

// A member that announces more than there is room for, of blobs that nobody
// knows, displaces what it has announced itself.
func TestAnnouncementFlood(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10, 5, 1000)
	v := repair.NewAvailability(100)
	honest, flooder := w.c.Members()[1], w.c.Members()[2]
	tell := func(m committee.Member, seq uint64, id shard.BlobID) {
		t.Helper()
		err := v.Apply(w.c, m.ID, repair.Announcement{Epoch: 1, Seq: seq, Entries: []repair.Entry{
			{Blob: id, Kind: repair.Lost, Pairs: []shard.PairIndex{w.p.PairOf(id, m.Shards[0])}},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 40 {
		tell(honest, uint64(i+1), shard.BlobID{1, byte(i)})
	}
	for i := range 1000 {
		tell(flooder, uint64(i+1), shard.BlobID{2, byte(i), byte(i >> 8)})
	}
	for i := range 40 {
		id := shard.BlobID{1, byte(i)}
		if got := v.Remaining(id, 10); got != 9 {
			t.Errorf("blob %d: got %d pairs remaining, want 9", i, got)
		}
	}
	kept := 0
	for i := range 1000 {
		if v.Remaining(shard.BlobID{2, byte(i), byte(i >> 8)}, 10) == 9 {
			kept++
		}
	}
	if kept != 60 {
		t.Errorf("got %d of the flood kept, want 60", kept)
	}
}

// Many blobs go into few calls, and each still costs no more than its bytes.
func TestManyBlobsFewCalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const blobs = 200
		ws := newCity(t, 31, 31, blobs, 2000)
		r, stop := running(t, ws.first, func(c *repair.Config) { c.Peers, c.Store, c.Ledger = ws, cityStore{ws}, ws })
		defer stop()
		if err := r.Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.WaitIdle(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, w := range ws.worlds {
			if err := w.whole(); err != nil {
				t.Fatal(err)
			}
		}
		st := r.Stats()
		// One blob takes at least 11 + 20 calls, and one for its metadata.
		if wants := blobs * 32; int(st.Calls) > wants/10 {
			t.Errorf("got %d calls for %d wants", st.Calls, wants)
		}
		if st.BytesPulled > st.BytesRestored {
			t.Errorf("got %d bytes pulled for %d restored", st.BytesPulled, st.BytesRestored)
		}
		if st.Blobs != blobs || st.Waiting != 0 {
			t.Errorf("got %+v", st)
		}
		t.Logf("%d calls for %d blobs", st.Calls, blobs)
	})
}
