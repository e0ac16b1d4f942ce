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
	// collectLimit bounds the segments that one look at the holdings empties.
	collectLimit = 32
	// residentLimit bounds the list of what to move: some 10 MiB of keys.
	residentLimit = 64 << 10
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
		all, err := s.empty(ctx, victims)
		if err != nil {
			return files, err
		}
		for _, n := range victims {
			done[n] = all
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

// resident is a key of a value in a segment, and of the holding if it is a sliver's.
type resident struct{ key, row []byte }

// residents returns keys whose values lie in the victims: all of them, if they are
// fewer than residentLimit.
func (s *Store) residents(ctx context.Context, victims []uint32) (list []resident, err error) {
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
				list = append(list, resident{keyOfSliver(id, sh, a), key})
			}
		}
		return len(list) < residentLimit
	})
	if err != nil || len(list) >= residentLimit {
		return list, err
	}
	prefix = []byte{metadataPrefix}
	s.rows(prefix, prefix, true, func(key, value []byte, e error) bool {
		err = errors.Join(e, ctx.Err())
		if p, away, bad := unsealAway(key, value); err == nil && away && bad == nil && slices.Contains(victims, p.segment) {
			list = append(list, resident{key, nil})
		}
		return err == nil && len(list) < residentLimit
	})
	return list, err
}

// empty moves what is alive in the victims to other segments, and tells whether
// that was all.
func (s *Store) empty(ctx context.Context, victims []uint32) (all bool, err error) {
	list, err := s.residents(ctx, victims)
	all = len(list) < residentLimit
	for len(list) > 0 && err == nil {
		if err = ctx.Err(); err == nil {
			list, err = s.move(ctx, victims, list)
		}
	}
	return all, err
}

// move moves some of the values in list, those that still are in victims, and
// returns the rest of list. What cannot be read would keep its segment for ever:
// a sliver goes to the quarantine, metadata is dropped.
func (s *Store) move(ctx context.Context, victims []uint32, list []resident) (rest []resident, err error) {
	var ops []op
	var entries []entry
	var which []int // the ops of entries
	for size := 0; len(list) > 0 && size < moveBytes; list = list[1:] {
		o := op{key: list[0].key, row: list[0].row, urgent: true}
		if o.expect, err = s.valueOf(o.key); errors.Is(err, ErrNotFound) {
			continue // deleted since
		} else if err != nil {
			return nil, err
		}
		at, away, err := unsealAway(o.key, o.expect)
		if err == nil && (!away || !slices.Contains(victims, at.segment)) {
			continue // replaced since
		}
		var body []byte
		if err == nil {
			body, err = s.follow(o.key, o.expect, false)
			if err != nil && !errors.Is(err, ErrCorrupt) {
				return nil, err
			}
		}
		if err == nil && o.row != nil && len(body) < sliverHeader {
			err = errSealShort
		}
		if err != nil {
			s.cfg.Logger.WarnContext(ctx, "value cannot be read: it is put away", "key", fmt.Sprintf("%x", o.key), "err", err)
			if o.row != nil {
				o.bad = noteOf(o.row, err)
			}
			ops = append(ops, o)
			continue
		}
		size += len(body)
		if o.row != nil {
			o.held.length = uint32(len(body) - sliverHeader)
		}
		entries, which = append(entries, entry{o.key, [][]byte{body}}), append(which, len(ops))
		ops = append(ops, o)
	}
	if len(entries) > 0 {
		at, release, err := s.appendLarge(ctx, entries, true)
		if err != nil {
			return nil, fmt.Errorf("move %d values: %w", len(entries), err)
		}
		defer release()
		for i, p := range at {
			ops[which[i]].pointTo(p)
		}
	}
	// If we crash here, the rows point to where the values were, and what was
	// appended is dead.
	return list, s.commit(ctx, ops)
}
