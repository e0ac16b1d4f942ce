package node

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// A blob that the ledger does not know is refused, after the time that a
// registration may take to get here.
func TestUploadUnregistered(t *testing.T) { //nolint:paralleltest // a bubble
	synctest.Test(t, func(t *testing.T) {
		backend := rpctest.New(t, rpctest.Genesis(testShards))
		n := handler{&Node{chain: &chain{ledger: backend}}}
		_, err := n.Upload(t.Context(), p2p.PeerID{}, exchange.UploadHeader{Blob: shard.BlobID{1}}, nil, nil)
		wants(t, "upload", err, wire.CodeNotRegistered)
		if wire.Answer(err).RetryAfter == 0 {
			t.Error("the writer is not told when to come back")
		}
		_, err = n.Confirm(t.Context(), p2p.PeerID{}, shard.BlobID{1}, committee.Persistence{})
		wants(t, "confirm", err, wire.CodeNotRegistered)
		broken := errors.New("broken")
		backend.Halt(broken)
		if _, err = n.Confirm(t.Context(), p2p.PeerID{}, shard.BlobID{1}, committee.Persistence{}); !errors.Is(err, broken) {
			t.Errorf("halted: got %v", err)
		}
	})
}

// An upload may come before the registration is in a block here.
func TestUploadAwaitsRegistration(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	b := f.blob("early", 1000)
	f.backend.Hold(true)
	done := make(chan error, 1)
	go func() {
		_, err := f.upload(b, committee.Persistence{}, f.own(b)...)
		done <- err
	}()
	registered := make(chan struct{})
	go func() { f.register(b, false, 1); close(registered) }()
	eventually(t, "the registration", func() bool { return f.backend.Waiting() == 1 })
	f.backend.Commit()
	<-registered
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestUpload(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	b := f.blob("upload", 100_000)
	p := f.register(b, false, 2)
	f.mustStore(b, p)
	if f.slivers() != len(f.own(b)) {
		t.Errorf("%d slivers on the disk", f.slivers())
	}
	f.mustStore(b, p) // again, all at once
	own := f.own(b)
	if r, err := f.upload(b, p, append(own, own...)...); err != nil || r.Stored != 2*len(own) { // and twice
		t.Errorf("twice: %+v, %v", r, err)
	}
	if f.slivers() != len(own) {
		t.Errorf("%d slivers on the disk after repetitions", f.slivers())
	}
	c, err := f.handler.Confirm(t.Context(), p2p.PeerID{}, b.id, p)
	if err != nil {
		t.Fatal(err)
	}
	f.check(b, p, &c)
	for _, s := range own {
		got, err := f.handler.Sliver(t.Context(), p2p.PeerID{}, b.id, exchange.SliverID{Axis: s.Axis, Index: s.Index})
		if err != nil || !bytes.Equal(got.Data, s.Data) {
			t.Errorf("%v: %v", &s, err)
		}
	}
	md, err := f.handler.Metadata(t.Context(), p2p.PeerID{}, b.id)
	if err != nil || md.ID() != b.id {
		t.Error(err)
	}
	held, err := f.handler.Status(t.Context(), p2p.PeerID{}, []shard.BlobID{{7}, b.id})
	if n := uint16(len(own) / 2); err != nil || held[0] != (exchange.Holding{}) || held[1] != (exchange.Holding{Metadata: true, Primary: n, Secondary: n}) {
		t.Errorf("status %+v, %v", held, err)
	}
	_, err = f.handler.Metadata(t.Context(), p2p.PeerID{}, shard.BlobID{7})
	wants(t, "unknown metadata", err, wire.CodeNotFound)
	_, err = f.handler.Sliver(t.Context(), p2p.PeerID{}, shard.BlobID{7}, exchange.SliverID{})
	wants(t, "unknown sliver", err, wire.CodeNotFound)
}

// What is right of a faulty upload is kept, and nothing is confirmed.
func TestFaultyUploads(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	gone := errors.New("the stream ended")
	foreign := func(b *blob) shard.Sliver {
		for i, pair := range b.pairs {
			if f.Committee().HolderOfPair(b.id, shard.PairIndex(i)).ID != f.id {
				return pair.Primary
			}
		}
		return shard.Sliver{}
	}
	for name, tt := range map[string]struct {
		change func(b *blob, own []shard.Sliver) []shard.Sliver // of what is sent
		md     func(b *blob) *shard.Metadata
		end    error
		kept   int // of the node's slivers, less if negative
		want   wire.Code
	}{
		"wrong shard": {change: func(b *blob, own []shard.Sliver) []shard.Sliver { return append(own[:3:3], foreign(b), own[3]) }, kept: 3, want: wire.CodeWrongShard},
		"wrong bytes": {change: func(_ *blob, own []shard.Sliver) []shard.Sliver {
			own[1].Data = slices.Clone(own[1].Data)
			own[1].Data[7]++
			return own
		}, kept: -1, want: wire.CodeInvalid},
		"another's bytes": {change: func(_ *blob, own []shard.Sliver) []shard.Sliver {
			own[0].Data = own[2].Data
			return own
		}, kept: -1, want: wire.CodeInvalid},
		"one missing":    {change: func(_ *blob, own []shard.Sliver) []shard.Sliver { return own[1:] }, kept: -1, want: wire.CodeNotFound},
		"none":           {change: func(*blob, []shard.Sliver) []shard.Sliver { return nil }, want: wire.CodeNotFound},
		"stream ends":    {change: func(_ *blob, own []shard.Sliver) []shard.Sliver { return own[:2] }, end: gone, kept: 2, want: wire.CodeInternal},
		"no metadata":    {md: func(*blob) *shard.Metadata { return nil }, want: wire.CodeNotFound},
		"wrong metadata": {md: func(*blob) *shard.Metadata { return f.blob("another", 100_000).md }, want: wire.CodeInvalid},
		"forged metadata": {md: func(b *blob) *shard.Metadata {
			forged := *b.md
			forged.Hashes = slices.Clone(b.md.Hashes)
			forged.Hashes[3].Primary[0]++
			return &forged
		}, want: wire.CodeInvalid},
		"metadata of few": {md: func(b *blob) *shard.Metadata { return &shard.Metadata{Size: b.md.Size} }, want: wire.CodeInvalid},
	} {
		b := f.blob(name, 100_000)
		p := f.register(b, false, 2)
		before := f.slivers()
		sent, md := f.own(b), b.md
		if tt.change != nil {
			sent = tt.change(b, sent)
		}
		if tt.md != nil {
			md = tt.md(b)
		}
		h := exchange.UploadHeader{Blob: b.id, Persistence: p, Size: b.md.Size, Confirm: true}
		r, err := f.handler.Upload(t.Context(), p2p.PeerID{}, h, md, sequence(sent, tt.end))
		wants(t, name, err, tt.want)
		if tt.end != nil && !errors.Is(err, tt.end) {
			t.Errorf("%s: got %v", name, err)
		}
		if r.Confirmation != nil {
			t.Errorf("%s: confirmed", name)
		}
		kept := tt.kept
		if kept < 0 {
			kept += len(f.own(b))
		}
		if got := f.slivers() - before; got != kept {
			t.Errorf("%s: %d slivers kept, want %d", name, got, kept)
		}
		if tt.md == nil {
			f.mustStore(b, p) // what is right is taken afterwards
		}
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{Reserve: 1 << 62})
	b := f.blob("full", 1000)
	p := f.register(b, false, 2)
	_, err := f.upload(b, p, f.own(b)...)
	wants(t, "upload", err, wire.CodeBusy)
	if wire.Answer(err).RetryAfter == 0 {
		t.Error("the writer is not told when to come back")
	}
}

// spoil changes a byte of what is on the disk, under the open store.
func (f *fixture) spoil(data []byte) {
	f.t.Helper()
	var files []string
	for _, pattern := range []string{"db/*.vlog", "segments/*.seg"} {
		found, err := filepath.Glob(filepath.Join(f.cfg.Dir, StoreDir, pattern))
		if err != nil {
			f.t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.t.Fatal(err)
		}
		i := bytes.Index(b, data)
		if i < 0 {
			continue
		}
		file, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			f.t.Fatal(err)
		}
		at := i + len(data)/2
		_, err = file.WriteAt([]byte{b[at] ^ 1}, int64(at))
		if err := errors.Join(err, file.Close()); err != nil {
			f.t.Fatal(err)
		}
		return
	}
	f.t.Fatal("the data is not on the disk")
}

// A sliver that the disk has spoiled is not served: it is dropped, as one that
// was never here, and repaired.
func TestSpoiledSliver(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	b := f.blob("spoiled", 500_000)
	p := f.register(b, false, 2)
	f.mustStore(b, p)
	own := f.own(b)
	f.spoil(own[0].Data)
	f.spoil(own[3].Data)
	if f.slivers() != len(own) {
		t.Fatal("the damage is seen at once; the test would show nothing")
	}
	_, err := f.handler.Sliver(t.Context(), p2p.PeerID{}, b.id, exchange.SliverID{Axis: own[0].Axis, Index: own[0].Index})
	wants(t, "read", err, wire.CodeNotFound)
	if f.slivers() != len(own)-1 || f.repairer.Stats().Waiting != 1 {
		t.Errorf("%d slivers here, %+v", f.slivers(), f.repairer.Stats())
	}
	if _, err := f.confirm(t.Context(), b.id, p); err == nil {
		t.Error("confirmed without the sliver")
	}
	// The secondary slivers as sources of symbols: one of them is spoiled.
	var sources []shard.SliverIndex
	for _, s := range own {
		if s.Axis == shard.Secondary {
			sources = append(sources, s.Index)
		}
	}
	reply, err := f.handler.Symbols(t.Context(), p2p.PeerID{}, exchange.SymbolRequest{
		Blob: b.id, SymbolSize: own[0].SymbolSize, Axis: shard.Primary, Targets: []shard.SliverIndex{0}, Sources: sources,
	})
	if err != nil || len(reply.Sources) != len(sources)-1 || slices.Contains(reply.Sources, own[3].Index) {
		t.Errorf("symbols of %v, %v", reply.Sources, err)
	}
	if f.slivers() != len(own)-2 {
		t.Errorf("%d slivers here", f.slivers())
	}
	f.mustStore(b, p)
}

func TestSymbols(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	b := f.blob("symbols", 50_000)
	f.mustStore(b, f.register(b, false, 2))
	size := b.pairs[0].Primary.SymbolSize
	for _, axis := range []shard.Axis{shard.Primary, shard.Secondary} {
		var all, held []shard.SliverIndex
		for i := range testShards {
			source := shard.SliverIndex(i)
			all = append(all, source)
			if f.Committee().HolderOfPair(b.id, f.params.PairOfSliver(axis.Other(), source)).ID == f.id {
				held = append(held, source)
			}
		}
		targets := []shard.SliverIndex{12, 0, 7}
		for _, proofs := range []bool{false, true} {
			r := exchange.SymbolRequest{Blob: b.id, SymbolSize: size, Axis: axis, Targets: targets, Sources: all, Proofs: proofs}
			reply, err := f.handler.Symbols(t.Context(), p2p.PeerID{}, r)
			if err != nil || !slices.Equal(reply.Sources, held) {
				t.Fatalf("sources %v, want %v: %v", reply.Sources, held, err)
			}
			for i, target := range targets {
				for j, source := range held {
					if proofs {
						if err := shard.VerifySymbol(f.params, b.md, axis, target, reply.Proven[i][j]); err != nil || reply.Proven[i][j].Source != source {
							t.Errorf("%v %d of %d: %v", axis, target, source, err)
						}
					} else if want := cell(b, f.params, axis, target, source); want != nil && !bytes.Equal(reply.Symbols[i][j], want) {
						t.Errorf("%v %d of %d: another symbol", axis, target, source)
					}
				}
			}
			r.SymbolSize += 2
			_, err = f.handler.Symbols(t.Context(), p2p.PeerID{}, r)
			wants(t, "other size", err, wire.CodeInvalid)
			r.Blob[0]++
			if reply, err := f.handler.Symbols(t.Context(), p2p.PeerID{}, r); err != nil || len(reply.Sources) != 0 {
				t.Errorf("unknown blob: %v, %v", reply.Sources, err)
			}
		}
	}
}

// cell returns the symbol where a target crosses a source, out of the target
// itself, or nil if it lies in neither's first part.
func cell(b *blob, p shard.Params, axis shard.Axis, target, source shard.SliverIndex) []byte {
	pair := b.pairs[p.PairOfSliver(axis, target)]
	s := pair.Primary
	if axis == shard.Secondary {
		s = pair.Secondary
	}
	at := int(source) * s.SymbolSize
	if at >= len(s.Data) {
		return nil
	}
	return s.Data[at : at+s.SymbolSize]
}

// Of what it tells peers nothing names a path or another inner matter.
func TestAnswersTellNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	b := f.blob("closed", 1000)
	p := f.register(b, false, 2)
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	_, uploaded := f.upload(b, p)
	_, read := f.handler.Sliver(t.Context(), p2p.PeerID{}, b.id, exchange.SliverID{})
	_, status := f.handler.Status(t.Context(), p2p.PeerID{}, []shard.BlobID{b.id})
	_, metadata := f.handler.Metadata(t.Context(), p2p.PeerID{}, b.id)
	_, symbols := f.handler.Symbols(t.Context(), p2p.PeerID{}, exchange.SymbolRequest{Blob: b.id, Sources: []shard.SliverIndex{1}})
	for _, err := range []error{uploaded, read, status, metadata, symbols} {
		wants(t, "closed", err, wire.CodeInternal)
		if text := wire.Answer(err).Text; strings.Contains(text, "store") {
			t.Errorf("a peer is told %q", text)
		}
	}
}
