package repair

import (
	"errors"
	"fmt"
	"slices"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// MaxAnnouncement is the length in bytes that an announcement may have: gossip
// carries it to everyone. About a hundred blobs of a node with ten shards fit.
const MaxAnnouncement = 4 << 10

// ErrAnnouncement says that bytes are no announcement, or that one is too long:
// its sender is faulty.
var ErrAnnouncement = errors.New("repair: malformed announcement")

// Kind says what happened to pairs.
type Kind uint8

// The kinds.
const (
	Stored Kind = 0 // the pairs are held now, both slivers
	Lost   Kind = 1 // at least one sliver of each is not
)

// Entry is what happened to some pairs of a blob.
type Entry struct {
	Blob  shard.BlobID
	Kind  Kind
	Pairs []shard.PairIndex // ascending, no two equal, not empty
}

// Announcement is what a node gossips about the pairs it is responsible for.
//
//	epoch:4 seq:8 count:ULEB entry…
//	entry:  blob:32 kind:1 runs:ULEB (gap:ULEB length:ULEB)…
//
// A run is length+1 neighboring pairs. It starts gap pairs after 0, or, if it is
// not the first, gap+1 pairs after the end of the run before: so a set of pairs
// has one form.
type Announcement struct {
	Epoch   committee.Epoch
	Seq     uint64 // ascends with each announcement of a node in an epoch
	Entries []Entry
}

// AppendBinary appends the canonical form to b. It returns [ErrAnnouncement] if
// the form would be longer than [MaxAnnouncement] or a set of pairs is not in order.
func (a *Announcement) AppendBinary(b []byte) ([]byte, error) {
	e := bcs.NewEncoder(b)
	e.U32(uint32(a.Epoch))
	e.U64(a.Seq)
	e.Count(len(a.Entries))
	for i := range a.Entries {
		en := &a.Entries[i]
		runs, ok := runsOf(en.Pairs)
		if !ok || en.Kind > Lost {
			return nil, fmt.Errorf("%w: entry of blob %v", ErrAnnouncement, en.Blob)
		}
		e.Fixed(en.Blob[:])
		e.U8(uint8(en.Kind))
		e.Count(len(runs))
		for _, r := range runs {
			e.ULEB(r.gap)
			e.ULEB(r.length)
		}
	}
	if n := e.Len() - len(b); n > MaxAnnouncement {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrAnnouncement, n, MaxAnnouncement)
	}
	return e.Data(), nil
}

type run struct{ gap, length uint32 }

func runsOf(pairs []shard.PairIndex) ([]run, bool) {
	var runs []run
	next := 0 // the least pair that a new run may start at
	for i := 0; i < len(pairs); {
		start := int(pairs[i])
		if start < next {
			return nil, false
		}
		n := 1
		for i+n < len(pairs) && int(pairs[i+n]) == start+n {
			n++
		}
		runs = append(runs, run{gap: uint32(start - next), length: uint32(n - 1)})
		next = start + n + 1
		i += n
	}
	return runs, len(runs) > 0
}

const (
	entrySize = 32 + 1 + 1 + 2 // at least
	runSize   = 2              // at least
)

// ParseAnnouncement reads the canonical form, for blobs of so many shards, which
// also bounds what it allocates. It returns [ErrAnnouncement] for anything else.
func ParseAnnouncement(b []byte, shards int) (Announcement, error) {
	var a Announcement
	if len(b) > MaxAnnouncement {
		return a, fmt.Errorf("%w: %d bytes, at most %d", ErrAnnouncement, len(b), MaxAnnouncement)
	}
	d := bcs.NewDecoder(b)
	a.Epoch = committee.Epoch(d.U32())
	a.Seq = d.U64()
	a.Entries = make([]Entry, d.Count(MaxAnnouncement, entrySize))
	for i := range a.Entries {
		a.Entries[i].decodeFrom(d, shards)
	}
	if err := d.Finish(); err != nil {
		return Announcement{}, fmt.Errorf("%w: %w", ErrAnnouncement, err)
	}
	return a, nil
}

func (en *Entry) decodeFrom(d *bcs.Decoder, shards int) {
	d.Fixed(en.Blob[:])
	en.Kind = Kind(d.Variant(int(Lost) + 1))
	runs := d.Count(MaxAnnouncement, runSize)
	if runs == 0 {
		d.Fail("no pairs")
	}
	next := uint64(0)
	for range runs {
		gap, length := d.ULEB(), d.ULEB()
		start := next + uint64(gap)
		end := start + uint64(length) + 1
		if d.Err() != nil || end > uint64(shards) {
			d.Fail("pair out of range")
			en.Pairs = nil
			return
		}
		en.Pairs = slices.Grow(en.Pairs, int(end-start))
		for p := start; p < end; p++ {
			en.Pairs = append(en.Pairs, shard.PairIndex(p))
		}
		next = end + 1
	}
}
