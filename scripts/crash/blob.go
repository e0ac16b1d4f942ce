package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

const shards = 7 // all on the one node

// sizes are the bounds of blobs' sizes, so that slivers lie beside their keys,
// many in a segment and few in one.
var sizes = []int{2000, 60_000, 900_000}

// blob is a blob as it is stored.
type blob struct {
	id    shard.BlobID
	md    *shard.Metadata
	items []store.Item
}

// blobs makes blobs from their numbers.
type blobs struct {
	seed   uint64
	params shard.Params
}

func newBlobs(seed uint64) (blobs, error) {
	p, err := shard.NewParams(shards)
	return blobs{seed, p}, err
}

func (g blobs) make(n int) (blob, error) {
	var key [32]byte
	for i := range 8 {
		key[i], key[8+i] = byte(g.seed>>(8*i)), byte(n>>(8*i))
	}
	src := rand.NewChaCha8(key)
	data := make([]byte, 1+rand.New(src).IntN(sizes[n%len(sizes)]))
	_, _ = src.Read(data)
	md, pairs, err := shard.Encode(g.params, data)
	if err != nil {
		return blob{}, err
	}
	b := blob{id: md.ID(), md: md}
	for i, pair := range pairs {
		at := g.params.ShardOf(b.id, shard.PairIndex(i))
		b.items = append(b.items, store.Item{Shard: at, Sliver: pair.Primary}, store.Item{Shard: at, Sliver: pair.Secondary})
	}
	return b, nil
}

func (b blob) put(ctx context.Context, s *store.Store) error {
	if err := s.PutMetadata(ctx, b.id, b.md); err != nil {
		return err
	}
	return s.PutSlivers(ctx, b.id, b.items)
}

// errWrong says that a read returned other bytes than were written.
var errWrong = errors.New("WRONG BYTES SERVED")

// look reads one sliver. What comes back without an error is what was put.
func (b blob) look(s *store.Store, i int) error {
	want := &b.items[i]
	got, err := s.Sliver(b.id, want.Shard, want.Sliver.Axis)
	if err != nil {
		return err
	}
	if got.Index != want.Sliver.Index || got.SymbolSize != want.Sliver.SymbolSize || string(got.Data) != string(want.Sliver.Data) {
		return fmt.Errorf("%w: %v of blob %v on shard %d", errWrong, &want.Sliver, b.id, want.Shard)
	}
	return nil
}

// lookMetadata is look for the metadata.
func (b blob) lookMetadata(s *store.Store) error {
	md, err := s.Metadata(b.id)
	if err == nil && md.ID() != b.id {
		return fmt.Errorf("%w: metadata of blob %v", errWrong, b.id)
	}
	return err
}
