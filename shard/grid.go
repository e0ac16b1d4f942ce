package shard

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/floe-storage/floe/shard/merkle"
	"github.com/floe-storage/floe/shard/rs"
)

// laneSize is the size in bytes up to which symbols are put side by side for one
// call of the code: enough that the cost of a call does not count, little enough
// that all lanes stay in a core's cache.
const laneSize = 8 << 10

// grid knows how the matrix of a blob is expanded.
type grid struct {
	Params

	symbolSize int
	codes      [2]*rs.Code // by the axis of the slivers that it expands
}

// newGrid prepares the codes; symbolSize comes from p.SymbolSize.
func newGrid(p Params, symbolSize int) (*grid, error) {
	g := &grid{Params: p, symbolSize: symbolSize}
	for _, a := range []Axis{Primary, Secondary} {
		k := p.SourceSymbols(a)
		code, err := rs.New(k, p.n-k)
		if err != nil {
			return nil, err
		}
		g.codes[a] = code
	}
	return g, nil
}

// gridOf prepares the codes for a blob with that metadata.
func gridOf(p Params, md *Metadata) (*grid, error) {
	symbolSize, err := md.symbolSize(p)
	if err != nil {
		return nil, err
	}
	return newGrid(p, symbolSize)
}

// batch returns how many of total symbols to put side by side: about laneSize
// bytes, and not so many that a core is left without work.
func (g *grid) batch(total int) int {
	workers := runtime.GOMAXPROCS(0)
	return max(1, min(laneSize/g.symbolSize, (total+workers-1)/workers))
}

// parallel calls start on as many goroutines as are of use for that many tasks.
// start makes its scratch and takes tasks from next until there are no more.
// parallel returns when all have ended.
func parallel(tasks int, start func(next func() (int, bool))) {
	var taken atomic.Int64
	next := func() (int, bool) {
		i := int(taken.Add(1)) - 1
		return i, i < tasks
	}
	workers := min(runtime.GOMAXPROCS(0), tasks)
	if workers <= 1 {
		start(next)
		return
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { start(next) })
	}
	wg.Wait()
}

// lanes returns count lanes of size bytes in one piece of memory.
func lanes(count, size int) [][]byte {
	buf := make([]byte, count*size)
	list := make([][]byte, count)
	for i := range list {
		list[i] = buf[i*size : (i+1)*size : (i+1)*size]
	}
	return list
}

// expander computes all n symbols of a batch of slivers of one axis.
type expander struct {
	*grid

	axis           Axis
	slivers        [][]byte
	layout         rs.Layout
	source, parity [][]byte // lanes
	memory         [][]byte // of the lanes
	work           rs.Work
	hasher         merkle.Hasher
	hashes         []Hash
}

func (g *grid) expander(a Axis) *expander { return &expander{grid: g, axis: a} }

// expand takes slivers, each of the right size, and computes their parity. The
// slivers must not change before the last call of symbol.
func (x *expander) expand(slivers [][]byte) error {
	k := x.SourceSymbols(x.axis)
	x.slivers = slivers
	x.layout = rs.NewLayout(x.symbolSize, len(slivers))
	size := x.layout.Len()
	if x.memory == nil || len(x.memory[0]) < size {
		x.memory = lanes(x.n, size)
	}
	x.source, x.parity = x.source[:0], x.parity[:0]
	for i, lane := range x.memory {
		if i < k {
			x.source = append(x.source, lane[:size])
		} else {
			x.parity = append(x.parity, lane[:size])
		}
	}
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
	if x.hashes == nil {
		x.hashes = make([]Hash, x.n)
	}
	for i := range x.hashes {
		x.symbol(x.hasher.LeafBuffer(x.symbolSize), j, i)
		x.hashes[i] = x.hasher.LeafInBuffer()
	}
	return x.hashes
}

// root returns the root of sliver j of the batch.
func (x *expander) root(j int) Hash { return x.hasher.Root(x.leaves(j)) }
