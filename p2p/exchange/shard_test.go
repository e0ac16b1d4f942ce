package exchange

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

// SyncShard is Handler. It yields what is there in the order that the interface asks for.
func (m *memory) SyncShard(ctx context.Context, from p2p.PeerID, at shard.Index, first shard.BlobID) iter.Seq2[ShardSliver, error] {
	return func(yield func(ShardSliver, error) bool) {
		if m.onShard != nil {
			if err := m.onShard(ctx, from); err != nil {
				yield(ShardSliver{}, err)
				return
			}
		}
		m.mu.Lock()
		var blobs []shard.BlobID
		for id := range m.slivers {
			if bytes.Compare(id[:], first[:]) >= 0 {
				blobs = append(blobs, id)
			}
		}
		m.mu.Unlock()
		slices.SortFunc(blobs, func(a, b shard.BlobID) int { return bytes.Compare(a[:], b[:]) })
		for _, id := range blobs {
			for _, a := range []shard.Axis{shard.Primary, shard.Secondary} {
				m.mu.Lock()
				s, ok := m.slivers[id][SliverID{Axis: a, Index: m.params.SliverOf(a, m.params.PairOf(id, at))}]
				m.mu.Unlock()
				if ok && !yield(ShardSliver{Blob: id, Sliver: s}, nil) {
					return
				}
			}
		}
	}
}

// fill puts blobs into the handler and returns their IDs in order.
func (f *fixture) fill(t *testing.T, count, size int) []shard.BlobID {
	t.Helper()
	var ids []shard.BlobID
	for i := range count {
		md, pairs, err := shard.Encode(f.params, bytes.Repeat([]byte{byte(i)}, size+i))
		if err != nil {
			t.Fatal(err)
		}
		held := map[SliverID]shard.Sliver{}
		for _, p := range pairs {
			held[SliverID{Axis: shard.Primary, Index: p.Primary.Index}] = p.Primary
			held[SliverID{Axis: shard.Secondary, Index: p.Secondary.Index}] = p.Secondary
		}
		f.handler.slivers[md.ID()], f.handler.metadata[md.ID()] = held, md
		ids = append(ids, md.ID())
	}
	slices.SortFunc(ids, func(a, b shard.BlobID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

// collect reads a shard to its end.
func (f *fixture) collect(t *testing.T, at shard.Index, from shard.BlobID) (got []ShardSliver, err error) {
	t.Helper()
	for s, fault := range f.client.SyncShard(t.Context(), f.to, at, from) {
		if fault != nil {
			return got, fault
		}
		if err := shard.VerifySliver(f.params, f.handler.metadata[s.Blob], &s.Sliver); err != nil {
			t.Errorf("shard %d of blob %v: %v", at, s.Blob, err)
		}
		got = append(got, s)
	}
	return got, nil
}

func TestSyncShard(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", nil)
	ids := f.fill(t, 20, 3000)
	before := f.hosts[1].Traffic()[wire.ShardProtocol].Received
	size := 0
	got, err := f.collect(t, 7, shard.BlobID{})
	if err != nil || len(got) != 40 {
		t.Fatalf("got %d slivers, %v, want 40", len(got), err)
	}
	for i, s := range got {
		if s.Blob != ids[i/2] || s.Sliver.Axis != shard.Axis(i%2) {
			t.Errorf("%d: got %v sliver of %v, want of %v", i, s.Sliver.Axis, s.Blob, ids[i/2])
		}
		size += len(s.Sliver.Data)
	}
	if moved := f.hosts[1].Traffic()[wire.ShardProtocol].Received - before; int(moved) > size+41*45 {
		t.Errorf("%d bytes were received for %d bytes of slivers", moved, size)
	}
	// Resumed, and at an ID that is no blob.
	middle := ids[11]
	if got, err = f.collect(t, 7, middle); err != nil || len(got) != 18 || got[0].Blob != middle {
		t.Errorf("from the twelfth: got %d slivers, %v, want 18", len(got), err)
	}
	middle[31]++
	if got, err = f.collect(t, 7, middle); err != nil || len(got) != 16 {
		t.Errorf("after the twelfth: got %d slivers, %v, want 16", len(got), err)
	}
	if got, err = f.collect(t, 10, shard.BlobID{}); wire.CodeOf(err) != wire.CodeInvalid {
		t.Errorf("a shard too many: got %d, %v, want invalid", len(got), err)
	}
	// A consumer may stop; nothing is left at work.
	for range f.client.SyncShard(t.Context(), f.to, 7, shard.BlobID{}) {
		break
	}
	until(t, "all calls are over", f.server.idle)
}

// Who may ask and when is the handler's to say; its inner text stays inside.
func TestSyncShardRefused(t *testing.T) {
	t.Parallel()
	refusal := error(wire.Errorf(wire.CodeWrongShard, "not a member"))
	f := setup(t, 2, "", func(m *memory, _ *ServerConfig) {
		m.onShard = func(context.Context, p2p.PeerID) error { return refusal }
	})
	if _, err := f.collect(t, 1, shard.BlobID{}); wire.CodeOf(err) != wire.CodeWrongShard {
		t.Errorf("got %v, want wrong shard", err)
	}
	refusal = errors.New("secret")
	if _, err := f.collect(t, 1, shard.BlobID{}); wire.CodeOf(err) != wire.CodeInternal {
		t.Errorf("got %v, want internal", err)
	}
}

// A flood of calls of one peer finds the limit, and what is over the budget of bytes is put off.
func TestSyncShardFlood(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := setup(t, 3, "", func(m *memory, cfg *ServerConfig) {
		cfg.PullsPerPeer = 4
		m.onShard = func(ctx context.Context, _ p2p.PeerID) error {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return ctx.Err()
		}
	})
	f.fill(t, 5, 3000)
	results := make(chan error)
	for range 12 {
		go func() {
			var err error
			for _, err = range f.client.SyncShard(t.Context(), f.to, 1, shard.BlobID{}) {
			}
			results <- err
		}()
	}
	for range 8 {
		if _, busy := wire.IsBusy(<-results); !busy {
			t.Error("a call above the limit was not put off")
		}
	}
	other := NewClient(f.hosts[2], f.params)
	if _, err := other.Status(t.Context(), f.to, []shard.BlobID{f.blob}); err != nil {
		t.Errorf("another peer meanwhile: %v", err)
	}
	close(release)
	for range 4 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	until(t, "all calls are over", f.server.idle)
}

// Whatever a peer sends, the walk goes forward, takes no more than it should, and ends.
func TestLyingHolder(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", nil)
	ok := frame(&wire.Error{})
	id := func(b byte) shard.BlobID { return shard.BlobID{b} }
	entry := func(b byte, a shard.Axis, size int) []byte {
		e := frame(&wire.Entry{Kind: wire.EntrySliver, Blob: id(b), Axis: a, SymbolSize: uint16(size)})
		return append(e, make([]byte, f.params.SliverSize(a, size))...)
	}
	stop := frame(&wire.Entry{Kind: wire.EntryEnd})
	pause := func(b byte, d time.Duration) []byte {
		return frame(&wire.Entry{Kind: wire.EntryBreak, Blob: id(b), Pause: d})
	}
	for _, c := range []struct {
		name  string
		parts [][]byte
		got   int
		code  wire.Code
	}{
		{"good", [][]byte{ok, entry(5, shard.Primary, 2), entry(5, shard.Secondary, 2), entry(9, shard.Secondary, 4), stop}, 3, wire.CodeOK},
		{"before the first", [][]byte{ok, entry(4, shard.Primary, 2), stop}, 0, wire.CodeInvalid},
		{"backwards", [][]byte{ok, entry(7, shard.Primary, 2), entry(6, shard.Primary, 2), stop}, 1, wire.CodeInvalid},
		{"twice", [][]byte{ok, entry(7, shard.Primary, 2), entry(7, shard.Primary, 2), stop}, 1, wire.CodeInvalid},
		{"axes exchanged", [][]byte{ok, entry(7, shard.Secondary, 2), entry(7, shard.Primary, 2), stop}, 1, wire.CodeInvalid},
		{"odd symbols", [][]byte{ok, entry(7, shard.Primary, 3), stop}, 0, wire.CodeInvalid},
		{"no symbols", [][]byte{ok, entry(7, shard.Primary, 0), stop}, 0, wire.CodeInvalid},
		{"break in place", [][]byte{ok, pause(5, 0)}, 0, wire.CodeInvalid},
		{"break backwards", [][]byte{ok, entry(9, shard.Primary, 2), pause(7, time.Hour)}, 1, wire.CodeInvalid},
		{"put off for ever", [][]byte{ok, pause(5, time.Millisecond)}, 0, wire.CodeBusy},
		{"unknown entry", [][]byte{ok, {1, 0, 0, 0, 3}}, 0, wire.CodeInvalid},
		{"huge entry", [][]byte{ok, {0xff, 0xff, 0xff, 0x7f}}, 0, wire.CodeInvalid},
		{"cut off", [][]byte{ok, entry(7, shard.Primary, 2)}, 1, wire.CodeUnavailable},
		{"cut off within", [][]byte{ok, entry(7, shard.Primary, 60000)[:100]}, 0, wire.CodeUnavailable},
	} {
		f.hosts[0].Handle(wire.ShardProtocol, liar(slices.Concat(c.parts...)))
		var got []ShardSliver
		var err error
		for s, fault := range f.client.SyncShard(t.Context(), f.to, 3, id(5)) {
			if err = fault; err == nil {
				got = append(got, s)
			}
		}
		if len(got) != c.got || wire.CodeOf(err) != c.code {
			t.Errorf("%s: got %d slivers, %v, want %d, %v", c.name, len(got), err, c.got, c.code)
		}
	}
}

// A peer that reads one byte now and then does not keep a slot, and one that sends one does not hold us.
func TestSyncShardSlowDrip(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", func(_ *memory, cfg *ServerConfig) { cfg.Patience, cfg.Rate = 30*time.Millisecond, 64<<20 })
	f.fill(t, 24, 1_800_000) // more than the buffers between the two hold
	s, err := f.hosts[1].Open(t.Context(), f.to, wire.ShardProtocol)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(frame(&wire.SyncShard{Shard: 1})); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for one := make([]byte, 1); err == nil; {
		<-tick.C
		_, err = s.Read(one)
	}
	if !errors.Is(err, p2p.ErrReset) {
		t.Errorf("got %v, want %v", err, p2p.ErrReset)
	}
	s.Close()
	until(t, "the slot is given back", f.server.idle)

	f.client.pace = pace{30 * time.Millisecond, 1 << 20}
	f.hosts[0].Handle(wire.ShardProtocol, func(_ context.Context, _ p2p.PeerID, s *p2p.Stream) {
		_, _ = s.Write(append(frame(&wire.Error{}), frame(&wire.Entry{Blob: shard.BlobID{1}, SymbolSize: 2000})...))
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for err := error(nil); err == nil; {
			<-tick.C
			_, err = s.Write([]byte{0})
		}
	})
	for _, err := range f.client.SyncShard(t.Context(), f.to, 1, shard.BlobID{}) {
		if wire.CodeOf(err) != wire.CodeUnavailable {
			t.Errorf("got %v, want unavailable", err)
		}
	}
}
