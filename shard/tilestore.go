package shard

import (
	"fmt"
	"iter"
)

// tileStore holds the expanded matrix in a file, as an encoder that goes by tiles
// makes it: for each tile, for each group of columns a block of the tile's cells,
// row by row. Blocks right of the blob have the first Rows rows only: the rest is
// in no sliver.
type tileStore struct {
	*grid // with the symbol size of the blob

	file               *tempFile
	tile, tiles        int
	groupLen, groups   int
	before             []int64 // cells in the blocks before a group; the last entry is for all
	firstRow, rowCount int     // primary slivers that are in memory
	rows               []byte
	group              int // whose secondary slivers are in memory, or -1
	cols               []byte
	scratch            []byte
}

func newTileStore(s *streamer) (*tileStore, error) {
	g := *s.grid
	g.symbolSize = s.symbolSize
	t := &tileStore{
		grid: &g, tile: s.tile, tiles: s.tiles, groupLen: s.groupLen, groups: s.groups,
		before: make([]int64, s.groups+1), group: -1,
	}
	for i := range t.groups {
		t.before[i+1] = t.before[i] + int64(t.blockRows(i)*t.columns(i))
	}
	var err error
	t.file, err = newTempFile(s.cfg.TempDir, t.before[t.groups]*int64(s.symbolSize))
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (t *tileStore) close() error {
	if t == nil {
		return nil
	}
	return t.file.Close()
}

// columns returns the number of columns of a group, blockRows the rows of its
// blocks.
func (t *tileStore) columns(group int) int { return min(t.groupLen, t.n-group*t.groupLen) }

func (t *tileStore) blockRows(group int) int {
	if group*t.groupLen < t.Cols() {
		return t.n
	}
	return t.Rows()
}

// tileSize returns the size of a tile.
func (t *tileStore) tileSize(tile int) int { return min(t.tile, t.symbolSize-tile*t.tile) }

// at returns where a block starts in the file.
func (t *tileStore) at(tile, group int) int64 {
	return t.before[t.groups]*int64(tile*t.tile) + t.before[group]*int64(t.tileSize(tile))
}

// write stores the block of a group, of which all n rows are given.
func (t *tileStore) write(block []byte, tile, group int) error {
	size := t.blockRows(group) * t.columns(group) * t.tileSize(tile)
	if _, err := t.file.WriteAt(block[:size], t.at(tile, group)); err != nil {
		return fmt.Errorf("write temporary file: %w", err)
	}
	return nil
}

// read returns rows first … first+count-1 of a block, valid until the next call.
func (t *tileStore) read(tile, group, first, count int) ([]byte, error) {
	row := t.columns(group) * t.tileSize(tile)
	t.scratch = resize(t.scratch, count*row)
	if _, err := t.file.ReadAt(t.scratch, t.at(tile, group)+int64(first*row)); err != nil {
		return nil, fmt.Errorf("read temporary file: %w", err)
	}
	return t.scratch, nil
}

// readRows fills dst with count primary slivers from first on.
func (t *tileStore) readRows(dst []byte, first, count int) error {
	sliver := t.SliverSize(Primary, t.symbolSize)
	for tile := range t.tiles {
		size := t.tileSize(tile)
		for group := 0; group*t.groupLen < t.Cols(); group++ {
			block, err := t.read(tile, group, first, count)
			if err != nil {
				return err
			}
			start, columns := group*t.groupLen, t.columns(group)
			for r := range count {
				for i := range min(columns, t.Cols()-start) {
					to := dst[r*sliver+(start+i)*t.symbolSize+tile*t.tile:]
					copy(to[:size], block[(r*columns+i)*size:])
				}
			}
		}
	}
	return nil
}

// readCols fills dst with the secondary slivers first … first+count-1, all of one
// group.
func (t *tileStore) readCols(dst []byte, first, count int) error {
	group := first / t.groupLen
	sliver := t.SliverSize(Secondary, t.symbolSize)
	columns, skip := t.columns(group), first%t.groupLen
	for tile := range t.tiles {
		size := t.tileSize(tile)
		block, err := t.read(tile, group, 0, t.Rows())
		if err != nil {
			return err
		}
		for r := range t.Rows() {
			for i := range count {
				to := dst[i*sliver+r*t.symbolSize+tile*t.tile:]
				copy(to[:size], block[(r*columns+skip+i)*size:])
			}
		}
	}
	return nil
}

// windowSize is about how many bytes of neighboring slivers of an axis are read
// together.
const windowSize = 56 << 20

// window makes room for some primary slivers and a group of secondary ones.
func (t *tileStore) window() {
	if t.cols != nil {
		return
	}
	const most = 16
	row := t.SliverSize(Primary, t.symbolSize)
	t.rowCount = min(max(windowSize/row, 1), most)
	t.firstRow = t.n // none
	t.rows = make([]byte, t.rowCount*row)
	t.cols = make([]byte, t.groupLen*t.SliverSize(Secondary, t.symbolSize))
}

// pair returns pair i with the memory of the store, in which neighbors are read
// together.
func (t *tileStore) pair(i int) (SliverPair, error) {
	t.window()
	if i < t.firstRow || i >= t.firstRow+t.rowCount {
		first := i - i%t.rowCount
		t.firstRow = t.n
		if err := t.readRows(t.rows, first, min(t.rowCount, t.n-first)); err != nil {
			return SliverPair{}, err
		}
		t.firstRow = first
	}
	c := t.n - 1 - i
	if group := c / t.groupLen; t.group != group {
		t.group = -1
		if err := t.readCols(t.cols, group*t.groupLen, t.columns(group)); err != nil {
			return SliverPair{}, err
		}
		t.group = group
	}
	return t.slivers(i, t.rows[(i-t.firstRow)*t.SliverSize(Primary, t.symbolSize):],
		t.cols[c%t.groupLen*t.SliverSize(Secondary, t.symbolSize):]), nil
}

// slivers makes pair i of the data at the start of row and col.
func (t *tileStore) slivers(i int, row, col []byte) SliverPair {
	rowSize, colSize := t.SliverSize(Primary, t.symbolSize), t.SliverSize(Secondary, t.symbolSize)
	return SliverPair{
		Primary:   Sliver{Primary, SliverIndex(i), t.symbolSize, row[:rowSize:rowSize]},
		Secondary: Sliver{Secondary, SliverIndex(t.n - 1 - i), t.symbolSize, col[:colSize:colSize]},
	}
}

// Pairs gives all pairs in order. Their data is valid until the next is asked for
// and must not be changed. After an error there are no more.
func (e *Encoder) Pairs() iter.Seq2[SliverPair, error] {
	return func(yield func(SliverPair, error) bool) {
		for i := range e.md.Shards() {
			var pair SliverPair
			var err error
			switch {
			case e.store != nil:
				pair, err = e.store.pair(i)
			case e.pairs != nil:
				pair = e.pairs[i]
			default:
				err = ErrClosed
			}
			if !yield(pair, err) || err != nil {
				return
			}
		}
	}
}

// Pair returns one pair, which is the caller's. Of a large blob it is read alone,
// some thousand pieces of the file: use Pairs to get many. Its error is ErrClosed,
// an *InvalidError with ErrIndex, or what the temporary file meets.
func (e *Encoder) Pair(i PairIndex) (SliverPair, error) {
	switch {
	case int(i) >= e.md.Shards():
		return SliverPair{}, invalid(ErrIndex, "sliver pair %d of %d", i, e.md.Shards())
	case e.pairs != nil:
		return e.pairs[i].clone(), nil
	case e.store == nil:
		return SliverPair{}, ErrClosed
	}
	t := e.store
	row := make([]byte, t.SliverSize(Primary, t.symbolSize))
	if err := t.readRows(row, int(i), 1); err != nil {
		return SliverPair{}, err
	}
	col := make([]byte, t.SliverSize(Secondary, t.symbolSize))
	if err := t.readCols(col, t.n-1-int(i), 1); err != nil {
		return SliverPair{}, err
	}
	return t.slivers(int(i), row, col), nil
}
