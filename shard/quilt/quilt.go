package quilt

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// bandSize is how many bytes WriteTo holds at once, if a row is not larger: so
// many that a quilt of usual size takes one read per column of its sources.
const bandSize = 4 << 20

// Source is what a patch is made from.
type Source struct {
	Identifier string            // see CheckIdentifier
	Tags       map[string]string // UTF-8, together at most MaxTagsSize bytes
	Size       int64             // of Data, in bytes; below 4 GiB
	// Data has Size bytes, which must not change while the quilt is used. It may
	// be nil if Size is 0.
	Data io.ReaderAt
}

// FromBytes returns a source without tags. It keeps data, which must not change.
func FromBytes(identifier string, data []byte) Source {
	return Source{Identifier: identifier, Size: int64(len(data)), Data: bytes.NewReader(data)}
}

// Quilt is a quilt to be written. It knows where everything lies and reads the
// data of its sources only when it is read itself.
type Quilt struct {
	shape shape
	index Index
	parts []part // the index first, then the patches
}

// part is something that has columns of its own.
type part struct {
	start, end int    // columns
	head       []byte // what comes before data
	data       io.ReaderAt
	size       int64 // of data
}

// New lays out a quilt of the sources, whose order does not matter, for a network
// of p. It keeps their Tags and Data. Without sources the quilt is an empty index.
// Its error is an ErrIdentifier, ErrTags, ErrDuplicate, ErrTooMany or ErrTooLarge,
// or shard.ErrParams.
func New(p shard.Params, sources []Source) (*Quilt, error) {
	if p.Shards() == 0 {
		return nil, shard.ErrParams
	}
	if len(sources) > MaxPatches(p) {
		return nil, fmt.Errorf("%w: %d, at most %d in a network of %d shards",
			ErrTooMany, len(sources), MaxPatches(p), p.Shards())
	}
	sources = slices.Clone(sources)
	slices.SortFunc(sources, func(a, b Source) int { return cmp.Compare(a.Identifier, b.Identifier) })
	q := &Quilt{
		shape: shape{rows: p.Rows(), cols: p.Cols()},
		index: Index{Patches: make([]Patch, len(sources))},
		parts: make([]part, 1+len(sources)),
	}
	sizes := make([]int64, len(q.parts))
	for i, s := range sources {
		if i > 0 && sources[i-1].Identifier == s.Identifier {
			return nil, fmt.Errorf("%w: %.64q", ErrDuplicate, s.Identifier)
		}
		head, err := patchHead(s)
		if err != nil {
			return nil, err
		}
		q.parts[1+i] = part{head: head, data: s.Data, size: s.Size}
		q.index.Patches[i] = Patch{Identifier: s.Identifier, Tags: s.Tags}
		sizes[1+i] = int64(len(head)) + s.Size
	}
	sizes[0] = indexPrefixSize + q.index.size()
	if sizes[0] > math.MaxUint32 {
		return nil, fmt.Errorf("%w: index of %d bytes", ErrTooLarge, sizes[0])
	}
	var err error
	if q.shape.symbolSize, err = findSymbolSize(sizes, q.shape.cols, q.shape.rows, maxIndexColumns); err != nil {
		return nil, err
	}
	q.place(sizes)
	return q, nil
}

// place gives each part its columns and writes the index, whose size does not
// depend on them.
func (q *Quilt) place(sizes []int64) {
	next := 0
	for i := range q.parts {
		x := &q.parts[i]
		x.start = next
		next += q.shape.columns(sizes[i])
		x.end = next
		if i > 0 {
			q.index.Patches[i-1].ID = internalID(x.start, x.end)
		}
	}
	var e bcs.Encoder
	e.U8(version)
	e.U32(uint32(sizes[0] - indexPrefixSize))
	q.index.encodeTo(&e)
	q.parts[0].head = e.Data()
}

// Size returns the size of the quilt as a blob, in bytes.
func (q *Quilt) Size() int64 { return q.shape.size() }

// SymbolSize returns the size of a symbol of the quilt as a blob.
func (q *Quilt) SymbolSize() int { return q.shape.symbolSize }

// Index returns the index. It must not be modified.
func (q *Quilt) Index() *Index { return &q.index }

// Bytes returns the quilt as a blob. Its error is that of a source.
func (q *Quilt) Bytes() ([]byte, error) {
	b := make([]byte, q.Size())
	if _, err := q.ReadAt(b, 0); err != nil {
		return nil, err
	}
	return b, nil
}

// WriteTo writes the quilt as a blob. It holds a few MiB of it at once, or a row
// where rows are larger. Its error is that of a source or of w.
func (q *Quilt) WriteTo(w io.Writer) (int64, error) {
	row := q.shape.rowSize()
	band := make([]byte, min(max(bandSize/row, 1)*row, q.Size()))
	var written int64
	for written < q.Size() {
		b := band[:min(int64(len(band)), q.Size()-written)]
		if _, err := q.ReadAt(b, written); err != nil {
			return written, err
		}
		n, err := w.Write(b)
		written += int64(n)
		if err != nil {
			return written, fmt.Errorf("write quilt: %w", err)
		}
	}
	return written, nil
}

// ReadAt reads the quilt as a blob, as io.ReaderAt says. It is fastest for whole
// rows, which start at multiples of Size()/Rows.
func (q *Quilt) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("quilt: read at a negative offset")
	}
	read := 0
	row := q.shape.rowSize()
	for len(b) > 0 && off < q.Size() {
		n := min(int64(len(b)), q.Size()-off)
		var err error
		if off%row == 0 && n >= row {
			n -= n % row
			err = q.readRows(b[:n], off/row)
		} else {
			n = min(n, int64(q.shape.symbolSize)-off%int64(q.shape.symbolSize))
			err = q.readSymbol(b[:n], off)
		}
		if err != nil {
			return read, err
		}
		b = b[n:]
		off += n
		read += int(n)
	}
	if len(b) > 0 {
		return read, io.EOF
	}
	return read, nil
}

// readSymbol reads bytes that lie in one symbol.
func (q *Quilt) readSymbol(b []byte, off int64) error {
	size, row := int64(q.shape.symbolSize), q.shape.rowSize()
	return q.readColumn(b, int(off%row/size), off/row*size+off%size)
}

// readRows reads whole rows, first being the number of the first. What they have
// of a column is one piece there.
func (q *Quilt) readRows(b []byte, first int64) error {
	size, row := int64(q.shape.symbolSize), q.shape.rowSize()
	rows := int64(len(b)) / row
	column := make([]byte, rows*size)
	for c := range q.shape.cols {
		if err := q.readColumn(column, c, first*size); err != nil {
			return err
		}
		for r := range rows {
			copy(b[r*row+int64(c)*size:], column[r*size:(r+1)*size])
		}
	}
	return nil
}

// readColumn fills b with the bytes of column c from off on.
func (q *Quilt) readColumn(b []byte, c int, off int64) error {
	clear(b)
	i := sort.Search(len(q.parts), func(i int) bool { return q.parts[i].end > c })
	if i == len(q.parts) {
		return nil
	}
	x := &q.parts[i]
	off += int64(c-x.start) * q.shape.columnSize()
	if off < int64(len(x.head)) {
		n := copy(b, x.head[off:])
		b = b[n:]
		off += int64(n)
	}
	off -= int64(len(x.head))
	b = b[:min(int64(len(b)), max(x.size-off, 0))]
	if len(b) == 0 {
		return nil
	}
	n, err := x.data.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read data of %.64q: %w", q.index.Patches[i-1].Identifier, err)
}

func internalID(start, end int) InternalID {
	return InternalID{Start: shard.SliverIndex(start), End: shard.SliverIndex(end)}
}
