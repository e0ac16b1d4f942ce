package quilt

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/floe-storage/floe/shard/bcs"
)

const (
	// MaxIdentifierSize is the size of the longest identifier in bytes: its length
	// prefix of three bytes included, it stays below 65535.
	MaxIdentifierSize = math.MaxUint16 - 1 - 3
	// MaxTagsSize is the size in bytes of the canonical form of the tags of a patch
	// that is still allowed.
	MaxTagsSize = math.MaxUint16
)

// entrySize is the least size of a patch in the index.
const entrySize = 2 + 1 + 1

// Patch is what the index says of a patch. Columns of two patches do not overlap.
// Identifier and Tags are what the author of the quilt wrote: any text.
type Patch struct {
	ID         InternalID
	Identifier string
	Tags       map[string]string // nil if there are none
}

// Index lists the patches of a quilt.
type Index struct {
	Patches []Patch // in the order of their columns
}

// Lookup returns the patch with that identifier, the first if there are several.
// Its error is ErrNotFound.
func (x *Index) Lookup(identifier string) (Patch, error) {
	for _, p := range x.Patches {
		if p.Identifier == identifier {
			return p, nil
		}
	}
	return Patch{}, fmt.Errorf("%w: %.64q", ErrNotFound, identifier)
}

// Tagged returns the patches that have the tag key with that value.
func (x *Index) Tagged(key, value string) []Patch {
	var patches []Patch
	for _, p := range x.Patches {
		if v, ok := p.Tags[key]; ok && v == value {
			patches = append(patches, p)
		}
	}
	return patches
}

// encodeTo writes the canonical form.
func (x *Index) encodeTo(e *bcs.Encoder) {
	e.Count(len(x.Patches))
	for _, p := range x.Patches {
		e.U16(uint16(p.ID.End))
		e.String(p.Identifier)
		encodeTags(e, p.Tags)
	}
}

// size returns the size of the canonical form.
func (x *Index) size() int64 {
	size := int64(ulebSize(len(x.Patches)))
	for _, p := range x.Patches {
		size += 2 + int64(textSize(p.Identifier)) + int64(tagsSize(p.Tags))
	}
	return size
}

// decodeFrom reads the canonical form of the index of a quilt of shape s, which
// is the rest of d. The patches must lie one behind the other inside the matrix.
func (x *Index) decodeFrom(d *bcs.Decoder, s shape) {
	start := s.columns(indexPrefixSize + int64(d.Remaining()))
	if start > maxIndexColumns {
		d.Fail(fmt.Sprintf("index takes %d columns, at most %d", start, maxIndexColumns))
		return
	}
	x.Patches = make([]Patch, d.Count(s.cols-1, entrySize))
	for i := range x.Patches {
		end := int(d.U16())
		if end <= start || end > s.cols {
			d.Fail(fmt.Sprintf("patch %d of the index has columns %d-%d of %d", i, start, end, s.cols))
			return
		}
		p := &x.Patches[i]
		p.ID = internalID(start, end)
		p.Identifier = d.String(bcs.MaxLen)
		p.Tags = decodeTags(d)
		start = end
	}
}

// CheckIdentifier reports whether a patch may have that identifier: 1 to
// MaxIdentifierSize bytes of UTF-8 without control characters and without white
// space at the end. Its error is an ErrIdentifier.
func CheckIdentifier(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("%w: it is empty", ErrIdentifier)
	case len(s) > MaxIdentifierSize:
		return fmt.Errorf("%w: %d bytes, at most %d", ErrIdentifier, len(s), MaxIdentifierSize)
	case !utf8.ValidString(s):
		return fmt.Errorf("%w: %.64q is not UTF-8", ErrIdentifier, s)
	case strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("%w: %.64q has control characters", ErrIdentifier, s)
	case strings.TrimRightFunc(s, unicode.IsSpace) != s:
		return fmt.Errorf("%w: %.64q ends with white space", ErrIdentifier, s)
	}
	return nil
}

// checkTags reports whether a patch may have those tags.
func checkTags(tags map[string]string) error {
	if size := tagsSize(tags); size > MaxTagsSize {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTags, size, MaxTagsSize)
	}
	for key, value := range tags {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return fmt.Errorf("%w: %.64q: %.64q is not UTF-8", ErrTags, key, value)
		}
	}
	return nil
}

func encodeTags(e *bcs.Encoder, tags map[string]string) {
	e.Count(len(tags))
	for _, key := range slices.SortedFunc(maps.Keys(tags), compareKeys) {
		e.String(key)
		e.String(tags[key])
	}
}

// decodeTags returns nil if there are none.
func decodeTags(d *bcs.Decoder) map[string]string {
	before := d.Remaining()
	n := d.Count(MaxTagsSize/2, 2)
	if n == 0 {
		return nil
	}
	tags := make(map[string]string)
	last := ""
	for i := range n {
		key := d.String(MaxTagsSize)
		if i > 0 && compareKeys(last, key) >= 0 {
			d.Fail("tags are not in order")
		}
		tags[key] = d.String(MaxTagsSize)
		if d.Err() != nil {
			return nil
		}
		last = key
	}
	if size := before - d.Remaining(); size > MaxTagsSize {
		d.Fail(fmt.Sprintf("tags have %d bytes, at most %d", size, MaxTagsSize))
	}
	return tags
}

// compareKeys orders keys by their canonical bytes, whose first are the length:
// shorter ones first, up to 127 bytes.
func compareKeys(a, b string) int {
	if len(a) == len(b) {
		return strings.Compare(a, b)
	}
	var x, y [binary.MaxVarintLen64]byte
	return slices.Compare(
		x[:binary.PutUvarint(x[:], uint64(len(a)))],
		y[:binary.PutUvarint(y[:], uint64(len(b)))],
	)
}

func tagsSize(tags map[string]string) int {
	size := ulebSize(len(tags))
	for key, value := range tags {
		size += textSize(key) + textSize(value)
	}
	return size
}

func textSize(s string) int { return ulebSize(len(s)) + len(s) }

func ulebSize(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
