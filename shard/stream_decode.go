package shard

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/floe-storage/floe/shard/rs"
)

// Decoder gathers slivers of a blob that may be too large for memory and writes
// the blob. It belongs to one goroutine.
//
// Of a small blob it keeps the slivers in memory. Of a large one, Add writes them
// to a temporary file of the blob's size; Decode reads that file once to restore
// the rows that are missing, to a second file of their size at most, once to
// check them, and once to write the blob. So memory depends on the number of
// shards and the size of a symbol only: 4n symbols per core.
type Decoder struct {
	grid   *grid
	md     *Metadata
	cfg    StreamConfig
	have   [2][]bool
	kept   [2][]Sliver // the first Threshold distinct ones; without Data if in files
	files  [2]*tempFile
	inFile bool
	closed bool
}

// NewDecoder prepares to decode the blob of that metadata, which is verified and
// must not change. Its error is an *InvalidError for metadata that does not fit p,
// or ErrParams. The Decoder must be closed.
func NewDecoder(p Params, md *Metadata, cfg StreamConfig) (*Decoder, error) {
	g, err := gridOf(p, md)
	if err != nil {
		return nil, err
	}
	d := &Decoder{grid: g, md: md, cfg: cfg}
	d.inFile = md.Size > uint64(cfg.memory()/smallFactor)
	for a := range d.have {
		d.have[a] = make([]bool, p.n)
	}
	return d, nil
}

// Close ends the temporary files. It may be called again.
func (d *Decoder) Close() error {
	err := errors.Join(d.files[Primary].Close(), d.files[Secondary].Close())
	d.files, d.kept, d.closed = [2]*tempFile{}, [2][]Sliver{}, true
	return err
}

// Add takes a verified sliver. Its data is copied. A sliver that is there already
// is ignored, and so is one of an axis of which there are enough. Its error is an
// *InvalidError for a sliver of the wrong shape, ErrClosed, or what the temporary
// file meets.
func (d *Decoder) Add(s Sliver) error {
	g := d.grid
	if d.closed {
		return ErrClosed
	}
	if err := g.checkShape(&s); err != nil {
		return err
	}
	a := s.Axis
	slot := len(d.kept[a])
	if d.have[a][s.Index] || slot == g.Threshold(a) {
		return nil
	}
	if !d.inFile {
		s.Data = slices.Clone(s.Data)
	} else {
		if d.files[a] == nil {
			f, err := newTempFile(d.cfg.TempDir, 0)
			if err != nil {
				return err
			}
			d.files[a] = f
		}
		if _, err := d.files[a].WriteAt(s.Data, int64(slot)*int64(len(s.Data))); err != nil {
			return fmt.Errorf("write temporary file: %w", err)
		}
		s.Data = nil
	}
	d.have[a][s.Index] = true
	d.kept[a] = append(d.kept[a], s)
	return nil
}

// Ready reports whether there are enough slivers of one axis.
func (d *Decoder) Ready() bool {
	return len(d.kept[Primary]) == d.grid.Threshold(Primary) || len(d.kept[Secondary]) == d.grid.Threshold(Secondary)
}

// Decode writes the blob to w, once c has found it consistent: an inconsistent one
// leaves no byte in w. Its errors are those of the function Decode, those of w,
// ErrClosed, and what the temporary files meet.
func (d *Decoder) Decode(w io.Writer, c Check) error {
	if d.closed {
		return ErrClosed
	}
	if !d.inFile {
		blob, err := Decode(d.grid.Params, d.md, slices.Concat(d.kept[Primary], d.kept[Secondary]), c)
		if err != nil {
			return err
		}
		_, err = w.Write(blob)
		return err
	}
	if c > CheckStrict {
		return fmt.Errorf("shard: unknown check %d", c)
	}
	g := d.grid
	axis := Primary
	if len(d.kept[Primary]) < g.Threshold(Primary) {
		axis = Secondary
	}
	used := d.kept[axis]
	if len(used) < g.Threshold(axis) {
		return fmt.Errorf("%w: %d primary and %d secondary slivers, need %d or %d", ErrNotEnough,
			len(d.kept[Primary]), len(d.kept[Secondary]), g.Threshold(Primary), g.Threshold(Secondary))
	}
	m := &matrixFile{grid: g, md: d.md, slivers: d.files[axis], rowSize: int64(g.SliverSize(Primary, g.symbolSize))}
	err := m.decode(d.cfg, used)
	if err == nil {
		err = m.check(d.cfg, c)
	}
	if err == nil {
		_, err = io.Copy(w, m.reader())
	}
	return errors.Join(err, m.restored.Close())
}

// matrixFile is the matrix of a blob, in files.
type matrixFile struct {
	*grid

	md       *Metadata
	slivers  *tempFile // of one axis, one after the other
	restored *tempFile // the rows that were restored, one after the other
	rowSize  int64
	rows     []place // of the matrix
}

// place is where a row is.
type place struct {
	file     *tempFile
	off      int64
	restored bool
}

// decode restores the rows that are not there.
func (m *matrixFile) decode(cfg StreamConfig, used []Sliver) error {
	dec, err := m.decoder(used)
	if err != nil {
		return err
	}
	m.restored, err = newTempFile(cfg.TempDir, 0)
	if err != nil {
		return err
	}
	m.rows = make([]place, m.Rows())
	if used[0].Axis == Secondary {
		for r := range m.rows {
			m.rows[r] = place{m.restored, int64(r) * m.rowSize, true}
		}
		return m.decodeCols(dec, used)
	}
	for i, s := range used {
		if int(s.Index) < len(m.rows) {
			m.rows[s.Index] = place{m.slivers, int64(i) * m.rowSize, false}
		}
	}
	for i, r := range dec.Missing() {
		m.rows[r] = place{m.restored, int64(i) * m.rowSize, true}
	}
	return m.decodeRows(dec)
}

// decodeRows restores rows from rows, some columns at a time.
func (m *matrixFile) decodeRows(dec *rs.Decoder) error {
	if len(dec.Missing()) == 0 {
		return nil
	}
	return m.decodeBatches(dec, m.Cols(), func(l *decodeLanes, first, count int) error {
		off := int64(first * m.symbolSize)
		l.run = resize(l.run, count*m.symbolSize)
		for i := range l.in {
			if _, err := m.slivers.ReadAt(l.run, int64(i)*m.rowSize+off); err != nil {
				return fmt.Errorf("read temporary file: %w", err)
			}
			l.layout.PutRun(l.in[i], l.run)
		}
		if err := dec.Decode(l.in, l.out, &l.work); err != nil {
			return err
		}
		for i := range l.out {
			l.layout.GetRun(l.run, l.out[i])
			if _, err := m.restored.WriteAt(l.run, int64(i)*m.rowSize+off); err != nil {
				return fmt.Errorf("write temporary file: %w", err)
			}
		}
		return nil
	})
}

// decodeCols writes all rows from columns, some rows at a time.
func (m *matrixFile) decodeCols(dec *rs.Decoder, used []Sliver) error {
	ss, rowSize := m.symbolSize, int(m.rowSize)
	colSize := int64(m.SliverSize(Secondary, ss))
	return m.decodeBatches(dec, m.Rows(), func(l *decodeLanes, first, count int) error {
		l.run = resize(l.run, count*ss)
		l.rows = resize(l.rows, count*rowSize)
		for i := range used {
			if _, err := m.slivers.ReadAt(l.run, int64(i)*colSize+int64(first*ss)); err != nil {
				return fmt.Errorf("read temporary file: %w", err)
			}
			l.layout.PutRun(l.in[i], l.run)
			if c := int(used[i].Index); c < m.Cols() {
				for r := range count {
					copy(l.rows[r*rowSize+c*ss:], l.run[r*ss:(r+1)*ss])
				}
			}
		}
		if err := dec.Decode(l.in, l.out, &l.work); err != nil {
			return err
		}
		for i, c := range dec.Missing() {
			for r := range count {
				at := r*rowSize + c*ss
				l.layout.Get(l.rows[at:at+ss], l.out[i], r)
			}
		}
		if _, err := m.restored.WriteAt(l.rows, int64(first)*m.rowSize); err != nil {
			return fmt.Errorf("write temporary file: %w", err)
		}
		return nil
	})
}

// check is what CheckDefault and CheckStrict ask for.
func (m *matrixFile) check(cfg StreamConfig, c Check) error {
	switch c {
	case CheckSkip:
		return nil
	case CheckStrict:
		again, err := ComputeMetadataFrom(m.Params, m.reader(), m.md.Size, cfg)
		if err != nil {
			return err
		}
		if id := m.md.ID(); again.ID() != id {
			return &InconsistentBlobError{Blob: id, Check: CheckStrict}
		}
		return nil
	default:
		return m.checkRestored()
	}
}

// checkRestored compares the rows that were not given with the metadata, as
// checkRows does.
func (m *matrixFile) checkRestored() error {
	var which []int
	for r, at := range m.rows {
		if at.restored {
			which = append(which, r)
		}
	}
	errs := make([]error, len(which))
	parallel(len(which), func(_ int, next func() (int, bool)) {
		row := make([]byte, m.rowSize)
		x := m.expander(Primary)
		for t, ok := next(); ok; t, ok = next() {
			r := which[t]
			clear(row)
			n := min(max(int64(m.md.Size)-int64(r)*m.rowSize, 0), m.rowSize)
			if _, err := m.rows[r].file.ReadAt(row[:n], m.rows[r].off); err != nil {
				errs[t] = fmt.Errorf("read temporary file: %w", err)
				continue
			}
			if errs[t] = x.expand([][]byte{row}); errs[t] == nil && x.root(0) != m.md.Hash(Primary, SliverIndex(r)) {
				errs[t] = &InconsistentBlobError{Blob: m.md.ID(), Check: CheckDefault, Row: SliverIndex(r)}
			}
		}
	})
	return firstError(errs)
}

// reader reads the blob.
func (m *matrixFile) reader() io.Reader {
	var list []io.Reader
	left := int64(m.md.Size)
	for _, at := range m.rows {
		n := min(left, m.rowSize)
		list = append(list, io.NewSectionReader(at.file, at.off, n))
		left -= n
	}
	return io.MultiReader(list...)
}
