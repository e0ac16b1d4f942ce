package shard

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/floe-storage/floe/shard/rs"
)

// batchSize is about how many bytes all symbols of a batch take, of which each of
// the n has its lane: so few that they stay in a core's cache.
const batchSize = 1 << 20

// laneSize is how many bytes a lane need not go beyond: with that many, the cost
// of a call of the code does not count.
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

// batch returns how many of total symbols to put side by side: few enough that a
// core's cache takes all n lanes, and that no core is left without work.
func (g *grid) batch(total int) int {
	workers := runtime.GOMAXPROCS(0)
	size := min(laneSize, max(batchSize/g.n, 256))
	return max(1, min(size/g.symbolSize, (total+workers-1)/workers))
}

// parallel calls start on as many goroutines as are of use for that many tasks.
// start gets the number of its worker, 0 … GOMAXPROCS-1, and takes tasks from next
// until there are no more. parallel returns when all have ended.
func parallel(tasks int, start func(worker int, next func() (int, bool))) {
	workers := min(runtime.GOMAXPROCS(0), tasks)
	if workers <= 1 {
		taken := 0
		start(0, func() (int, bool) {
			taken++
			return taken - 1, taken <= tasks
		})
		return
	}
	var taken atomic.Int64
	next := func() (int, bool) {
		i := int(taken.Add(1)) - 1
		return i, i < tasks
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { start(w, next) })
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
