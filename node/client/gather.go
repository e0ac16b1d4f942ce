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
	left    []candidate                // rows not asked for yet, best last
	got     map[shard.SliverIndex]bool // the indexes of have
	waiting map[*fetch]bool            // requests under way
	slow    map[committee.NodeID]bool  // who keeps us waiting; not asked for more meanwhile
	bad     map[committee.NodeID]bool  // who failed; not asked again
	events  chan fetched
	faults  []error
}

// candidate is a row and a node that should have it, or may.
type candidate struct {
	pair   shard.PairIndex
	member *committee.Member
	second bool // it only may
}

// fetch is a request to one node.
type fetch struct {
	member *committee.Member
	want   map[shard.SliverIndex]bool // not arrived yet
}

// fetched is what a request has brought: a sign of life, verified slivers, or
// its end.
type fetched struct {
	from    *fetch
	slivers []shard.Sliver
	end     bool
	err     error // with end: why it ended early
}

func (r *reading) gathering() *gathering {
	g := &gathering{
		reading: r, got: map[shard.SliverIndex]bool{}, waiting: map[*fetch]bool{},
		slow: map[committee.NodeID]bool{}, bad: map[committee.NodeID]bool{}, events: make(chan fetched),
	}
	for _, s := range r.have {
		g.got[s.Index] = true
	}
	return g
}

// gather gets as many verified primary slivers as decoding needs: the blob's
// own rows if their holders answer, others where they do not.
func (r *reading) gather(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	g := r.gathering()
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
	g.request(ctx, need-len(g.have))
	patience := r.patience()
	hedge := time.NewTimer(patience)
	defer hedge.Stop()
	for quiet := time.Duration(0); len(g.have) < need; {
		if quiet >= silence {
			g.faults = append(g.faults, errSilent)
		}
		if len(g.waiting) == 0 || quiet >= silence {
			return unavailable(g.faults, "%d of %d slivers of blob %v", len(g.have), need, r.id)
		}
		select {
		case e := <-g.events:
			quiet = 0
			g.take(e)
		case <-hedge.C:
			quiet += patience
			g.despair()
		case <-ctx.Done():
			return ctx.Err()
		}
		g.request(ctx, need-len(g.have)-g.expected())
		hedge.Reset(patience)
	}
	return nil
}

// patience is how long nothing may arrive before other nodes are asked.
func (r *reading) patience() time.Duration {
	symbolSize, err := r.params.SymbolSize(r.md.Size)
	if err != nil { // not of verified metadata
		return hedgeAfter
	}
	return hedgeAfter + time.Duration(r.params.SliverSize(shard.Primary, symbolSize))*time.Second/slowest
}

// order lists all rows, best last: the blob's own, those of nodes that answer.
// Nodes that only may have a row come after all others.
func (g *gathering) order() {
	for i := range g.params.Shards() {
		pair := shard.PairIndex(i)
		if g.got[g.params.SliverOf(shard.Primary, pair)] {
			continue
		}
		m := g.committee.HolderOfPair(g.id, pair)
		g.left = append(g.left, candidate{pair: pair, member: m})
		if g.other == nil {
			continue
		}
		if o := g.other.HolderOfPair(g.id, pair); o.NetworkKey != m.NetworkKey {
			g.left = append(g.left, candidate{pair: pair, member: o, second: true})
		}
	}
	cost := func(c candidate) int {
		n := 0
		if int(c.pair) >= g.params.Rows() {
			n = 1
		}
		if g.client.standing.failing(c.member.NetworkKey) {
			n += 2
		}
		if c.second {
			n += 4
		}
		return n
	}
	slices.SortStableFunc(g.left, func(a, b candidate) int { return cost(b) - cost(a) })
}

// awaited tells whether a row is here, or on its way from a node that is not slow.
func (g *gathering) awaited(i shard.SliverIndex) bool {
	if g.got[i] {
		return true
	}
	for f := range g.waiting {
		if f.want[i] && !g.slow[f.member.ID] {
			return true
		}
	}
	return false
}

// despair holds everybody that is waited for to be slow.
func (g *gathering) despair() {
	for f := range g.waiting {
		g.slow[f.member.ID] = true
		g.client.standing.fail(f.member.NetworkKey)
	}
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
	for _, f := range g.choose(count) {
		g.waiting[f] = true
		var ids []exchange.SliverID
		for i := range f.want {
			ids = append(ids, exchange.SliverID{Axis: shard.Primary, Index: i})
		}
		slices.SortFunc(ids, func(a, b exchange.SliverID) int { return int(a.Index) - int(b.Index) })
		go g.carry(ctx, f, ids) // ends with ctx; gather waits for its last event
	}
}

// choose takes the best count of the rows that are left. Those of nodes that
// are slow stay, because a node may have only been interrupted; those of nodes
// that have failed go.
func (g *gathering) choose(count int) []*fetch {
	var chosen []*fetch
	byMember := map[committee.NodeID]*fetch{} // a node of two committees is two members
	for at := len(g.left) - 1; at >= 0 && count > 0; at-- {
		m, index := g.left[at].member, g.params.SliverOf(shard.Primary, g.left[at].pair)
		if g.slow[m.ID] || g.awaited(index) || chosenAlready(chosen, index) {
			continue
		}
		g.left = slices.Delete(g.left, at, at+1)
		if g.bad[m.ID] {
			continue
		}
		f := byMember[m.ID]
		if f == nil {
			f = &fetch{member: m, want: map[shard.SliverIndex]bool{}}
			byMember[m.ID] = f
			chosen = append(chosen, f)
		}
		f.want[index] = true
		count--
	}
	return chosen
}

func chosenAlready(chosen []*fetch, i shard.SliverIndex) bool {
	return slices.ContainsFunc(chosen, func(f *fetch) bool { return f.want[i] })
}

// carry carries a request out. It sends a sign of life for each sliver, verified
// slivers, and then its end.
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
		g.events <- fetched{from: f}
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
	delete(g.slow, e.from.member.ID)
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
