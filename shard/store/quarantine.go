package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// putAway puts a sliver in quarantine, or drops metadata, if row still is what is
// under its key.
func (s *Store) putAway(ctx context.Context, b Bad, row []byte) error {
	o := op{key: keyOfMetadata(b.Blob), expect: append([]byte{}, row...), urgent: true}
	if !b.Metadata {
		o.key, o.row = keyOfSliver(b.Blob, b.Shard, b.Axis), keyOfHolding(b.Blob, b.Shard, b.Axis)
		o.bad = noteOf(o.row, b.Reason)
	}
	return s.commit(ctx, []op{o})
}

// maxReason bounds what is kept of an error.
const maxReason = 200

// noteOf returns what is kept, under its key in the quarantine, of a bad sliver
// whose holding has the given key.
func noteOf(holding []byte, reason error) []byte {
	text := reason.Error()
	return seal(quarantineOf(holding), []byte(text[:min(len(text), maxReason)]))
}

// Quarantine puts a sliver in quarantine that a read has found corrupt; see
// [Store.Scrub]. It is no error if the sliver is not here.
func (s *Store) Quarantine(ctx context.Context, id SliverID, reason error) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.calls.Done()
	row, err := s.valueOf(keyOfSliver(id.Blob, id.Shard, id.Axis))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		err = s.putAway(ctx, Bad{SliverID: id, Reason: reason}, row)
	}
	if err != nil {
		return fmt.Errorf("quarantine %v sliver of blob %v on shard %d: %w", id.Axis, id.Blob, id.Shard, err)
	}
	return nil
}

// Quarantined iterates over the slivers in quarantine, in the order of blobs. See [Store.Slivers] for what a loop may do.
func (s *Store) Quarantined() iter.Seq2[Bad, error] {
	return func(yield func(Bad, error) bool) {
		prefix := []byte{badPrefix}
		s.rows(prefix, prefix, true, func(key, value []byte, err error) bool {
			if err != nil {
				return yield(Bad{}, err)
			}
			text, err := unseal(key, value)
			if err != nil {
				text = []byte(err.Error())
			}
			id, sh, a, ok := quarantined(key)
			if !ok {
				return yield(Bad{}, fmt.Errorf("%w: quarantine key %x", ErrCorrupt, key))
			}
			return yield(Bad{SliverID: SliverID{id, sh, a}, Reason: errors.New(string(text))}, nil)
		})
	}
}
