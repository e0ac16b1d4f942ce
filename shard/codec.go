package shard

import (
	"runtime"
	"slices"

	"github.com/floe-storage/floe/shard/rs"
)

// Codec encodes one blob after another and keeps its memory in between, so that
// from the second blob of a size on it allocates almost nothing. It belongs to
// one goroutine at a time, and uses all cores itself. It holds about half as much
// memory as the largest blob it has seen, and some MiB per core; a Codec that is
// no longer used is simply dropped.
type Codec struct {
	grid *grid // of the last blob

	right    []byte // memory of the columns right of the blob when nobody wants them
	workers  []colWorker
	failed   []error
	nodes    []Hash
	rowRoots []Hash
	colRoots []Hash
	lists    [3][][]byte
}

// NewCodec returns a Codec for networks of p. Its error is ErrParams.
func NewCodec(p Params) (*Codec, error) {
	if p.n == 0 {
		return nil, ErrParams
	}
	g, err := newGrid(p, symbolAlignment)
	if err != nil {
		return nil, err
	}
	return &Codec{grid: g}, nil
}

// Encode is the package's Encode. It puts the slivers into the memory of those in
// pairs, which may be nil or come from an earlier call, where that is large
// enough; the result has exactly one entry per shard. The result is the caller's,
// and so is not changed by later calls unless it is given to them.
func (c *Codec) Encode(blob []byte, pairs []SliverPair) (*Metadata, []SliverPair, error) {
	e, err := c.encoder(blob, mostColumns)
	if err != nil {
		return nil, nil, err
	}
	pairs = e.takePairs(pairs)
	err = e.run()
	for _, list := range [][][]byte{e.right, e.primary, e.secondary} {
		clear(list) // they are the caller's
	}
	if err != nil {
		return nil, nil, err
	}
	return e.metadata(), pairs, nil
}

// Metadata is the package's ComputeMetadata.
func (c *Codec) Metadata(blob []byte) (*Metadata, error) {
	e, err := c.encoder(blob, mostColumns)
	if err != nil {
		return nil, err
	}
	e.right = e.right[:0]
	size := e.SliverSize(Secondary, e.symbolSize)
	c.right = resize(c.right, e.Faulty()*size)
	for j := range e.Faulty() {
		e.right = append(e.right, c.right[j*size:(j+1)*size])
	}
	if err := e.run(); err != nil {
		return nil, err
	}
	return e.metadata(), nil
}

// encoder prepares for a blob; a group has at most that many columns.
func (c *Codec) encoder(blob []byte, mostColumns int) (*encoder, error) {
	symbolSize, err := c.grid.SymbolSize(uint64(len(blob)))
	if err != nil {
		return nil, err
	}
	c.grid.symbolSize = symbolSize
	n := c.grid.n
	e := &encoder{
		grid:      c.grid,
		codec:     c,
		blob:      blob,
		right:     c.lists[0],
		primary:   resize(c.lists[1], n),
		secondary: resize(c.lists[2], n),
		groupLen:  groupLen(n, symbolSize, mostColumns),
	}
	clear(e.primary)
	clear(e.secondary)
	c.lists = [3][][]byte{e.right, e.primary, e.secondary}
	e.groups = (n + e.groupLen - 1) / e.groupLen
	c.nodes = resize(c.nodes, n*e.groups)
	c.rowRoots = resize(c.rowRoots, n)
	c.colRoots = resize(c.colRoots, n)
	for len(c.workers) < runtime.GOMAXPROCS(0) {
		c.workers = append(c.workers, colWorker{})
	}
	c.failed = resize(c.failed, max(e.groups, n))
	e.nodes, e.rowRoots, e.colRoots = c.nodes, c.rowRoots, c.colRoots
	return e, nil
}

// takePairs prepares the slivers that run fills.
func (e *encoder) takePairs(pairs []SliverPair) []SliverPair {
	pairs = slices.Grow(pairs[:0], e.n)[:e.n]
	rowSize, colSize := e.SliverSize(Primary, e.symbolSize), e.SliverSize(Secondary, e.symbolSize)
	for i := range pairs {
		p := &pairs[i]
		c := e.n - 1 - i
		if cap(p.Primary.Data) < rowSize || cap(p.Secondary.Data) < colSize {
			// The two of a pair go the same way, so they share memory.
			both := make([]byte, rowSize+colSize)
			p.Primary.Data, p.Secondary.Data = both[:rowSize:rowSize], both[rowSize:]
		}
		p.Primary = Sliver{Primary, SliverIndex(i), e.symbolSize, p.Primary.Data[:rowSize]}
		p.Secondary = Sliver{Secondary, SliverIndex(c), e.symbolSize, p.Secondary.Data[:colSize]}
		e.primary[i], e.secondary[c] = p.Primary.Data, p.Secondary.Data
	}
	e.right = append(e.right[:0], e.secondary[e.Cols():]...)
	const much = 32 << 20
	e.past = e.n*(rowSize+colSize) > much
	return pairs
}

// resize returns list with that length and arbitrary contents.
func resize[T any](list []T, n int) []T {
	if cap(list) < n {
		return make([]T, n)
	}
	return list[:n]
}

// colWorker is the scratch of one worker.
type colWorker struct {
	work   rs.Work
	buffer laneBuffer
	hasher leafHasher
	run    []byte // one row's cells
	block  []byte // a group's cells, for a streamer
	leaves []Hash // of a group, by row and column
	upper  []Hash // scratch of its columns
	roots  []Hash // of the rows' parts
}
