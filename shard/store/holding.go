package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// holding is what a holding's row says.
type holding struct {
	length  uint32 // of the sliver's data
	segment uint32 // where its value lies, if stored is not zero
	stored  uint32 // bytes of the value there; zero: in Badger
}

// The lengths that a holding's row can have.
const (
	holdingShort = 4
	holdingLen   = 12
)

func (h holding) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, h.length)
	if h.stored == 0 {
		return b
	}
	b = binary.LittleEndian.AppendUint32(b, h.segment)
	return binary.LittleEndian.AppendUint32(b, h.stored)
}

func parseHolding(v []byte) (h holding, err error) {
	if len(v) != holdingShort && len(v) != holdingLen {
		return h, fmt.Errorf("%w: holding of %d bytes", ErrCorrupt, len(v))
	}
	h.length = binary.LittleEndian.Uint32(v)
	if len(v) == holdingLen {
		h.segment, h.stored = binary.LittleEndian.Uint32(v[4:]), binary.LittleEndian.Uint32(v[8:])
	}
	return h, nil
}

// heldAt reads a holding's row.
func heldAt(t *badger.Txn, row []byte) (h holding, ok bool, err error) {
	item, err := t.Get(row)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return h, false, nil
	}
	if err != nil {
		return h, false, err
	}
	err = item.Value(func(v []byte) error {
		h, err = parseHolding(v)
		return err
	})
	return h, err == nil, err
}

// count reads the holdings, and where metadata lies, once, when the store is opened.
func (s *Store) count() error {
	return s.db.View(func(t *badger.Txn) error {
		it := t.NewIterator(badger.IteratorOptions{Prefix: []byte{holdingPrefix}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			err := it.Item().Value(func(v []byte) error {
				h, err := parseHolding(v)
				if err != nil {
					return err
				}
				s.slivers.Add(1)
				s.bytes.Add(int64(h.length))
				if h.stored > 0 {
					s.segments.count(h.segment, int64(h.stored))
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		known := t.NewIterator(badger.IteratorOptions{Prefix: []byte{metadataPrefix}})
		defer known.Close()
		for known.Rewind(); known.Valid(); known.Next() {
			item := known.Item()
			err := item.Value(func(v []byte) error {
				if p, away, err := unsealAway(item.Key(), v); away && err == nil {
					s.segments.count(p.segment, int64(p.length))
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		bad := t.NewIterator(badger.IteratorOptions{Prefix: []byte{badPrefix}})
		defer bad.Close()
		for bad.Rewind(); bad.Valid(); bad.Next() {
			s.quarantined.Add(1)
		}
		return nil
	})
}
