package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/comet"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// A confirmation says what the ledger says: of how the blob is kept, and in
// which epoch.
func TestConfirmWhatTheLedgerSays(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	b, other := f.blob("deletable", 1000), f.blob("other", 1000)
	p := f.register(b, true, 4)
	ofOther := f.register(other, true, 4)
	f.mustStore(b, p)
	refused := func(what string, b *blob, p committee.Persistence) {
		t.Helper()
		_, err := f.confirm(t.Context(), b.id, p)
		wants(t, what, err, wire.CodeNotRegistered)
	}
	// The attack: have a deletable blob confirmed as a permanent one, delete it,
	// and certify a permanent registration that was never paid for in full.
	refused("permanent, with a deletable registration", b, committee.Persistence{})
	refused("the object of another blob", b, ofOther)
	refused("another object", b, committee.Persistence{Deletable: true, Object: committee.ObjectID{1}})
	f.backend.EndEpoch() // which follow has not seen
	c, err := f.confirm(t.Context(), b.id, p)
	if err != nil {
		t.Fatal(err)
	}
	f.check(b, p, &c)
	if f.Committee().Epoch() != 2 {
		t.Errorf("the committee of epoch %d signs in epoch 2", f.Committee().Epoch())
	}
	f.delete(p.Object)
	refused("deleted", b, p)
	if _, err := f.upload(b, committee.Persistence{Deletable: true, Object: p.Object}, f.own(b)...); err == nil {
		t.Error("a deleted blob is taken")
	}
	permanent := f.register(b, false, 1)
	if c, err := f.confirm(t.Context(), b.id, permanent); err != nil {
		t.Error(err)
	} else {
		f.check(b, permanent, &c)
	}
	f.backend.EndEpoch()
	refused("expired", b, permanent)
}

// pruned is a ledger whose blocks before a height are gone.
type pruned struct {
	ledgerrpc.Backend
	first uint64
}

func (p pruned) Events(ctx context.Context, from uint64) iter.Seq2[ledger.BlockEvents, error] {
	if from < p.first {
		return func(yield func(ledger.BlockEvents, error) bool) {
			yield(ledger.BlockEvents{}, fmt.Errorf("block %d: %w", from, comet.ErrNoBlock))
		}
	}
	return p.Backend.Events(ctx, from)
}

// A node that missed blocks which nobody has any more forgets what ended
// meanwhile, looks for what it lacks, and goes on from the present.
func TestFollowSkips(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	ended, deleted, kept := f.blob("ended", 1000), f.blob("deleted", 1000), f.blob("kept", 1000)
	f.mustStore(ended, f.register(ended, false, 1))
	ofDeleted := f.register(deleted, true, 4)
	f.mustStore(deleted, ofDeleted)
	f.mustStore(kept, f.register(kept, false, 4))
	f.backend.EndEpoch() // unseen
	var last uint64
	if err := f.backend.View(t.Context(), func(_ ledger.Reader, height uint64) error {
		last = height
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	f.chain.ledger = pruned{f.backend, last + 1}
	stop := f.following()
	each := len(f.own(kept))
	eventually(t, "the ended blob to be forgotten", func() bool { return f.slivers() == 2*each })
	eventually(t, "the epoch to be seen", func() bool { return f.Committee().Epoch() == 2 })
	eventually(t, "a scan to be due", func() bool { return len(f.turned) == 1 })
	f.delete(ofDeleted.Object)
	eventually(t, "a later deletion to be seen", func() bool { return f.slivers() == each })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// What has no claim is forgotten, and nothing else, however often it is said.
func TestFollowForgets(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	deleted, expired, twice, kept := f.blob("deleted", 1000), f.blob("expired", 1000), f.blob("twice", 1000), f.blob("kept", 1000)
	ofDeleted := f.register(deleted, true, 4)
	f.mustStore(deleted, ofDeleted)
	f.mustStore(expired, f.register(expired, false, 1))
	first, second := f.register(twice, true, 4), f.register(twice, true, 4)
	f.mustStore(twice, first)
	f.mustStore(kept, f.register(kept, false, 4))
	stop := f.following()
	f.delete(ofDeleted.Object)
	f.delete(first.Object)
	f.backend.EndEpoch()
	each := len(f.own(kept))
	eventually(t, "two blobs to be forgotten", func() bool { return f.slivers() == 2*each })
	eventually(t, "the epoch to be seen", func() bool { return f.Committee().Epoch() == 2 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if !f.forgotten.Load() || len(f.turned) != 1 {
		t.Errorf("forgotten %v, turned %d: the others do not learn of it", f.forgotten.Load(), len(f.turned))
	}
	// All of it again, as after a crash before the first record of the height.
	if err := f.store.PutValue(t.Context(), cursorName, make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	stop = f.following()
	f.delete(second.Object)
	eventually(t, "the third to be forgotten", func() bool { return f.slivers() == each })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.handler.Confirm(t.Context(), p2p.PeerID{}, kept.id, committee.Persistence{}); err != nil {
		t.Errorf("what is left: %v", err)
	}
}

// A blob that is known to be invalid is forgotten though it has not ended, and
// nobody confirms to hold it.
func TestFollowInvalid(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	bad, kept := f.blob("bad", 1000), f.blob("kept", 1000)
	f.mustStore(bad, f.register(bad, false, 4))
	f.mustStore(kept, f.register(kept, false, 4))
	stop := f.following()
	f.invalidate(bad.id)
	eventually(t, "the blob to be forgotten", func() bool { return f.slivers() == len(f.own(kept)) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.upload(bad, committee.Persistence{}, f.own(bad)...); !errors.Is(err, errNotRegistered) {
		t.Errorf("uploaded again: got %v, want errNotRegistered", err)
	}
}

func TestFollowResumes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	from := func() uint64 {
		t.Helper()
		height, err := f.cursor()
		if err != nil {
			t.Fatal(err)
		}
		return height
	}
	if got := from(); got != 1 {
		t.Errorf("a new node begins at %d", got)
	}
	b := f.blob("resumes", 1000)
	f.register(b, false, 1)
	registered := f.backend.Height() - 1 // the last one is empty
	stop := f.following()
	eventually(t, "the cursor", func() bool { return from() == registered+1 })
	f.backend.Commit() // without events: not recorded
	if err := errors.Join(stop(), f.follow(ended(t))); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := from(); got != registered+1 {
		t.Errorf("goes on at %d, want %d", got, registered+1)
	}
	for _, bad := range [][]byte{{}, {1, 2, 3}, make([]byte, 9)} {
		if err := f.store.PutValue(t.Context(), cursorName, bad); err != nil {
			t.Fatal(err)
		}
		if err := f.follow(t.Context()); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("cursor %x: got %v", bad, err)
		}
	}
}

func ended(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// A halted chain ends follow with its reason; so does an event that nobody knows.
func TestFollowEnds(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	broken := errors.New("broken")
	stop := f.following()
	f.backend.Halt(broken)
	eventually(t, "follow to end", func() bool { return f.follow(t.Context()) != nil })
	if err := f.follow(t.Context()); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	_ = stop()
	for _, ev := range []ledger.Event{{Kind: "unknown"}, {Kind: "blob_deleted", Body: []byte{1}}} {
		if err := f.react(t.Context(), ev); !errors.Is(err, ledger.ErrEvent) {
			t.Errorf("%s: got %v", ev.Kind, err)
		}
	}
}

// A new certificate has the blob looked at after the grace, an extension not.
func TestFollowCertified(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	e := ledger.BlobCertified{BlobID: shard.BlobID{1}, Extension: true}
	if err := f.react(t.Context(), event(t, e)); err != nil || f.repairer.Stats().Waiting != 0 {
		t.Errorf("an extension: %v, %+v", err, f.repairer.Stats())
	}
	e.Extension = false
	if err := f.react(t.Context(), event(t, e)); err != nil || f.repairer.Stats().Waiting != 1 {
		t.Errorf("a new one: %v, %+v", err, f.repairer.Stats())
	}
}

func event(t *testing.T, e ledger.BlobCertified) ledger.Event {
	t.Helper()
	le := binary.LittleEndian
	b := le.AppendUint32(nil, uint32(e.Epoch))
	b = append(b, e.BlobID[:]...)
	b = le.AppendUint32(b, uint32(e.End))
	b = append(append(append(b, 0), e.Object[:]...), 0)
	if e.Extension {
		b[len(b)-1] = 1
	}
	b = append(append(b, e.Owner[:]...), e.Pool[:]...)
	ev := ledger.Event{Kind: "blob_certified", Body: b}
	if v, err := ev.Parse(); err != nil || v != e {
		t.Fatal(v, err)
	}
	return ev
}

// Uploads, confirmations and deletions of one blob at the same time: whatever
// the order, a confirmation is given only while a claim lives, and in the end
// nothing is left on the disk.
func TestForgetRaces(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	b := f.blob("raced", 20_000)
	stop := f.following()
	for range 8 {
		p := f.register(b, true, 4)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for {
					h := exchange.UploadHeader{Blob: b.id, Persistence: p, Size: b.md.Size, Confirm: true}
					ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
					_, err := f.handler.Upload(ctx, p2p.PeerID{}, h, b.md, sequence(f.own(b), nil))
					cancel()
					if err != nil { // deleted, sooner or later
						return
					}
				}
			})
		}
		wg.Go(func() {
			for {
				c, err := f.confirm(t.Context(), b.id, p)
				if err != nil && wire.Answer(err).Code == wire.CodeNotRegistered {
					return
				}
				if err == nil && len(c.Message) == 0 {
					t.Error("an empty confirmation")
				}
			}
		})
		f.delete(p.Object)
		wg.Wait()
		eventually(t, "the blob to be forgotten", func() bool {
			has, err := f.store.HasMetadata(b.id)
			return err == nil && !has && f.slivers() == 0
		})
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// What ended while it was repaired is not put on the shelf.
func TestRepairOfTheUnwanted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	b := f.blob("unwanted", 1000)
	s := shelf{f.store, f.Node}
	if err := s.PutMetadata(t.Context(), b.id, b.md); !errors.Is(err, errUnwanted) {
		t.Errorf("metadata: got %v", err)
	}
	if err := s.PutSlivers(t.Context(), b.id, []repair.Item{{Shard: 0, Sliver: b.pairs[0].Primary}}); !errors.Is(err, errUnwanted) {
		t.Errorf("slivers: got %v", err)
	}
	if has, err := f.store.HasMetadata(b.id); has || err != nil || f.slivers() != 0 {
		t.Error("something is on the disk", err)
	}
}

// maintain reclaims only when something was forgotten.
func TestMaintain(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	f.cfg.ReclaimInterval = time.Millisecond
	b := f.blob("maintained", 300_000)
	p := f.register(b, true, 4)
	f.mustStore(b, p)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- f.maintain(ctx) }()
	f.delete(p.Object)
	if err := f.forget(t.Context(), b.id); err != nil {
		t.Fatal(err)
	}
	eventually(t, "room to be reclaimed", func() bool { return !f.forgotten.Load() })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := f.warm(t.Context()); err != nil {
		t.Error(err)
	}
}

// Only members are heard, and only what can be read.
func TestGossip(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	var other committee.Member
	for _, m := range f.Committee().Members() {
		if m.ID != f.id {
			other = m
		}
	}
	a := repair.Announcement{Epoch: 1, Seq: 7, Entries: []repair.Entry{{Blob: shard.BlobID{1}, Pairs: []shard.PairIndex{2}}}}
	data, err := a.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		from p2p.PeerID
		data []byte
		want p2p.Verdict
	}{
		"a member's":         {other.NetworkKey, data, p2p.Accept},
		"a stranger's":       {p2p.PeerID{1}, data, p2p.Ignore},
		"malformed":          {other.NetworkKey, data[:len(data)-1], p2p.Reject},
		"empty":              {other.NetworkKey, nil, p2p.Reject},
		"stranger's garbage": {p2p.PeerID{1}, nil, p2p.Ignore},
	} {
		if got := f.gossip.validate(tt.from, tt.data); got != tt.want {
			t.Errorf("%s: verdict %v, want %v", name, got, tt.want)
		}
		if err := f.gossip.hear(tt.from, tt.data); (err == nil) != (tt.want == p2p.Accept) {
			t.Errorf("%s: heard with %v", name, err)
		}
	}
	if err := f.gossip.hear(other.NetworkKey, data); !errors.Is(err, repair.ErrOld) {
		t.Errorf("the same again: got %v", err)
	}
}

// What is stored is announced once it is whole, in announcements that fit.
func TestAnnouncements(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	half := f.blob("half", 1000)
	p := f.register(half, false, 1)
	if _, err := f.upload(half, p, f.own(half)[0]); err == nil {
		t.Fatal("confirmed")
	}
	f.gossip.stored(half.id, []shard.PairIndex{f.params.PairOf(half.id, f.shards()[0])})
	if len(f.gossip.waiting) != 0 {
		t.Errorf("half a pair is announced: %+v", f.gossip.waiting)
	}
	whole := f.blob("whole", 1000)
	f.mustStore(whole, f.register(whole, false, 1))
	if len(f.gossip.waiting) != 1 || len(f.gossip.waiting[0].Pairs) != len(f.shards()) || !slices.IsSorted(f.gossip.waiting[0].Pairs) {
		t.Fatalf("waiting %+v", f.gossip.waiting)
	}
	f.gossip.restored(whole.id, []repair.Restored{{Shard: f.shards()[0], Axis: shard.Primary}})
	if len(f.gossip.waiting) != 2 || len(f.gossip.waiting[1].Pairs) != 1 {
		t.Errorf("waiting %+v", f.gossip.waiting)
	}
	// Scattered pairs take room.
	var waiting []repair.Entry
	for i := range 3 * entriesAtOnce {
		e := repair.Entry{Blob: shard.BlobID{byte(i)}, Kind: repair.Stored}
		for j := range 100 {
			e.Pairs = append(e.Pairs, shard.PairIndex(2*j))
		}
		waiting = append(waiting, e)
	}
	var last uint64
	for sent := 0; sent < len(waiting); {
		b, n, err := f.gossip.next(waiting[sent:])
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		a, err := repair.ParseAnnouncement(b, 300)
		if err != nil || len(a.Entries) != n || a.Seq <= last || a.Epoch != 1 {
			t.Fatalf("announcement %d of %d entries, want %d: %v", a.Seq, len(a.Entries), n, err)
		}
		last = a.Seq
		sent += n
	}
}

// An upload is confirmed neither before nor after the time of its claim, even
// when the wait for the registration ends in a bubble's future.
func TestAwaitClaimEndsWithContext(t *testing.T) { //nolint:paralleltest // a bubble
	synctest.Test(t, func(t *testing.T) {
		f := &Node{chain: &chain{ledger: newBackend(t)}}
		ctx, cancel := context.WithTimeout(t.Context(), registrationWait/2)
		defer cancel()
		if err := f.awaitClaim(ctx, shard.BlobID{1}, committee.Persistence{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
