package ledger

import (
	"fmt"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// Pool is storage that many blobs share: they come and go within its size, and
// live and end with it. Whoever owns the pool owns the blobs in it.
type Pool struct {
	ID    committee.ObjectID
	Owner Address
	Start committee.Epoch
	End   committee.Epoch
	Size  uint64 // encoded bytes, never 0
	Used  uint64 // encoded bytes of the blobs in it
	Count uint64 // of the blobs in it
}

func (p *Pool) fields(c *codec) {
	c.fixed(p.ID[:])
	c.fixed(p.Owner[:])
	c.epoch(&p.Start)
	c.epoch(&p.End)
	c.u64(&p.Size)
	c.u64(&p.Used)
	c.u64(&p.Count)
}

// PoolKey returns where the record of a pool stands in the state.
func PoolKey(id committee.ObjectID) []byte { return objectKey(keyPool, id) }

// ReadPool returns a pool; an *Error of CodeNotFound if there is none.
func ReadPool(r Reader, id committee.ObjectID) (Pool, error) {
	return read[Pool](r, PoolKey(id), "pool")
}

// pooledKey is the entry of a blob in the index of a pool.
func pooledKey(pool committee.ObjectID, id shard.BlobID) []byte {
	return append(objectKey(keyPooled, pool), id[:]...)
}

// AscendPool visits the blobs in a pool, in the order of their IDs and from the
// given one on, until visit returns false.
func AscendPool(r Reader, pool committee.ObjectID, from shard.BlobID, visit func(shard.BlobID, committee.ObjectID) bool) error {
	end := append(objectKey(keyPooled, pool), filled(shard.BlobIDSize+1)...)
	foreign := false
	r.Ascend(pooledKey(pool, from), end, func(key, value []byte) bool {
		if foreign = len(key) != 1+len(pool)+len(from) || len(value) != len(pool); foreign {
			return false
		}
		return visit(shard.BlobID(key[1+len(pool):]), committee.ObjectID(value))
	})
	if foreign {
		return fmt.Errorf("%w: a key of the index of pools has another size", bcs.ErrMalformed)
	}
	return nil
}

// filled is n bytes above all others.
func filled(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 0xff
	}
	return b
}

func (p *Pool) key() []byte { return PoolKey(p.ID) }

func (p *Pool) bytes() []byte { return encode(*p) }

func (p *Pool) entries() []write {
	return []write{{key: expiryKey(p.End, p.ID)}, {key: ownerKey(p.Owner, KindPool, p.ID)}}
}

func (x *execution) addPool(p Pool) { put(x.state, nil, &p) }

func (x *execution) changePool(before, after Pool) { put(x.state, &before, &after) }

func (x *execution) dropPool(p Pool) { put(x.state, &p, nil) }
