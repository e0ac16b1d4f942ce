package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// What a round knows of a blob.
const (
	held  = "held"  // acknowledged
	maybe = "maybe" // begun to be put or to be deleted when the writer was killed
	gone  = "gone"  // acknowledged as deleted in this round
)

// checker compares a store with what was acknowledged.
type checker struct {
	s                 *store.Store
	damaged           bool
	checked, repaired int
}

// check is the checker. It says what it found, and returns the first violation.
func check(ctx context.Context, o order, g blobs, list map[int]string) error {
	s, err := store.Open(o.Dir, store.Config{Reserve: o.Reserve})
	if errors.Is(err, store.ErrCorrupt) && o.Damaged {
		fmt.Println("refused", err)
		return nil
	}
	if err != nil {
		return err
	}
	c := &checker{s: s, damaged: o.Damaged}
	byID := map[shard.BlobID]int{}
	for n, word := range list {
		b, err := g.make(n)
		if err != nil {
			return err
		}
		if word == held {
			byID[b.id] = n
			err = c.held(ctx, b)
		} else {
			err = c.other(ctx, b, word)
		}
		if err != nil {
			return fmt.Errorf("blob %d (%s): %w", n, word, err)
		}
	}
	if err := c.deep(ctx, g, byID); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	fmt.Println("ok", c.checked, c.repaired)
	return nil
}

// held checks a blob that must be there, and repairs it if it may be damaged.
func (c *checker) held(ctx context.Context, b blob) error {
	lost := false
	if err := b.lookMetadata(c.s); err != nil {
		if err := c.excuse(err); err != nil {
			return fmt.Errorf("metadata: %w", err)
		}
		lost = true
	}
	for i := range b.items {
		at := &b.items[i]
		err := b.look(c.s, i)
		c.checked++
		if err == nil {
			continue
		}
		if excuse := c.excuse(err); excuse != nil {
			return fmt.Errorf("%v on shard %d: %w", &at.Sliver, at.Shard, excuse)
		}
		has, herr := c.s.Has(b.id, at.Shard, at.Sliver.Axis)
		if herr != nil {
			return herr
		}
		// Whoever looks for losses looks at the holdings: there it must be missing too.
		if has && errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("%v on shard %d is lost and said to be held", &at.Sliver, at.Shard)
		}
		c.repaired++
		lost = true
	}
	if !lost {
		return nil
	}
	return b.put(ctx, c.s)
}

// excuse returns nil for an error that damage explains.
func (c *checker) excuse(err error) error {
	if c.damaged && (errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrNotFound)) {
		return nil
	}
	return err
}

// other checks a blob that may be there in part, or, if it is gone, must not be,
// and deletes what is there.
func (c *checker) other(ctx context.Context, b blob, word string) error {
	there := 0
	for i := -1; i < len(b.items); i++ {
		var err error
		if i < 0 {
			err = b.lookMetadata(c.s)
		} else {
			err = b.look(c.s, i)
		}
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err == nil:
			there++
		default:
			if err := c.excuse(err); err != nil {
				return err
			}
		}
	}
	if word == gone && there > 0 && !c.damaged {
		return fmt.Errorf("%d parts of a deleted blob are back", there)
	}
	return c.s.DeleteBlob(ctx, b.id)
}

// deep has the store check itself; after repairs, nothing is left to report.
func (c *checker) deep(ctx context.Context, g blobs, byID map[shard.BlobID]int) error {
	var found []store.Bad
	if _, err := c.s.Check(ctx, true, func(b store.Bad) { found = append(found, b) }); err != nil {
		return err
	}
	for _, bad := range found {
		n, known := byID[bad.Blob]
		if !c.damaged {
			return fmt.Errorf("check found blob %d (%v) bad: %w", n, bad.SliverID, bad.Reason)
		}
		if !known { // a delete was lost with a damaged log
			if err := c.s.DeleteBlob(ctx, bad.Blob); err != nil {
				return err
			}
			continue
		}
		c.repaired++
		b, err := g.make(n)
		if err == nil {
			err = b.put(ctx, c.s)
		}
		if err != nil {
			return err
		}
	}
	for bad, err := range c.s.Quarantined() {
		if err != nil {
			return err
		}
		if _, known := byID[bad.Blob]; known {
			return fmt.Errorf("%v is in quarantine after its repair", bad.SliverID)
		}
	}
	return nil
}
