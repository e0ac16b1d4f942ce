package node

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/comet"
	"github.com/floe-storage/floe/committee/keyfile"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

func newBackend(t *testing.T) *rpctest.Chain {
	t.Helper()
	return rpctest.New(t, rpctest.Genesis(testShards))
}

func TestKeys(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	first, err := LoadOrCreateKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadOrCreateKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	if first.Identity.ID() != again.Identity.ID() || !bytes.Equal(first.BLS.Bytes(), again.BLS.Bytes()) ||
		first.Consensus != again.Consensus || !first.Account.Equal(again.Account) {
		t.Error("other keys after a restart")
	}
	files := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !d.IsDir() {
			files++
		}
		return nil
	})
	if err != nil || files < 4 {
		t.Errorf("%d files, %v", files, err)
	}
	reg := first.Registration("name", 5, []string{"/ip4/127.0.0.1/tcp/1"})
	if err := reg.BLSKey.Verify(committee.PossessionMessage(0, reg.Account, reg.BLSKey), reg.Possession); err != nil {
		t.Errorf("proof of possession: %v", err)
	}
	if reg.Stake != 5 || reg.Profile.Name != "name" || len(reg.Addrs) != 1 || p2p.PeerID(reg.NetworkKey) != first.Identity.ID() {
		t.Errorf("registration %+v", reg)
	}
	if err := rpctest.Genesis(testShards, first.Registration("name", ledger.FrostPerWAL, nil)).Validate(); err != nil {
		t.Errorf("no genesis with it: %v", err)
	}
	for _, name := range []string{blsFile, accountFile} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("00ff\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadOrCreateKeys(dir); err == nil {
			t.Errorf("a damaged %s is taken, or replaced", name)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != "00ff\n" {
			t.Errorf("%s was overwritten", name)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, accountFile), 0o644); err == nil {
		t.Fatal("there is still a file")
	}
	if _, err := LoadAccount(filepath.Join(dir, accountFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no account: got %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, accountFile), []byte("00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadAccount(filepath.Join(dir, accountFile)); !errors.Is(err, keyfile.ErrMalformed) {
		t.Errorf("a short account: got %v", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	c := Config{EmptyBlockInterval: -1}
	err := c.validate()
	for _, fault := range []string{"Dir", "Genesis", "negative"} {
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%v does not name %s", err, fault)
		}
	}
	for name, c := range map[string]Config{
		"grace":   {Dir: "d", Genesis: []byte{1}, RepairGrace: -1},
		"reclaim": {Dir: "d", Genesis: []byte{1}, ReclaimInterval: -1},
	} {
		if c.validate() == nil {
			t.Errorf("%s: negative", name)
		}
	}
	c = Config{Dir: "d", Genesis: []byte{1}}
	if err := c.validate(); err != nil || c.Logger == nil || c.RepairGrace != 10*time.Second || c.EmptyBlockInterval != 10*time.Second || c.ReclaimInterval != 10*time.Minute {
		t.Errorf("defaults %+v, %v", c, err)
	}
}

// alone makes a network of one node.
func alone(t *testing.T, dir string, chainID string) Config {
	t.Helper()
	keys, err := LoadOrCreateKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	g := rpctest.Genesis(4, keys.Registration("alone", ledger.FrostPerWAL, nil))
	g.Params.ChainID, g.Time = chainID, uint64(time.Now().UnixMilli())
	b, err := g.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return Config{Dir: dir, Genesis: b}
}

// Wherever Open fails, it leaves nothing behind: the same directory opens once
// the reason is gone.
func TestOpen(t *testing.T) { //nolint:paralleltest // counts goroutines
	dir := t.TempDir()
	cfg := alone(t, dir, "floe-open")
	before := runtime.NumGoroutine()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	with := func(change func(*Config)) Config {
		c := cfg
		change(&c)
		return c
	}
	held, err := store.Open(filepath.Join(dir, StoreDir), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		cfg  Config
		want error
		text string
	}{
		{"nothing", Config{}, nil, "Dir is missing"},
		{"genesis", with(func(c *Config) { c.Genesis = []byte("?") }), ledger.ErrGenesis, ""},
		{"address", with(func(c *Config) { c.Listen = []string{"here"} }), nil, "here"},
		{"port", with(func(c *Config) {
			_, port, _ := net.SplitHostPort(taken.Addr().String())
			c.Listen = []string{"/ip4/127.0.0.1/tcp/" + port}
		}), nil, "listen on"},
		{"lock", cfg, store.ErrLocked, ""},
	} {
		n, err := Open(t.Context(), tt.cfg, nil)
		if n != nil || err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
	// A host of other keys is refused, and closed.
	stranger, err := Listen(t.Context(), alone(t, t.TempDir(), "floe-open"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), cfg, stranger); err == nil || !strings.Contains(err.Error(), "the keys in") {
		t.Errorf("a stranger's host: got %v", err)
	}
	if _, err := stranger.Open(t.Context(), p2p.PeerID{1}, "blob/1"); !errors.Is(err, p2p.ErrClosed) {
		t.Errorf("the host is left open: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	const left = 4*2 + 1 // see comet.Node.Close
	eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before+2 })

	for range 2 { // the second time from what the first has left
		n, err := Open(t.Context(), cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "a block", func() bool { return n.Height() > 0 })
		if n.Err() != nil || n.Committee().Member(n.ID()) == nil || len(n.Addrs()) == 0 || n.Repairs().Waiting != 0 {
			t.Errorf("a new node: %v", n.Err())
		}
		if err := errors.Join(n.Close(), n.Close()); err != nil {
			t.Error(err)
		}
	}
	// The directory of another chain fails late: store and host are open by then.
	other := alone(t, dir, "floe-other")
	if _, err := Open(t.Context(), other, nil); !errors.Is(err, comet.ErrWrongChain) {
		t.Errorf("another chain: got %v", err)
	}
	again, err := store.Open(filepath.Join(dir, StoreDir), store.Config{})
	if err != nil {
		t.Fatalf("the store is left locked: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before+left })
}

// What ends a loop is kept for whoever asks.
func TestErr(t *testing.T) {
	t.Parallel()
	n := &Node{fault: errors.New("broken")}
	if err := n.Err(); err == nil || err.Error() != "broken" {
		t.Errorf("got %v", err)
	}
}

// Before anything is known a chain has no committee, and wants no blob of it.
func TestEmptyChain(t *testing.T) {
	t.Parallel()
	c := &chain{ledger: newBackend(t)}
	if c.Committee() != nil || c.peers() != nil || c.Wanted(shard.BlobID{}) {
		t.Error("an empty chain knows something")
	}
	for range c.Blobs() {
		t.Error("an empty chain has blobs")
	}
	if err := c.refresh(context.Background()); err != nil || len(c.peers()) != 4 { //nolint:usetesting // as the caller of Blobs
		t.Error("not refreshed", err)
	}
}
