package client

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

func TestReadNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if _, err := s.client.Read(bounded(t), shard.BlobID{1}, ReadOptions{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown: got %v", err)
	}
	r := s.spread([]byte("to end"))
	s.read(r.BlobID, []byte("to end"))
	for range 3 {
		s.chain.EndEpoch()
	}
	if _, err := s.client.Read(bounded(t), r.BlobID, ReadOptions{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("expired: got %v", err)
	}
	status, err := s.client.Status(bounded(t), r.BlobID)
	if err != nil || status.Kind != ledger.StatusNone || status.Epoch != 4 {
		t.Errorf("status %+v, %v", status, err)
	}
}

// One node that fails, lies, or takes calls and never answers changes nothing,
// whichever it is and whether or not the client knows of it.
func TestReadWithoutOne(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	data := shardtest.Blob("without one", 200_000)
	r := s.spread(data)
	for name, b := range map[string]behavior{"silent": silent, "failing": failing, "lying": lying, "full": full} {
		for i, a := range s.actors {
			t.Run(fmt.Sprint(name, i), func(t *testing.T) { //nolint:paralleltest // one at a time
				a.set(b)
				defer a.set(honest)
				c := s.newClient()
				for range 2 {
					got, err := c.Read(bounded(t), r.BlobID, ReadOptions{})
					if err != nil || len(got) != len(data) {
						t.Fatalf("%d bytes, %v", len(got), err)
					}
				}
			})
		}
	}
	for _, a := range s.actors { // a node that has none of it
		a.mu.Lock()
		a.metadata[r.BlobID], a.slivers[r.BlobID] = nil, nil
		a.mu.Unlock()
		s.read(r.BlobID, data)
		break
	}
}

func TestReadUnavailable(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	data := shardtest.Blob("unavailable", 50_000)
	r := s.spread(data)
	for _, a := range s.actors[1:] {
		a.set(failing)
	}
	_, err := s.client.Read(bounded(t), r.BlobID, ReadOptions{})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "slivers of blob") {
		t.Errorf("one node: got %v", err)
	}
	s.actors[0].set(lying)
	if _, err := s.client.Read(bounded(t), r.BlobID, ReadOptions{}); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "metadata") {
		t.Errorf("none: got %v", err)
	}
	s.all(honest)
	s.read(r.BlobID, data)
}

// What all nodes refuse once is asked for again.
func TestReadAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	data := shardtest.Blob("again", 50_000)
	r := s.spread(data)
	s.all(once)
	s.read(r.BlobID, data)
}

// A node that was slow once is asked again when it answers, although another
// one hangs for ever.
func TestSlowNodeIsAskedAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	data := shardtest.Blob("slow", 100_000)
	r := s.spread(data)
	// Whoever has two nodes' rows can read: so one hangs, one fails, and of the
	// remaining two the one that is slow is needed with all that it has.
	net, err := s.client.Network(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := s.newClient()
	hung, gone, slow := s.actors[0], s.actors[1], s.actors[2]
	md := hung.metadata[r.BlobID]
	ex, err := c.exchangeFor(net)
	if err != nil {
		t.Fatal(err)
	}
	hung.set(silent)
	gone.set(failing)
	slow.set(held)
	x := &reading{client: c, exchange: ex, committee: net.Committee, params: net.Committee.Params(), id: r.BlobID, md: md}
	done := make(chan error, 1)
	go func() {
		err := x.gather(bounded(t))
		if err == nil && len(x.have) < x.params.Threshold(shard.Primary) {
			err = fmt.Errorf("%d slivers", len(x.have))
		}
		done <- err
	}()
	eventually(t, "the node to be held slow", func() bool { return c.standing.failing(net.Committee.Member(slow.id).NetworkKey) })
	slow.set(honest)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A blob that was encoded wrongly has no content, for any reader that can tell.
func TestInconsistentBlob(t *testing.T) {
	t.Parallel()
	for _, axis := range []shard.Axis{shard.Primary, shard.Secondary} {
		t.Run(axis.String(), func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			net, err := s.client.Network(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			data := shardtest.Blob("inconsistent", 50_000)
			x := s.client.storing(net, StoreOptions{Epochs: 2, Progress: func(Progress) {}})
			if x.md, x.pairs, err = shardtest.ReplaceSliver(net.Committee.Params(), data, axis, 1); err != nil {
				t.Fatal(err)
			}
			x.result.BlobID, x.result.Size = x.md.ID(), x.md.Size
			if x.result.Encoded, err = net.Committee.Params().EncodedSize(x.md.Size); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(x.register(bounded(t), ledger.Status{}), x.certify(bounded(t)), s.client.Flush(bounded(t))); err != nil {
				t.Fatal(err)
			}
			id := x.md.ID()
			if _, err := s.client.Read(bounded(t), id, ReadOptions{Check: shard.CheckStrict}); !errors.Is(err, ErrInconsistent) {
				t.Errorf("strictly: got %v", err)
			}
			// Who reads the blob's own rows gets what they say; who has to do without
			// the wrong one finds it out.
			holder := net.Committee.HolderOfPair(id, net.Committee.Params().PairOfSliver(axis, 1))
			for _, a := range s.actors {
				if a.id == holder.ID {
					a.set(failing)
				}
			}
			for range 3 {
				got, err := s.client.Read(bounded(t), id, ReadOptions{})
				if axis == shard.Primary && !errors.Is(err, ErrInconsistent) {
					t.Errorf("got %v", err)
				}
				if axis == shard.Secondary && (err != nil || !bytes.Equal(got, data)) {
					t.Errorf("with all rows right: %v", err)
				}
			}
		})
	}
}

// scene is a gathering that asks nobody.
func scene(t *testing.T, id shard.BlobID) *gathering {
	t.Helper()
	s := newStage(t)
	net, err := s.client.Network(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := &reading{client: s.client, committee: net.Committee, params: net.Committee.Params(), id: id}
	return r.gathering()
}

func TestGatherOrder(t *testing.T) {
	t.Parallel()
	g := scene(t, shard.BlobID{3})
	g.order()
	if len(g.left) != stageShards {
		t.Fatalf("%d rows", len(g.left))
	}
	rows := g.params.Rows()
	for i, p := range g.left { // best last
		if own := int(p.pair) < rows; own != (i >= stageShards-rows) {
			t.Errorf("row %d at %d of %v", p.pair, i, g.left)
		}
	}
	// The rows of a node that has failed come last of all.
	bad := g.committee.HolderOfPair(g.id, 0)
	g.client.standing.fail(bad.NetworkKey)
	g.left = nil
	g.order()
	for i, p := range g.left {
		if (g.committee.HolderOfPair(g.id, p.pair).ID == bad.ID) != (i < len(bad.Shards)) {
			t.Errorf("row %d at %d of %v", p.pair, i, g.left)
		}
	}
}

func TestGatherChoose(t *testing.T) {
	t.Parallel()
	g := scene(t, shard.BlobID{3})
	g.order()
	rows := func(fs []*fetch) (n int) {
		for _, f := range fs {
			for i := range f.want {
				if g.committee.HolderOfPair(g.id, g.params.PairOfSliver(shard.Primary, i)).ID != f.member.ID {
					t.Errorf("row %d is asked of %s", i, f.member.Name)
				}
				n++
			}
		}
		return n
	}
	first := g.choose(5)
	if rows(first) != 5 || len(g.left) != stageShards-5 || len(first) > stageNodes {
		t.Errorf("chosen %d of %d nodes, left %d", rows(first), len(first), len(g.left))
	}
	if g.choose(0) != nil || g.choose(-1) != nil {
		t.Error("something is chosen for nothing")
	}
	for _, f := range first {
		g.waiting[f] = true
	}
	if g.expected() != 5 {
		t.Errorf("%d expected", g.expected())
	}
	// All are slow: nobody is left to be asked, and nothing is lost by that.
	g.despair()
	left := len(g.left)
	for _, m := range g.committee.Members() {
		g.slow[m.ID] = true
	}
	if more := g.choose(3); more != nil || len(g.left) != left || g.expected() != 0 {
		t.Errorf("slow nodes are asked for %d more", rows(more))
	}
	clear(g.slow)
	// Nodes that have failed are not asked, and their rows are gone.
	var failed committee.Member
	for _, m := range g.committee.Members() {
		failed = m
	}
	g.bad[failed.ID] = true
	for _, f := range g.choose(stageShards) {
		if f.member.ID == failed.ID {
			t.Error("a node that has failed is asked")
		}
	}
	if len(g.left) != 0 {
		t.Errorf("left %v", g.left)
	}
}

func TestGatherTake(t *testing.T) {
	t.Parallel()
	g := scene(t, shard.BlobID{3})
	g.order()
	f := g.choose(1)[0]
	var row shard.SliverIndex
	for row = range f.want {
	}
	key := p2p.PeerID(f.member.NetworkKey)
	g.waiting[f] = true
	g.despair()
	g.take(fetched{from: f}) // a sign of life
	if g.slow[f.member.ID] || g.expected() != 1 || !g.client.standing.failing(key) {
		t.Error("a sign of life does not make a node worth waiting for, or too much")
	}
	s := shard.Sliver{Axis: shard.Primary, Index: row}
	g.take(fetched{from: f, slivers: []shard.Sliver{s, s}})
	if len(g.have) != 1 || g.expected() != 0 || !g.waiting[f] {
		t.Errorf("have %d, expected %d", len(g.have), g.expected())
	}
	g.take(fetched{from: f, end: true})
	if g.waiting[f] || g.client.standing.failing(key) || g.bad[f.member.ID] {
		t.Error("a good end counts against the node")
	}
	g.waiting[f] = true
	g.take(fetched{from: f, end: true, err: errors.New("broken")})
	if g.waiting[f] || !g.client.standing.failing(key) || !g.bad[f.member.ID] || len(g.faults) != 1 {
		t.Error("a bad end does not count")
	}
}
