package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

// verifyBatch is how many bytes of slivers of one node are verified together.
const verifyBatch = 4 << 20

// gathering fetches primary slivers until there are enough to decode. Its one
// goroutine decides; one goroutine per request fetches and verifies.
type gathering struct {
	*reading
	left    []shard.PairIndex // rows not asked for yet, best last
	later   []shard.PairIndex // rows of nodes that are slow, for when nothing else is left
	have    []shard.Sliver
	got     map[shard.SliverIndex]bool
	waiting map[*fetch]bool // requests under way
	slow    map[committee.NodeID]bool
	bad     map[committee.NodeID]bool
	events  chan fetched
	faults  []error
}

// fetch is a request to one node.
type fetch struct {
	member *committee.Member
	want   map[shard.SliverIndex]bool // not arrived yet
}

// fetched is what a request has brought: verified slivers, or its end.
type fetched struct {
	from    *fetch
	slivers []shard.Sliver
	end     bool
	err     error // with end: why it ended early
}

// gather returns as many verified primary slivers as decoding needs: the
// blob's own rows if their holders answer, others where they do not.
func (r *reading) gather(ctx context.Context) ([]shard.Sliver, error) {
	ctx, cancel := context.WithCancel(ctx)
	g := &gathering{
		reading: r, got: map[shard.SliverIndex]bool{}, waiting: map[*fetch]bool{},
		slow: map[committee.NodeID]bool{}, bad: map[committee.NodeID]bool{}, events: make(chan fetched),
	}
	defer func() {
		cancel()
		for len(g.waiting) > 0 { // every request ends with ctx and says so
			if e := <-g.events; e.end {
				delete(g.waiting, e.from)
			}
		}
	}()
	g.order()
	need := r.params.Threshold(shard.Primary)
	g.request(ctx, need)
	hedge := time.NewTimer(hedgeAfter)
	defer hedge.Stop()
	for len(g.have) < need {
		if len(g.waiting) == 0 && len(g.later) > 0 {
			g.left, g.later = g.later, nil
			clear(g.slow)
			g.request(ctx, need-len(g.have))
		}
		if len(g.waiting) == 0 {
			return nil, unavailable(g.faults, "%d of %d slivers of blob %v", len(g.have), need, r.id)
		}
		select {
		case e := <-g.events:
			g.take(e)
			if missing := need - len(g.have) - g.expected(); missing > 0 {
				g.request(ctx, missing)
			}
		case <-hedge.C:
			for f := range g.waiting {
				g.slow[f.member.ID] = true
				r.client.standing.fail(f.member.NetworkKey)
			}
			g.request(ctx, need-len(g.have))
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		hedge.Reset(hedgeAfter)
	}
	return g.have, nil
}

// order lists all rows, best last: the blob's own, those of nodes that answer.
func (g *gathering) order() {
	for i := range g.params.Shards() {
		g.left = append(g.left, shard.PairIndex(i))
	}
	cost := func(i shard.PairIndex) int {
		c := 0
		if int(i) >= g.params.Rows() {
			c = 1
		}
		if g.client.standing.failing(g.committee.HolderOfPair(g.id, i).NetworkKey) {
			c += 2
		}
		return c
	}
	slices.SortStableFunc(g.left, func(a, b shard.PairIndex) int { return cost(b) - cost(a) })
}

// expected counts the slivers still to come from nodes that are not slow.
func (g *gathering) expected() int {
	n := 0
	for f := range g.waiting {
		if !g.slow[f.member.ID] {
			n += len(f.want)
		}
	}
	return n
}

// request asks for up to count more rows, one stream per node.
func (g *gathering) request(ctx context.Context, count int) {
	byMember := map[*committee.Member]*fetch{}
	for ; count > 0 && len(g.left) > 0; g.left = g.left[:len(g.left)-1] {
		pair := g.left[len(g.left)-1]
		m := g.committee.HolderOfPair(g.id, pair)
		if g.slow[m.ID] {
			g.later = append(g.later, pair)
			continue
		}
		if g.bad[m.ID] {
			continue
		}
		f := byMember[m]
		if f == nil {
			f = &fetch{member: m, want: map[shard.SliverIndex]bool{}}
			byMember[m] = f
		}
		f.want[g.params.SliverOf(shard.Primary, pair)] = true
		count--
	}
	for _, f := range byMember {
		g.waiting[f] = true
		var ids []exchange.SliverID
		for i := range f.want {
			ids = append(ids, exchange.SliverID{Axis: shard.Primary, Index: i})
		}
		slices.SortFunc(ids, func(a, b exchange.SliverID) int { return int(a.Index) - int(b.Index) })
		go g.carry(ctx, f, ids) // ends with ctx; gather waits for its last event
	}
}

// carry carries a request out. It sends verified slivers and then its end.
func (g *gathering) carry(ctx context.Context, f *fetch, ids []exchange.SliverID) {
	var batch []shard.Sliver
	size := 0
	flush := func() error {
		errs := shard.VerifySlivers(g.params, g.md, batch)
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("node %s lies: %w", f.member.Name, err)
		}
		if len(batch) > 0 {
			g.events <- fetched{from: f, slivers: batch}
		}
		batch, size = nil, 0
		return nil
	}
	var fault error
	for s, err := range g.exchange.Slivers(ctx, f.member.NetworkKey, g.id, ids) {
		if wire.IsNotFound(err) {
			continue // says nothing against the node; others may follow
		}
		if err != nil {
			fault = err
			continue
		}
		batch = append(batch, s)
		if size += len(s.Data); size >= verifyBatch {
			if err := flush(); err != nil {
				g.events <- fetched{from: f, end: true, err: err}
				return
			}
		}
	}
	if err := flush(); err != nil {
		fault = err
	}
	g.events <- fetched{from: f, end: true, err: fault}
}

// take notes what a request has brought.
func (g *gathering) take(e fetched) {
	for _, s := range e.slivers {
		delete(e.from.want, s.Index)
		if !g.got[s.Index] {
			g.got[s.Index] = true
			g.have = append(g.have, s)
		}
	}
	if !e.end {
		return
	}
	delete(g.waiting, e.from)
	m := e.from.member
	if e.err != nil {
		g.faults = append(g.faults, e.err)
		g.bad[m.ID] = true
		g.client.standing.fail(m.NetworkKey)
		return
	}
	g.client.standing.answer(m.NetworkKey)
}
