package repair_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// behavior is how a member answers.
type behavior int

const (
	honest    behavior = iota
	garbled            // raw symbols are wrong, those with proofs are what the slivers have
	forger             // everything is wrong, proofs included
	silent             // never answers
	failing            // answers with an error at once
	empty              // has nothing
	misfit             // raw symbols are wrong, and proofs are good but of another target
	misshapen          // raw symbols are too short
	dripping           // takes longer for each answer than a request may
	short              // leaves out the second half of the answers
	flooding           // answers everything twice
)

var errBroken = errors.New("broken")

// world is one blob on the members of a committee, of which the first is the one
// that is repaired. It implements Peers, Store and Ledger.
type world struct {
	p     shard.Params
	c     *committee.Committee
	id    shard.BlobID
	md    *shard.Metadata
	pairs []shard.SliverPair

	// mu guards the fields below.
	mu       sync.Mutex
	behave   map[committee.NodeID]behavior
	wanted   map[shard.BlobID]bool
	metadata *shard.Metadata // the first member's
	values   map[string][]byte
	slivers  map[key]shard.Sliver
	writes   int // calls of PutSlivers
	pulled   int // bytes that the members sent
	requests int
	raw      int                      // symbols sent without proofs
	asked    map[committee.NodeID]int // wants
}

type key struct {
	shard shard.Index
	axis  shard.Axis
}

func members(n, count int) []committee.Member {
	ms := make([]committee.Member, count)
	for i := range ms {
		ms[i].ID[0] = byte(i)
		ms[i].Name = fmt.Sprint("node-", i)
	}
	for s := range n {
		m := &ms[s%count]
		m.Shards = append(m.Shards, shard.Index(s))
	}
	return ms
}

func newWorld(t testing.TB, n, count, size int) *world {
	t.Helper()
	p := shardtest.MustParams(n)
	md, pairs, err := shard.Encode(p, shardtest.Blob("repair", size))
	if err != nil {
		t.Fatal(err)
	}
	return worldOf(t, p, count, md, pairs)
}

func worldOf(t testing.TB, p shard.Params, count int, md *shard.Metadata, pairs []shard.SliverPair) *world {
	t.Helper()
	c, err := committee.New(1, p.Shards(), members(p.Shards(), count))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		p: p, c: c, id: md.ID(), md: md, pairs: pairs, metadata: md,
		behave: map[committee.NodeID]behavior{}, wanted: map[shard.BlobID]bool{}, slivers: map[key]shard.Sliver{}, values: map[string][]byte{},
		asked: map[committee.NodeID]int{},
	}
	w.wanted[w.id] = true
	for _, s := range w.self().Shards {
		pair := w.pairs[p.PairOf(w.id, s)]
		w.slivers[key{s, shard.Primary}], w.slivers[key{s, shard.Secondary}] = pair.Primary, pair.Secondary
	}
	return w
}

func (w *world) self() *committee.Member { return &w.c.Members()[0] }

// lose makes the first member lose its slivers of some axes, and its metadata if
// it loses both.
func (w *world) lose(axes ...shard.Axis) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.slivers, func(k key, _ shard.Sliver) bool { return slices.Contains(axes, k.axis) })
	if len(axes) == 2 {
		w.metadata = nil
	}
}

func (w *world) set(b behavior, who ...int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, i := range who {
		w.behave[w.c.Members()[i].ID] = b
	}
}

// whole tells whether the first member holds all that it should, byte for byte.
func (w *world) whole() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.metadata == nil {
		return errors.New("no metadata")
	}
	for _, s := range w.self().Shards {
		pair := w.pairs[w.p.PairOf(w.id, s)]
		for _, want := range []shard.Sliver{pair.Primary, pair.Secondary} {
			got, ok := w.slivers[key{s, want.Axis}]
			if !ok || got.Index != want.Index || got.SymbolSize != want.SymbolSize || !slices.Equal(got.Data, want.Data) {
				return fmt.Errorf("%v on shard %d: held %v, or differs", &want, s, ok)
			}
		}
	}
	return nil
}

func (w *world) Committee() *committee.Committee { return w.c }

func (w *world) Wanted(id shard.BlobID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wanted[id]
}

func (w *world) Blobs() iter.Seq[shard.BlobID] {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Values(slices.Collect(maps.Keys(w.wanted)))
}

// store is the Store of a world, whose Metadata is another one than that of Peers.
type store struct{ *world }

func (w store) Metadata(id shard.BlobID) (*shard.Metadata, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id != w.id || w.metadata == nil {
		return nil, errors.New("not here")
	}
	return w.metadata, nil
}

func (w store) PutMetadata(_ context.Context, _ shard.BlobID, md *shard.Metadata) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.metadata = md
	return nil
}

func (w store) Holdings(id shard.BlobID, shards []shard.Index) ([]repair.Holding, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	held := make([]repair.Holding, len(shards))
	for i, s := range shards {
		held[i].Shard = s
		if id == w.id {
			_, held[i].Primary = w.slivers[key{s, shard.Primary}]
			_, held[i].Secondary = w.slivers[key{s, shard.Secondary}]
		}
	}
	return held, nil
}

func (w store) Sliver(_ shard.BlobID, s shard.Index, a shard.Axis) (shard.Sliver, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sl, ok := w.slivers[key{s, a}]
	if !ok {
		return sl, errors.New("not here")
	}
	return sl, nil
}

func (w store) PutSlivers(_ context.Context, _ shard.BlobID, items []repair.Item) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
	for _, it := range items {
		w.slivers[key{it.Shard, it.Sliver.Axis}] = it.Sliver
	}
	return nil
}

func (w store) Value(name string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, ok := w.values[name]
	if !ok {
		return nil, errors.New("not here")
	}
	return v, nil
}

func (w store) PutValue(_ context.Context, name string, value []byte) error {
	if len(value) > 64<<10 {
		return errors.New("too long")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.values[name] = value
	return nil
}

// peers is the Peers of a world.
type peers struct{ *world }

// meet counts a request and returns how the member behaves; it returns an error
// if there is no answer.
func (w peers) meet(ctx context.Context, m committee.Member) (behavior, error) {
	w.mu.Lock()
	w.requests++
	w.asked[m.ID]++
	b := w.behave[m.ID]
	w.mu.Unlock()
	switch b {
	case dripping:
		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
			return b, ctx.Err()
		}
		return b, nil
	case silent:
		<-ctx.Done()
		return b, ctx.Err()
	case failing:
		return b, errBroken
	case empty:
		return b, fmt.Errorf("ask %s: %w", m.Name, repair.ErrAbsent)
	default:
		return b, nil
	}
}

// Pull answers each want by itself.
func (w peers) Pull(ctx context.Context, from committee.Member, wants []repair.Want) iter.Seq2[repair.Got, error] {
	return func(yield func(repair.Got, error) bool) {
		w.mu.Lock()
		b := w.behave[from.ID]
		w.mu.Unlock()
		if b == short {
			wants = wants[:len(wants)/2]
		}
		if b == flooding {
			wants = slices.Concat(wants, wants)
		}
		for _, want := range wants {
			var got repair.Got
			var err error
			if want.Metadata {
				got.Metadata, err = w.Metadata(ctx, from, want.Blob)
			} else {
				got.Symbols, err = w.Symbols(ctx, from, want.SymbolRequest)
			}
			if !yield(got, err) {
				return
			}
		}
	}
}

func (w peers) Metadata(ctx context.Context, from committee.Member, id shard.BlobID) (*shard.Metadata, error) {
	b, err := w.meet(ctx, from)
	if err != nil {
		return nil, err
	}
	md := &shard.Metadata{Size: w.md.Size, Hashes: slices.Clone(w.md.Hashes)}
	if b == garbled || b == forger || b == misfit {
		md.Hashes[0].Primary[0]++
	}
	bytes, err := md.AppendBinary(nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pulled += len(bytes)
	return md, err
}

func (w peers) Symbols(ctx context.Context, from committee.Member, req repair.SymbolRequest) (repair.SymbolReply, error) {
	b, err := w.meet(ctx, from)
	if err != nil {
		return repair.SymbolReply{}, err
	}
	r := repair.SymbolReply{}
	if req.Proofs {
		r.Proven = make([][]shard.RecoverySymbol, len(req.Targets))
	} else {
		r.Symbols = make([][][]byte, len(req.Targets))
	}
	pulled := 0
	// A member may answer in any order.
	for _, s := range slices.Backward(req.Sources) {
		pair := w.p.PairOfSliver(req.Axis.Other(), s)
		if w.c.HolderOfPair(w.id, pair).ID != from.ID {
			return r, fmt.Errorf("%s was asked for a sliver that it does not hold", from.Name)
		}
		sl := w.pairs[pair].Primary
		if req.Axis == shard.Primary {
			sl = w.pairs[pair].Secondary
		}
		r.Sources = append(r.Sources, s)
		targets := req.Targets
		if b == misfit && req.Proofs {
			targets = slices.Clone(targets)
			for i := range targets {
				targets[i] = shard.SliverIndex((int(targets[i]) + 1) % w.p.Shards())
			}
		}
		syms, err := shard.ProvenSymbols(w.p, sl, targets)
		if err != nil {
			return r, err
		}
		for t, sym := range syms {
			sym.Data = slices.Clone(sym.Data)
			if b == forger || (b == garbled || b == misfit) && !req.Proofs {
				sym.Data[0]++
			}
			if b == misshapen {
				sym.Data = sym.Data[1:]
			}
			if req.Proofs {
				r.Proven[t] = append(r.Proven[t], sym)
				full, err := sym.AppendBinary(nil)
				if err != nil {
					return r, err
				}
				pulled += len(full)
			} else {
				r.Symbols[t] = append(r.Symbols[t], sym.Data)
				pulled += len(sym.Data)
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pulled += pulled
	if !req.Proofs {
		w.raw += len(req.Targets) * len(req.Sources)
	}
	return r, nil
}

// running starts a repairer of a world; what it returns ends it and waits.
func running(t *testing.T, w *world, change func(*repair.Config)) (*repair.Repairer, func()) {
	t.Helper()
	cfg := repair.Config{Self: w.self().ID, Peers: peers{w}, Store: store{w}, Ledger: w}
	if change != nil {
		change(&cfg)
	}
	r, err := repair.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return r, func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: got %v, want context.Canceled", err)
		}
	}
}

// recorder notes the order in which metadata of blobs is first asked for.
type recorder struct {
	peers
	order *[]shard.BlobID
}

func (r recorder) Pull(ctx context.Context, from committee.Member, wants []repair.Want) iter.Seq2[repair.Got, error] {
	r.mu.Lock()
	for _, w := range wants {
		if w.Metadata && !slices.Contains(*r.order, w.Blob) {
			*r.order = append(*r.order, w.Blob)
		}
	}
	r.mu.Unlock()
	return r.peers.Pull(ctx, from, wants)
}
