package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/floe-storage/floe/shard"
)

// Cursor says how far a scrub has come: all before the slivers of Blob on Shard
// has been looked at. The zero value is the beginning.
type Cursor struct {
	Shard shard.Index
	Blob  shard.BlobID
}

// Bad is what a scrub has found wrong: a sliver, or, if Metadata is set, the
// metadata of the blob.
type Bad struct {
	SliverID
	Metadata bool
	Reason   error
}

// Scrubbed tells what a scrub has done.
type Scrubbed struct {
	Next       Cursor // where to go on; the beginning if Done
	Done       bool   // the end was reached
	Slivers    int    // read
	Bytes      int64  // read of slivers
	Unverified int    // of Slivers, intact by their checksum, but without metadata here to compare with
	Bad        []Bad  // in quarantine now, metadata dropped: to be repaired
}

// scrubName names the value in which ScrubStep keeps its cursor.
const scrubName = "!scrub"

// Scrub reads the slivers from a cursor on, in the order of shards and blobs,
// until budget bytes are read, at least those of one blob on one shard. It
// compares each with the metadata: it must hash to its root and lie on the shard
// that it belongs to. What is bad is put in quarantine: it is not here any more,
// for reads and for Holdings, until it is put again or deleted. Metadata that does
// not hash to its blob's ID is dropped. Writes and deletes go on meanwhile. An error is one of the
// database or of ctx; what is in the result is done all the same.
func (s *Store) Scrub(ctx context.Context, from Cursor, budget int64) (Scrubbed, error) {
	if err := s.begin(); err != nil {
		return Scrubbed{Next: from}, err
	}
	defer s.calls.Done()
	return s.scrub(ctx, from, budget, s.putAway)
}

// scrub tells putAway of what is bad, with the row in which it was found.
func (s *Store) scrub(ctx context.Context, from Cursor, budget int64, putAway func(context.Context, Bad, []byte) error) (Scrubbed, error) {
	out := Scrubbed{Next: from}
	var group []SliverID // of one blob on one shard
	look := func() error {
		err := s.scrubGroup(ctx, group, &out, putAway)
		group = group[:0]
		return err
	}
	start := keyOfSliver(from.Blob, from.Shard, shard.Primary)
	for id, err := range s.sliversFrom([]byte{sliverPrefix}, start) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return out, fmt.Errorf("scrub: %w", err)
		}
		if len(group) > 0 && (group[0].Blob != id.Blob || group[0].Shard != id.Shard) {
			if err := look(); err != nil {
				return out, err
			}
			out.Next = Cursor{Shard: id.Shard, Blob: id.Blob}
			if out.Bytes >= budget {
				return out, nil
			}
		}
		group = append(group, id)
	}
	if len(group) > 0 {
		if err := look(); err != nil {
			return out, err
		}
	}
	out.Next, out.Done = Cursor{}, true
	return out, nil
}

// scrubGroup looks at slivers of one blob on one shard.
func (s *Store) scrubGroup(ctx context.Context, group []SliverID, out *Scrubbed, putAway func(context.Context, Bad, []byte) error) error {
	found := func(b Bad, row []byte) error {
		s.scrubBad.Add(1)
		if err := putAway(ctx, b, row); err != nil {
			return fmt.Errorf("scrub blob %v: %w", b.Blob, err)
		}
		out.Bad = append(out.Bad, b)
		return nil
	}
	md, row, err := s.metadata(group[0].Blob)
	if errors.Is(err, ErrCorrupt) {
		if err := found(Bad{SliverID: SliverID{Blob: group[0].Blob}, Metadata: true, Reason: err}, row); err != nil {
			return err
		}
	} else if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	for _, id := range group {
		row, sl, err := s.sliverRow(id)
		if errors.Is(err, ErrNotFound) {
			continue // deleted since
		}
		if err == nil {
			out.Slivers++
			out.Bytes += int64(len(sl.Data))
			s.scrubbed.Add(uint64(len(sl.Data)))
			if md == nil {
				out.Unverified++
				continue
			}
			err = verify(md, id, &sl)
		} else if !errors.Is(err, ErrCorrupt) {
			return fmt.Errorf("scrub: %w", err) // it may be fine
		}
		if err != nil {
			if err := found(Bad{SliverID: id, Reason: err}, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// verify compares a sliver that lies at id with its blob's metadata.
func verify(md *shard.Metadata, id SliverID, sl *shard.Sliver) error {
	p, err := shard.NewParams(md.Shards())
	if err == nil {
		err = shard.VerifySliver(p, md, sl)
	}
	if err != nil {
		return err
	}
	if at := p.ShardOf(id.Blob, p.PairOfSliver(sl.Axis, sl.Index)); at != id.Shard {
		return fmt.Errorf("%w: %v belongs on shard %d", ErrCorrupt, sl, at)
	}
	return nil
}

// metadata reads metadata that hashes to its blob's ID, and the row it is in.
func (s *Store) metadata(id shard.BlobID) (md *shard.Metadata, row []byte, err error) {
	key := keyOfMetadata(id)
	if row, err = s.valueOf(key); err != nil {
		return nil, row, err
	}
	body, err := s.follow(key, row, true)
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return nil, row, err
	}
	if err == nil {
		md, err = shard.ParseMetadata(body)
	}
	if err == nil && md.ID() != id {
		err = errors.New("metadata does not hash to the blob's ID")
	}
	if err != nil {
		return nil, row, fmt.Errorf("%w: metadata of blob %v: %w", ErrCorrupt, id, err)
	}
	return md, row, nil
}

// sliverRow reads a sliver and its row.
func (s *Store) sliverRow(id SliverID) (row []byte, sl shard.Sliver, err error) {
	key := keyOfSliver(id.Blob, id.Shard, id.Axis)
	if row, err = s.valueOf(key); err != nil {
		return row, sl, err
	}
	sl, err = s.sliver(id, row, true)
	return row, sl, err
}

// ScrubStep is Scrub from where the last step ended, also if the store was closed
// in between. After the end it begins anew.
func (s *Store) ScrubStep(ctx context.Context, budget int64) (Scrubbed, error) {
	var from Cursor
	b, err := s.Value(scrubName)
	// A cursor that is spoiled is as good as none.
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrCorrupt) {
		return Scrubbed{}, err
	}
	if len(b) == 2+idLen {
		from.Shard = shard.Index(binary.BigEndian.Uint16(b))
		copy(from.Blob[:], b[2:])
	}
	out, err := s.Scrub(ctx, from, budget)
	if err != nil || out.Next == from {
		return out, err
	}
	b = append(binary.BigEndian.AppendUint16(nil, uint16(out.Next.Shard)), out.Next.Blob[:]...)
	if err := s.PutValue(ctx, scrubName, b); err != nil && !errors.Is(err, ErrFull) { // then the step is repeated
		return out, err
	}
	return out, nil
}

// checkStep is how many bytes Check reads between two looks at the context.
const checkStep = 64 << 20

// Check looks at all slivers, as Scrub does, and at all metadata, and tells found
// of what is bad. It changes nothing, unless quarantine is set: then it does what
// Scrub does. The result has no Bad.
func (s *Store) Check(ctx context.Context, quarantine bool, found func(Bad)) (Scrubbed, error) {
	var total Scrubbed
	if err := s.begin(); err != nil {
		return total, err
	}
	defer s.calls.Done()
	putAway := func(ctx context.Context, b Bad, row []byte) error {
		found(b)
		if !quarantine {
			return nil
		}
		return s.putAway(ctx, b, row)
	}
	// Metadata first: what is bad of it is not told again for each shard.
	for id, err := range s.Blobs() {
		if err != nil {
			return total, fmt.Errorf("check: %w", err)
		}
		if _, row, err := s.metadata(id); errors.Is(err, ErrCorrupt) {
			if err := putAway(ctx, Bad{SliverID: SliverID{Blob: id}, Metadata: true, Reason: err}, row); err != nil {
				return total, fmt.Errorf("check: %w", err)
			}
		}
		if err := ctx.Err(); err != nil {
			return total, fmt.Errorf("check: %w", err)
		}
	}
	slivers := func(ctx context.Context, b Bad, row []byte) error {
		if b.Metadata {
			return nil
		}
		return putAway(ctx, b, row)
	}
	for !total.Done {
		part, err := s.scrub(ctx, total.Next, checkStep, slivers)
		total.Next, total.Done = part.Next, part.Done
		total.Slivers += part.Slivers
		total.Bytes += part.Bytes
		total.Unverified += part.Unverified
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
