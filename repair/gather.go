package repair

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// errShape is the reason for an accusation: an answer does not have the shape
// that was asked for.
var errShape = errors.New("repair: answer has the wrong shape")

// answer is what became of a request.
type answer struct {
	request
	reply SymbolReply
	err   error
}

// gathering is the fetching of columns for the same targets.
type gathering struct {
	j       *job
	axis    shard.Axis
	targets []shard.SliverIndex
	left    []source // not asked yet, best first
	pending int      // sources asked for and not answered
	got     []column
	answers chan answer
	wg      sync.WaitGroup
}

// gather fetches n columns from other members, of sources that are not in have.
// It asks for no more than it needs, takes others for what fails, and when an
// answer is slow asks others for the same number once more. It returns
// errSources if there are not enough; then nothing was pulled in vain if that
// was to be known before.
func (j *job) gather(ctx context.Context, a shard.Axis, targets []shard.SliverIndex, have []column, n int) ([]column, error) {
	if n <= 0 {
		return nil, nil
	}
	g := &gathering{j: j, axis: a, targets: targets, answers: make(chan answer)}
	g.left = slices.DeleteFunc(j.sources(a.Other()), func(s source) bool {
		return slices.ContainsFunc(have, func(c column) bool { return c.source == s.index })
	})
	within, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		g.wg.Wait()
	}()
	hedge := time.NewTicker(j.r.cfg.HedgeAfter)
	defer hedge.Stop()
	for len(g.got) < n {
		if len(g.got)+g.pending+len(g.left) < n {
			return nil, errSources
		}
		g.ask(within, n-len(g.got)-g.pending)
		select {
		case ans := <-g.answers:
			g.settle(ctx, ans)
		case <-hedge.C:
			// At most twice what is missing is under way.
			if missing := n - len(g.got); g.pending < 2*missing {
				g.ask(within, missing)
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return g.got[:n], nil
}

// ask sends requests for the next count sources, as far as there are any.
func (g *gathering) ask(ctx context.Context, count int) {
	count = min(count, len(g.left))
	if count <= 0 {
		return
	}
	reqs := share(g.left[:count])
	g.left = g.left[count:]
	g.pending += count
	for _, req := range reqs {
		g.wg.Go(func() { // ended by ctx or the time for one request
			got, err := g.j.r.ask(ctx, req.from, Want{SymbolRequest: SymbolRequest{
				Blob: g.j.id, SymbolSize: g.j.symbolSize, Axis: g.axis, Targets: g.targets, Sources: req.sources,
			}})
			select {
			case g.answers <- answer{request: req, reply: got.Symbols, err: err}:
			case <-ctx.Done():
			}
		})
	}
}

// settle takes the columns of an answer. A member that failed is not asked again
// in this job.
func (g *gathering) settle(ctx context.Context, ans answer) {
	j := g.j
	g.pending -= len(ans.sources)
	if errors.Is(ans.err, ErrAbsent) {
		ans.reply, ans.err = SymbolReply{Symbols: make([][][]byte, len(g.targets))}, nil
	}
	if ans.err != nil {
		j.excluded[ans.from.ID] = true
	} else if cols, ok := g.columns(&ans); ok {
		g.got = append(g.got, cols...)
		for _, s := range ans.sources {
			if !slices.ContainsFunc(cols, func(c column) bool { return c.source == s }) {
				j.absent[slot{g.axis.Other(), s}] = true
			}
		}
	} else {
		j.accuse(ctx, ans.from, errShape)
	}
	if j.excluded[ans.from.ID] {
		g.drop(ans.from.ID)
	}
}

// drop forgets a member's sources and columns.
func (g *gathering) drop(id committee.NodeID) {
	g.left = slices.DeleteFunc(g.left, func(s source) bool { return s.holder.ID == id })
	g.got = slices.DeleteFunc(g.got, func(c column) bool { return c.from.ID == id })
}

// columns checks the shape of an answer and turns it into columns.
func (g *gathering) columns(ans *answer) ([]column, bool) {
	r := &ans.reply
	if len(r.Symbols) != len(g.targets) || len(r.Sources) > len(ans.sources) {
		return nil, false
	}
	cols := make([]column, len(r.Sources))
	for i, s := range r.Sources {
		if !slices.Contains(ans.sources, s) || slices.Contains(r.Sources[:i], s) {
			return nil, false
		}
		cols[i] = column{source: s, from: ans.from, cells: make([][]byte, len(g.targets))}
	}
	for t, row := range r.Symbols {
		if len(row) != len(cols) {
			return nil, false
		}
		for i, cell := range row {
			if len(cell) != g.j.symbolSize {
				return nil, false
			}
			cols[i].cells[t] = cell
			g.j.r.counts.pulled.Add(uint64(len(cell)))
		}
	}
	return cols, true
}
