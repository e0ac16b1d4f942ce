package devnet_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/devnet"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// With any f shards' nodes stopped a network goes on reading and writing.
func TestFaultyNodesStopped(t *testing.T) {
	t.Parallel()
	n := open(t, small)
	data := shardtest.Blob("stopped", 200_000)
	r := mustStore(t, n, data, client.StoreOptions{Epochs: 5})
	faulty := n.Faulty()
	if len(faulty) == 0 {
		t.Fatal("no node may fail; the test would show nothing")
	}
	for _, i := range faulty {
		if err := n.Stop(i); err != nil {
			t.Fatal(err)
		}
	}
	mustRead(t, n, r.BlobID, data)
	written := shardtest.Blob("written meanwhile", 100_000)
	w := mustStore(t, n, written, client.StoreOptions{})
	mustRead(t, n, w.BlobID, written)

	// The nodes that come back pull what they have missed.
	for _, i := range faulty {
		if err := n.Start(bounded(t), i); err != nil {
			t.Fatal(err)
		}
		back := n.Node(i)
		own := len(back.Committee().Member(back.ID()).Shards)
		eventually(t, "the node to catch up", func() bool {
			s, err := back.Stored()
			return err == nil && s.Slivers == 2*2*own
		})
	}
}

// liar answers every call with garbage of the right shape. It must not be able
// to make a reader return a wrong byte, nor to keep it from returning.
type liar struct{ params shard.Params }

func (liar) Upload(context.Context, p2p.PeerID, exchange.UploadHeader, *shard.Metadata, iter.Seq2[shard.Sliver, error]) (exchange.UploadResult, error) {
	return exchange.UploadResult{Stored: 1, Confirmation: &exchange.SignedConfirmation{Message: []byte("yes")}}, nil
}

func (liar) Confirm(context.Context, p2p.PeerID, shard.BlobID, committee.Persistence) (exchange.SignedConfirmation, error) {
	return exchange.SignedConfirmation{Message: []byte("yes")}, nil
}

func (l liar) Metadata(_ context.Context, _ p2p.PeerID, blob shard.BlobID) (*shard.Metadata, error) {
	hashes := make([]shard.PairHashes, l.params.Shards())
	hashes[0].Primary = shard.Hash(blob)
	return &shard.Metadata{Size: 7, Hashes: hashes}, nil
}

func (l liar) Sliver(_ context.Context, _ p2p.PeerID, _ shard.BlobID, id exchange.SliverID) (shard.Sliver, error) {
	const symbolSize = 4000
	return shard.Sliver{
		Axis: id.Axis, Index: id.Index, SymbolSize: symbolSize,
		Data: make([]byte, l.params.SliverSize(id.Axis, symbolSize)),
	}, nil
}

func (liar) Status(_ context.Context, _ p2p.PeerID, blobs []shard.BlobID) ([]exchange.Holding, error) {
	out := make([]exchange.Holding, len(blobs))
	for i := range out {
		out[i] = exchange.Holding{Metadata: true, Primary: 100, Secondary: 100}
	}
	return out, nil
}

func (l liar) Symbols(_ context.Context, _ p2p.PeerID, r exchange.SymbolRequest) (exchange.SymbolReply, error) {
	reply := exchange.SymbolReply{Sources: r.Sources}
	for range r.Targets {
		row := make([][]byte, len(r.Sources))
		proven := make([]shard.RecoverySymbol, len(r.Sources))
		for i := range row {
			row[i] = slices.Repeat([]byte{0xAB}, r.SymbolSize)
			proven[i] = shard.RecoverySymbol{Source: r.Sources[i], Data: row[i]}
		}
		if r.Proofs {
			reply.Proven = append(reply.Proven, proven)
		} else {
			reply.Symbols = append(reply.Symbols, row)
		}
	}
	return reply, nil
}

func (l liar) SyncShard(_ context.Context, _ p2p.PeerID, at shard.Index, first shard.BlobID) iter.Seq2[exchange.ShardSliver, error] {
	return func(yield func(exchange.ShardSliver, error) bool) {
		index := l.params.SliverOf(shard.Primary, l.params.PairOf(first, at))
		yield(exchange.ShardSliver{Blob: first, Sliver: shard.Sliver{
			Index: index, SymbolSize: 2, Data: slices.Repeat([]byte{0xAB}, l.params.SliverSize(shard.Primary, 2)),
		}}, nil)
	}
}

// lie puts a liar in the place of a node: same key, same address.
func lie(t *testing.T, n *devnet.Net, i int) {
	t.Helper()
	victim := n.Node(i)
	params, listen, others := victim.Committee().Params(), victim.Listening(), n.Bootstrap()
	if err := n.Stop(i); err != nil {
		t.Fatal(err)
	}
	keys, err := node.LoadOrCreateKeys(n.NodeDir(i))
	if err != nil {
		t.Fatal(err)
	}
	host, err := p2p.New(bounded(t), p2p.Config{
		Network: n.Card().ChainID, Identity: keys.Identity, Listen: listen, Bootstrap: others, DHTServer: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	server, err := exchange.Serve(host, liar{params}, exchange.ServerConfig{Params: params})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(server.Close(), host.Close()); err != nil {
			t.Error(err)
		}
	})
}

// With f shards' nodes returning garbage reads return the truth, writes
// succeed, and a wiped node repairs itself.
func TestFaultyNodesLie(t *testing.T) {
	t.Parallel()
	n := open(t, small)
	data := shardtest.Blob("lies", 200_000)
	r := mustStore(t, n, data, client.StoreOptions{Epochs: 5})
	if err := n.Client().Flush(bounded(t)); err != nil {
		t.Fatal(err)
	}
	faulty := n.Faulty()
	for _, i := range faulty {
		lie(t, n, i)
	}
	// A client that has never seen the liars, and one that remembers them.
	fresh, err := client.Dial(bounded(t), client.DialConfig{Bootstrap: n.Bootstrap(), Root: n.Card().Root})
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	for range 3 {
		if got, err := fresh.Read(bounded(t), r.BlobID, client.ReadOptions{}); err != nil || !slices.Equal(got, data) {
			t.Fatalf("read %d bytes among liars: %v", len(got), err)
		}
		mustRead(t, n, r.BlobID, data)
	}
	written := shardtest.Blob("written among liars", 100_000)
	w := mustStore(t, n, written, client.StoreOptions{})
	mustRead(t, n, w.BlobID, written)
}

// A node that has lost its slivers pulls little more than what it restores.
func TestWipedNodeRepairsItself(t *testing.T) {
	t.Parallel()
	n := open(t, devnet.Config{})
	data := shardtest.Blob("wiped", 4<<20)
	r := mustStore(t, n, data, client.StoreOptions{Epochs: 5})
	if err := n.Client().Flush(bounded(t)); err != nil {
		t.Fatal(err)
	}
	const victim = 3
	before, err := n.Node(victim).Stored()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Wipe(bounded(t), victim); err != nil {
		t.Fatal(err)
	}
	if err := n.Node(victim).Repaired(bounded(t)); err != nil {
		t.Fatal(err)
	}
	after, err := n.Node(victim).Stored()
	if err != nil || after.Slivers != before.Slivers || after.SliverBytes != before.SliverBytes {
		t.Errorf("restored %+v, want %+v (%v)", after, before, err)
	}
	s, err := n.Repairs(victim)
	if err != nil {
		t.Fatal(err)
	}
	const bar = 1.25
	if ratio := float64(s.BytesPulled) / float64(s.BytesRestored); s.BytesRestored < before.SliverBytes || ratio > bar {
		t.Errorf("pulled %d bytes for %d restored", s.BytesPulled, s.BytesRestored)
	}
	mustRead(t, n, r.BlobID, data)
}

// A deleted blob leaves the disks, and its storage comes back to its owner.
func TestDelete(t *testing.T) {
	t.Parallel()
	n := open(t, small)
	r := mustStore(t, n, []byte("delete me"), client.StoreOptions{Epochs: 3, Deletable: true})
	if err := n.Client().Flush(bounded(t)); err != nil {
		t.Fatal(err)
	}
	sent, err := n.Client().Wallet.Send(bounded(t), ledger.DeleteBlob{Blob: ledger.Object(r.Blob.ID)})
	if err != nil {
		t.Fatal(err)
	}
	if sent.Object(0).IsZero() {
		t.Error("no storage came back")
	}
	if _, err := n.Client().Read(bounded(t), r.BlobID, client.ReadOptions{}); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("deleted blob: got %v, want ErrNotFound", err)
	}
	for i := range small.Nodes {
		eventually(t, "the slivers to go", func() bool {
			s, err := n.Node(i).Stored()
			return err == nil && s.Slivers == 0
		})
	}
}

// When a network is closed nothing of it is left running.
func TestCloseLeavesNothing(t *testing.T) { //nolint:paralleltest // counts goroutines
	before := runtime.NumGoroutine()
	n, err := devnet.Open(bounded(t), devnet.Config{Dir: t.TempDir(), Nodes: 4, Shards: 13, HTTP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Client().Store(bounded(t), []byte("closing"), client.StoreOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	// CometBFT's message log leaves two goroutines per node behind, and the
	// first of them starts the process's signal loop.
	const left = 4*2 + 1
	eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before+left })
}
