package repair_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// city is many worlds with the same members. It is their Peers and Ledger.
type city struct {
	first  *world
	worlds map[shard.BlobID]*world
}

// newCity makes worlds of which the first member has nothing.
func newCity(t *testing.T, n, count, blobs, size int) *city {
	t.Helper()
	c := &city{worlds: map[shard.BlobID]*world{}}
	p := shardtest.MustParams(n)
	for i := range blobs {
		md, pairs, err := shard.Encode(p, shardtest.Blob(fmt.Sprint("city ", i), size))
		if err != nil {
			t.Fatal(err)
		}
		w := worldOf(t, p, count, md, pairs)
		w.lose(shard.Primary, shard.Secondary)
		c.worlds[w.id] = w
		c.first = w
	}
	return c
}

func (c *city) Pull(ctx context.Context, from committee.Member, wants []repair.Want) iter.Seq2[repair.Got, error] {
	return func(yield func(repair.Got, error) bool) {
		for _, want := range wants {
			for got, err := range (peers{c.worlds[want.Blob]}).Pull(ctx, from, []repair.Want{want}) {
				if !yield(got, err) {
					return
				}
			}
		}
	}
}

func (c *city) Committee() *committee.Committee { return c.first.c }
func (c *city) Wanted(id shard.BlobID) bool     { return c.worlds[id] != nil }
func (c *city) Blobs() iter.Seq[shard.BlobID]   { return maps.Keys(c.worlds) }

// cityStore is the Store of a city's first member.
type cityStore struct{ *city }

func (c cityStore) Metadata(id shard.BlobID) (*shard.Metadata, error) {
	return store{c.worlds[id]}.Metadata(id)
}

func (c cityStore) PutMetadata(ctx context.Context, id shard.BlobID, md *shard.Metadata) error {
	return store{c.worlds[id]}.PutMetadata(ctx, id, md)
}

func (c cityStore) Holdings(id shard.BlobID, shards []shard.Index) ([]repair.Holding, error) {
	return store{c.worlds[id]}.Holdings(id, shards)
}

func (c cityStore) Sliver(id shard.BlobID, s shard.Index, a shard.Axis) (shard.Sliver, error) {
	return store{c.worlds[id]}.Sliver(id, s, a)
}

func (c cityStore) PutSlivers(ctx context.Context, id shard.BlobID, items []repair.Item) error {
	return store{c.worlds[id]}.PutSlivers(ctx, id, items)
}

func (c cityStore) Value(name string) ([]byte, error) { return store{c.first}.Value(name) }

func (c cityStore) PutValue(ctx context.Context, name string, value []byte) error {
	return store{c.first}.PutValue(ctx, name, value)
}
