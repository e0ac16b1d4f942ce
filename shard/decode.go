package shard

import (
	"errors"
	"fmt"

	"github.com/floe-storage/floe/shard/rs"
)

// Check selects how Decode makes sure that a blob was encoded consistently, that
// is, that every choice of slivers gives the same bytes.
type Check uint8

const (
	// CheckDefault expands every row of the blob that was not itself among the
	// slivers used and compares its root with the metadata. It is enough to give
	// every reader the same blob or none as long as readers use primary slivers.
	CheckDefault Check = iota
	// CheckSkip trusts the encoder.
	CheckSkip
	// CheckStrict encodes the blob again and compares the blob ID.
	CheckStrict
)

// Decode returns the blob. slivers are verified ones, of either axis, in any
// order; Rows distinct primary or Cols distinct secondary ones are needed, and
// the primary ones are used if there are enough. Further slivers and repeated
// ones are ignored. The blob is the caller's.
//
// Its error is ErrNotEnough; an *InvalidError when a sliver has the wrong shape
// or the metadata does not fit p; an *InconsistentBlobError when c finds that the
// blob was encoded wrongly; or ErrParams.
func Decode(p Params, md *Metadata, slivers []Sliver, c Check) ([]byte, error) {
	g, err := gridOf(p, md)
	if err != nil {
		return nil, err
	}
	if c > CheckStrict {
		return nil, fmt.Errorf("shard: unknown check %d", c)
	}
	used, err := g.choose(slivers)
	if err != nil {
		return nil, err
	}
	matrix := make([]byte, p.Rows()*p.Cols()*g.symbolSize)
	if used[0].Axis == Primary {
		err = g.decodeRows(matrix, used)
	} else {
		err = g.decodeCols(matrix, used)
	}
	if err != nil {
		return nil, err
	}
	blob := matrix[:md.Size:md.Size]
	switch c {
	case CheckSkip:
	case CheckDefault:
		// What the blob says of itself ends at its size; padding is zero.
		clear(matrix[md.Size:])
		err = g.checkRows(md, matrix, used)
	case CheckStrict:
		err = checkAgain(p, md, blob)
	}
	if err != nil {
		return nil, err
	}
	return blob, nil
}

// choose returns the slivers to decode from: distinct ones of one axis, exactly
// as many as are needed.
func (g *grid) choose(slivers []Sliver) ([]Sliver, error) {
	var chosen [2][]Sliver
	var seen [2][]bool
	for a := range seen {
		seen[a] = make([]bool, g.n)
	}
	for i := range slivers {
		s := &slivers[i]
		if err := g.checkShape(s); err != nil {
			return nil, err
		}
		if !seen[s.Axis][s.Index] && len(chosen[s.Axis]) < g.Threshold(s.Axis) {
			seen[s.Axis][s.Index] = true
			chosen[s.Axis] = append(chosen[s.Axis], *s)
		}
	}
	for _, a := range []Axis{Primary, Secondary} {
		if len(chosen[a]) == g.Threshold(a) {
			return chosen[a], nil
		}
	}
	return nil, fmt.Errorf("%w: %d primary and %d secondary slivers, need %d or %d", ErrNotEnough,
		len(chosen[Primary]), len(chosen[Secondary]), g.Threshold(Primary), g.Threshold(Secondary))
}

// decoder prepares the code across slivers: those of axis a are its symbols.
func (g *grid) decoder(used []Sliver) (*rs.Decoder, error) {
	known := make([]int, len(used))
	for i := range used {
		known[i] = int(used[i].Index)
	}
	return g.codes[used[0].Axis.Other()].Decoder(known)
}

// decodeRows fills the matrix from rows. A batch is some columns.
func (g *grid) decodeRows(matrix []byte, used []Sliver) error {
	rowSize := g.Cols() * g.symbolSize
	for i := range used {
		if int(used[i].Index) < g.Rows() {
			copy(matrix[int(used[i].Index)*rowSize:], used[i].Data)
		}
	}
	dec, err := g.decoder(used)
	if err != nil {
		return err
	}
	return g.decodeBatches(dec, g.Cols(), func(l *decodeLanes, first, count int) error {
		from, to := first*g.symbolSize, (first+count)*g.symbolSize
		if len(dec.Missing()) == 0 {
			return nil
		}
		for i := range used {
			l.layout.PutRun(l.in[i], used[i].Data[from:to])
		}
		if err := dec.Decode(l.in, l.out, &l.work); err != nil {
			return err
		}
		for i, r := range dec.Missing() {
			l.layout.GetRun(matrix[r*rowSize+from:r*rowSize+to], l.out[i])
		}
		return nil
	})
}

// decodeCols fills the matrix from columns. A batch is some rows.
func (g *grid) decodeCols(matrix []byte, used []Sliver) error {
	ss, cols := g.symbolSize, g.Cols()
	dec, err := g.decoder(used)
	if err != nil {
		return err
	}
	return g.decodeBatches(dec, g.Rows(), func(l *decodeLanes, first, count int) error {
		if len(dec.Missing()) > 0 {
			for i := range used {
				l.layout.PutRun(l.in[i], used[i].Data[first*ss:(first+count)*ss])
			}
			if err := dec.Decode(l.in, l.out, &l.work); err != nil {
				return err
			}
		}
		for r := first; r < first+count; r++ {
			for i := range used {
				if c := int(used[i].Index); c < cols {
					copy(matrix[(r*cols+c)*ss:], used[i].Data[r*ss:(r+1)*ss])
				}
			}
			for i, c := range dec.Missing() {
				at := (r*cols + c) * ss
				l.layout.Get(matrix[at:at+ss], l.out[i], r-first)
			}
		}
		return nil
	})
}

// decodeLanes is the scratch of one worker that decodes batches.
type decodeLanes struct {
	layout  rs.Layout
	in, out [][]byte
	work    rs.Work
	run     []byte // symbols of one lane, for files
	rows    []byte // of the matrix, for files
}

// decodeBatches calls do for batches that together are 0 … total-1, on all
// cores. When nothing is missing there is still the known to be copied.
func (g *grid) decodeBatches(dec *rs.Decoder, total int, do func(l *decodeLanes, first, count int) error) error {
	batch := g.batch(total)
	failed := make([]error, (total+batch-1)/batch)
	parallel(len(failed), func(_ int, next func() (int, bool)) {
		size := rs.NewLayout(g.symbolSize, batch).Len()
		l := &decodeLanes{in: lanes(dec.Known(), size), out: lanes(len(dec.Missing()), size)}
		for t, ok := next(); ok; t, ok = next() {
			first := t * batch
			count := min(batch, total-first)
			l.layout = rs.NewLayout(g.symbolSize, count)
			for _, list := range [][][]byte{l.in, l.out} {
				for i := range list {
					list[i] = list[i][:l.layout.Len()]
				}
			}
			failed[t] = do(l, first, count)
		}
	})
	return firstError(failed)
}

// checkRows compares the rows of the matrix with the metadata, but for those
// that are among the slivers used: these were verified when they came, and no
// others were ([ENC] config.rs marks more, and so can miss a fault).
func (g *grid) checkRows(md *Metadata, matrix []byte, used []Sliver) error {
	verified := make([]bool, g.n)
	for i := range used {
		if used[i].Axis == Primary {
			verified[used[i].Index] = true
		}
	}
	rowSize := g.Cols() * g.symbolSize
	var rows []Sliver
	var which []int
	for r := range g.Rows() {
		if !verified[r] {
			which = append(which, len(rows))
			rows = append(rows, Sliver{Primary, SliverIndex(r), g.symbolSize, matrix[r*rowSize : (r+1)*rowSize]})
		}
	}
	errs := make([]error, len(rows))
	g.verify(md, Primary, rows, which, errs)
	for i, err := range errs {
		if errors.Is(err, ErrMismatch) {
			return &InconsistentBlobError{Blob: md.ID(), Check: CheckDefault, Row: rows[i].Index}
		}
	}
	return firstError(errs)
}

// checkAgain compares the blob ID of the decoded bytes with the one expected.
func checkAgain(p Params, md *Metadata, blob []byte) error {
	again, err := ComputeMetadata(p, blob)
	if err != nil {
		return err
	}
	if id := md.ID(); again.ID() != id {
		return &InconsistentBlobError{Blob: id, Check: CheckStrict}
	}
	return nil
}
