package repair_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
)

const announceShards = 1000

func announcement() repair.Announcement {
	return repair.Announcement{Epoch: 7, Seq: 9, Entries: []repair.Entry{
		{Blob: shard.BlobID{1}, Kind: repair.Stored, Pairs: []shard.PairIndex{0, 1, 2, 500, 998, 999}},
		{Blob: shard.BlobID{2}, Kind: repair.Lost, Pairs: []shard.PairIndex{3}},
	}}
}

func TestAnnouncementForm(t *testing.T) {
	t.Parallel()
	a := announcement()
	got, err := a.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(
		[]byte{7, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 2},
		append([]byte{1}, make([]byte, 31)...), []byte{0, 3, 0, 2, 0xf0, 0x03, 0, 0xf0, 0x03, 1},
		append([]byte{2}, make([]byte, 31)...), []byte{1, 1, 3, 0},
	)
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	back, err := repair.ParseAnnouncement(got, announceShards)
	if err != nil || !reflect.DeepEqual(back, a) {
		t.Errorf("got %+v, %v", back, err)
	}
	for name, corrupt := range map[string]func([]byte) []byte{
		"cut":              func(b []byte) []byte { return b[:len(b)-1] },
		"longer":           func(b []byte) []byte { return append(b, 0) },
		"kind":             func(b []byte) []byte { b[13+32] = 2; return b },
		"no pairs":         func(b []byte) []byte { b[13+33] = 0; return b },
		"pair too high":    func(b []byte) []byte { b[len(b)-2] = 0xff; return append(b[:len(b)-1], 0x07, 0) },
		"too many entries": func(b []byte) []byte { b[12] = 0x7f; return b },
		"too long":         func([]byte) []byte { return make([]byte, repair.MaxAnnouncement+1) },
	} {
		if _, err := repair.ParseAnnouncement(corrupt(slices.Clone(got)), announceShards); !errors.Is(err, repair.ErrAnnouncement) {
			t.Errorf("%s: got %v, want ErrAnnouncement", name, err)
		}
	}
	for name, pairs := range map[string][]shard.PairIndex{"none": nil, "twice": {1, 1}, "descending": {2, 1}} {
		bad := repair.Announcement{Entries: []repair.Entry{{Pairs: pairs}}}
		if _, err := bad.AppendBinary(nil); !errors.Is(err, repair.ErrAnnouncement) {
			t.Errorf("pairs %s: got %v, want ErrAnnouncement", name, err)
		}
	}
	big := repair.Announcement{Entries: make([]repair.Entry, 200)}
	for i := range big.Entries {
		big.Entries[i].Pairs = []shard.PairIndex{1}
	}
	if _, err := big.AppendBinary(nil); !errors.Is(err, repair.ErrAnnouncement) {
		t.Errorf("too long: got %v, want ErrAnnouncement", err)
	}
}

func FuzzAnnouncement(f *testing.F) {
	a := announcement()
	seed, err := a.AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		b := slices.Clone(seed)
		b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := repair.ParseAnnouncement(b, announceShards)
		if err != nil {
			return
		}
		again, err := a.AppendBinary(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x decodes to %+v, which encodes to %x (%v)", b, a, again, err)
		}
	})
}

func TestAvailability(t *testing.T) {
	t.Parallel()
	c, err := committee.New(1, 100, members(100, 10))
	if err != nil {
		t.Fatal(err)
	}
	v := repair.NewAvailability(2)
	id := shard.BlobID{31: 1} // pair i is on shard i+1
	from := c.Members()[3].ID
	mine, other := c.Params().PairOf(id, c.Members()[3].Shards[0]), c.Params().PairOf(id, c.Members()[4].Shards[0])
	say := func(seq uint64, k repair.Kind, blob shard.BlobID, pairs ...shard.PairIndex) error {
		slices.Sort(pairs)
		return v.Apply(c, from, repair.Announcement{Epoch: 1, Seq: seq, Entries: []repair.Entry{{Blob: blob, Kind: k, Pairs: pairs}}})
	}
	if err := say(5, repair.Lost, id, mine, other); err != nil {
		t.Fatal(err)
	}
	if got := v.Belief(id, mine); got != repair.BelievedLost {
		t.Errorf("own pair: got %v", got)
	}
	if got := v.Belief(id, other); got != repair.NothingKnown {
		t.Errorf("pair of another node: got %v, want NothingKnown", got)
	}
	if got := v.Remaining(id, 100); got != 99 {
		t.Errorf("remaining: got %d, want 99", got)
	}
	for _, seq := range []uint64{5, 4} {
		if err := say(seq, repair.Stored, id, mine); !errors.Is(err, repair.ErrOld) {
			t.Errorf("sequence %d: got %v, want ErrOld", seq, err)
		}
	}
	if err := v.Apply(c, committee.NodeID{77}, repair.Announcement{}); !errors.Is(err, repair.ErrNotMember) {
		t.Errorf("got %v, want ErrNotMember", err)
	}
	if err := say(6, repair.Stored, id, mine); err != nil {
		t.Fatal(err)
	}
	if got := v.Belief(id, mine); got != repair.BelievedStored || v.Remaining(id, 100) != 100 {
		t.Errorf("stored again: got %v, %d", got, v.Remaining(id, 100))
	}
	// The map is bounded: of three blobs, the first is forgotten.
	for i := range 2 {
		blob := shard.BlobID{byte(i + 1)}
		if err := say(uint64(7+i), repair.Stored, blob, c.Params().PairOf(blob, c.Members()[3].Shards[0])); err != nil {
			t.Fatal(err)
		}
	}
	if got := v.Belief(id, mine); got != repair.NothingKnown {
		t.Errorf("forgotten blob: got %v", got)
	}
}

// The blob that is closest to being lost is repaired first.
func TestMostUrgentFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 10, 5, 1000)
		w.set(silent, 1, 2, 3, 4)
		w.lose(shard.Primary, shard.Secondary)
		others := []shard.BlobID{{1}, {2}, {3}}
		for _, id := range others {
			w.wanted[id] = true
		}
		var order []shard.BlobID
		r, err := repair.New(repair.Config{
			Self: w.self().ID, Store: store{w}, Ledger: w, Concurrency: 1,
			Peers: recorder{peers{w}, &order},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range others {
			r.Enqueue(id)
		}
		for i, lost := range []int{1, 0, 2} { // pairs believed lost of each
			m := w.c.Members()[1]
			for seq := range lost {
				p := w.p.PairOf(others[i], m.Shards[seq])
				err := r.Observe(m.ID, repair.Announcement{
					Epoch: 1, Seq: uint64(10*i + seq), Entries: []repair.Entry{{Blob: others[i], Kind: repair.Lost, Pairs: []shard.PairIndex{p}}},
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		w.set(failing, 1, 2, 3, 4)
		done := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { done <- r.Run(ctx) }()
		settle()
		cancel()
		<-done
		if want := []shard.BlobID{others[2], others[0], others[1]}; !slices.Equal(order, want) {
			t.Errorf("got %v, want %v", order, want)
		}
	})
}
