package store

import (
	"context"
	"errors"
	"sync"

	"github.com/floe-storage/floe/shard"
)

// Stretch returns up to limit slivers of a shard, from one on in the order of
// blobs and axes, and where the next stretch begins; nil if there is none.
func (s *Store) Stretch(sh shard.Index, from SliverID, limit int) (found []SliverID, next *SliverID, err error) {
	for id, err := range s.Slivers(sh, from.Blob) {
		switch {
		case err != nil:
			return nil, nil, err
		case id.Blob == from.Blob && id.Axis < from.Axis:
		case len(found) == limit:
			return found, &id, nil
		default:
			found = append(found, id)
		}
	}
	return found, nil, nil
}

// DeleteSlivers forgets some slivers or, if whole, everything of their blobs. It
// is no error if they are not here.
func (s *Store) DeleteSlivers(ctx context.Context, ids []SliverID, whole bool) error {
	faults := make([]error, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() { // side by side they share one sync
			if whole {
				faults[i] = s.DeleteBlob(ctx, id.Blob)
			} else {
				faults[i] = s.DeleteSliver(ctx, id.Blob, id.Shard, id.Axis)
			}
		})
	}
	wg.Wait()
	return errors.Join(faults...)
}
