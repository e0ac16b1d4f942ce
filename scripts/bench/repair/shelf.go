package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
)

var errMissing = errors.New("not here")

// server answers for the members that have everything. It is an
// [exchange.Handler] as far as repairs need one.
type server struct {
	exchange.Handler // nil
	world            *world
	cutters          sync.Pool // of *shard.Cutter
}

// Metadata implements [exchange.Handler].
func (s *server) Metadata(_ context.Context, _ p2p.PeerID, id shard.BlobID) (*shard.Metadata, error) {
	b := s.world.blobs[id]
	if b == nil {
		return nil, &wire.Error{Code: wire.CodeNotFound}
	}
	return b.metadata, nil
}

// Symbols implements [exchange.Handler].
func (s *server) Symbols(_ context.Context, _ p2p.PeerID, r exchange.SymbolRequest) (exchange.SymbolReply, error) {
	b := s.world.blobs[r.Blob]
	if b == nil || r.Proofs {
		return exchange.SymbolReply{}, &wire.Error{Code: wire.CodeNotFound}
	}
	cut, ok := s.cutters.Get().(*shard.Cutter)
	if !ok {
		cut = shard.NewCutter(s.world.params)
	}
	defer s.cutters.Put(cut)
	reply := exchange.SymbolReply{Sources: r.Sources, Symbols: make([][][]byte, len(r.Targets))}
	for _, source := range r.Sources {
		symbols, err := cut.Symbols(b.sliver(s.world.params, r.Axis.Other(), source), r.Targets)
		if err != nil {
			return reply, err
		}
		for t, symbol := range symbols {
			reply.Symbols[t] = append(reply.Symbols[t], symbol)
		}
	}
	return reply, nil
}

func (b *blob) sliver(p shard.Params, a shard.Axis, i shard.SliverIndex) shard.Sliver {
	pair := b.pairs[p.PairOfSliver(a, i)]
	if a == shard.Primary {
		return pair.Primary
	}
	return pair.Secondary
}

type place struct {
	blob  shard.BlobID
	shard shard.Index
	axis  shard.Axis
}

// shelf is a [repair.Store] in memory.
type shelf struct {
	mu       sync.Mutex // mu guards the fields below.
	metadata map[shard.BlobID]*shard.Metadata
	slivers  map[place]shard.Sliver
	values   map[string][]byte
}

// shelf returns what member 0 has when it has lost slivers of some axes, and its
// metadata if it has lost both.
func (w *world) shelf(lost []shard.Axis) *shelf {
	s := &shelf{metadata: map[shard.BlobID]*shard.Metadata{}, slivers: map[place]shard.Sliver{}, values: map[string][]byte{}}
	for at, sliver := range w.shares() {
		if !slices.Contains(lost, at.axis) {
			s.slivers[at] = sliver
			s.metadata[at.blob] = w.blobs[at.blob].metadata
		}
	}
	return s
}

// shares returns what member 0 should have.
func (w *world) shares() map[place]shard.Sliver {
	out := map[place]shard.Sliver{}
	for id, b := range w.blobs {
		for _, sh := range w.committee.Members()[0].Shards {
			pair := b.pairs[w.params.PairOf(id, sh)]
			out[place{id, sh, shard.Primary}], out[place{id, sh, shard.Secondary}] = pair.Primary, pair.Secondary
		}
	}
	return out
}

// whole tells whether a shelf has all that it should.
func (w *world) whole(s *shelf) error {
	for at, want := range w.shares() {
		if got := s.slivers[at]; !bytes.Equal(got.Data, want.Data) {
			return fmt.Errorf("%v of blob %v is not what it was", &want, at.blob)
		}
	}
	return nil
}

// Metadata implements [repair.Store].
func (s *shelf) Metadata(id shard.BlobID) (*shard.Metadata, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if md := s.metadata[id]; md != nil {
		return md, nil
	}
	return nil, errMissing
}

// PutMetadata implements [repair.Store].
func (s *shelf) PutMetadata(_ context.Context, id shard.BlobID, md *shard.Metadata) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.metadata[id] = md
	return nil
}

// Holdings implements [repair.Store].
func (s *shelf) Holdings(id shard.BlobID, shards []shard.Index) ([]repair.Holding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make([]repair.Holding, len(shards))
	for i, sh := range shards {
		_, primary := s.slivers[place{id, sh, shard.Primary}]
		_, secondary := s.slivers[place{id, sh, shard.Secondary}]
		held[i] = repair.Holding{Shard: sh, Primary: primary, Secondary: secondary}
	}
	return held, nil
}

// Sliver implements [repair.Store].
func (s *shelf) Sliver(id shard.BlobID, sh shard.Index, a shard.Axis) (shard.Sliver, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sliver, ok := s.slivers[place{id, sh, a}]
	if !ok {
		return sliver, errMissing
	}
	return sliver, nil
}

// PutSlivers implements [repair.Store].
func (s *shelf) PutSlivers(_ context.Context, id shard.BlobID, items []repair.Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range items {
		s.slivers[place{id, it.Shard, it.Sliver.Axis}] = it.Sliver
	}
	return nil
}

// Value implements [repair.Store].
func (s *shelf) Value(name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.values[name]; ok {
		return v, nil
	}
	return nil, errMissing
}

// PutValue implements [repair.Store].
func (s *shelf) PutValue(_ context.Context, name string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[name] = value
	return nil
}
