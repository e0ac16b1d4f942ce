package node

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
	"github.com/floe-storage/floe/shard/store"
)

const testShards = 13

// lonely is repair.Peers of a node that reaches nobody.
type lonely struct{}

func (lonely) Pull(context.Context, committee.Member, []repair.Want) iter.Seq2[repair.Got, error] {
	return func(yield func(repair.Got, error) bool) { yield(repair.Got{}, repair.ErrAbsent) }
}

// noHolders is repair.Holders of a node that reaches nobody.
type noHolders struct{}

func (noHolders) SyncShard(context.Context, committee.Member, shard.Index, shard.BlobID) iter.Seq2[repair.Moved, error] {
	return func(yield func(repair.Moved, error) bool) { yield(repair.Moved{}, repair.ErrAbsent) }
}

func (noHolders) Metadata(context.Context, committee.Member, shard.BlobID) (*shard.Metadata, error) {
	return nil, repair.ErrAbsent
}

// fixture is a node without a network: its store and keys are real, and so are
// the ledger's rules.
type fixture struct {
	*Node
	t       *testing.T
	backend *rpctest.Chain
	wallet  *ledgerrpc.Wallet
	handler handler
	members []*Keys // of the committee, its own first
}

// newFixture returns the first of four nodes on a chain of its own.
func newFixture(t *testing.T, cfg store.Config) *fixture {
	t.Helper()
	dir := t.TempDir()
	var members []ledger.Founder
	var keys []*Keys
	for _, name := range []string{"self", "a", "b", "c"} {
		k, err := LoadOrCreateKeys(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
		members = append(members, k.Registration(name, ledger.FrostPerWAL, nil))
	}
	backend := rpctest.New(t, rpctest.Genesis(testShards, members...))
	n := &Node{
		cfg: Config{Dir: filepath.Join(dir, "self"), Genesis: []byte{1}}, keys: keys[0],
		id: ledger.NodeIDOf(keys[0].BLS.PublicKey()), params: shardtest.MustParams(testShards),
		chain: &chain{ledger: backend}, turned: make(chan struct{}, 1), released: make(chan struct{}, 1),
	}
	if err := n.cfg.validate(); err != nil {
		t.Fatal(err)
	}
	n.log = n.cfg.Logger
	if testing.Verbose() {
		n.log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	if err := n.chain.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := &fixture{Node: n, t: t, backend: backend, handler: handler{n}, wallet: ledgerrpc.NewWallet(backend, rpctest.Account(0)), members: keys}
	f.openStore(cfg)
	t.Cleanup(func() {
		if err := n.store.Close(); err != nil {
			t.Error(err)
		}
	})
	n.gossip = &gossip{node: n, log: n.log}
	var err error
	if n.repairer, err = repair.New(repair.Config{Self: n.id, Peers: lonely{}, Store: shelf{n.store, n}, Ledger: n.chain, Moving: n.moving.Has}); err != nil {
		t.Fatal(err)
	}
	if n.migrator, err = repair.NewMigrator(repair.MigratorConfig{
		Self: n.id, Params: n.params, Holders: noHolders{}, Store: shelf{n.store, n}, Ledger: n.chain, Patience: time.Millisecond,
	}); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) openStore(cfg store.Config) {
	f.t.Helper()
	s, err := store.Open(filepath.Join(f.cfg.Dir, StoreDir), cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	f.store = s
}

// blob is an encoded blob.
type blob struct {
	id    shard.BlobID
	md    *shard.Metadata
	pairs []shard.SliverPair
}

func (f *fixture) blob(seed string, size int) *blob {
	f.t.Helper()
	md, pairs, err := shard.Encode(f.params, shardtest.Blob(seed, size))
	if err != nil {
		f.t.Fatal(err)
	}
	return &blob{md.ID(), md, pairs}
}

// register announces a blob on the ledger and returns how it is to be kept.
func (f *fixture) register(b *blob, deletable bool, epochs uint32) committee.Persistence {
	f.t.Helper()
	size, err := f.params.EncodedSize(b.md.Size)
	if err != nil {
		f.t.Fatal(err)
	}
	sent, err := f.wallet.Send(f.t.Context(), ledger.ReserveStorage{Size: size, Epochs: epochs}, ledger.RegisterBlob{
		Storage: ledger.Result(0), BlobID: b.id, Root: b.md.Root(), Size: b.md.Size, Deletable: deletable,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	if !deletable {
		return committee.Persistence{}
	}
	return committee.Persistence{Deletable: true, Object: sent.Object(1)}
}

func (f *fixture) delete(object committee.ObjectID) {
	f.t.Helper()
	if _, err := f.wallet.Send(f.t.Context(), ledger.DeleteBlob{Blob: ledger.Object(object)}); err != nil {
		f.t.Fatal(err)
	}
}

// invalidate records a blob as invalid, by the word of the whole committee.
func (f *fixture) invalidate(id shard.BlobID) {
	f.t.Helper()
	msg := committee.InvalidBlobMessage(f.epoch(), id)
	votes := committee.NewCollector(f.Committee(), msg)
	for _, k := range f.members {
		if err := votes.Add(ledger.NodeIDOf(k.BLS.PublicKey()), committee.SignedConfirmation{Message: msg, Signature: k.BLS.Sign(msg)}); err != nil {
			f.t.Fatal(err)
		}
	}
	cert, err := votes.Certificate()
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.wallet.Send(f.t.Context(), ledger.InvalidateBlob{BlobID: id, Certificate: cert}); err != nil {
		f.t.Fatal(err)
	}
}

// own returns the slivers that the node should hold.
func (f *fixture) own(b *blob) []shard.Sliver {
	var out []shard.Sliver
	for _, at := range f.shards() {
		p := b.pairs[f.params.PairOf(b.id, at)]
		out = append(out, p.Primary, p.Secondary)
	}
	return out
}

// sequence yields slivers, and then an error if it is not nil.
func sequence(slivers []shard.Sliver, err error) iter.Seq2[shard.Sliver, error] {
	return func(yield func(shard.Sliver, error) bool) {
		for _, s := range slivers {
			if !yield(s, nil) {
				return
			}
		}
		if err != nil {
			yield(shard.Sliver{}, err)
		}
	}
}

func (f *fixture) upload(b *blob, p committee.Persistence, slivers ...shard.Sliver) (exchange.UploadResult, error) {
	h := exchange.UploadHeader{Blob: b.id, Persistence: p, Size: b.md.Size, Confirm: true}
	return f.handler.Upload(f.t.Context(), p2p.PeerID{}, h, b.md, sequence(slivers, nil))
}

// mustStore has the node hold all that it should of a blob.
func (f *fixture) mustStore(b *blob, p committee.Persistence) {
	f.t.Helper()
	r, err := f.upload(b, p, f.own(b)...)
	if err != nil || r.Stored != len(f.own(b)) {
		f.t.Fatalf("stored %d: %v", r.Stored, err)
	}
	f.check(b, p, r.Confirmation)
}

// check verifies a confirmation.
func (f *fixture) check(b *blob, p committee.Persistence, c *exchange.SignedConfirmation) {
	f.t.Helper()
	if c == nil {
		f.t.Fatal("no confirmation")
	}
	said, err := committee.ParseConfirmation(c.Message)
	if err != nil || said.Blob != b.id || said.Persistence != p || said.Epoch != f.epoch() {
		f.t.Errorf("confirmed %+v, %v", said, err)
	}
	if err := f.keys.BLS.PublicKey().Verify(c.Message, c.Signature); err != nil {
		f.t.Error(err)
	}
}

func (f *fixture) epoch() committee.Epoch {
	f.t.Helper()
	var sys ledger.System
	if err := f.backend.View(f.t.Context(), func(r ledger.Reader, _ uint64) (err error) {
		sys, err = ledger.ReadSystem(r)
		return err
	}); err != nil {
		f.t.Fatal(err)
	}
	return sys.Epoch
}

func (f *fixture) slivers() int {
	f.t.Helper()
	s, err := f.store.Stats()
	if err != nil {
		f.t.Fatal(err)
	}
	return s.Slivers
}

// wants fails unless err tells a peer the code.
func wants(t *testing.T, what string, err error, code wire.Code) {
	t.Helper()
	if got := wire.Answer(err).Code; got != code {
		t.Errorf("%s: a peer is told %v (%v), want %v", what, got, err, code)
	}
}

// following runs follow until the function that it returns is called, or it
// ends by itself; the function returns its error.
func (f *fixture) following() (stop func() error) {
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error, 1)
	go func() { done <- f.follow(ctx) }()
	f.t.Cleanup(cancel)
	return func() error {
		cancel()
		err := <-done
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
}

// eventually polls a condition of another goroutine's making.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
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
