package shard

import (
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/floe-storage/floe/shard/merkle"
	"github.com/floe-storage/floe/shard/rs"
)

// StreamConfig says what working on a blob that does not fit in memory may use.
type StreamConfig struct {
	// TempDir is where temporary files go; empty for the system's place. They
	// have no name while they are in use and end with Close.
	TempDir string
	// Memory is about how many bytes of memory to use; 0 means DefaultMemory. It
	// is a wish: less than what one tile of the matrix takes is not possible.
	Memory int
}

// DefaultMemory is what StreamConfig.Memory stands for when it is zero.
const DefaultMemory = 96 << 20

func (c StreamConfig) memory() int {
	if c.Memory <= 0 {
		return DefaultMemory
	}
	return c.Memory
}

// Encoder has encoded a blob that came from a reader, and gives its metadata and
// sliver pairs. It belongs to one goroutine.
//
// A small blob is kept in memory, with its pairs. Of a large one, NewEncoder
// makes these passes:
//
//  1. over the input, once, row by row: each symbol is cut into tiles of some
//     hundred bytes, and a temporary file of the blob's size takes all first
//     tiles, then all second ones, and so on.
//  2. over that file, once: the code and the hashes advance by one tile of all
//     symbols at a time. A second temporary file, of the size of all slivers less
//     a fifth, takes the tiles of the expanded matrix.
//
// Pairs reads the second file twice, once for each axis. So memory depends on
// the number of shards, not on the size of the blob: there are 65 bytes per
// symbol of the expanded matrix for hashes, and one tile of each symbol of the
// blob.
type Encoder struct {
	md    *Metadata
	pairs []SliverPair // of a small blob
	store *tileStore   // of a large one
}

// NewEncoder encodes the blob of size bytes that r gives; what r has beyond is not
// read. To stop early let r fail: its error is returned. Further errors are
// io.ErrUnexpectedEOF when r has less, a *TooLargeError, ErrParams, and what the
// temporary files meet. The Encoder must be closed.
func NewEncoder(p Params, r io.Reader, size uint64, cfg StreamConfig) (*Encoder, error) {
	md, pairs, store, err := encodeStream(p, r, size, cfg, true)
	if err != nil {
		return nil, err
	}
	return &Encoder{md: md, pairs: pairs, store: store}, nil
}

// ComputeMetadataFrom computes what ComputeMetadata computes of the blob of size
// bytes that r gives, in memory that does not depend on size. Errors and passes
// are those of NewEncoder without slivers: one over the input, and one over a
// temporary file if the blob is large.
func ComputeMetadataFrom(p Params, r io.Reader, size uint64, cfg StreamConfig) (*Metadata, error) {
	md, _, _, err := encodeStream(p, r, size, cfg, false)
	return md, err
}

// Metadata returns the metadata, which must not be changed.
func (e *Encoder) Metadata() *Metadata { return e.md }

// Close ends the temporary file. It may be called again.
func (e *Encoder) Close() error {
	store := e.store
	e.store, e.pairs = nil, nil
	if store == nil {
		return nil
	}
	return store.close()
}

// smallFactor is how many bytes are in memory for a byte of a small blob: the
// blob, its pairs, the columns right of it.
const smallFactor = 8

func encodeStream(p Params, r io.Reader, size uint64, cfg StreamConfig, keep bool) (*Metadata, []SliverPair, *tileStore, error) {
	symbolSize, err := p.SymbolSize(size)
	if err != nil {
		return nil, nil, nil, err
	}
	if size <= uint64(cfg.memory()/smallFactor) {
		blob := make([]byte, size)
		if _, err := io.ReadFull(r, blob); err != nil {
			return nil, nil, nil, readError(err)
		}
		if keep {
			md, pairs, err := Encode(p, blob)
			return md, pairs, nil, err
		}
		md, err := ComputeMetadata(p, blob)
		return md, nil, nil, err
	}
	s, err := newStreamer(p, size, symbolSize, cfg)
	if err != nil {
		return nil, nil, nil, err
	}
	err = s.run(r, keep)
	if err = errors.Join(err, s.source.Close()); err != nil {
		return nil, nil, nil, errors.Join(err, s.store.close())
	}
	return s.metadata(), nil, s.store, nil
}

func readError(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read blob: %w", err)
}

// streamer encodes a blob tile by tile: bytes [t·tile, (t+1)·tile) of every symbol
// of the blob are, in order, a blob with symbols of that size, and tiles differ
// only in what the hashes remember.
type streamer struct {
	*encoder // of the tile at work

	cfg        StreamConfig
	size       uint64
	symbolSize int // of the blob; that of the encoder is the tile's
	tile       int // bytes; the last of a symbol may have fewer
	tiles      int
	arena      []byte         // first for a row and its tile, then for a tile of the blob
	pieces     *merkle.Pieces // nil if there is one tile
	slots      int            // leaves of a group in pieces
	source     *tempFile      // the blob, by tile, row, column
	store      *tileStore     // nil if slivers are not wanted
	lists      [][][]byte     // by worker: pieces to hash
}

// newStreamer chooses the size of tiles: as large as memory allows, so that there
// are few, but so that the lanes of a group of columns stay in a core's cache.
func newStreamer(p Params, size uint64, symbolSize int, cfg StreamConfig) (*streamer, error) {
	cells := p.Rows() * (p.Cols() + p.Faulty()) // of the blob, and right of it
	room := cfg.memory() - p.n*p.n*65
	tile := min(room/cells, max(batchSize/p.n, 2*merkle.Align)) &^ (merkle.Align - 1)
	tile = min(max(tile, merkle.Align), symbolSize)
	s := &streamer{
		cfg: cfg, size: size, symbolSize: symbolSize,
		tile: tile, tiles: (symbolSize + tile - 1) / tile,
	}
	c, err := NewCodec(p)
	if err != nil {
		return nil, err
	}
	rows, cols := p.Rows(), p.Cols()
	s.arena = make([]byte, max(rows*cols*tile, cols*(symbolSize+tile)))
	if s.encoder, err = c.encoder(s.arena[:rows*cols*tile], max(windowSize/(rows*symbolSize), 1)); err != nil {
		return nil, err
	}
	if s.grid.symbolSize != tile {
		return nil, fmt.Errorf("shard: tiles of %d bytes, want %d", s.grid.symbolSize, tile)
	}
	c.right = make([]byte, p.Faulty()*rows*tile)
	s.slots = (p.n*s.groupLen + merkle.MaxLanes - 1) / merkle.MaxLanes * merkle.MaxLanes
	if s.tiles > 1 {
		s.pieces = merkle.NewPieces(s.groups * s.slots)
	}
	s.lists = make([][][]byte, runtime.GOMAXPROCS(0))
	return s, nil
}

// run makes the two passes.
func (s *streamer) run(r io.Reader, keep bool) error {
	var err error
	if s.source, err = newTempFile(s.cfg.TempDir, int64(s.Rows()*s.Cols())*int64(s.symbolSize)); err != nil {
		return err
	}
	if err := s.spool(r); err != nil {
		return err
	}
	if keep {
		if s.store, err = newTileStore(s); err != nil {
			return err
		}
	}
	for t := range s.tiles {
		if err := s.doTile(t); err != nil {
			return err
		}
	}
	s.rowTrees()
	// What the passes needed is much, and the heap would first grow by as much
	// again before the collector looks.
	s.pieces, s.arena, s.blob, s.codec.right, s.codec.workers = nil, nil, nil, nil, nil
	runtime.GC()
	return nil
}

func (s *streamer) metadata() *Metadata {
	md := s.encoder.metadata()
	md.Size = s.size
	return md
}

// tileAt returns where tile t of a symbol starts, and its size.
func (s *streamer) tileAt(t int) (off, size int) {
	off = t * s.tile
	return off, min(s.tile, s.symbolSize-off)
}

// spool is the first pass.
func (s *streamer) spool(r io.Reader) error {
	rows, cols := s.Rows(), s.Cols()
	row, run := s.arena[:cols*s.symbolSize], s.arena[cols*s.symbolSize:]
	left := s.size
	for i := 0; i < rows && left > 0; i++ {
		n := int(min(left, uint64(len(row))))
		if _, err := io.ReadFull(r, row[:n]); err != nil {
			return readError(err)
		}
		clear(row[n:])
		left -= uint64(n)
		for t := range s.tiles {
			off, size := s.tileAt(t)
			for c := range cols {
				copy(run[c*size:(c+1)*size], row[c*s.symbolSize+off:])
			}
			at := int64(rows*cols)*int64(off) + int64(i*cols*size)
			if _, err := s.source.WriteAt(run[:cols*size], at); err != nil {
				return fmt.Errorf("write temporary file: %w", err)
			}
		}
	}
	return nil // rows that are all padding are holes in the file
}

// doTile is the second pass over one tile.
func (s *streamer) doTile(t int) error {
	off, size := s.tileAt(t)
	cells := s.Rows() * s.Cols()
	s.grid.symbolSize = size
	s.blob = s.arena[:cells*size]
	if _, err := s.source.ReadAt(s.blob, int64(cells)*int64(off)); err != nil {
		return fmt.Errorf("read temporary file: %w", err)
	}
	s.right = s.right[:0]
	column := s.Rows() * size
	for j := range s.Faulty() {
		s.right = append(s.right, s.codec.right[j*column:(j+1)*column])
	}
	if err := s.expandRows(); err != nil {
		return err
	}
	failed := s.codec.failed[:s.groups]
	parallel(s.groups, func(worker int, next func() (int, bool)) {
		w := &s.codec.workers[worker]
		w.prepare(s.encoder)
		for g, ok := next(); ok; g, ok = next() {
			failed[g] = s.doGroup(w, &s.lists[worker], t, g)
		}
	})
	return firstError(failed)
}

// doGroup expands group g of tile t, hashes it and stores it.
func (s *streamer) doGroup(w *colWorker, list *[][]byte, t, g int) error {
	off, size := s.tileAt(t)
	first := g * s.groupLen
	count := min(s.groupLen, s.n-first)
	rows, cols := s.Rows(), s.Cols()
	layout := rs.NewLayout(size, count)
	lanes := w.buffer.take(s.n, layout.Len())
	inBlob := max(0, min(count, cols-first))
	for r := range rows {
		run := w.run[:count*size]
		copy(run, s.blob[(r*cols+min(first, cols))*size:][:inBlob*size])
		for i := inBlob; i < count; i++ {
			copy(run[i*size:(i+1)*size], s.right[first+i-cols][r*size:])
		}
		layout.PutRun(lanes[r], run)
	}
	if err := s.codes[Secondary].Encode(lanes[:rows], lanes[rows:], &w.work); err != nil {
		return err
	}
	block := w.buffer.memory[:s.n*count*size]
	if !layout.Plain() { // the last tile
		w.block = resize(w.block, len(block))
		block = w.block
		for r, lane := range lanes {
			layout.GetRun(block[r*count*size:(r+1)*count*size], lane)
		}
	}
	leaves := w.leaves[:s.n*count]
	last := t == s.tiles-1
	for at := 0; at < len(leaves); at += waitingMost {
		*list = (*list)[:0]
		for i := at; i < min(at+waitingMost, len(leaves)); i++ {
			*list = append(*list, block[i*size:(i+1)*size])
		}
		switch {
		case s.pieces == nil:
			merkle.Leaves(leaves[at:], *list)
		case last:
			s.pieces.Finish(leaves[at:min(at+waitingMost, len(leaves))], g*s.slots+at, off, *list)
		default:
			s.pieces.Write(g*s.slots+at, off, *list)
		}
	}
	if last {
		s.groupTrees(w, g, first, count)
	}
	if s.store == nil {
		return nil
	}
	return s.store.write(block, t, g)
}
