package store

import (
	"context"
	"fmt"

	"github.com/floe-storage/floe/shard"
)

// DeleteSliver forgets one sliver, such as a corrupt one. It is no error if it
// is not here.
func (s *Store) DeleteSliver(ctx context.Context, id shard.BlobID, sh shard.Index, a shard.Axis) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.calls.Done()
	if err := s.commit(ctx, []op{forget(id, sh, a)}); err != nil {
		return fmt.Errorf("delete %v sliver of blob %v on shard %d: %w", a, id, sh, err)
	}
	return nil
}

// forget deletes a sliver, its holding and its place in the quarantine.
func forget(id shard.BlobID, sh shard.Index, a shard.Axis) op {
	return op{key: keyOfSliver(id, sh, a), row: keyOfHolding(id, sh, a)}
}

// DeleteBlob forgets a blob: its metadata and its slivers on all shards. It is
// no error if there is nothing of it. The disk gets its room back from
// [Store.Reclaim].
func (s *Store) DeleteBlob(ctx context.Context, id shard.BlobID) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.calls.Done()
	var ops []op
	var err error
	take := func(id shard.BlobID, sh shard.Index, a shard.Axis, ok bool, key []byte, e error) bool {
		if err = e; err == nil && !ok {
			err = fmt.Errorf("%w: key %x", ErrCorrupt, key)
		}
		ops = append(ops, forget(id, sh, a))
		return err == nil
	}
	prefix := prefixOfBlob(id)
	s.keys(prefix, prefix, func(key []byte, e error) bool {
		id, sh, a, ok := holdingOf(key)
		return take(id, sh, a, ok || e != nil, key, e)
	})
	if err == nil && s.quarantined.Load() > 0 {
		prefix := quarantineOf(prefix)
		s.keys(prefix, prefix, func(key []byte, e error) bool {
			id, sh, a, ok := quarantined(key)
			return take(id, sh, a, ok || e != nil, key, e)
		})
	}
	if err == nil {
		// The metadata goes last: after a crash in between, Blobs still shows the
		// blob, so whoever deletes the expired finds it again.
		ops = append(ops, op{key: keyOfMetadata(id)})
		err = s.commit(ctx, ops)
	}
	if err != nil {
		return fmt.Errorf("delete blob %v: %w", id, err)
	}
	return nil
}

// maxDeletes bounds the slivers that one call of DeleteShard deletes.
const maxDeletes = 10_000

// DeleteShard forgets the slivers of one shard, at most limit of them and at most
// 10,000, and returns how many: none if nothing is left of the shard. Metadata
// stays. Whoever gives a shard away calls it until then, as slowly as serving
// others demands.
func (s *Store) DeleteShard(ctx context.Context, sh shard.Index, limit int) (deleted int, err error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	defer s.calls.Done()
	limit = min(limit, maxDeletes)
	var ops []op
	for id, e := range s.Slivers(sh, shard.BlobID{}) {
		if err = e; err != nil || len(ops) >= limit {
			break
		}
		ops = append(ops, forget(id.Blob, id.Shard, id.Axis))
	}
	// The quarantine is in the order of blobs, and short.
	if err == nil && len(ops) == 0 && s.quarantined.Load() > 0 {
		for b, e := range s.Quarantined() {
			if err = e; err != nil || len(ops) >= limit {
				break
			}
			if b.Shard == sh {
				ops = append(ops, forget(b.Blob, b.Shard, b.Axis))
			}
		}
	}
	if err == nil && len(ops) > 0 {
		err = s.commit(ctx, ops)
	}
	if err != nil {
		return 0, fmt.Errorf("delete slivers of shard %d: %w", sh, err)
	}
	return len(ops), nil
}
