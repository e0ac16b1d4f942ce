package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/dgraph-io/badger/v4"

	"github.com/floe-storage/floe/shard"
)

// ErrSliver says that a sliver to be stored has no storable shape: a bug of the caller's.
var ErrSliver = errors.New("store: sliver has no storable shape")

// Item is a sliver and the shard on which it lies.
type Item struct {
	Shard  shard.Index
	Sliver shard.Sliver
}

// Holding tells which slivers of one blob are here for one shard.
type Holding struct {
	Shard              shard.Index
	Primary, Secondary bool
}

// sliverHeader is the length of symbolSize and sliverIndex in a sliver's value.
const sliverHeader = 4

// PutSlivers stores slivers of one blob, replacing those that are here already.
// They are on the disk when it returns nil; after an error some may be. Callers
// at the same time share one sync. The slivers are not verified: the caller has.
// Their data is neither kept nor changed. It returns [ErrFull] if the disk has
// no room.
func (s *Store) PutSlivers(ctx context.Context, id shard.BlobID, items []Item) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.calls.Done()
	ops := make([]op, len(items))
	for i := range items {
		it := &items[i]
		sl := &it.Sliver
		if sl.SymbolSize < 1 || sl.SymbolSize > 0xffff || sl.Axis > shard.Secondary || len(sl.Data) > maxSealedLength {
			return fmt.Errorf("put %v sliver %d of blob %v: %w: %d bytes of symbols of %d",
				sl.Axis, sl.Index, id, ErrSliver, len(sl.Data), sl.SymbolSize)
		}
		header := binary.LittleEndian.AppendUint16(make([]byte, 0, sliverHeader), uint16(sl.SymbolSize))
		header = binary.LittleEndian.AppendUint16(header, uint16(sl.Index))
		ops[i] = op{
			key:    keyOfSliver(id, it.Shard, sl.Axis),
			parts:  [][]byte{header, sl.Data},
			row:    keyOfHolding(id, it.Shard, sl.Axis),
			length: uint32(len(sl.Data)),
		}
	}
	if err := s.commit(ctx, ops); err != nil {
		return fmt.Errorf("put %d slivers of blob %v: %w", len(items), id, err)
	}
	return nil
}

// Sliver returns a sliver; its data belongs to the caller. It returns
// [ErrNotFound] if it is not here and [ErrCorrupt], naming it, if the disk
// returns something else than was stored: then delete and repair it.
func (s *Store) Sliver(id shard.BlobID, sh shard.Index, a shard.Axis) (shard.Sliver, error) {
	if err := s.begin(); err != nil {
		return shard.Sliver{}, err
	}
	defer s.calls.Done()
	body, err := s.read(keyOfSliver(id, sh, a))
	if err == nil && len(body) < sliverHeader {
		err = fmt.Errorf("%w: %w", ErrCorrupt, errSealShort)
	}
	if err != nil {
		return shard.Sliver{}, fmt.Errorf("get %v sliver of blob %v on shard %d: %w", a, id, sh, err)
	}
	return shard.Sliver{
		Axis:       a,
		Index:      shard.SliverIndex(binary.LittleEndian.Uint16(body[2:])),
		SymbolSize: int(binary.LittleEndian.Uint16(body)),
		Data:       body[sliverHeader:],
	}, nil
}

// Has tells whether a sliver is here, without reading it.
func (s *Store) Has(id shard.BlobID, sh shard.Index, a shard.Axis) (bool, error) {
	h, err := s.Holdings(id, []shard.Index{sh})
	if err != nil {
		return false, err
	}
	return a == shard.Primary && h[0].Primary || a == shard.Secondary && h[0].Secondary, nil
}

// Holdings tells which of the shards' slivers of a blob are here, in the order
// of shards.
func (s *Store) Holdings(id shard.BlobID, shards []shard.Index) ([]Holding, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	defer s.calls.Done()
	held := make([]Holding, len(shards))
	err := s.db.View(func(t *badger.Txn) error {
		for i, sh := range shards {
			held[i].Shard = sh
			var err error
			if held[i].Primary, err = has(t, keyOfHolding(id, sh, shard.Primary)); err != nil {
				return err
			}
			if held[i].Secondary, err = has(t, keyOfHolding(id, sh, shard.Secondary)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up holdings of blob %v: %w: %w", id, ErrCorrupt, err)
	}
	return held, nil
}

func has(t *badger.Txn, key []byte) (bool, error) {
	_, err := t.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return false, nil
	}
	return err == nil, err
}

// DeleteSliver forgets one sliver, such as a corrupt one. It is no error if it
// is not here.
func (s *Store) DeleteSliver(ctx context.Context, id shard.BlobID, sh shard.Index, a shard.Axis) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.calls.Done()
	o := op{key: keyOfSliver(id, sh, a), row: keyOfHolding(id, sh, a)}
	if err := s.commit(ctx, []op{o}); err != nil {
		return fmt.Errorf("delete %v sliver of blob %v on shard %d: %w", a, id, sh, err)
	}
	return nil
}

// SliverID says where a sliver lies.
type SliverID struct {
	Blob  shard.BlobID
	Shard shard.Index
	Axis  shard.Axis
}

// Slivers iterates over the slivers of one shard in the order of blob IDs,
// from the blob from on, both axes of a blob one after the other, as they were
// when the iteration began. An error ends it. The loop may call the store, but not
// Close, which waits for it.
func (s *Store) Slivers(sh shard.Index, from shard.BlobID) iter.Seq2[SliverID, error] {
	prefix := prefixOfShard(sh)
	return func(yield func(SliverID, error) bool) {
		s.keys(prefix, append(prefix[:len(prefix):len(prefix)], from[:]...), func(key []byte, err error) bool {
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

// read returns the unsealed value of a key: [ErrNotFound] or [ErrCorrupt] if it
// has none.
func (s *Store) read(key []byte) ([]byte, error) {
	var value []byte
	err := s.db.View(func(t *badger.Txn) error {
		item, err := t.Get(key)
		if err == nil {
			// An unreadable value comes back empty and without an error.
			value, err = item.ValueCopy(nil)
		}
		return err
	})
	switch {
	case errors.Is(err, badger.ErrKeyNotFound):
		return nil, ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	body, err := unseal(key, value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return body, nil
}

// keys calls visit for the keys with a prefix, in order, from one on; a key is
// valid during the call only.
func (s *Store) keys(prefix, from []byte, visit func(key []byte, err error) bool) {
	if err := s.begin(); err != nil {
		visit(nil, err)
		return
	}
	defer s.calls.Done()
	t := s.db.NewTransaction(false)
	defer t.Discard()
	it := t.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Seek(from); it.Valid(); it.Next() {
		if !visit(it.Item().Key(), nil) {
			return
		}
	}
}
