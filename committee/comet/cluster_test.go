package comet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/p2p"
)

// toy is a small state machine: a transaction "account nonce key value" sets a
// key if the nonce is the account's next. The key "validator/<hex>" sets a voting
// power. Genesis lists "hex power" lines.
type toy struct {
	onApply   func(ledger.Block)  // when a block is being applied
	onChecker func(ledger.Reader) // when a block was just committed, or at start
	work      uint64              // of each transaction; 0 means 1
}

// patience is how long a test waits for what must come. It is long, for many
// nodes share few processors.
const patience = time.Minute

const (
	toyMalformed  = 1
	toyNonceUsed  = 4
	toyNonceAhead = 5
)

func (toy) InitChain(s ledger.Store, genesis []byte) ([]ledger.ValidatorUpdate, error) {
	var out []ledger.ValidatorUpdate
	for line := range strings.Lines(string(genesis)) {
		u, err := toyValidator(strings.Fields(line))
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	s.Set([]byte("genesis"), genesis)
	return out, nil
}

func toyValidator(f []string) (u ledger.ValidatorUpdate, err error) {
	if len(f) != 2 {
		return u, errors.New("want key and power")
	}
	key, err := hex.DecodeString(f[0])
	if err != nil || len(key) != len(u.ConsensusKey) {
		return u, errors.New("malformed key")
	}
	copy(u.ConsensusKey[:], key)
	u.Power, err = strconv.ParseInt(f[1], 10, 64)
	return u, err
}

func (m toy) ApplyBlock(s ledger.Store, b ledger.Block) (out ledger.BlockResult) {
	if m.onApply != nil {
		m.onApply(b)
	}
	for _, e := range b.Evidence {
		s.Set(fmt.Appendf(nil, "evidence/%d/%x", e.Height, e.Validator), strconv.AppendInt(nil, e.Power, 10))
	}
	for _, tx := range b.Txs {
		r := toyRun(s, tx)
		f := strings.Fields(string(tx))
		if r.Code == 0 {
			r.Events = []ledger.Event{{Kind: "set", Body: []byte(f[2] + "=" + f[3] + "\xff")}}
			if key, ok := strings.CutPrefix(f[2], "validator/"); ok {
				if u, err := toyValidator([]string{key, f[3]}); err == nil {
					out.Validators = append(out.Validators, u)
					out.Events = append(out.Events, ledger.Event{Kind: "validators"})
				}
			}
		}
		out.Txs = append(out.Txs, r)
	}
	return out
}

func (m toy) Work(tx []byte) (uint64, error) {
	if len(strings.Fields(string(tx))) != 4 {
		return 0, errors.New("malformed")
	}
	return max(m.work, 1), nil
}

func toyRun(s ledger.Store, tx []byte) ledger.TxResult {
	f := strings.Fields(string(tx))
	if len(f) != 4 {
		return ledger.TxResult{Code: toyMalformed, Info: "malformed"}
	}
	nonce, err := strconv.ParseUint(f[1], 10, 64)
	if err != nil {
		return ledger.TxResult{Code: toyMalformed, Info: "malformed nonce"}
	}
	next, _ := strconv.ParseUint(string(s.Get([]byte("nonce/"+f[0]))), 10, 64)
	switch {
	case nonce < next:
		return ledger.TxResult{Code: toyNonceUsed, Info: "nonce was used"}
	case nonce > next:
		return ledger.TxResult{Code: toyNonceAhead, Info: "nonce is ahead"}
	}
	s.Set([]byte("nonce/"+f[0]), []byte(strconv.FormatUint(next+1, 10)))
	s.Set([]byte("key/"+f[2]), []byte(f[3]))
	return ledger.TxResult{Data: []byte(f[2]), Fee: 7}
}

// Supports implements [Machine]: the key "rules" says by which the chain is run.
func (toy) Supports(r ledger.Reader) error {
	if rules := r.Get([]byte("key/rules")); rules != nil {
		return fmt.Errorf("%w: %s", errToyRules, rules)
	}
	return nil
}

var errToyRules = errors.New("rules that the toy does not have")

func (m toy) NewChecker(r ledger.Reader, _ uint64) Checker {
	if m.onChecker != nil {
		m.onChecker(r)
	}
	return toyChecker{ledger.NewOverlay(r)}
}

type toyChecker struct{ s ledger.Store }

func (c toyChecker) Check(tx []byte) ledger.TxResult { return toyRun(c.s, tx) }

// cluster is a chain of several nodes in one process, on real hosts.
type cluster struct {
	t       testing.TB
	dir     string
	chainID string
	genesis []byte
	time    time.Time
	mu      sync.Mutex // guards keys
	keys    []p2p.Identity
	members []*member
	empty   time.Duration
	adjust  func(*Config) // nil: nothing
	machine toy
	log     *slog.Logger
}

type member struct {
	host *p2p.Host
	node *Node
}

// newCluster makes the directories of n validators and starts none.
func newCluster(t testing.TB, n int) *cluster {
	c := &cluster{t: t, dir: t.TempDir(), chainID: "test-chain", time: time.Now().Add(-time.Second), empty: time.Hour}
	var genesis []byte
	for i := range n {
		c.add()
		pub, err := LoadOrCreateConsensusKey(c.nodeDir(i))
		if err != nil {
			t.Fatal(err)
		}
		genesis = fmt.Appendf(genesis, "%x 10\n", pub)
	}
	c.genesis = genesis
	if testing.Verbose() {
		c.log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	t.Cleanup(c.stopAll)
	return c
}

func (c *cluster) add() int {
	id, err := p2p.GenerateIdentity()
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = append(c.keys, id)
	c.members = append(c.members, &member{})
	return len(c.members) - 1
}

func (c *cluster) nodeDir(i int) string { return filepath.Join(c.dir, fmt.Sprint("node", i)) }

func (c *cluster) committee() (ids []p2p.PeerID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.keys {
		ids = append(ids, k.ID())
	}
	return ids
}

func (c *cluster) config(i int) Config {
	cfg := Config{
		Dir:                c.nodeDir(i),
		ChainID:            c.chainID,
		GenesisTime:        c.time,
		Genesis:            c.genesis,
		Host:               c.members[i].host,
		Peers:              c.committee,
		EmptyBlockInterval: c.empty,
		Machine:            c.machine,
		Logger:             c.log,
	}
	if c.adjust != nil {
		c.adjust(&cfg)
	}
	return cfg
}

// hostUp gives member i a host, and all hosts each other's addresses.
func (c *cluster) hostUp(i int) {
	c.t.Helper()
	h, err := p2p.New(c.t.Context(), p2p.Config{Network: c.chainID, Identity: c.keys[i], Listen: []string{"/ip4/127.0.0.1/udp/0/quic-v1"}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.members[i].host = h
	for j, m := range c.members {
		if j != i && m.host != nil {
			m.host.AddAddrs(h.ID(), h.Addrs())
			h.AddAddrs(m.host.ID(), m.host.Addrs())
		}
	}
}

func (c *cluster) start(i int) *Node {
	c.t.Helper()
	if c.members[i].host == nil {
		c.hostUp(i)
	}
	n, err := Open(c.t.Context(), c.config(i))
	if err != nil {
		c.t.Fatalf("open node %d: %v", i, err)
	}
	c.members[i].node = n
	return n
}

func (c *cluster) startAll() {
	c.t.Helper()
	for i := range c.members {
		c.start(i)
	}
}

// stop ends node i and its host.
func (c *cluster) stop(i int) {
	m := c.members[i]
	if m.node != nil {
		if err := m.node.Close(); err != nil {
			c.t.Errorf("close node %d: %v", i, err)
		}
	}
	if m.host != nil {
		if err := m.host.Close(); err != nil {
			c.t.Errorf("close host %d: %v", i, err)
		}
	}
	*m = member{}
}

func (c *cluster) stopAll() {
	var wg sync.WaitGroup
	for i := range c.members {
		wg.Go(func() { c.stop(i) })
	}
	wg.Wait()
}

func (c *cluster) submit(i int, format string, args ...any) ledger.Receipt {
	c.t.Helper()
	return submitTo(c.t, c.members[i].node, fmt.Sprintf(format, args...))
}

// submitAt broadcasts a transaction at a node and waits for what becomes of it.
func submitAt(ctx context.Context, n *Node, tx []byte) (ledger.Receipt, error) {
	res, err := n.Broadcast(ctx, tx)
	if err != nil || res.Code != 0 {
		return ledger.Receipt{Hash: hashOf(tx), TxResult: res}, err
	}
	return n.Await(ctx, hashOf(tx))
}

func submitTo(t testing.TB, n *Node, tx string) ledger.Receipt {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	res, err := submitAt(ctx, n, []byte(tx))
	if err != nil {
		t.Fatalf("submit %q: %v (height %d, %d peers)", tx, err, n.Height(), n.Peers())
	}
	if res.Hash != sha256.Sum256([]byte(tx)) {
		t.Errorf("submit %q: hash is not of the transaction", tx)
	}
	return res
}

// mustSubmit submits a transaction that must be accepted.
func (c *cluster) mustSubmit(i int, format string, args ...any) ledger.Receipt {
	c.t.Helper()
	res := c.submit(i, format, args...)
	if res.Code != 0 || res.Height == 0 {
		c.t.Fatalf("submit "+format+": %+v", append(args, res)...)
	}
	return res
}

func (c *cluster) get(i int, key string) (value string, height uint64) {
	c.t.Helper()
	err := c.members[i].node.View(c.t.Context(), func(r ledger.Reader, h uint64) error {
		value, height = string(r.Get([]byte(key))), h
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return value, height
}

// waitHeight waits until nodes have committed a height.
func (c *cluster) waitHeight(height uint64, nodes ...int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for _, i := range nodes {
		if err := c.members[i].node.WaitHeight(ctx, height); err != nil {
			c.t.Fatalf("node %d at height %d, want %d: %v", i, c.members[i].node.Height(), height, err)
		}
	}
}

// sameHash waits until nodes have a height and compares what they say of it.
func (c *cluster) sameHash(height uint64, nodes ...int) {
	c.t.Helper()
	c.waitHeight(height, nodes...)
	var want []byte
	for _, i := range nodes {
		stored, err := c.members[i].node.chain.Load().engine.states.LoadFinalizeBlockResponse(int64(height))
		if err != nil {
			c.t.Fatal(err)
		}
		if want == nil {
			want = stored.AppHash
		}
		if !bytes.Equal(stored.AppHash, want) {
			c.t.Errorf("node %d: app hash %x at height %d, want %x", i, stored.AppHash, height, want)
		}
	}
}

// eventually waits for a condition that has nothing to wait on.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}
