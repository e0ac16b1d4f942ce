package store

import (
	"fmt"
	"iter"

	"github.com/dgraph-io/badger/v4"

	"github.com/floe-storage/floe/shard"
)

// pageLen is how many keys are read at a time. Between two pages nothing of the
// database is held, so an iteration that takes hours keeps no deleted value on
// the disk and makes no writer wait.
const pageLen = 1024

// SliverID says where a sliver lies.
type SliverID struct {
	Blob  shard.BlobID
	Shard shard.Index
	Axis  shard.Axis
}

// Slivers iterates over the slivers of one shard in the order of blob IDs,
// from the blob from on, both axes of a blob one after the other. It holds a
// bounded part of them in memory; what is put or deleted meanwhile may be seen
// or not. Whoever stops goes on later from the last blob seen. An error ends it.
// The loop may call the store, but not Close, which waits for it.
func (s *Store) Slivers(sh shard.Index, from shard.BlobID) iter.Seq2[SliverID, error] {
	prefix := prefixOfShard(sh)
	return s.sliversFrom(prefix, append(prefix[:len(prefix):len(prefix)], from[:]...))
}

func (s *Store) sliversFrom(prefix, from []byte) iter.Seq2[SliverID, error] {
	return func(yield func(SliverID, error) bool) {
		s.keys(prefix, from, func(key []byte, err error) bool {
			if err != nil {
				return yield(SliverID{}, err)
			}
			id, sh, a, ok := blobOfSliver(key)
			if !ok {
				return yield(SliverID{}, fmt.Errorf("%w: sliver key %x", ErrCorrupt, key))
			}
			return yield(SliverID{Blob: id, Shard: sh, Axis: a}, nil)
		})
	}
}

// keys calls visit for the keys with a prefix, in order, from one on; a key is
// valid during the call only.
func (s *Store) keys(prefix, from []byte, visit func(key []byte, err error) bool) {
	s.rows(prefix, from, false, func(key, _ []byte, err error) bool { return visit(key, err) })
}

// rows is keys with the values, unless they are not wanted: only for small ones,
// which lie beside their keys.
func (s *Store) rows(prefix, from []byte, values bool, visit func(key, value []byte, err error) bool) {
	if err := s.begin(); err != nil {
		visit(nil, nil, err)
		return
	}
	defer s.calls.Done()
	var page [][2][]byte
	for {
		page = page[:0]
		err := s.db.View(func(t *badger.Txn) error {
			it := t.NewIterator(badger.IteratorOptions{Prefix: prefix})
			defer it.Close()
			for it.Seek(from); it.Valid() && len(page) < pageLen; it.Next() {
				row := [2][]byte{it.Item().KeyCopy(nil)}
				if values {
					var err error
					if row[1], err = it.Item().ValueCopy(nil); err != nil {
						return fmt.Errorf("%w: %w", ErrCorrupt, err)
					}
				}
				page = append(page, row)
			}
			return nil
		})
		if err != nil {
			visit(nil, nil, err)
			return
		}
		for _, row := range page {
			if !visit(row[0], row[1], nil) {
				return
			}
		}
		if len(page) < pageLen {
			return
		}
		from = append(page[len(page)-1][0], 0) // the first key after it
	}
}
