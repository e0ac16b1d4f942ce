package quilt

import (
	"errors"
	"fmt"
	"io"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// Reader reads a quilt from as many of its columns as there are. What it is asked
// and cannot answer without others is a *MissingError that names them. Anything
// that makes no sense is an ErrMalformed.
type Reader struct {
	shape   shape
	columns map[shard.SliverIndex][]byte
	blob    []byte // the whole quilt, instead of columns
}

// NewReader returns a Reader without columns for a quilt of size bytes, as its
// metadata says. Its error is an ErrMalformed when no quilt has that size, or
// shard.ErrParams.
func NewReader(p shard.Params, size uint64) (*Reader, error) {
	s, err := shapeOf(p, size)
	if err != nil {
		return nil, err
	}
	return &Reader{shape: s, columns: make(map[shard.SliverIndex][]byte)}, nil
}

// Open returns a Reader that has all columns. It keeps blob, which must not
// change. Its errors are those of NewReader.
func Open(p shard.Params, blob []byte) (*Reader, error) {
	s, err := shapeOf(p, uint64(len(blob)))
	if err != nil {
		return nil, err
	}
	return &Reader{shape: s, blob: blob}, nil
}

// Add gives the Reader a column: a secondary sliver below Cols that shard has
// verified. It keeps the data, which must not change. A sliver that does not fit
// the quilt is a *shard.InvalidError.
func (r *Reader) Add(s shard.Sliver) error {
	var err error
	switch {
	case s.Axis != shard.Secondary:
		err = shard.ErrAxis
	case int(s.Index) >= r.shape.cols:
		err = shard.ErrIndex
	case s.SymbolSize != r.shape.symbolSize:
		err = shard.ErrSymbolSize
	case int64(len(s.Data)) != r.shape.columnSize():
		err = shard.ErrSliverSize
	}
	if err != nil {
		return &shard.InvalidError{What: "column of a quilt: " + s.String(), Err: err}
	}
	if r.blob == nil {
		r.columns[s.Index] = s.Data
	}
	return nil
}

// Index reads the index, anew at each call. It needs column 0, and then perhaps
// up to nine more.
func (r *Reader) Index() (*Index, error) {
	prefix := make([]byte, indexPrefixSize)
	if err := r.read(prefix, 0, 0); err != nil {
		return nil, err
	}
	d := bcs.NewDecoder(prefix)
	if v := d.U8(); v != version {
		return nil, malformed("quilt has version %d, want %d", v, version)
	}
	size := int64(d.U32())
	limit := int64(min(maxIndexColumns, r.shape.cols))*r.shape.columnSize() - indexPrefixSize
	if size > limit {
		return nil, malformed("index has %d bytes, at most %d", size, limit)
	}
	if err := r.missing(0, indexPrefixSize, size); err != nil {
		return nil, err
	}
	b := make([]byte, size)
	if err := r.read(b, 0, indexPrefixSize); err != nil {
		return nil, err
	}
	x := new(Index)
	d = bcs.NewDecoder(b)
	x.decodeFrom(d, r.shape)
	if err := d.Finish(); err != nil {
		return nil, malformed("index: %w", err)
	}
	return x, nil
}

// Open reads the head of the patch in the columns that id names; it needs the
// first, seldom more.
func (r *Reader) Open(id InternalID) (*Content, error) {
	if !id.valid() || int(id.End) > r.shape.cols {
		return nil, fmt.Errorf("%w: columns %v of %d", ErrNotFound, id, r.shape.cols)
	}
	return r.readHead(id)
}

// OpenPatch is Open for a patch of the index. It is an ErrMalformed if the patch
// itself says that it has another identifier. Tags are those of the patch, which
// should be, but need not be, those of the index.
func (r *Reader) OpenPatch(p Patch) (*Content, error) {
	c, err := r.Open(p.ID)
	if err != nil {
		return nil, err
	}
	if c.Identifier != p.Identifier {
		return nil, malformed("patch %.64q says that it is %.64q", p.Identifier, c.Identifier)
	}
	return c, nil
}

// read fills b with what lies from off on in column first and those after it. It
// stays inside the matrix: its callers see to that.
func (r *Reader) read(b []byte, first int, off int64) error {
	if err := r.missing(first, off, int64(len(b))); err != nil {
		return err
	}
	size, column := int64(r.shape.symbolSize), r.shape.columnSize()
	first += int(off / column)
	off %= column
	for len(b) > 0 {
		var n int
		if r.blob == nil {
			n = copy(b, r.columns[shard.SliverIndex(first)][off:])
		} else {
			at := off/size*r.shape.rowSize() + int64(first)*size
			n = copy(b, r.blob[at+off%size:at+size])
		}
		b = b[n:]
		if off += int64(n); off == column {
			first++
			off = 0
		}
	}
	return nil
}

// missing returns a *MissingError when a part of the n bytes from off on in
// column first and those after it is not there.
func (r *Reader) missing(first int, off, n int64) error {
	if r.blob != nil {
		return nil
	}
	var columns []shard.SliverIndex
	for _, c := range r.shape.touched(first, off, n) {
		if r.columns[c] == nil {
			columns = append(columns, c)
		}
	}
	if columns != nil {
		return &MissingError{Columns: columns}
	}
	return nil
}

// touched returns the columns of the n bytes from off on in column first and
// those after it.
func (s shape) touched(first int, off, n int64) []shard.SliverIndex {
	if n <= 0 {
		return nil
	}
	column := s.columnSize()
	return span(first+int(off/column), first+int((off+n-1)/column)+1)
}

// Content is a patch that can be read. Its ReadAt and the rest of io make it a
// stream: io.NewSectionReader(c, 0, c.Size()).
type Content struct {
	ID         InternalID
	Identifier string            // fulfills CheckIdentifier
	Tags       map[string]string // nil if there are none

	r     *Reader
	start int64 // of the data in the patch
	size  int64
}

// Size returns the size of the data in bytes.
func (c *Content) Size() int64 { return c.size }

// Needed returns the columns, ascending, that hold the n bytes of data from off
// on; what is outside the data needs none.
func (c *Content) Needed(off, n int64) []shard.SliverIndex {
	if off < 0 || off >= c.size {
		return nil
	}
	return c.r.shape.touched(int(c.ID.Start), c.start+off, min(n, c.size-off))
}

// ReadAt reads data, as io.ReaderAt says. Its error is a *MissingError, and
// nothing is read, if a column of it is missing.
func (c *Content) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("quilt: read at a negative offset")
	}
	n := min(int64(len(b)), max(c.size-off, 0))
	if err := c.r.read(b[:n], int(c.ID.Start), c.start+off); err != nil {
		return 0, err
	}
	if n < int64(len(b)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// Bytes returns the data. Its error is a *MissingError.
func (c *Content) Bytes() ([]byte, error) {
	if err := c.r.missing(int(c.ID.Start), c.start, c.size); err != nil {
		return nil, err
	}
	b := make([]byte, c.size)
	if err := c.r.read(b, int(c.ID.Start), c.start); err != nil {
		return nil, err
	}
	return b, nil
}
