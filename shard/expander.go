package shard

import (
	"github.com/floe-storage/floe/shard/merkle"
	"github.com/floe-storage/floe/shard/rs"
)

// laneBuffer is memory for lanes that is used again.
type laneBuffer struct {
	memory []byte
	list   [][]byte
}

// take returns count lanes of size bytes, valid until the next call, with
// arbitrary contents.
func (b *laneBuffer) take(count, size int) [][]byte {
	if cap(b.memory) < count*size {
		b.memory = make([]byte, count*size)
	}
	b.list = b.list[:0]
	for i := range count {
		b.list = append(b.list, b.memory[i*size:(i+1)*size:(i+1)*size])
	}
	return b.list
}

// leafHasher hashes symbols into a list of leaf hashes, many at a time. Symbols
// are where they are or are put together in a buffer of its own.
type leafHasher struct {
	symbolSize int
	short      []Hash   // by symbol of two bytes, or nil
	dst        []Hash   // those still to come
	waiting    [][]byte // single symbols
	runs       [][]byte // symbols side by side, a multiple of eight each
	inRuns     int      // symbols in runs
	stage      []byte
	staged     int
}

const (
	// waitingMost is how many leaves wait until they are hashed together.
	waitingMost = 64
	// stageSize is about how many bytes may wait in the buffer.
	stageSize = 128 << 10
	// shortWorth is the number of shards from which on the leaf hashes of all
	// symbols of two bytes are worth computing.
	shortWorth = 400
)

// start prepares for symbols of a grid whose hashes go to dst.
func (h *leafHasher) start(g *grid, dst []Hash) {
	h.symbolSize, h.dst, h.staged = g.symbolSize, dst, 0
	h.short = nil
	if g.symbolSize == 2 && g.n >= shortWorth {
		h.short = merkle.ShortLeaves()
	}
	if h.waiting == nil {
		h.waiting = make([][]byte, 0, waitingMost)
	}
	size := max(16, min(waitingMost, stageSize/g.symbolSize)) * g.symbolSize
	if cap(h.stage) < size {
		h.stage = make([]byte, size)
	}
	h.stage = h.stage[:size]
}

// add takes the next symbols, side by side, which must not change before flush.
// They are hashed some time later: by then what has just been written is where it
// can be read without waiting for memory.
func (h *leafHasher) add(run []byte) {
	ss := h.symbolSize
	if h.short != nil {
		for i := 0; i+2 <= len(run); i += 2 {
			h.dst[i/2] = h.short[int(run[i])|int(run[i+1])<<8]
		}
		h.dst = h.dst[len(run)/2:]
		return
	}
	if count := len(run) / ss &^ (merkle.MaxLanes - 1); count > 0 {
		if len(h.waiting) > 0 {
			h.flush()
		}
		h.runs = append(h.runs, run[:count*ss])
		h.inRuns += count
		if h.inRuns >= waitingMost {
			h.flush()
		}
		run = run[count*ss:]
	}
	for len(run) > 0 {
		if len(h.runs) > 0 || len(h.waiting) == waitingMost {
			h.flush()
		}
		h.waiting = append(h.waiting, run[:ss:ss])
		run = run[ss:]
	}
}

// room returns memory for the next count symbols, at most 16, to be filled and
// given to add before any other call.
func (h *leafHasher) room(count int) []byte {
	size := count * h.symbolSize
	if h.staged+size > len(h.stage) {
		h.flush()
		h.staged = 0
	}
	room := h.stage[h.staged : h.staged+size]
	h.staged += size
	return room
}

// flush hashes what waits: runs or single symbols, of which there are never both.
func (h *leafHasher) flush() {
	for _, run := range h.runs {
		count := len(run) / h.symbolSize
		merkle.LeavesInRun(h.dst[:count], run, h.symbolSize)
		h.dst = h.dst[count:]
	}
	merkle.Leaves(h.dst, h.waiting)
	h.dst = h.dst[len(h.waiting):]
	h.runs, h.inRuns, h.waiting = h.runs[:0], 0, h.waiting[:0]
}

// expander computes all n symbols of a batch of slivers of one axis.
type expander struct {
	*grid

	axis           Axis
	slivers        [][]byte
	layout         rs.Layout
	source, parity [][]byte // lanes
	buffer         laneBuffer
	work           rs.Work
	hasher         leafHasher
	hashes         []Hash
}

func (g *grid) expander(a Axis) *expander { return &expander{grid: g, axis: a} }

// expand takes slivers, each of the right size, and computes their parity. The
// slivers must not change before the last call of symbol.
func (x *expander) expand(slivers [][]byte) error {
	k := x.SourceSymbols(x.axis)
	x.slivers = slivers
	x.layout = rs.NewLayout(x.symbolSize, len(slivers))
	all := x.buffer.take(x.n, x.layout.Len())
	x.source, x.parity = all[:k], all[k:]
	for i, lane := range x.source {
		at := i * x.symbolSize
		if len(slivers) == 1 && x.layout.Plain() {
			x.source[i] = slivers[0][at : at+x.symbolSize]
			continue
		}
		for j, s := range slivers {
			x.layout.Put(lane, j, s[at:at+x.symbolSize])
		}
	}
	return x.codes[x.axis].Encode(x.source, x.parity, &x.work)
}

// symbol copies symbol i, 0 … n-1, of sliver j of the batch to dst.
func (x *expander) symbol(dst []byte, j, i int) {
	if k := len(x.source); i >= k {
		x.layout.Get(dst, x.parity[i-k], j)
		return
	}
	copy(dst, x.slivers[j][i*x.symbolSize:])
}

// leaves returns the leaf hashes of sliver j of the batch, valid until the next
// call.
func (x *expander) leaves(j int) []Hash {
	ss := x.symbolSize
	if x.hashes == nil {
		x.hashes = make([]Hash, x.n)
	}
	x.hasher.start(x.grid, x.hashes)
	x.hasher.add(x.slivers[j])
	for _, lane := range x.parity {
		if x.layout.Plain() {
			x.hasher.add(lane[j*ss : (j+1)*ss])
			continue
		}
		room := x.hasher.room(1)
		x.layout.Get(room, lane, j)
		x.hasher.add(room)
	}
	x.hasher.flush()
	return x.hashes
}

// root returns the root of sliver j of the batch.
func (x *expander) root(j int) Hash {
	var h merkle.Hasher
	return h.Root(x.leaves(j))
}
