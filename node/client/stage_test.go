package client

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/p2p/p2ptest"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

const (
	stageNodes  = 4
	stageShards = 13 // f = 4: one node may fail
)

// behavior is how a storage node answers.
type behavior int

const (
	honest  behavior = iota
	failing          // answers every call with an error
	silent           // takes calls and never answers
	lying            // sends wrong bytes of the right shape, and confirms anything
	full             // asks for a long pause
	held             // answers when it is released
	once             // fails once and is honest then
	late             // confirms once in the epoch before, and is honest then
)

// actor is a storage node without a disk. It is exchange.Handler.
type actor struct {
	name   string
	params shard.Params
	chain  *rpctest.Chain
	key    *bls.SecretKey
	id     committee.NodeID

	// mu guards the fields below.
	mu       sync.Mutex
	behave   behavior
	release  chan struct{} // of those who are held
	metadata map[shard.BlobID]*shard.Metadata
	slivers  map[shard.BlobID]map[exchange.SliverID]shard.Sliver
	uploads  int // taken to the end
	confirms int // asked for without an upload
}

func (a *actor) set(b behavior) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.release != nil {
		close(a.release)
		a.release = nil
	}
	if a.behave = b; b == held {
		a.release = make(chan struct{})
	}
}

func (a *actor) counts() (uploads, confirms int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.uploads, a.confirms
}

// act begins every call.
func (a *actor) act(ctx context.Context) (behavior, error) {
	a.mu.Lock()
	b, release := a.behave, a.release
	a.mu.Unlock()
	switch b {
	case once:
		a.set(honest)
		return b, wire.Errorf(wire.CodeInternal, "%s fails once", a.name)
	case failing:
		return b, wire.Errorf(wire.CodeInternal, "%s fails", a.name)
	case full:
		return b, &wire.Error{Code: wire.CodeBusy, RetryAfter: time.Hour}
	case silent:
		<-ctx.Done()
		return b, ctx.Err()
	case held:
		select {
		case <-release:
		case <-ctx.Done():
		}
		return honest, ctx.Err()
	case honest, lying, late:
	}
	return b, nil
}

func (a *actor) Upload(ctx context.Context, _ p2p.PeerID, h exchange.UploadHeader, md *shard.Metadata, slivers iter.Seq2[shard.Sliver, error]) (r exchange.UploadResult, err error) {
	if _, err := a.act(ctx); err != nil {
		return r, err
	}
	got := map[exchange.SliverID]shard.Sliver{}
	for s, err := range slivers {
		if err != nil {
			return r, err
		}
		got[exchange.SliverID{Axis: s.Axis, Index: s.Index}] = s
		r.Stored++
	}
	a.mu.Lock()
	a.uploads++
	a.metadata[h.Blob], a.slivers[h.Blob] = md, got
	a.mu.Unlock()
	c, err := a.sign(ctx, h.Blob, h.Persistence)
	r.Confirmation = &c
	return r, err
}

func (a *actor) Confirm(ctx context.Context, _ p2p.PeerID, id shard.BlobID, p committee.Persistence) (exchange.SignedConfirmation, error) {
	a.mu.Lock()
	a.confirms++
	a.mu.Unlock()
	if _, err := a.act(ctx); err != nil {
		return exchange.SignedConfirmation{}, err
	}
	return a.sign(ctx, id, p)
}

func (a *actor) sign(ctx context.Context, id shard.BlobID, p committee.Persistence) (c exchange.SignedConfirmation, err error) {
	a.mu.Lock()
	lies, has, before := a.behave == lying, a.metadata[id] != nil, a.behave == late
	a.mu.Unlock()
	if !has {
		return c, wire.Errorf(wire.CodeNotFound, "nothing to confirm")
	}
	err = a.chain.View(ctx, func(r ledger.Reader, _ uint64) error {
		sys, err := ledger.ReadSystem(r)
		if err != nil {
			return err
		}
		if _, ok, err := ledger.ReadClaim(r, id, p); err != nil || !ok {
			return wire.Errorf(wire.CodeNotRegistered, "%v", err)
		}
		if before {
			sys.Epoch--
			a.set(honest)
		}
		c.Message = committee.Confirmation{Epoch: sys.Epoch, Blob: id, Persistence: p}.Message()
		return nil
	})
	if c.Signature = a.key.Sign(c.Message); lies {
		c.Signature = a.key.Sign([]byte("something else"))
	}
	return c, err
}

func (a *actor) Metadata(ctx context.Context, _ p2p.PeerID, id shard.BlobID) (*shard.Metadata, error) {
	b, err := a.act(ctx)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	md := a.metadata[id]
	if md == nil {
		return nil, wire.Errorf(wire.CodeNotFound, "no metadata")
	}
	if b == lying {
		forged := *md
		forged.Size++
		return &forged, nil
	}
	return md, nil
}

func (a *actor) Sliver(ctx context.Context, _ p2p.PeerID, id shard.BlobID, which exchange.SliverID) (shard.Sliver, error) {
	b, err := a.act(ctx)
	if err != nil {
		return shard.Sliver{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.slivers[id][which]
	if !ok {
		return s, wire.Errorf(wire.CodeNotFound, "no such sliver")
	}
	if b == lying {
		s.Data = bytes.Repeat([]byte{0xab}, len(s.Data))
	}
	return s, nil
}

func (a *actor) Status(_ context.Context, _ p2p.PeerID, blobs []shard.BlobID) ([]exchange.Holding, error) {
	return make([]exchange.Holding, len(blobs)), nil
}

func (a *actor) Symbols(context.Context, p2p.PeerID, exchange.SymbolRequest) (exchange.SymbolReply, error) {
	return exchange.SymbolReply{}, wire.Errorf(wire.CodeInternal, "not played")
}

func (a *actor) SyncShard(context.Context, p2p.PeerID, shard.Index, shard.BlobID) iter.Seq2[exchange.ShardSliver, error] {
	return func(yield func(exchange.ShardSliver, error) bool) {
		yield(exchange.ShardSliver{}, wire.Errorf(wire.CodeInternal, "not played"))
	}
}

// stage is a network of actors with one client.
type stage struct {
	t      *testing.T
	chain  *rpctest.Chain
	actors []*actor
	hosts  []*p2p.Host // the actors', then the client's
	wallet *ledgerrpc.Wallet
	client *Client
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, hosts: p2ptest.New(t, stageNodes+1, nil)}
	var members []ledger.Founder
	for i := range byte(stageNodes) {
		m, key := rpctest.Member(i)
		m.NetworkKey = s.hosts[i].ID()
		members = append(members, m)
		s.actors = append(s.actors, &actor{
			name: m.Profile.Name, params: shardtest.MustParams(stageShards), key: key, id: ledger.NodeIDOf(m.BLSKey),
			metadata: map[shard.BlobID]*shard.Metadata{}, slivers: map[shard.BlobID]map[exchange.SliverID]shard.Sliver{},
		})
	}
	s.chain = rpctest.New(t, rpctest.Genesis(stageShards, members...))
	for i, a := range s.actors {
		a.chain = s.chain
		server, err := exchange.Serve(s.hosts[i], a, exchange.ServerConfig{Params: a.params})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	s.wallet = ledgerrpc.NewWallet(s.chain, rpctest.Account(0))
	s.client = s.newClient()
	return s
}

func (s *stage) newClient() *Client {
	s.t.Helper()
	c, err := New(Config{Host: s.hosts[stageNodes], Ledger: s.chain, Wallet: s.wallet})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return c
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func (s *stage) all(b behavior) {
	for _, a := range s.actors {
		a.set(b)
	}
}

func (s *stage) store(data []byte, opt StoreOptions) *StoreResult {
	s.t.Helper()
	r, err := s.client.Store(bounded(s.t), data, opt)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// spread stores and waits until every node has its slivers.
func (s *stage) spread(data []byte) *StoreResult {
	s.t.Helper()
	r := s.store(data, StoreOptions{Epochs: 3})
	if err := s.client.Flush(bounded(s.t)); err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *stage) read(id shard.BlobID, want []byte) {
	s.t.Helper()
	got, err := s.client.Read(bounded(s.t), id, ReadOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		s.t.Fatalf("read %d bytes that differ from the %d stored", len(got), len(want))
	}
}

func (s *stage) balance() uint64 {
	s.t.Helper()
	b, err := s.wallet.Balance(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// registered counts the registrations of a blob so far.
func (s *stage) registered(id shard.BlobID) (n int) {
	s.t.Helper()
	last := s.chain.Height()
	for b, err := range s.chain.Events(s.t.Context(), 1) {
		if err != nil {
			s.t.Fatal(err)
		}
		for _, ev := range b.Events {
			v, err := ev.Parse()
			if err != nil {
				s.t.Fatal(err)
			}
			if e, ok := v.(ledger.BlobRegistered); ok && e.BlobID == id {
				n++
			}
		}
		if b.Height == last {
			break
		}
	}
	return n
}

func idOf(t *testing.T, data []byte) shard.BlobID {
	t.Helper()
	md, err := shard.ComputeMetadata(shardtest.MustParams(stageShards), data)
	if err != nil {
		t.Fatal(err)
	}
	return md.ID()
}

// eventually polls a condition of another goroutine's making.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx := bounded(t)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

func steps(got *[]Step) func(Progress) {
	return func(p Progress) {
		if len(*got) == 0 || (*got)[len(*got)-1] != p.Step {
			*got = append(*got, p.Step)
		}
	}
}

var inOrder = []Step{StepEncode, StepRegister, StepUpload, StepCertify}

func equal(a, b []Step) bool { return slices.Equal(a, b) }
