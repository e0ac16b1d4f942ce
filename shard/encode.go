package shard

import (
	"math/bits"
	"runtime"

	"github.com/floe-storage/floe/shard/merkle"
	"github.com/floe-storage/floe/shard/rs"
)

// Encode cuts a blob into its sliver pairs, in pair order, and computes the
// metadata. blob may be empty; it is neither kept nor changed, and everything
// returned is the caller's; the two slivers of a pair share memory. Beyond the
// result it needs some MiB per core. Its error is a *TooLargeError, or ErrParams.
//
// A Codec does the same for many blobs with less work for the collector.
func Encode(p Params, blob []byte) (*Metadata, []SliverPair, error) {
	c, err := NewCodec(p)
	if err != nil {
		return nil, nil, err
	}
	return c.Encode(blob, nil)
}

// ComputeMetadata computes what Encode computes and keeps no slivers: it needs
// about half as much memory as the blob, and some MiB per core. Its error is that
// of Encode.
func ComputeMetadata(p Params, blob []byte) (*Metadata, error) {
	c, err := NewCodec(p)
	if err != nil {
		return nil, err
	}
	return c.Metadata(blob)
}

// encoder expands one blob. First the rows of the blob give the columns right of
// it; then groups of columns are expanded downwards. A group computes the roots
// of its columns, and of each row the node of the row's tree above its cells.
type encoder struct {
	*grid

	codec *Codec
	blob  []byte
	// right[j] is secondary sliver Cols+j, complete after expandRows.
	right [][]byte
	// primary[r] and secondary[c] take slivers; nil where they are not wanted.
	primary, secondary [][]byte

	// past says that the slivers are so many bytes that they are written past the
	// caches, in which they would not be found later anyway.
	past bool

	groupLen int // columns in a group, a power of two; the last may have fewer
	// nodes[r*groups+g] is the node above group g in the tree of row r.
	nodes  []Hash
	groups int

	rowRoots, colRoots []Hash
}

// mostColumns is how many columns a group has at most.
const mostColumns = 16

// groupLen returns the number of columns of a group: a power of two, so that a
// group is a whole subtree; some batchSize bytes of cells; several groups per
// core, so that all end at about the same time, unless there is so little to do
// that one core does it best.
func groupLen(n, symbolSize, most int) int {
	const (
		perCore = 2
		little  = 2000 // blocks to hash
	)
	limit := min(4*batchSize/(n*symbolSize), n/(perCore*runtime.GOMAXPROCS(0)), most)
	if n <= most && n*n*(symbolSize/128+3) < little {
		limit = min(1<<merkle.Depth(n), most) // no more than the whole tree
	}
	return 1 << (bits.Len(uint(max(limit, 1))) - 1)
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
	e.rowTrees()
	return nil
}

// rowTrees computes the roots of the rows from what the groups gave.
func (e *encoder) rowTrees() {
	const rows = 64
	parallel((e.n+rows-1)/rows, func(_ int, next func() (int, bool)) {
		for t, ok := next(); ok; t, ok = next() {
			first, last := t*rows, min((t+1)*rows, e.n)
			merkle.Subtrees(e.rowRoots[first:last], e.nodes[first*e.groups:last*e.groups],
				e.groups, merkle.Depth(e.groups))
		}
	})
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
// give zeros.
func (e *encoder) expandRows() error {
	ss, cols := e.symbolSize, e.Cols()
	rows := (len(e.blob) + cols*ss - 1) / (cols * ss)
	for _, sliver := range e.right {
		clear(sliver[rows*ss:])
	}
	batch := e.batch(rows)
	tasks := (rows + batch - 1) / batch
	failed := e.codec.failed[:tasks]
	parallel(tasks, func(worker int, next func() (int, bool)) {
		w := &e.codec.workers[worker]
		w.run = resize(w.run, cols*ss)
		for t, ok := next(); ok; t, ok = next() {
			first := t * batch
			count := min(batch, rows-first)
			layout := rs.NewLayout(ss, count)
			all := w.buffer.take(e.n, layout.Len())
			for i := range count {
				row := e.blobRun(w.run, (first+i)*cols*ss)
				for c, lane := range all[:cols] {
					layout.Put(lane, i, row[c*ss:(c+1)*ss])
				}
			}
			if failed[t] = e.codes[Primary].Encode(all[:cols], all[cols:], &w.work); failed[t] != nil {
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
	failed := e.codec.failed[:e.groups]
	parallel(e.groups, func(worker int, next func() (int, bool)) {
		w := &e.codec.workers[worker]
		w.prepare(e)
		for t, ok := next(); ok; t, ok = next() {
			failed[t] = e.expandGroup(w, t)
		}
	})
	return firstError(failed)
}

// prepare makes room for groups.
func (w *colWorker) prepare(e *encoder) {
	w.run = resize(w.run, e.groupLen*e.symbolSize)
	w.leaves = resize(w.leaves, e.groupLen*e.n)
	w.upper = resize(w.upper, (e.n+1)/2*e.groupLen)
	w.roots = resize(w.roots, e.n)
}

// expandGroup does group t.
func (e *encoder) expandGroup(w *colWorker, t int) error {
	first := t * e.groupLen
	count := min(e.groupLen, e.n-first)
	layout := rs.NewLayout(e.symbolSize, count)
	lanes := w.buffer.take(e.n, layout.Len())
	leaves := w.leaves[:e.n*count]
	w.hasher.start(e.grid, leaves)
	rows := e.Rows()
	for r := range rows {
		e.sourceRow(w, layout, lanes[r], r, first, count)
	}
	w.hasher.flush()
	if err := e.codes[Secondary].Encode(lanes[:rows], lanes[rows:], &w.work); err != nil {
		return err
	}
	for r := rows; r < e.n; r++ {
		e.parityRow(w, layout, lanes[r], r, first, count)
	}
	w.hasher.flush()
	rs.StreamFence()
	e.groupTrees(w, t, first, count)
	return nil
}

// put copies cells to a sliver.
func (e *encoder) put(dst, cells []byte) {
	if e.past {
		rs.StreamCopy(dst, cells)
	} else {
		copy(dst, cells)
	}
}

// groupTrees computes from the leaf hashes of group t what the group gives to the
// roots. The hashes are lost.
func (e *encoder) groupTrees(w *colWorker, t, first, count int) {
	leaves := w.leaves[:e.n*count]
	merkle.RootsAcross(e.colRoots[first:first+count], leaves, w.upper)
	merkle.Subtrees(w.roots, leaves, count, bits.Len(uint(e.groupLen))-1)
	for r, node := range w.roots {
		e.nodes[r*e.groups+t] = node
	}
}

// sourceRow puts the cells of row r < Rows in count columns from first on into
// lane, hashes them and copies them to the slivers that hold them.
func (e *encoder) sourceRow(w *colWorker, layout rs.Layout, lane []byte, r, first, count int) {
	ss, cols := e.symbolSize, e.Cols()
	inBlob := max(0, min(count, cols-first))
	off, size := (r*cols+first)*ss, inBlob*ss
	var cells []byte
	if off+size <= len(e.blob) {
		cells = e.blob[off : off+size]
	} else {
		cells = e.blobRun(w.hasher.room(inBlob), off)
	}
	if dst := e.primary[r]; dst != nil && inBlob > 0 {
		e.put(dst[first*ss:(first+inBlob)*ss], cells)
	}
	for i := range inBlob {
		cell := cells[i*ss : (i+1)*ss]
		layout.Put(lane, i, cell)
		if dst := e.secondary[first+i]; dst != nil {
			copy(dst[r*ss:(r+1)*ss], cell)
		}
	}
	w.hasher.add(cells)
	for i := inBlob; i < count; i++ {
		cell := e.right[first+i-cols][r*ss : (r+1)*ss]
		layout.Put(lane, i, cell)
		w.hasher.add(cell)
	}
}

// parityRow hashes the cells of row r ≥ Rows, which lie in lane, and copies those
// left of Cols to the primary sliver.
func (e *encoder) parityRow(w *colWorker, layout rs.Layout, lane []byte, r, first, count int) {
	ss, cols := e.symbolSize, e.Cols()
	dst := e.primary[r]
	if dst != nil && first+count <= cols && !e.past {
		cells := dst[first*ss : (first+count)*ss]
		layout.GetRun(cells, lane)
		w.hasher.add(cells)
		return
	}
	cells := lane
	if !layout.Plain() {
		cells = w.hasher.room(count)
		layout.GetRun(cells, lane)
	}
	if dst != nil && first < cols {
		inBlob := min(count, cols-first)
		e.put(dst[first*ss:(first+inBlob)*ss], cells[:inBlob*ss])
	}
	w.hasher.add(cells)
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
