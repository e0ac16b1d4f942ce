package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

const (
	// deadRatio is the part of a segment that must be dead for it to be emptied: the
	// lower, the more is copied for each byte gained. With a fifth, the segments take
	// at most 1.25 times what is alive in them.
	deadRatio = 0.2
	// collectLimit bounds the segments that one look at the holdings empties, and
	// with them the list of what to move: 32 times 2048 slivers at most.
	collectLimit = 32
	// moveBytes bounds what is moved at a time, and so the memory that takes.
	moveBytes = 8 << 20
)

// collect empties segments that are largely dead, and removes those that are
// empty, until there are none or ctx ends. It returns the number of files gone.
func (s *Store) collect(ctx context.Context) (files int, err error) {
	s.segments.retireDead(deadRatio)
	done := map[uint32]bool{} // looked at in this call
	for ctx.Err() == nil {
		n, err := s.dropUnwanted(ctx)
		files += n
		if err != nil {
			return files, err
		}
		victims := slices.DeleteFunc(s.segments.victims(deadRatio, len(done)+collectLimit),
			func(n uint32) bool { return done[n] })
		if len(victims) == 0 {
			return files, nil
		}
		for _, n := range victims {
			done[n] = true
		}
		if err := s.empty(ctx, victims); err != nil {
			return files, err
		}
	}
	return files, ctx.Err()
}

// dropUnwanted removes the segments to which no row points.
func (s *Store) dropUnwanted(ctx context.Context) (int, error) {
	list := s.segments.unwanted()
	if len(list) == 0 {
		return 0, nil
	}
	// What deleted or moved the last row must be on the disk before the file goes:
	// after a crash the row would be back and point nowhere.
	if err := s.Settle(ctx); err != nil {
		return 0, err
	}
	return s.segments.remove(list)
}

// empty moves what is alive in the victims to other segments.
func (s *Store) empty(ctx context.Context, victims []uint32) error {
	var list []SliverID
	var err error
	prefix := []byte{holdingPrefix}
	s.rows(prefix, prefix, true, func(key, value []byte, e error) bool {
		if err = errors.Join(e, ctx.Err()); err != nil {
			return false
		}
		var h holding
		if h, err = parseHolding(value); err != nil {
			return false
		}
		if h.stored > 0 && slices.Contains(victims, h.segment) {
			if id, sh, a, ok := holdingOf(key); ok {
				list = append(list, SliverID{id, sh, a})
			}
		}
		return true
	})
	for len(list) > 0 && err == nil {
		if err = ctx.Err(); err == nil {
			list, err = s.move(ctx, victims, list)
		}
	}
	return err
}

// move moves some of the slivers in list, those that still are in victims, and
// returns the rest of list. What cannot be read goes to the quarantine: it would
// keep its segment for ever.
func (s *Store) move(ctx context.Context, victims []uint32, list []SliverID) (rest []SliverID, err error) {
	var ops []op
	var entries []entry
	var which []int // the ops of entries
	for size := 0; len(list) > 0 && size < moveBytes; list = list[1:] {
		id := list[0]
		key := keyOfSliver(id.Blob, id.Shard, id.Axis)
		row, err := s.valueOf(key)
		if errors.Is(err, ErrNotFound) {
			continue // deleted since
		}
		if err != nil {
			return nil, err
		}
		at, away, err := unsealAway(key, row)
		if err == nil && (!away || !slices.Contains(victims, at.segment)) {
			continue // replaced since
		}
		o := op{key: key, row: keyOfHolding(id.Blob, id.Shard, id.Axis), expect: row, urgent: true}
		var body []byte
		if err == nil {
			body, err = s.segments.read(at)
			if err != nil && !errors.Is(err, errAway) && !errors.Is(err, ErrCorrupt) {
				return nil, err
			}
			if err == nil {
				body, err = unseal(key, body)
			}
		}
		if err == nil && len(body) < sliverHeader {
			err = errSealShort
		}
		if err != nil {
			s.cfg.Logger.WarnContext(ctx, "sliver cannot be read: it goes to the quarantine",
				"blob", id.Blob, "shard", id.Shard, "axis", id.Axis, "err", err)
			o.bad = noteOf(o.row, err)
			ops = append(ops, o)
			continue
		}
		size += len(body)
		o.held.length = uint32(len(body) - sliverHeader)
		entries, which = append(entries, entry{key, [][]byte{body}}), append(which, len(ops))
		ops = append(ops, o)
	}
	if len(entries) > 0 {
		at, release, err := s.appendLarge(ctx, entries, true)
		if err != nil {
			return nil, fmt.Errorf("move %d slivers: %w", len(entries), err)
		}
		defer release()
		for i, p := range at {
			ops[which[i]].pointTo(p)
		}
	}
	// If we crash here, the rows point to where the slivers were, and what was
	// appended is dead.
	return list, s.commit(ctx, ops)
}
