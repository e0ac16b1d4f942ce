package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

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
	var large []entry
	var which []int // the ops of large
	for i := range items {
		it := &items[i]
		sl := &it.Sliver
		if sl.SymbolSize < 1 || sl.SymbolSize > 0xffff || sl.Axis > shard.Secondary || len(sl.Data) > maxSealedLength-sealLen-sliverHeader {
			return fmt.Errorf("put %v sliver %d of blob %v: %w: %d bytes of symbols of %d",
				sl.Axis, sl.Index, id, ErrSliver, len(sl.Data), sl.SymbolSize)
		}
		header := binary.LittleEndian.AppendUint16(make([]byte, 0, sliverHeader), uint16(sl.SymbolSize))
		header = binary.LittleEndian.AppendUint16(header, uint16(sl.Index))
		o := &ops[i]
		o.key, o.row = keyOfSliver(id, it.Shard, sl.Axis), keyOfHolding(id, it.Shard, sl.Axis)
		o.held.length = uint32(len(sl.Data))
		if len(sl.Data) < segmentThreshold {
			o.value = seal(o.key, header, sl.Data)
			continue
		}
		large, which = append(large, entry{o.key, [][]byte{header, sl.Data}}), append(which, i)
	}
	if len(large) > 0 {
		at, release, err := s.appendLarge(ctx, large, false)
		if err != nil {
			return fmt.Errorf("put %d slivers of blob %v: %w", len(items), id, err)
		}
		defer release()
		for i, p := range at {
			ops[which[i]].pointTo(p)
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
	key := keyOfSliver(id, sh, a)
	row, err := s.valueOf(key)
	if err != nil {
		return shard.Sliver{}, fmt.Errorf("get %v sliver of blob %v on shard %d: %w", a, id, sh, err)
	}
	return s.sliver(SliverID{id, sh, a}, row, false)
}

// sliver reads the sliver of which row is the row; for fresh see segments.read.
func (s *Store) sliver(id SliverID, row []byte, fresh bool) (shard.Sliver, error) {
	a := id.Axis
	body, err := s.follow(keyOfSliver(id.Blob, id.Shard, a), row, fresh)
	if err == nil && len(body) < sliverHeader {
		err = fmt.Errorf("%w: %w", ErrCorrupt, errSealShort)
	}
	if err != nil {
		return shard.Sliver{}, fmt.Errorf("get %v sliver of blob %v on shard %d: %w", a, id.Blob, id.Shard, err)
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

// pointTo makes o one that sets its key to what lies at p.
func (o *op) pointTo(p pointer) {
	o.value = sealAway(o.key, p)
	o.held.segment, o.held.stored = p.segment, p.length
}

// appendLarge writes values into segments, if there is room, of which an urgent
// call leaves less.
func (s *Store) appendLarge(ctx context.Context, entries []entry, urgent bool) ([]pointer, func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if err := s.broken(); err != nil {
		return nil, nil, err
	}
	size := uint64(0)
	for _, e := range entries {
		size += rowRoom
		for _, p := range e.parts {
			size += uint64(len(p))
		}
	}
	coming := s.coming.Add(size) // the calls at the same time see each other
	defer s.coming.Add(-size)
	reserve := s.cfg.Reserve + s.tables.Load()
	if urgent {
		reserve = openRoom
	}
	if free, err := s.free(s.dir); err == nil && free < reserve+coming {
		s.refused.Add(1)
		return nil, nil, fmt.Errorf("%w: %d bytes free, %d wanted, %d kept in reserve", ErrFull, free, size, reserve)
	}
	at, release, err := s.segments.append(entries)
	if isFull(err) {
		s.refused.Add(1)
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	return at, release, err
}

// read returns the unsealed value of a key: [ErrNotFound] or [ErrCorrupt] if it
// has none.
func (s *Store) read(key []byte) ([]byte, error) {
	value, err := s.valueOf(key)
	if err != nil {
		return nil, err
	}
	return s.follow(key, value, false)
}

// follow returns the unsealed value of a key of which value is the row; for fresh
// see segments.read.
func (s *Store) follow(key, value []byte, fresh bool) ([]byte, error) {
	for {
		at, away, err := unsealAway(key, value)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		if !away {
			break
		}
		far, err := s.segments.read(at, fresh)
		if errors.Is(err, errAway) {
			// It may have been moved since the row was read; then the row is another.
			now, err := s.valueOf(key)
			if err != nil {
				return nil, err
			}
			if !bytes.Equal(now, value) {
				value = now
				continue
			}
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, errAway)
		}
		if err != nil {
			return nil, err
		}
		value = far
		break
	}
	body, err := unseal(key, value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return body, nil
}

// valueOf returns what Badger has under a key, sealed.
func (s *Store) valueOf(key []byte) (value []byte, err error) {
	err = s.db.View(func(t *badger.Txn) error {
		item, err := t.Get(key)
		if err == nil {
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
	return value, nil
}
