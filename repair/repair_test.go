package repair_test

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// bubble runs a test in virtual time; leaving it proves that nothing still runs.
func bubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

// settle gives everything that goes on the time to come to rest; it is the
// bubble's.
func settle() {
	time.Sleep(time.Second)
	synctest.Wait()
}

func mend(t *testing.T, r *repair.Repairer, w *world) {
	t.Helper()
	r.Enqueue(w.id)
	if err := r.WaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.whole(); err != nil {
		t.Fatal(err)
	}
}

// One of ten nodes of 100 shards lost everything: the bytes pulled are no more
// than the bytes restored.
func TestWipedNode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 100, 10, 4<<20)
		w.lose(shard.Primary, shard.Secondary)
		var told []repair.Restored
		r, stop := running(t, w, func(c *repair.Config) {
			c.OnRestored = func(id shard.BlobID, restored []repair.Restored) {
				if id != w.id {
					t.Errorf("told of blob %v", id)
				}
				told = append(told, restored...)
			}
		})
		defer stop()
		mend(t, r, w)
		st := r.Stats()
		ratio := float64(w.pulled) / float64(st.BytesRestored)
		t.Logf("pulled %d, restored %d bytes: %.3f; %d requests", w.pulled, st.BytesRestored, ratio, w.requests)
		if ratio > 1.01 {
			t.Errorf("got %.3f bytes pulled for each byte restored, want at most 1.01", ratio)
		}
		if int(st.BytesPulled) != w.pulled {
			t.Errorf("pulled: counted %d, sent %d", st.BytesPulled, w.pulled)
		}
		if st.Blobs != 1 || st.Primary != 10 || st.Secondary != 10 || len(told) != 20 || len(st.Liars) != 0 || st.Failures != 0 {
			t.Errorf("got %+v, told of %d", st, len(told))
		}
		if w.writes != 1 {
			t.Errorf("got %d batches written, want 1", w.writes)
		}
		// Once more, nothing is lost, so nothing is asked.
		before := w.requests
		mend(t, r, w)
		if w.requests != before {
			t.Errorf("got %d requests for a whole blob", w.requests-before)
		}
	})
}

// A node that lacks one axis pulls that one only, and what its own slivers of the
// other give it does not pull.
func TestOneAxis(t *testing.T) {
	for _, a := range []shard.Axis{shard.Primary, shard.Secondary} {
		t.Run(a.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, 100, 10, 100_000)
				w.lose(a)
				r, stop := running(t, w, nil)
				defer stop()
				mend(t, r, w)
				if want := 10 * (w.p.SourceSymbols(a) - 10); w.raw != want {
					t.Errorf("got %d symbols pulled, want %d", w.raw, want)
				}
				if st := r.Stats(); st.Primary+st.Secondary != 10 {
					t.Errorf("got %+v", st)
				}
			})
		})
	}
}

// A blob with little memory allowed is repaired in small pieces.
func TestSmallBudget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 10, 5, 5000)
		w.lose(shard.Primary, shard.Secondary)
		r, stop := running(t, w, func(c *repair.Config) { c.MaxBytesInFlight = 1 })
		defer stop()
		mend(t, r, w)
	})
}

// Members that lie are named, and the repair succeeds without them.
func TestLiars(t *testing.T) {
	for name, tc := range map[string]struct {
		how   behavior
		liars []int
	}{
		"one garbled": {garbled, []int{4}},
		"one forger":  {forger, []int{4}},
		// 33 of 100 shards: as many as may be faulty.
		"f shards garbled": {garbled, []int{1, 2, 3}},
		"f shards forged":  {forger, []int{1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, 100, 9, 20_000) // members 1 … 3 hold 33 shards
				w.lose(shard.Primary, shard.Secondary)
				w.set(tc.how, tc.liars...)
				r, stop := running(t, w, nil)
				defer stop()
				mend(t, r, w)
				var want []committee.NodeID
				for _, i := range tc.liars {
					want = append(want, w.c.Members()[i].ID)
				}
				if got := r.Stats().Liars; !slices.Equal(got, want) {
					t.Errorf("liars: got %v, want %v", got, want)
				}
				// A second repair asks them last.
				w.lose(shard.Secondary)
				before := w.pulled
				mend(t, r, w)
				if pulled, need := w.pulled-before, 12*34*shardSize(t, w); pulled > need {
					t.Errorf("got %d bytes pulled, want at most %d", pulled, need)
				}
			})
		})
	}
}

func shardSize(t *testing.T, w *world) int {
	t.Helper()
	size, err := w.p.SymbolSize(w.md.Size)
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// Members that never answer, fail or have nothing are replaced.
func TestDeadMembers(t *testing.T) {
	for name, how := range map[string]behavior{"silent": silent, "failing": failing, "empty": empty} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, 100, 9, 20_000)
				w.lose(shard.Primary, shard.Secondary)
				w.set(how, 1, 4, 7)
				r, stop := running(t, w, nil)
				defer stop()
				started := time.Now()
				mend(t, r, w)
				if took := time.Since(started); took > time.Minute {
					t.Errorf("took %v", took)
				}
				if st := r.Stats(); len(st.Liars) != 0 {
					t.Errorf("liars: %v", st.Liars)
				}
			})
		})
	}
}

// Too few sources now, and enough later: what was restored before is kept, and
// nothing is pulled in vain while it is known to be so.
func TestLater(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 100, 10, 20_000)
		w.lose(shard.Primary, shard.Secondary)
		// Five members answer: 50 shards give the secondary slivers, which need 34
		// symbols, and not the primary ones, which need 67 and have 10 here.
		w.set(failing, 1, 2, 3, 4)
		r, stop := running(t, w, nil)
		defer stop()
		r.Enqueue(w.id)
		settle()
		if st := r.Stats(); st.Secondary != 10 || st.Primary != 0 || st.Waiting != 1 || r.Idle() {
			t.Fatalf("got %+v", st)
		}
		raw := w.raw
		w.set(honest, 1, 2, 3, 4)
		if err := r.WaitIdle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.whole(); err != nil {
			t.Fatal(err)
		}
		if want := 10 * (67 - 10); w.raw-raw != want {
			t.Errorf("got %d symbols pulled at the second attempt, want %d", w.raw-raw, want)
		}
		if st := r.Stats(); st.Failures != 1 || st.Blobs != 1 {
			t.Errorf("got %+v", st)
		}
	})
}

// Every target of an inconsistent blob that does not match ends in a proof that
// anyone can check, and nobody is called a liar for it.
func TestInconsistentBlob(t *testing.T) {
	for _, a := range []shard.Axis{shard.Primary, shard.Secondary} {
		t.Run(a.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := shardtest.MustParams(10)
				md, pairs, err := shardtest.ReplaceSliver(p, shardtest.Blob("wrong", 3000), a, 2)
				if err != nil {
					t.Fatal(err)
				}
				// The wrong sliver is one of the first member's own.
				w := worldOf(t, p, 5, md, pairs)
				for w.c.HolderOfPair(w.id, p.PairOfSliver(a, 2)).ID != w.self().ID {
					ms := slices.Clone(w.c.Members())
					for i := range ms {
						ms[i].Shards = slices.Clone(w.c.Members()[(i+1)%len(ms)].Shards)
					}
					if w.c, err = committee.New(1, 10, ms); err != nil {
						t.Fatal(err)
					}
				}
				w.lose(shard.Primary, shard.Secondary)
				w.slivers = map[key]shard.Sliver{}
				proofs := 0
				r, stop := running(t, w, func(c *repair.Config) {
					c.OnInconsistent = func(id shard.BlobID, md *shard.Metadata, proof *shard.InconsistencyProof) {
						proofs++
						if id != w.id {
							t.Errorf("blob: got %v", id)
						}
						if err := proof.Verify(p, md); err != nil {
							t.Errorf("proof: %v", err)
						}
					}
				})
				defer stop()
				r.Enqueue(w.id)
				if err := r.WaitIdle(t.Context()); err != nil {
					t.Fatal(err)
				}
				if st := r.Stats(); proofs != 1 || st.Inconsistent != 1 || len(st.Liars) != 0 || st.Blobs != 0 {
					t.Errorf("got %d proofs, %+v", proofs, st)
				}
			})
		})
	}
}

// Ending ctx in the middle of everything ends Run; the bubble proves that nothing is left.
func TestCancel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 10, 5, 1000)
		w.lose(shard.Primary, shard.Secondary)
		w.set(silent, 1, 2, 3, 4)
		r, stop := running(t, w, nil)
		r.Enqueue(w.id)
		settle()
		if st := r.Stats(); st.Active != 1 || st.Oldest.IsZero() {
			t.Errorf("got %+v", st)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.WaitIdle(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("WaitIdle: got %v", err)
		}
		stop()
	})
}

// A blob certified just now is left to the live upload for a while.
func TestGrace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 10, 5, 1000)
		w.lose(shard.Primary, shard.Secondary)
		r, stop := running(t, w, func(c *repair.Config) { c.Grace = 30 * time.Second })
		defer stop()
		started := time.Now()
		r.Certified(w.id)
		r.Certified(w.id)
		if err := r.WaitIdle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(started); took < 30*time.Second || took > 31*time.Second {
			t.Errorf("repaired after %v, want 30s", took)
		}
		if err := w.whole(); err != nil {
			t.Error(err)
		}
		// Enqueue does not wait, even for one that does.
		w.lose(shard.Secondary)
		started = time.Now()
		r.Certified(w.id)
		r.Enqueue(w.id)
		if err := r.WaitIdle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(started); took > time.Second {
			t.Errorf("repaired after %v, want at once", took)
		}
	})
}

// Blobs that are not wanted, and a node that is no member, need nothing.
func TestNothingToDo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 10, 5, 1000)
		w.lose(shard.Primary, shard.Secondary)
		w.wanted = map[shard.BlobID]bool{}
		r, stop := running(t, w, nil)
		r.Enqueue(w.id)
		if err := r.WaitIdle(t.Context()); err != nil || w.requests != 0 {
			t.Errorf("not wanted: got %v, %d requests", err, w.requests)
		}
		stop()
		w.wanted[w.id] = true
		r, stop = running(t, w, func(c *repair.Config) { c.Self = committee.NodeID{9, 9} })
		r.Enqueue(w.id)
		if err := r.WaitIdle(t.Context()); err != nil || w.requests != 0 {
			t.Errorf("no member: got %v, %d requests", err, w.requests)
		}
		stop()
	})
}

// A queue that overflows is made up for by a scan of the ledger.
func TestOverflow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 10, 5, 1000)
		w.lose(shard.Primary, shard.Secondary)
		cfg := repair.Config{Self: w.self().ID, Peers: peers{w}, Store: store{w}, Ledger: w, MaxQueue: 2, Concurrency: 1}
		r, err := repair.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			var id shard.BlobID
			binary.BigEndian.PutUint32(id[:], uint32(i))
			r.Enqueue(id)
		}
		r.Enqueue(w.id)
		if st := r.Stats(); st.Waiting != 2 || st.Dropped != 2 {
			t.Fatalf("got %+v", st)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		settle()
		if err := w.whole(); err != nil {
			t.Error(err)
		}
		cancel()
		<-done
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	if _, err := repair.New(repair.Config{}); !errors.Is(err, repair.ErrConfig) {
		t.Errorf("got %v, want ErrConfig", err)
	}
}
