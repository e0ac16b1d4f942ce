package devnet_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/node"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/devnet"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
	"github.com/floe-storage/floe/shard/store"
)

// patience bounds everything that a test waits for; it is never the measure.
const patience = 2 * time.Minute

// open starts a network that ends with the test.
func open(t *testing.T, cfg devnet.Config) *devnet.Net {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	cfg.HTTP = "127.0.0.1:0"
	if testing.Verbose() {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	n, err := devnet.Open(bounded(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// small is a network in which one node of four may fail: f = 4 of 13 shards.
var small = devnet.Config{Nodes: 4, Shards: 13}

func mustStore(t *testing.T, n *devnet.Net, data []byte, opt client.StoreOptions) *client.StoreResult {
	t.Helper()
	r, err := n.Client().Store(bounded(t), data, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustRead(t *testing.T, n *devnet.Net, id shard.BlobID, want []byte) {
	t.Helper()
	got, err := n.Client().Read(bounded(t), id, client.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes that differ from the %d stored", len(got), len(want))
	}
}

func TestStoreAndRead(t *testing.T) {
	t.Parallel()
	n := open(t, small)
	params, err := shard.NewParams(small.Shards)
	if err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"empty": 0, "one byte": 1, "odd": 4097, "a MiB": 1 << 20, "the largest": int(params.MaxBlobSize())} {
		data := shardtest.Blob(name, size)
		r := mustStore(t, n, data, client.StoreOptions{Epochs: 2})
		md, err := shard.ComputeMetadata(params, data)
		if err != nil {
			t.Fatal(err)
		}
		if r.BlobID != md.ID() || r.AlreadyCertified || r.Blob.Certified == 0 || r.Blob.Point.Height == 0 || r.Cost == 0 {
			t.Errorf("%s: result %+v", name, r)
		}
		mustRead(t, n, r.BlobID, data)
	}
	_, err = n.Client().Store(bounded(t), make([]byte, params.MaxBlobSize()+1), client.StoreOptions{})
	if _, ok := errors.AsType[*shard.TooLargeError](err); !ok || !strings.Contains(err.Error(), "shards would take it") {
		t.Errorf("one byte too large: got %v, want a TooLargeError that names the shards needed", err)
	}
}

func TestStoredAgainCostsNothing(t *testing.T) {
	t.Parallel()
	n := open(t, small)
	data := shardtest.Blob("again", 1000)
	first := mustStore(t, n, data, client.StoreOptions{Epochs: 3, Deletable: true})
	again := mustStore(t, n, data, client.StoreOptions{Epochs: 3, Deletable: true})
	if !again.AlreadyCertified || again.Cost != 0 || again.Blob.ID != first.Blob.ID {
		t.Errorf("stored again: got %+v", again)
	}
	longer := mustStore(t, n, data, client.StoreOptions{Epochs: 4, Deletable: true})
	if longer.AlreadyCertified || longer.Blob.ID == first.Blob.ID {
		t.Errorf("stored for longer: got %+v, want a new object", longer)
	}
}

// A registration that an interrupted upload has paid for is used up by the next.
func TestInterruptedStoreGoesOn(t *testing.T) {
	t.Parallel()
	n := open(t, small)
	data := shardtest.Blob("interrupted", 1000)
	md, err := shard.ComputeMetadata(n.Node(0).Committee().Params(), data)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := n.Node(0).Committee().Params().EncodedSize(md.Size)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := n.Client().Wallet.Send(bounded(t),
		ledger.ReserveStorage{Size: encoded, Epochs: 2},
		ledger.RegisterBlob{Storage: ledger.Result(0), BlobID: md.ID(), Root: md.Root(), Size: md.Size})
	if err != nil {
		t.Fatal(err)
	}
	r := mustStore(t, n, data, client.StoreOptions{Epochs: 2})
	if r.Operation != client.ReusedRegistration || r.Blob.ID != sent.Object(1) {
		t.Errorf("got %+v, want the registration %v to be used", r, sent.Object(1))
	}
	mustRead(t, n, r.BlobID, data)
}

func TestUnknownBlob(t *testing.T) {
	t.Parallel()
	n := open(t, devnet.Config{Nodes: 1, Shards: 4})
	if _, err := n.Client().Read(bounded(t), shard.BlobID{1}, client.ReadOptions{}); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	s, err := n.Client().Status(bounded(t), shard.BlobID{1})
	if err != nil || s.Kind != ledger.StatusNone {
		t.Errorf("status: got %v, %v", s.Kind, err)
	}
}

func TestAccountThatCannotPay(t *testing.T) {
	t.Parallel()
	n := open(t, small)
	key, err := node.LoadOrCreateAccount(filepath.Join(t.TempDir(), "poor.key"))
	if err != nil {
		t.Fatal(err)
	}
	card := n.Card()
	s, err := client.Dial(bounded(t), client.DialConfig{Bootstrap: n.Bootstrap(), Root: card.Root, Account: key})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Store(bounded(t), []byte("unpaid"), client.StoreOptions{})
	if refusal, ok := errors.AsType[*ledger.Error](err); !ok || refusal.Code != ledger.CodeInsufficientFunds {
		t.Errorf("got %v, want CodeInsufficientFunds", err)
	}
}

// What has ended leaves the nodes' disks, and only that.
func TestExpiredBlobIsForgotten(t *testing.T) {
	t.Parallel()
	cfg := small
	cfg.Epoch = 3 * time.Second
	n := open(t, cfg)
	// The epoch may end between the registration and the certificate.
	var short *client.StoreResult
	eventually(t, "a blob to be stored within an epoch", func() (ok bool) {
		var err error
		short, err = n.Client().Store(bounded(t), []byte("one epoch"), client.StoreOptions{Epochs: 1})
		refusal, refused := errors.AsType[*ledger.Error](err)
		if err != nil && (!refused || refusal.Code != ledger.CodeNotFound) {
			t.Fatal(err)
		}
		return err == nil
	})
	long := mustStore(t, n, []byte("many epochs"), client.StoreOptions{Epochs: 50})
	expired := false
	for block, err := range n.Node(1).Ledger().Events(bounded(t), 1) {
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range block.Events {
			v, err := ev.Parse()
			if err != nil {
				t.Fatal(err)
			}
			e, ok := v.(ledger.BlobExpired)
			expired = expired || ok && e.BlobID == short.BlobID
		}
		if expired {
			break
		}
	}
	eventually(t, "the client to hear of it", func() bool {
		_, err := n.Client().Read(bounded(t), short.BlobID, client.ReadOptions{})
		return errors.Is(err, client.ErrNotFound)
	})
	eventually(t, "the expired blob's slivers to go", func() bool {
		s, err := n.Node(1).Stored()
		return err == nil && s.Slivers > 0 && s.Slivers <= 2*len(n.Node(1).Committee().Member(n.Node(1).ID()).Shards)
	})
	mustRead(t, n, long.BlobID, []byte("many epochs"))
}

// eventually polls a condition of another process's making.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx := bounded(t)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

func TestRestartGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := small
	cfg.Dir, cfg.HTTP = dir, "127.0.0.1:0"
	first, err := devnet.Open(bounded(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	data := shardtest.Blob("restart", 5000)
	r, err := first.Client().Store(bounded(t), data, client.StoreOptions{Epochs: 10})
	if err != nil {
		t.Fatal(err)
	}
	height := first.Node(0).Height()
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	again := open(t, devnet.Config{Dir: dir})
	if again.Card().ChainID != first.Card().ChainID || again.Node(0).Height() < height {
		t.Errorf("another chain, or an earlier height: %+v at %d, was %d", again.Card(), again.Node(0).Height(), height)
	}
	mustRead(t, again, r.BlobID, data)
	mustStore(t, again, []byte("after the restart"), client.StoreOptions{})
}

func TestRefusedStarts(t *testing.T) {
	t.Parallel()
	running := open(t, small)
	taken := strings.TrimPrefix(running.URL(), "http://")
	for name, tt := range map[string]struct {
		cfg  devnet.Config
		want error
	}{
		"directory in use":        {devnet.Config{Dir: running.Dir(), HTTP: "127.0.0.1:0"}, store.ErrLocked},
		"port in use":             {devnet.Config{Dir: t.TempDir(), HTTP: taken}, syscall.EADDRINUSE},
		"other number of nodes":   {devnet.Config{Dir: running.Dir(), Nodes: 5, HTTP: "127.0.0.1:0"}, devnet.ErrOtherNetwork},
		"other number of shards":  {devnet.Config{Dir: running.Dir(), Shards: 100, HTTP: "127.0.0.1:0"}, devnet.ErrOtherNetwork},
		"fewer shards than nodes": {devnet.Config{Dir: t.TempDir(), Nodes: 10, Shards: 9, HTTP: "127.0.0.1:0"}, devnet.ErrConfig},
		"too few shards":          {devnet.Config{Dir: t.TempDir(), Nodes: 1, Shards: 3, HTTP: "127.0.0.1:0"}, devnet.ErrConfig},
		"too many nodes":          {devnet.Config{Dir: t.TempDir(), Nodes: 1000, HTTP: "127.0.0.1:0"}, devnet.ErrConfig},
	} {
		n, err := devnet.Open(bounded(t), tt.cfg)
		if !errors.Is(err, tt.want) || n != nil {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	mustStore(t, running, []byte("unharmed"), client.StoreOptions{})
}

// A key that is gone is not made anew: it would be nobody's.
func TestMissingKeyIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := small
	cfg.Dir, cfg.HTTP = dir, "127.0.0.1:0"
	n, err := devnet.Open(bounded(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range append(node.KeyFiles(filepath.Join(dir, "node-03")), devnet.AccountFile(dir)) {
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		if _, err := devnet.Open(bounded(t), devnet.Config{Dir: dir, HTTP: "127.0.0.1:0"}); !errors.Is(err, devnet.ErrKeys) {
			t.Errorf("without %s: got %v, want ErrKeys", filepath.Base(path), err)
		}
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
	}
	open(t, devnet.Config{Dir: dir})
}

func TestDamagedStoreIsRefused(t *testing.T) {
	t.Parallel()
	n := open(t, small)
	data := shardtest.Blob("damage", 100_000)
	r := mustStore(t, n, data, client.StoreOptions{})
	if err := n.Client().Flush(bounded(t)); err != nil {
		t.Fatal(err)
	}
	if err := n.Stop(2); err != nil {
		t.Fatal(err)
	}
	damaged := 0
	err := filepath.WalkDir(filepath.Join(n.Dir(), "node-02", node.StoreDir), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "MANIFEST" {
			damaged++
			return os.WriteFile(path, []byte("not a manifest"), 0o600)
		}
		return err
	})
	if err != nil || damaged == 0 {
		t.Fatalf("damaged %d files, %v", damaged, err)
	}
	if err := n.Start(bounded(t), 2); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
	mustRead(t, n, r.BlobID, data) // the others go on
}

func TestWalletsOfOneAccountShareIt(t *testing.T) {
	t.Parallel()
	n := open(t, small)
	key, err := node.LoadAccount(devnet.AccountFile(n.Dir()))
	if err != nil {
		t.Fatal(err)
	}
	other := ledgerrpc.NewWallet(n.Client().Ledger, key)
	faults := make(chan error)
	const each = 5
	for _, w := range []*ledgerrpc.Wallet{n.Client().Wallet, other} {
		for range each {
			go func() {
				_, err := w.Send(t.Context(), ledger.Send{To: ledger.Address{1}, Amount: 1})
				faults <- err
			}()
		}
	}
	for range 2 * each {
		if err := <-faults; err != nil {
			t.Error(err)
		}
	}
	var got ledger.Account
	err = n.Client().Ledger.View(bounded(t), func(r ledger.Reader, _ uint64) (err error) {
		got, err = ledger.ReadAccount(r, ledger.Address{1})
		return err
	})
	if err != nil || got.Balance != 2*each {
		t.Errorf("balance %d, %v; want %d", got.Balance, err, 2*each)
	}
}
