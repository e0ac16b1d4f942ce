package comet

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"testing"
	"time"

	bcproto "github.com/cometbft/cometbft/proto/tendermint/blocksync"

	"github.com/floe-storage/floe/p2p"
)

// longChain is a chain of one validator with some blocks, and a directory for
// one who joins it.
func longChain(t *testing.T) (c *cluster, joiner int) {
	c = newCluster(t, 1)
	c.empty = time.Millisecond
	c.startAll()
	c.mustSubmit(0, "ann 0 k v")
	c.waitHeight(syncWindow+8, 0)
	c.stop(0)
	c.empty = time.Hour // it stands still while the other joins
	return c, c.add()
}

func TestJoinFarBehind(t *testing.T) {
	t.Parallel()
	c, j := longChain(t)
	c.startAll()
	c.sameHash(syncWindow+8, 0, j)
	if got, _ := c.get(j, "key/k"); got != "v" {
		t.Errorf("got %q, want v", got)
	}
	c.mustSubmit(j, "ann 1 k w")
}

// Liars must not keep a node from catching up, nor make it take a wrong block.
func TestSyncFromLiars(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer func(c *cluster, height int64) *bcproto.Message
		caught bool
	}{
		{"silent", func(*cluster, int64) *bcproto.Message { return nil }, false},
		{"has nothing", func(_ *cluster, height int64) *bcproto.Message {
			return (&bcproto.NoBlockResponse{Height: height}).Wrap().(*bcproto.Message)
		}, false},
		{"forges", func(c *cluster, height int64) *bcproto.Message {
			block := c.members[0].node.chain.Load().engine.blocks.LoadBlockProto(min(height, syncWindow))
			block.Header.Height = height
			block.Header.AppHash = make([]byte, 32)
			return (&bcproto.BlockResponse{Block: block}).Wrap().(*bcproto.Message)
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, j := longChain(t)
			c.start(0)
			c.hostUp(j)
			liar, err := p2p.New(t.Context(), p2p.Config{Network: c.chainID})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = liar.Close() })
			cfg := c.config(j)
			genesis := cfg.chainHash()
			liar.Handle(protocol, func(ctx context.Context, _ p2p.PeerID, st *p2p.Stream) {
				stop := context.AfterFunc(ctx, st.Reset)
				defer stop()
				if _, err := readHello(st); err != nil {
					return
				}
				mine := hello{session: 7, chainID: c.chainID, genesis: genesis}
				_, _ = st.Write(mine.append([]byte{byte(accepted)}))
				lie(c, st, tt.answer)
			})
			c.members[j].host.AddAddrs(liar.ID(), liar.Addrs())
			cfg.Peers = func() []p2p.PeerID { return append(c.committee(), liar.ID()) }
			n, err := Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			c.members[j].node = n
			c.sameHash(syncWindow+8, 0, j)
			if tt.caught {
				eventually(t, "the forger is banned", func() bool {
					n.chain.Load().sw.mu.Lock()
					defer n.chain.Load().sw.mu.Unlock()
					return n.chain.Load().sw.bans[liar.ID()] != nil
				})
			}
		})
	}
}

// askBlock asks the first node for a block as a stranger, and returns the answer.
func askBlock(ctx context.Context, t *testing.T, c *cluster, height int64) *bcproto.Message {
	t.Helper()
	stranger, err := p2p.New(ctx, p2p.Config{Network: c.chainID})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	stranger.AddAddrs(c.members[0].host.ID(), c.members[0].host.Addrs())
	st, err := stranger.Open(ctx, c.members[0].host.ID(), protocol)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Reset()
	cfg := c.config(0)
	_, _ = st.Write(hello{session: 9, chainID: c.chainID, genesis: cfg.chainHash()}.append(nil))
	var v [1]byte
	if _, err := io.ReadFull(st, v[:]); err != nil || verdict(v[0]) != accepted {
		t.Fatal(verdict(v[0]), err)
	}
	if _, err := readHello(st); err != nil {
		t.Fatal(err)
	}
	writeSync(st, (&bcproto.BlockRequest{Height: height}).Wrap().(*bcproto.Message))
	r := bufio.NewReader(st)
	for {
		m, err := readSync(r)
		if err != nil {
			t.Fatal(err)
		}
		if m.GetBlockResponse() != nil || m.GetNoBlockResponse() != nil {
			return m
		}
	}
}

func writeSync(w io.Writer, m *bcproto.Message) {
	if body, err := m.Marshal(); err == nil {
		_, _ = w.Write(append(binary.AppendUvarint([]byte{syncChannel}, uint64(len(body))), body...))
	}
}

// readSync returns the next message of block sync; others are skipped.
func readSync(r *bufio.Reader) (*bcproto.Message, error) {
	for {
		id, err := r.ReadByte()
		if err != nil {
			return nil, err
		}
		size, err := binary.ReadUvarint(r)
		if err != nil || size > maxMessageSize {
			return nil, errFrame
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, err
		}
		var m bcproto.Message
		if id == syncChannel && m.Unmarshal(body) == nil {
			return &m, nil
		}
	}
}

// lie claims a great height on st and answers what is asked.
func lie(c *cluster, st *p2p.Stream, answer func(*cluster, int64) *bcproto.Message) {
	writeSync(st, (&bcproto.StatusResponse{Base: 1, Height: 1 << 40}).Wrap().(*bcproto.Message))
	r := bufio.NewReader(st)
	for {
		m, err := readSync(r)
		if err != nil {
			return
		}
		if m.GetBlockRequest() == nil {
			continue
		}
		if a := answer(c, m.GetBlockRequest().Height); a != nil {
			writeSync(st, a)
		}
	}
}
