package repair_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// ship is how a former holder hands a shard over.
type ship int

const (
	whole      ship = iota
	forging         // sends wrong bytes of the right shape
	gone            // answers with an error at once
	mute            // never answers
	trickling       // sends one sliver and then nothing, again and again
	breaking        // breaks off after ten slivers each time
	hollow          // says that it has nothing
	inventing       // sends blobs that nobody wants, for ever
	ignorant        // has no metadata
	forgetting      // leaves out every third blob
)

// estate is many blobs, the former holders of their shards, and the node that the
// shards move to. It implements Holders, Store and Register.
type estate struct {
	p     shard.Params
	c     *committee.Committee
	ids   []shard.BlobID // ascending
	md    map[shard.BlobID]*shard.Metadata
	pairs map[shard.BlobID][]shard.SliverPair

	// mu guards the fields below.
	mu       sync.Mutex
	ships    map[committee.NodeID]ship
	ended    map[shard.BlobID]bool
	full     error // of PutSlivers
	metadata map[shard.BlobID]*shard.Metadata
	slivers  map[shard.BlobID]map[key]bool
	values   map[string][]byte
	sent     int // bytes of slivers
	asked    int // metadata
	calls    int
	most     int // shards on their way at the same time
	now      int
	stop     func() // called at a note, if set
}

func newEstate(t testing.TB, n, count, blobs int) *estate {
	t.Helper()
	e := &estate{
		p: shardtest.MustParams(n), md: map[shard.BlobID]*shard.Metadata{}, pairs: map[shard.BlobID][]shard.SliverPair{},
		ships: map[committee.NodeID]ship{}, ended: map[shard.BlobID]bool{}, metadata: map[shard.BlobID]*shard.Metadata{},
		slivers: map[shard.BlobID]map[key]bool{}, values: map[string][]byte{},
	}
	var err error
	if e.c, err = committee.New(2, n, members(n, count)); err != nil {
		t.Fatal(err)
	}
	for i := range blobs {
		md, pairs, err := shard.Encode(e.p, shardtest.Blob("estate", 2000+i))
		if err != nil {
			t.Fatal(err)
		}
		e.ids, e.md[md.ID()], e.pairs[md.ID()] = append(e.ids, md.ID()), md, pairs
	}
	slices.SortFunc(e.ids, func(a, b shard.BlobID) int { return bytes.Compare(a[:], b[:]) })
	return e
}

// moves has the first member gain what the others hold, as many shards as that.
func (e *estate) moves(count int) (out []repair.Move) {
	for _, m := range e.c.Members()[1:] {
		for _, s := range m.Shards {
			if len(out) < count {
				out = append(out, repair.Move{Shard: s, From: m})
			}
		}
	}
	return out
}

func (e *estate) migrator(t testing.TB, change func(*repair.MigratorConfig)) *repair.Migrator {
	t.Helper()
	cfg := repair.MigratorConfig{
		Self: e.c.Members()[0].ID, Params: e.p, Holders: holders{e}, Store: e, Ledger: e,
		RetryMin: time.Millisecond, RetryMax: 10 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	m, err := repair.NewMigrator(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (e *estate) sliver(id shard.BlobID, s shard.Index, a shard.Axis) shard.Sliver {
	p := e.pairs[id][e.p.PairOf(id, s)]
	if a == shard.Secondary {
		return p.Secondary
	}
	return p.Primary
}

func (e *estate) SyncShard(ctx context.Context, from committee.Member, at shard.Index, first shard.BlobID) iter.Seq2[repair.Moved, error] {
	return func(yield func(repair.Moved, error) bool) {
		e.mu.Lock()
		how := e.ships[from.ID]
		e.calls++
		e.now++
		e.most = max(e.most, e.now)
		e.mu.Unlock()
		defer func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.now--
		}()
		sent := 0
		send := func(id shard.BlobID, a shard.Axis) bool {
			s := e.sliver(id, at, a)
			if how == forging {
				s.Data = bytes.Repeat([]byte{0xab}, len(s.Data))
			}
			e.mu.Lock()
			e.sent += len(s.Data)
			e.mu.Unlock()
			sent++
			return yield(repair.Moved{Blob: id, Sliver: s}, nil)
		}
		switch how {
		case gone:
			yield(repair.Moved{}, errBroken)
			return
		case mute:
			<-ctx.Done()
			yield(repair.Moved{}, ctx.Err())
			return
		case hollow:
			return
		case inventing:
			for junk := (shard.BlobID{}); ; junk[31]++ {
				if !yield(repair.Moved{Blob: junk, Sliver: shard.Sliver{SymbolSize: 2, Data: make([]byte, 1<<20)}}, nil) {
					return
				}
			}
		case whole, forging, trickling, breaking, ignorant, forgetting:
		}
		for i, id := range e.ids {
			if bytes.Compare(id[:], first[:]) < 0 || how == forgetting && i%3 == 0 {
				continue
			}
			if err := ctx.Err(); err != nil {
				yield(repair.Moved{}, err)
				return
			}
			if !send(id, shard.Primary) {
				return
			}
			if how == trickling {
				<-ctx.Done()
				yield(repair.Moved{}, ctx.Err())
				return
			}
			if !send(id, shard.Secondary) {
				return
			}
			if how == breaking && sent >= 11 {
				yield(repair.Moved{}, errBroken)
				return
			}
		}
	}
}

func (e *estate) Committee() *committee.Committee { return e.c }

func (e *estate) Wanted(id shard.BlobID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.md[id] != nil && !e.ended[id]
}

func (e *estate) Older(context.Context, committee.Epoch) ([]shard.BlobID, error) {
	return slices.DeleteFunc(slices.Clone(e.ids), func(id shard.BlobID) bool { return !e.Wanted(id) }), nil
}

// holders is the estate as Holders.
type holders struct{ *estate }

func (h holders) Metadata(_ context.Context, from committee.Member, id shard.BlobID) (*shard.Metadata, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	switch h.ships[from.ID] {
	case gone, mute, ignorant:
		return nil, repair.ErrAbsent
	case forging:
		forged := *h.md[id]
		forged.Size++
		return &forged, nil
	default:
		return h.md[id], nil
	}
}

func (e *estate) Metadata(id shard.BlobID) (*shard.Metadata, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if md := e.metadata[id]; md != nil {
		return md, nil
	}
	return nil, errBroken
}

func (e *estate) PutMetadata(_ context.Context, id shard.BlobID, md *shard.Metadata) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if md.ID() != id || e.ended[id] {
		return errBroken
	}
	e.metadata[id] = md
	return nil
}

func (e *estate) Holdings(id shard.BlobID, shards []shard.Index) ([]repair.Holding, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]repair.Holding, len(shards))
	for i, s := range shards {
		out[i] = repair.Holding{Shard: s, Primary: e.slivers[id][key{s, shard.Primary}], Secondary: e.slivers[id][key{s, shard.Secondary}]}
	}
	return out, nil
}

func (e *estate) Sliver(shard.BlobID, shard.Index, shard.Axis) (shard.Sliver, error) {
	return shard.Sliver{}, errBroken
}

func (e *estate) PutSlivers(_ context.Context, id shard.BlobID, items []repair.Item) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.full != nil || e.ended[id] {
		return errors.Join(e.full, errBroken)
	}
	if e.slivers[id] == nil {
		e.slivers[id] = map[key]bool{}
	}
	for _, it := range items {
		if want := e.sliver(id, it.Shard, it.Sliver.Axis); !bytes.Equal(it.Sliver.Data, want.Data) {
			return errors.New("a wrong sliver was stored")
		}
		e.slivers[id][key{it.Shard, it.Sliver.Axis}] = true
	}
	return nil
}

func (e *estate) Value(name string) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v, ok := e.values[name]; ok {
		return v, nil
	}
	return nil, errBroken
}

func (e *estate) PutValue(_ context.Context, name string, value []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.values[name] = value
	if e.stop != nil {
		e.stop()
	}
	return nil
}

// size returns the bytes of the slivers of some moves.
func (e *estate) size(moves []repair.Move) (n int) {
	for _, id := range e.ids {
		for _, m := range moves {
			n += len(e.sliver(id, m.Shard, shard.Primary).Data) + len(e.sliver(id, m.Shard, shard.Secondary).Data)
		}
	}
	return n
}

// lacks counts the blobs of which something is missing, over all moves.
func (e *estate) lacks(t testing.TB, m *repair.Migrator, moves []repair.Move) (n int) {
	t.Helper()
	var shards []shard.Index
	for _, mv := range moves {
		shards = append(shards, mv.Shard)
	}
	missing, blobs, err := m.Missing(t.Context(), 2, shards)
	if err != nil || blobs > len(e.ids) {
		t.Fatalf("got %d blobs, %v", blobs, err)
	}
	for _, k := range missing {
		n += k
	}
	return n
}

// Everything that changes hands arrives, several shards at the same time, and
// little more than that.
func TestMigrate(t *testing.T) {
	t.Parallel()
	e := newEstate(t, 13, 5, 300)
	m := e.migrator(t, nil)
	moves := e.moves(7)
	out, err := m.Run(t.Context(), 2, moves)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range out {
		if o.Err != nil || o.Shard != moves[i].Shard {
			t.Errorf("got %+v, want shard %d handed over", o, moves[i].Shard)
		}
	}
	if n := e.lacks(t, m, moves); n != 0 {
		t.Errorf("%d are missing", n)
	}
	size := e.size(moves)
	s := m.Stats()
	if s.Shards != 7 || s.Slivers != 7*2*300 || e.sent != size || e.asked != len(e.ids) {
		t.Errorf("got %+v and %d bytes sent, %d metadata asked for, want %d and %d", s, e.sent, e.asked, size, len(e.ids))
	}
	if s.BytesPulled != s.BytesRestored || s.BytesPulled < uint64(size) {
		t.Errorf("got %+v: more was pulled than stored", s)
	}
	if e.most < 2 {
		t.Error("one shard was moved after the other")
	}
	// All of it is done: nothing is asked for again.
	calls := e.calls
	if _, err := m.Run(t.Context(), 2, moves); err != nil || e.calls != calls {
		t.Errorf("again: got %d more calls, %v, want 0", e.calls-calls, err)
	}
	// Another epoch is another story.
	if _, err := m.Run(t.Context(), 3, moves); err != nil || e.calls != calls+7 {
		t.Errorf("next epoch: got %d more calls, %v, want 7", e.calls-calls, err)
	}
}

// A node that was stopped goes on where it was, to within one blob.
func TestMigrateResumes(t *testing.T) {
	t.Parallel()
	e := newEstate(t, 13, 4, 500)
	moves := e.moves(1)
	ctx, cancel := context.WithCancel(t.Context())
	e.stop = cancel
	if _, err := e.migrator(t, nil).Run(ctx, 2, moves); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want canceled", err)
	}
	e.stop = nil
	m := e.migrator(t, nil)
	before := e.lacks(t, m, moves)
	if before == 0 || before == len(e.ids) {
		t.Fatalf("%d of %d are missing at the stop; the test would show nothing", before, len(e.ids))
	}
	if _, err := m.Run(t.Context(), 2, moves); err != nil || e.lacks(t, m, moves) != 0 {
		t.Errorf("got %v, %d missing", err, e.lacks(t, m, moves))
	}
	if got := int(m.Stats().Slivers); got > 2*before+4 {
		t.Errorf("%d slivers were stored for %d missing blobs", got, before)
	}
	// A note that is damaged is as good as none.
	for name := range e.values {
		e.values[name] = []byte{1, 2, 3}
	}
	if out, err := m.Run(t.Context(), 2, moves); err != nil || out[0].Err != nil {
		t.Errorf("after damage: %+v, %v", out, err)
	}
}

// Whatever a former holder does, the others' shards arrive, nothing wrong is
// stored, and it is given up in bounded time and at bounded cost.
func TestMigrateAdversaries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		how      ship
		given    bool // up
		complete bool
	}{
		{"forging", forging, true, false},
		{"gone", gone, true, false},
		{"mute", mute, true, false},
		{"trickling", trickling, true, false},
		{"inventing", inventing, true, false},
		{"breaking", breaking, false, true},
		{"hollow", hollow, false, false},
		{"ignorant", ignorant, false, true},
		{"forgetting", forgetting, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				e := newEstate(t, 13, 4, 100)
				bad := e.c.Members()[1].ID
				e.ships[bad] = c.how
				m := e.migrator(t, nil)
				moves := e.moves(8)
				out, err := m.Run(t.Context(), 2, moves)
				if err != nil {
					t.Fatal(err)
				}
				for i, o := range out {
					want := c.given && o.From.ID == bad
					if (o.Err != nil) != want {
						t.Errorf("shard %d from %v: got %v, want given up: %v", o.Shard, o.From.Name, o.Err, want)
					}
					complete := e.lacks(t, m, moves[i:i+1]) == 0
					if complete != (c.complete || o.From.ID != bad) {
						t.Errorf("shard %d from %v: complete is %v", o.Shard, o.From.Name, complete)
					}
				}
			})
		})
	}
}

// A blob that ends on the way is left out; a disk that is full is no fault of the
// former holders'.
func TestMigrateOwnFaults(t *testing.T) {
	t.Parallel()
	e := newEstate(t, 13, 4, 50)
	moves := e.moves(3)
	e.ended[e.ids[7]], e.ended[e.ids[8]] = true, true
	m := e.migrator(t, nil)
	if out, err := m.Run(t.Context(), 2, moves); err != nil || out[0].Err != nil || e.slivers[e.ids[7]] != nil || e.lacks(t, m, moves) != 0 {
		t.Errorf("with ended blobs: %v, %+v", err, out)
	}
	e = newEstate(t, 13, 4, 50)
	e.full = errors.New("disk full")
	m = e.migrator(t, nil)
	if _, err := m.Run(t.Context(), 2, moves); !errors.Is(err, e.full) {
		t.Errorf("got %v, want %v", err, e.full)
	}
	if got := m.Stats().Given; got != 0 {
		t.Errorf("%d former holders were given up", got)
	}
	e.full = nil
	if _, err := m.Run(t.Context(), 2, moves); err != nil || e.lacks(t, m, moves) != 0 {
		t.Errorf("with room again: %v", err)
	}
	if _, err := repair.NewMigrator(repair.MigratorConfig{}); !errors.Is(err, repair.ErrConfig) {
		t.Errorf("got %v, want %v", err, repair.ErrConfig)
	}
}

// ahead is the ledger of a world in which another committee runs already.
type ahead struct {
	*world
	running *committee.Committee
}

func (a ahead) Committee() *committee.Committee { return a.running }

// What moves is left alone, and who does not have a shard yet is not asked for it.
func TestMovingShards(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 13, 3, 20_000) // who has what: the fourth member is new
		running4, err := committee.New(2, 13, members(13, 4))
		if err != nil {
			t.Fatal(err)
		}
		w.lose(shard.Primary, shard.Secondary)
		var moving atomic.Bool
		moving.Store(true)
		r, stop := running(t, w, func(c *repair.Config) {
			c.Ledger = ahead{w, running4}
			c.Holders = func() *committee.Committee { return w.c }
			c.Moving = func(s shard.Index) bool { return moving.Load() && s == 4 }
		})
		defer stop()
		for _, want := range []int{6, 8} { // of shards 0, 8 and 12; and then 4
			r.Enqueue(w.id)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := r.WaitIdle(ctx); err != nil {
				t.Fatal(err)
			}
			if len(w.slivers) != want || r.Stats().Failures != 0 {
				t.Errorf("got %d slivers after %d failures, want %d after none", len(w.slivers), r.Stats().Failures, want)
			}
			moving.Store(false)
		}
	})
}
