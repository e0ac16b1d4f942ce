package comet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	bcproto "github.com/cometbft/cometbft/proto/tendermint/blocksync"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/p2p"
)

const (
	testSnapshots = 20
	testDistance  = 40
)

// snapshotChain is a chain of n validators that has pruned its first blocks and
// taken snapshots; its last is returned, and the key of some joiner. The others
// of the first validator's are not running.
func snapshotChain(t *testing.T, n int) (c *cluster, height uint64, joiner int) {
	c = newCluster(t, n)
	c.adjust = func(cfg *Config) {
		cfg.SnapshotEvery = testSnapshots
		cfg.KeepBlocks = minKeepBlocks
		cfg.joinDistance = testDistance
		cfg.evidenceBlocks, cfg.evidenceAge = 2*minKeepBlocks, time.Millisecond
	}
	rest := func(height uint64) [][]byte {
		if height%3 == 0 {
			return [][]byte{fmt.Appendf(nil, "ann%d 0 k%d %0200d", height, height%50, height)}
		}
		return nil
	}
	height = 5*testSnapshots - 2
	c.grow(0, height, rest)
	for i := range n - 1 {
		copyDir(t, filepath.Join(c.nodeDir(0), "ledger.db"), filepath.Join(c.nodeDir(i+1), "ledger.db"))
	}
	c.startAll()
	var res ledger.Receipt
	for i := 0; res.Height < height+4; i++ {
		res = c.mustSubmit(0, "bob %d k v%d", i, i)
	}
	height = 5 * testSnapshots
	for i := range n {
		eventually(t, "the snapshot is there", func() bool { return c.members[i].node.shelf.has(height) })
		waitPruned(t, c.members[i].node)
	}
	return c, height, c.add()
}

// joined waits until a node has come by a snapshot, and checks it against the first.
func (c *cluster) joined(i int, height uint64) {
	c.t.Helper()
	top := c.members[0].node.Height()
	c.sameHash(top, 0, i)
	n := c.members[i].node
	if base := n.chain.Load().engine.blocks.Base(); base <= int64(height) {
		c.t.Errorf("the first block is %d, want one after the snapshot of %d: blocks were replayed", base, height)
	}
	var want, got map[string]string
	for j, into := range map[int]*map[string]string{0: &want, i: &got} {
		err := c.members[j].node.View(c.t.Context(), func(r ledger.Reader, _ uint64) error {
			*into = contents(r)
			return nil
		})
		if err != nil {
			c.t.Fatal(err)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		c.t.Errorf("the state differs: got %v, want %v", got, want)
	}
}

func TestJoinBySnapshot(t *testing.T) {
	t.Parallel()
	c, height, j := snapshotChain(t, 4)
	n := c.start(j)
	if got, _ := c.get(j, "genesis"); got != string(c.genesis) {
		t.Errorf("before or after: got %q, want %q", got, c.genesis)
	}
	c.joined(j, height)
	res := c.mustSubmit(j, "cid 0 k v")
	c.sameHash(res.Height, 0, 1, j)
	for height := uint64(n.chain.Load().engine.blocks.Base()); height <= res.Height; height++ {
		lightBlock(t, n, c.chainID, height)
	}
	lightBlock(t, n, c.chainID, 1) // so that others can join from here
	if _, err := os.Stat(joinPath(c.nodeDir(j))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("rubbish of the joining is left: %v", err)
	}
	if !n.shelf.has(height) {
		t.Error("the snapshot is not lent on")
	}
	c.stop(j)
	c.start(j)
	res = c.mustSubmit(j, "cid 1 k w")
	c.sameHash(res.Height, 0, j)
	// It becomes a validator, and is needed as one.
	pub, err := LoadOrCreateConsensusKey(c.nodeDir(j))
	if err != nil {
		t.Fatal(err)
	}
	c.mustSubmit(j, "cid 2 validator/%x 20", pub)
	c.mustSubmit(j, "cid 3 k x")
	c.mustSubmit(j, "cid 4 k y")
	c.stop(0)
	c.mustSubmit(j, "cid 5 k z") // of 60 the other three have 30: not enough without it
}

func TestJoinWithTrustRoot(t *testing.T) {
	t.Parallel()
	c, height, j := snapshotChain(t, 1)
	block := lightBlock(t, c.members[0].node, c.chainID, height-1)
	adjust := c.adjust
	c.adjust = func(cfg *Config) {
		adjust(cfg)
		cfg.Trust = light.Root{ChainID: c.chainID, Height: height - 1, Hash: [32]byte(block.Hash())}
	}
	c.start(j)
	c.joined(j, height)
	k := c.add()
	c.adjust = func(cfg *Config) {
		adjust(cfg)
		cfg.Trust = light.Root{ChainID: c.chainID, Height: height - 1, Hash: [32]byte{1}}
	}
	n := c.start(k)
	eventually(t, "it has looked for a snapshot", func() bool { return n.Peers() > 0 })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := n.WaitHeight(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a wrong root: got height %d, %v", n.Height(), err)
	}
}

// meddler lends what another lends, after it has changed it.
type meddler struct {
	host   *p2p.Host
	change func(what byte, answer []byte) []byte // nil: no answer at all
}

// meddle starts a peer that is listened to like the first node.
func meddle(t *testing.T, c *cluster, change func(what byte, answer []byte) []byte) *meddler {
	host, err := p2p.New(t.Context(), p2p.Config{Network: c.chainID})
	if err != nil {
		t.Fatal(err)
	}
	m := &meddler{host: host, change: change}
	t.Cleanup(func() { _ = host.Close() })
	cfg := c.config(0)
	host.Handle(protocol, func(ctx context.Context, _ p2p.PeerID, st *p2p.Stream) {
		stop := context.AfterFunc(ctx, st.Reset)
		defer stop()
		if _, err := readHello(st); err != nil {
			return
		}
		_, _ = st.Write(hello{session: 7, chainID: c.chainID, genesis: cfg.chainHash()}.append([]byte{byte(accepted)}))
		lie(c, st, func(*cluster, int64) *bcproto.Message { return nil })
	})
	l := c.members[0].node.lend
	host.Handle(snapshotProtocol, func(ctx context.Context, from p2p.PeerID, st *p2p.Stream) {
		q, err := readQuestion(st)
		if err != nil {
			return
		}
		status, honest := l.answer(ctx, from, q)
		body := m.change(q.what, bytes.Clone(honest))
		if body == nil && honest != nil {
			<-ctx.Done()
			return
		}
		_, _ = st.Write(append(binary.LittleEndian.AppendUint32([]byte{byte(status)}, uint32(len(body))), body...))
	})
	return m
}

// Meddlers must not keep a node from joining, nor make it take a wrong state.
func TestJoinAmongMeddlers(t *testing.T) {
	t.Parallel()
	flip := func(what byte, at int) func(byte, []byte) []byte {
		return func(w byte, b []byte) []byte {
			if w == what && len(b) > 0 {
				b[(at+len(b))%len(b)] ^= 1
			}
			return b
		}
	}
	for _, tt := range []struct {
		name   string
		change func(what byte, answer []byte) []byte
		banned bool // it may be
	}{
		{"silent", func(byte, []byte) []byte { return nil }, false},
		{"offers nothing", func(what byte, b []byte) []byte {
			if what == askSnapshots {
				return []byte{0}
			}
			return b
		}, false},
		{"malformed list", func(what byte, b []byte) []byte {
			if what == askSnapshots {
				return []byte{9, 9}
			}
			return b
		}, true},
		{"altered manifest", flip(askManifest, 20), true},
		{"altered chunk", flip(askChunk, 1000), true},
		{"short chunk", func(what byte, b []byte) []byte {
			if what == askChunk {
				return b[:len(b)/2]
			}
			return b
		}, true},
		{"altered light block", flip(askLightBlock, 60), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, height, j := snapshotChain(t, 1)
			m := meddle(t, c, tt.change)
			c.hostUp(j)
			c.members[j].host.AddAddrs(m.host.ID(), m.host.Addrs())
			adjust := c.adjust
			c.adjust = func(cfg *Config) {
				adjust(cfg)
				cfg.Peers = func() []p2p.PeerID { return append(c.committee(), m.host.ID()) }
			}
			n, err := Open(t.Context(), c.config(j))
			if err != nil {
				t.Fatal(err)
			}
			c.members[j].node = n
			before := n.chain.Load().sw
			c.joined(j, height)
			before.mu.Lock()
			defer before.mu.Unlock()
			if !tt.banned && before.bans[m.host.ID()] != nil {
				t.Error("it is banned for what an honest peer may do")
			}
		})
	}
}

// A snapshot that all its lenders forge is refused, and the node stays what it was.
func TestForgedSnapshot(t *testing.T) {
	t.Parallel()
	c, height, j := snapshotChain(t, 1)
	n0 := c.members[0].node
	// The first node's own files are altered: the manifest fits the chunks, but not the header.
	n0.shelf.mu.Lock()
	for i := range n0.shelf.snapshots {
		m := &n0.shelf.snapshots[i]
		name := fmt.Sprint(m.height)
		b, err := os.ReadFile(n0.shelf.chunkPath(name, 0))
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(b, []byte("key/k"))
		b[at+len("key/k")+4] ^= 1
		m.chunks = slices.Clone(m.chunks)
		m.chunks[0] = hashOf(b)
		if err := os.WriteFile(n0.shelf.chunkPath(name, 0), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n0.shelf.mu.Unlock()
	n := c.start(j)
	eventually(t, "the forger is banned", func() bool {
		sw := n.chain.Load().sw
		sw.mu.Lock()
		defer sw.mu.Unlock()
		return sw.bans[c.members[0].host.ID()] != nil
	})
	if n.Height() >= height || n.Err() != nil {
		t.Errorf("got height %d, %v", n.Height(), n.Err())
	}
	if got, _ := c.get(j, "genesis"); got != string(c.genesis) {
		t.Errorf("got %q, want %q", got, c.genesis)
	}
	c.stop(j)
	c.start(j) // the directory is as good as new
}
