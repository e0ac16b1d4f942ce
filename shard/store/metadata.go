package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/floe-storage/floe/shard"
)

// PutMetadata stores a blob's metadata, which the caller has verified; it is on
// the disk when it returns nil. md is neither kept nor changed. It returns
// [ErrFull] if the disk has no room.
func (s *Store) PutMetadata(ctx context.Context, id shard.BlobID, md *shard.Metadata) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.calls.Done()
	body, err := md.AppendBinary(nil)
	if err != nil {
		return fmt.Errorf("put metadata of blob %v: %w", id, err)
	}
	o := opOf(keyOfMetadata(id), body)
	if len(body) >= segmentThreshold {
		at, release, err := s.appendLarge(ctx, []entry{{o.key, [][]byte{body}}}, false)
		if err != nil {
			return fmt.Errorf("put metadata of blob %v: %w", id, err)
		}
		defer release()
		o.pointTo(at[0])
	}
	if err := s.commit(ctx, []op{o}); err != nil {
		return fmt.Errorf("put metadata of blob %v: %w", id, err)
	}
	return nil
}

// Metadata returns a blob's metadata, which belongs to the caller. It returns
// [ErrNotFound] if it is not here and [ErrCorrupt] if the disk returns something
// else than was stored.
func (s *Store) Metadata(id shard.BlobID) (*shard.Metadata, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	defer s.calls.Done()
	body, err := s.read(keyOfMetadata(id))
	if err != nil {
		return nil, fmt.Errorf("get metadata of blob %v: %w", id, err)
	}
	md, err := shard.ParseMetadata(body)
	if err != nil {
		return nil, fmt.Errorf("get metadata of blob %v: %w: %w", id, ErrCorrupt, err)
	}
	return md, nil
}

// HasMetadata tells whether a blob's metadata is here, without reading it.
func (s *Store) HasMetadata(id shard.BlobID) (bool, error) {
	found := false
	var err error
	s.keys(keyOfMetadata(id), keyOfMetadata(id), func(_ []byte, e error) bool {
		found, err = e == nil, e
		return false
	})
	return found, err
}

// Blobs iterates over the blobs whose metadata is here, in the order of their
// IDs, as they were when the iteration began. An error ends it. The loop may call
// the store, but not Close, which waits for it.
func (s *Store) Blobs() iter.Seq2[shard.BlobID, error] {
	return func(yield func(shard.BlobID, error) bool) {
		prefix := []byte{metadataPrefix}
		s.keys(prefix, prefix, func(key []byte, err error) bool {
			var id shard.BlobID
			if err == nil && copy(id[:], key[1:]) != len(key)-1 {
				err = fmt.Errorf("%w: metadata key %x", ErrCorrupt, key)
			}
			return yield(id, err)
		})
	}
}

// maxName bounds a named value's name, and maxValue its length: they are few and small.
const (
	maxName  = 256
	maxValue = 64 << 10
)

// PutValue stores a named value, at most 64 KiB under a name of at most 256
// bytes; it is on the disk when it returns nil.
func (s *Store) PutValue(ctx context.Context, name string, value []byte) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.calls.Done()
	if len(name) > maxName || len(value) > maxValue {
		return fmt.Errorf("put value %.64q of %d bytes: longer than the store takes", name, len(value))
	}
	if err := s.commit(ctx, []op{opOf(keyOfValue(name), value)}); err != nil {
		return fmt.Errorf("put value %q: %w", name, err)
	}
	return nil
}

// Value returns a named value: [ErrNotFound] if there is none.
func (s *Store) Value(name string) ([]byte, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	defer s.calls.Done()
	v, err := s.read(keyOfValue(name))
	if err != nil {
		return nil, fmt.Errorf("get value %q: %w", name, err)
	}
	return v, nil
}
