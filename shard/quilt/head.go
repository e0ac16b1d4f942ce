package quilt

import (
	"fmt"
	"math"

	"github.com/floe-storage/floe/shard/bcs"
)

const (
	// patchPrefixSize is the version, the length and the mask before a patch.
	patchPrefixSize = 1 + 4 + 1
	// maskTags says that a patch has tags.
	maskTags = 1
)

// patchHead checks the source and returns what comes before its data.
func patchHead(s Source) ([]byte, error) {
	if err := CheckIdentifier(s.Identifier); err != nil {
		return nil, err
	}
	if err := checkTags(s.Tags); err != nil {
		return nil, fmt.Errorf("tags of %.64q: %w", s.Identifier, err)
	}
	// What follows the prefix, but for the data.
	length := int64(2 + textSize(s.Identifier))
	mask := uint8(0)
	if len(s.Tags) > 0 {
		length += int64(2 + tagsSize(s.Tags))
		mask = maskTags
	}
	if s.Data == nil && s.Size > 0 {
		return nil, fmt.Errorf("quilt: source %.64q has no data", s.Identifier)
	}
	if s.Size < 0 || s.Size > math.MaxUint32-length {
		return nil, fmt.Errorf("%w: %.64q has %d bytes, at most %d", ErrTooLarge, s.Identifier, s.Size, math.MaxUint32-length)
	}
	e := bcs.NewEncoder(make([]byte, 0, patchPrefixSize+length))
	e.U8(version)
	e.U32(uint32(length + s.Size))
	e.U8(mask)
	e.U16(uint16(textSize(s.Identifier)))
	e.String(s.Identifier)
	if mask == maskTags {
		e.U16(uint16(tagsSize(s.Tags)))
		encodeTags(e, s.Tags)
	}
	return e.Data(), nil
}

// headReader reads what comes before the data of a patch, in pieces, for it does
// not say at once how long it is.
type headReader struct {
	r    *Reader
	id   InternalID
	off  int64 // of the next piece in the patch
	left int64 // bytes of the patch from there on
}

// readHead reads the head of a patch and returns what it says.
func (r *Reader) readHead(id InternalID) (*Content, error) {
	h := headReader{r: r, id: id, left: int64(id.Columns()) * r.shape.columnSize()}
	prefix, err := h.next(patchPrefixSize)
	if err != nil {
		return nil, err
	}
	d := bcs.NewDecoder(prefix)
	if v := d.U8(); v != version {
		return nil, malformed("patch has version %d, want %d", v, version)
	}
	length := int64(d.U32())
	mask := d.U8()
	if length > h.left {
		return nil, malformed("patch of %d bytes in columns that have %d", length, h.left)
	}
	if mask&^maskTags != 0 {
		return nil, malformed("patch has unknown parts: mask %#x", mask)
	}
	h.left = length
	c := &Content{ID: id, r: r}
	if err := h.field(func(d *bcs.Decoder) { c.Identifier = d.String(MaxIdentifierSize) }); err != nil {
		return nil, err
	}
	if err := CheckIdentifier(c.Identifier); err != nil {
		return nil, malformed("patch: %w", err)
	}
	if mask == maskTags {
		if err := h.field(func(d *bcs.Decoder) { c.Tags = decodeTags(d) }); err != nil {
			return nil, err
		}
		if len(c.Tags) == 0 {
			return nil, malformed("patch says that it has tags, but has none")
		}
	}
	c.start, c.size = h.off, h.left
	return c, nil
}

// next returns the next n bytes.
func (h *headReader) next(n int64) ([]byte, error) {
	if n > h.left {
		return nil, malformed("patch ends in its head")
	}
	b := make([]byte, n)
	if err := h.r.read(b, int(h.id.Start), h.off); err != nil {
		return nil, err
	}
	h.off += n
	h.left -= n
	return b, nil
}

// field reads a length and as many bytes, all of which decode takes.
func (h *headReader) field(decode func(*bcs.Decoder)) error {
	b, err := h.next(2)
	if err != nil {
		return err
	}
	if b, err = h.next(int64(bcs.NewDecoder(b).U16())); err != nil {
		return err
	}
	d := bcs.NewDecoder(b)
	decode(d)
	if err := d.Finish(); err != nil {
		return malformed("patch: %w", err)
	}
	return nil
}
