package shard

import (
	"math/bits"
	"runtime"

	"github.com/floe-storage/floe/shard/merkle"
	"github.com/floe-storage/floe/shard/rs"
)

// Encode cuts a blob into its sliver pairs, in pair order, and computes the
// metadata. blob may be empty; it is neither kept nor changed, and everything
// returned is the caller's. Beyond the result it needs memory for about 3n symbols
// or 3n·8 KiB per core, whichever is more. Its error is a *TooLargeError, or
// ErrParams.
func Encode(p Params, blob []byte) (*Metadata, []SliverPair, error) {
	e, err := newEncoder(p, blob)
	if err != nil {
		return nil, nil, err
	}
	pairs := e.newPairs()
	if err := e.run(); err != nil {
		return nil, nil, err
	}
	return e.metadata(), pairs, nil
}

// ComputeMetadata computes what Encode computes and keeps no slivers: it needs
// about half as much memory as the blob, and what Encode needs beyond its
// result. Its error is that of Encode.
func ComputeMetadata(p Params, blob []byte) (*Metadata, error) {
	e, err := newEncoder(p, blob)
	if err != nil {
		return nil, err
	}
	if err := e.run(); err != nil {
		return nil, err
	}
	return e.metadata(), nil
}

// encoder expands one blob. First the rows of the blob give the columns right of
// it; then groups of columns are expanded downwards. A group computes the roots
// of its columns, and of each row the node of the row's tree above its cells.
type encoder struct {
	*grid

	blob []byte
	// right[j] is secondary sliver Cols+j, complete after expandRows.
	right [][]byte
	// primary[r] and secondary[c] take slivers; nil where they are not wanted.
	primary, secondary [][]byte

	groupLen int // columns in a group, a power of two; the last may have fewer
	// nodes[r*groups+g] is the node above group g in the tree of row r.
	nodes  []Hash
	groups int

	rowRoots, colRoots []Hash
}

func newEncoder(p Params, blob []byte) (*encoder, error) {
	symbolSize, err := p.SymbolSize(uint64(len(blob)))
	if err != nil {
		return nil, err
	}
	g, err := newGrid(p, symbolSize)
	if err != nil {
		return nil, err
	}
	e := &encoder{
		grid:      g,
		blob:      blob,
		primary:   make([][]byte, p.n),
		secondary: make([][]byte, p.n),
		right:     make([][]byte, p.Faulty()),
		rowRoots:  make([]Hash, p.n),
		colRoots:  make([]Hash, p.n),
	}
	for j := range e.right {
		e.right[j] = make([]byte, p.SliverSize(Secondary, symbolSize))
	}
	e.groupLen = groupLen(p.n, symbolSize)
	e.groups = (p.n + e.groupLen - 1) / e.groupLen
	e.nodes = make([]Hash, p.n*e.groups)
	return e, nil
}

// groupLen returns the number of columns of a group: a power of two, so that a
// group is a whole subtree; about laneSize bytes of each row; several groups per
// core, so that all end at about the same time.
func groupLen(n, symbolSize int) int {
	const perCore, most = 4, 32
	limit := min(laneSize/symbolSize, n/(perCore*runtime.GOMAXPROCS(0)), most)
	return 1 << (bits.Len(uint(max(limit, 1))) - 1)
}

// newPairs makes the slivers that run fills.
func (e *encoder) newPairs() []SliverPair {
	pairs := make([]SliverPair, e.n)
	for i := range e.n {
		e.primary[i] = make([]byte, e.SliverSize(Primary, e.symbolSize))
		if i < e.Cols() {
			e.secondary[i] = make([]byte, e.SliverSize(Secondary, e.symbolSize))
		} else {
			e.secondary[i] = e.right[i-e.Cols()]
		}
	}
	for i := range pairs {
		c := e.n - 1 - i
		pairs[i] = SliverPair{
			Primary:   Sliver{Primary, SliverIndex(i), e.symbolSize, e.primary[i]},
			Secondary: Sliver{Secondary, SliverIndex(c), e.symbolSize, e.secondary[c]},
		}
	}
	return pairs
}

func (e *encoder) metadata() *Metadata {
	md := &Metadata{Size: uint64(len(e.blob)), Hashes: make([]PairHashes, e.n)}
	for i := range md.Hashes {
		md.Hashes[i] = PairHashes{Primary: e.rowRoots[i], Secondary: e.colRoots[e.n-1-i]}
	}
	return md
}

// run fills the slivers and the roots.
func (e *encoder) run() error {
	if err := e.expandRows(); err != nil {
		return err
	}
	if err := e.expandCols(); err != nil {
		return err
	}
	parallel(e.n, func(next func() (int, bool)) {
		var h merkle.Hasher
		for r, ok := next(); ok; r, ok = next() {
			e.rowRoots[r] = h.Root(e.nodes[r*e.groups : (r+1)*e.groups])
		}
	})
	return nil
}

// blobRun returns the run of up to len(dst) bytes of the padded blob from byte off
// on: a part of the blob, or dst filled with what there is and zeros.
func (e *encoder) blobRun(dst []byte, off int) []byte {
	if off+len(dst) <= len(e.blob) {
		return e.blob[off : off+len(dst)]
	}
	n := 0
	if off < len(e.blob) {
		n = copy(dst, e.blob[off:])
	}
	clear(dst[n:])
	return dst
}

// expandRows fills right from the rows of the blob. Rows that are all padding
// give zeros, which is what right holds already.
func (e *encoder) expandRows() error {
	ss, cols := e.symbolSize, e.Cols()
	rows := (len(e.blob) + cols*ss - 1) / (cols * ss)
	batch := e.batch(rows)
	failed := make([]error, (rows+batch-1)/batch)
	parallel(len(failed), func(next func() (int, bool)) {
		var work rs.Work
		cell := make([]byte, ss)
		all := lanes(e.n, rs.NewLayout(ss, batch).Len())
		for t, ok := next(); ok; t, ok = next() {
			first := t * batch
			count := min(batch, rows-first)
			layout := rs.NewLayout(ss, count)
			for i := range all {
				all[i] = all[i][:layout.Len()]
			}
			for i := range count {
				for c := range cols {
					layout.Put(all[c], i, e.blobRun(cell, ((first+i)*cols+c)*ss))
				}
			}
			if failed[t] = e.codes[Primary].Encode(all[:cols], all[cols:], &work); failed[t] != nil {
				continue
			}
			for j, sliver := range e.right {
				layout.GetRun(sliver[first*ss:(first+count)*ss], all[cols+j])
			}
		}
	})
	return firstError(failed)
}

// expandCols expands all columns, group by group, and hashes every cell once.
func (e *encoder) expandCols() error {
	failed := make([]error, e.groups)
	parallel(e.groups, func(next func() (int, bool)) {
		g := e.newColGroup()
		for t, ok := next(); ok; t, ok = next() {
			failed[t] = g.expand(t)
		}
	})
	return firstError(failed)
}

// colGroup is the scratch of one worker that expands groups of columns.
type colGroup struct {
	*encoder

	work      rs.Work
	hasher    merkle.Hasher
	run       []byte   // one row's cells
	rows      [][]byte // lanes, by row
	rowLeaves []Hash   // of one row's cells
	colLeaves []Hash   // by column of the group and row
}

func (e *encoder) newColGroup() *colGroup {
	return &colGroup{
		encoder:   e,
		run:       make([]byte, e.groupLen*e.symbolSize),
		rows:      lanes(e.n, rs.NewLayout(e.symbolSize, e.groupLen).Len()),
		rowLeaves: make([]Hash, e.groupLen),
		colLeaves: make([]Hash, e.groupLen*e.n),
	}
}

// expand does group t.
func (g *colGroup) expand(t int) error {
	first := t * g.groupLen
	count := min(g.groupLen, g.n-first)
	rows := g.Rows()
	layout := rs.NewLayout(g.symbolSize, count)
	for r := range g.rows {
		g.rows[r] = g.rows[r][:layout.Len()]
	}
	for r := range rows {
		cells := g.sourceRun(r, first, count)
		layout.PutRun(g.rows[r], cells)
		g.hashRow(r, t, first, cells)
	}
	if err := g.codes[Secondary].Encode(g.rows[:rows], g.rows[rows:], &g.work); err != nil {
		return err
	}
	for r := rows; r < g.n; r++ {
		cells := g.rows[r]
		if !layout.Plain() {
			cells = g.run[:count*g.symbolSize]
			layout.GetRun(cells, g.rows[r])
		}
		g.hashRow(r, t, first, cells)
	}
	for i := range count {
		g.colRoots[first+i] = g.hasher.Root(g.colLeaves[i*g.n : (i+1)*g.n])
	}
	return nil
}

// sourceRun returns the cells of row r < Rows in count columns from first on,
// and copies them to the slivers that hold them. The result is valid until the
// next call.
func (g *colGroup) sourceRun(r, first, count int) []byte {
	ss, cols := g.symbolSize, g.Cols()
	inBlob := max(0, min(count, cols-first))
	run := g.run[:count*ss]
	cells := g.blobRun(run[:inBlob*ss], (r*cols+first)*ss)
	if inBlob < count {
		copy(run, cells)
		for i := inBlob; i < count; i++ {
			copy(run[i*ss:(i+1)*ss], g.right[first+i-cols][r*ss:])
		}
		cells = run
	}
	for i := range inBlob {
		if dst := g.secondary[first+i]; dst != nil {
			copy(dst[r*ss:(r+1)*ss], cells[i*ss:])
		}
	}
	return cells
}

// hashRow hashes the cells of row r in group t, whose first column is first, and
// copies those left of Cols to the primary sliver.
func (g *colGroup) hashRow(r, t, first int, cells []byte) {
	ss := g.symbolSize
	if dst := g.primary[r]; dst != nil && first < g.Cols() {
		copy(dst[first*ss:], cells)
	}
	count := len(cells) / ss
	leaves := g.rowLeaves[:count]
	for i := range leaves {
		leaves[i] = g.hasher.Leaf(cells[i*ss : (i+1)*ss])
		g.colLeaves[i*g.n+r] = leaves[i]
	}
	g.nodes[r*g.groups+t] = g.hasher.Climb(leaves, bits.Len(uint(g.groupLen))-1)[0]
}

// firstError returns the first error of a list that workers have filled.
func firstError(list []error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}
