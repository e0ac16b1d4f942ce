package comet

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/cometbft/cometbft/types"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/committee/ledger"
)

// bare is a node's stores and application, without network and consensus.
type bare struct {
	*engine
	cfg  Config
	db   *database
	tree *tree
}

// open opens a directory of the cluster without network and consensus.
func (c *cluster) open(dir string) (*bare, error) {
	cfg := c.config(0)
	cfg.Dir, cfg.Host = dir, nil
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if _, err := LoadOrCreateConsensusKey(dir); err != nil {
		return nil, err
	}
	db, err := openDatabase(dir)
	if err != nil {
		return nil, err
	}
	b := &bare{cfg: cfg, db: db}
	if err := b.load(c); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return b, nil
}

func (b *bare) load(c *cluster) (err error) {
	if err := bindChain(b.db, b.cfg.chainHash()); err != nil {
		return err
	}
	signer, err := loadSigner(b.cfg.Dir)
	if err != nil {
		return err
	}
	if b.tree, err = loadTree(b.db); err != nil {
		return err
	}
	b.engine, err = newEngine(c.t.Context(), &b.cfg, b.db, newApp(b.cfg.Machine, b.cfg.Genesis, b.tree, b.cfg.Logger), signer, true)
	return err
}

// close is the end, or a crash: what was not written is lost.
func (b *bare) close() error {
	b.stop()
	return b.db.Close()
}

// tryGrow is grow where writes may fail.
func (b *bare) tryGrow(c *cluster, until uint64, txs func(uint64) [][]byte) (err error) {
	defer func() {
		if r := recover(); r != nil { // CometBFT panics when the disk fails
			err = fmt.Errorf("%v", r)
		}
	}()
	return b.grow(c, until, txs)
}

// hashes returns the state's hash after each height.
func (b *bare) hashes(t *testing.T, from, to int64) (out [][]byte) {
	t.Helper()
	for height := from; height <= to; height++ {
		res, err := b.states.LoadFinalizeBlockResponse(height)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, res.AppHash)
	}
	return out
}

// accepted counts the transactions that were accepted.
func (b *bare) accepted(t *testing.T, from, to int64) (n int) {
	t.Helper()
	for height := from; height <= to; height++ {
		res, err := b.states.LoadFinalizeBlockResponse(height)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range res.TxResults {
			if r.IsOK() {
				n++
			}
		}
	}
	return n
}

// history is a state machine with a genesis and random transactions.
type history struct {
	machine Machine
	genesis func(t *testing.T, c *cluster) []byte
	txs     func(seed uint64) func(height uint64) [][]byte
}

func histories() map[string]history {
	return map[string]history{
		"toy":    {toy{}, func(_ *testing.T, c *cluster) []byte { return c.genesis }, toyHistory},
		"ledger": {nil, ledgerGenesis, ledgerHistory},
	}
}

// toyHistory has heights with many, some and no transactions, and one that gives the validator another power.
func toyHistory(seed uint64) func(uint64) [][]byte {
	return func(height uint64) (out [][]byte) {
		rng := rand.New(rand.NewPCG(seed, height))
		for i := range rng.IntN(4) * rng.IntN(4) {
			out = append(out, fmt.Appendf(nil, "acc%d.%d 0 k%d %0*d", height, i, rng.IntN(30), 1+rng.IntN(200), i))
		}
		if rng.IntN(4) == 0 {
			out = append(out, []byte("acc9 99 refused v"))
		}
		return out
	}
}

func accountKey(i int) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i)}, ed25519.SeedSize))
}

func addressOf(i int) ledger.Address {
	return ledger.AddressOf(accountKey(i).Public().(ed25519.PublicKey))
}

const historyAccounts = 6

func ledgerGenesis(t *testing.T, c *cluster) []byte {
	t.Helper()
	secret, err := bls.ParseSecretKey(append(make([]byte, 31), 7))
	if err != nil {
		t.Fatal(err)
	}
	pub, err := LoadOrCreateConsensusKey(c.nodeDir(0))
	if err != nil {
		t.Fatal(err)
	}
	g := ledger.Genesis{
		Params: ledger.Params{
			ChainID: c.chainID, Shards: 10, EpochDuration: 60_000, MaxEpochsAhead: 5, Capacity: 100 << 20,
			StoragePrice: 5, WritePrice: 1, FeePerByte: 1, FeePerWork: 1, HandoverBlocks: 10, CommitteeSize: 100, BurnRate: 300,
		},
		Time: uint64(c.time.UnixMilli()),
	}
	for i := range historyAccounts {
		g.Accounts = append(g.Accounts, ledger.Funding{Address: addressOf(i), Balance: 1000 * ledger.FrostPerWAL})
	}
	n := ledger.Founder{Stake: 1000 * ledger.FrostPerWAL, Candidate: ledger.Candidate{
		Profile: ledger.Profile{Name: "one"}, Account: addressOf(0), BLSKey: secret.PublicKey(),
		NetworkKey: [32]byte{1}, ConsensusKey: pub, Addrs: []string{"/ip4/127.0.0.1/udp/4001/quic-v1"},
	}}
	n.Possession = secret.Sign(committee.PossessionMessage(0, n.Account, n.BLSKey))
	g.Nodes = append(g.Nodes, n)
	b, err := g.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ledgerHistory sends, reserves, and tries what is refused. Nonces follow from the height: each account
// sends once at most in a height, in turn.
func ledgerHistory(seed uint64) func(uint64) [][]byte {
	return func(height uint64) (out [][]byte) {
		rng := rand.New(rand.NewPCG(seed, height))
		for i := range historyAccounts {
			var m ledger.Message = ledger.Send{To: addressOf(rng.IntN(historyAccounts + 3)), Amount: 1 + rng.Uint64N(1e9)}
			switch {
			case i == historyAccounts-1: // this one's nonce stays behind, too
				m = ledger.Send{To: addressOf(1), Amount: 1 << 62}
			case rng.IntN(3) == 0:
				m = ledger.ReserveStorage{Size: 1 + rng.Uint64N(1<<16), Epochs: 1 + rng.Uint32N(5)}
			}
			tx := ledger.Tx{ChainID: "test-chain", Nonce: height - 1, Expiry: 1000, Fee: 100_000, Messages: []ledger.Message{m}}
			out = append(out, tx.Sign(accountKey(i)))
		}
		return out
	}
}

func (h history) cluster(t *testing.T) *cluster {
	c := newCluster(t, 1)
	c.time = time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	c.genesis = h.genesis(t, c)
	machine := h.machine
	c.adjust = func(cfg *Config) { cfg.Machine = machine }
	if machine == nil {
		c.adjust = func(cfg *Config) { cfg.Machine = &floe{} }
	}
	return c
}

var errCrash = errors.New("the process died here")

// A crash before any write to the database of a block's making, one after the other: after a restart the chain
// is where an undisturbed one was, and goes on like it.
func TestCrashAtAnyWrite(t *testing.T) {
	t.Parallel()
	const first, last = 3, 6
	for name, h := range histories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := h.cluster(t)
			txs := h.txs(1)
			base := filepath.Join(t.TempDir(), "base")
			b, err := c.open(base)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(b.tryGrow(c, first, txs), b.close()); err != nil {
				t.Fatal(err)
			}
			twinDir := filepath.Join(t.TempDir(), "twin")
			copyDir(t, base, twinDir)
			twin, err := c.open(twinDir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = twin.close() }()
			writes := 0
			twin.db.onWrite = func() error { writes++; return nil }
			if err := twin.tryGrow(c, last, txs); err != nil {
				t.Fatal(err)
			}
			want := twin.hashes(t, first, last)
			if writes < 4*(last-first) {
				t.Fatalf("got %d writes, want more: crashes are not tested", writes)
			}
			for at := range writes {
				dir := filepath.Join(t.TempDir(), "crashed")
				copyDir(t, base, dir)
				b, err := c.open(dir)
				if err != nil {
					t.Fatal(err)
				}
				left := at
				b.db.onWrite = func() error {
					if left--; left < 0 {
						return errCrash
					}
					return nil
				}
				err = b.tryGrow(c, last, txs)
				if err == nil {
					t.Fatalf("write %d: no crash", at)
				}
				if err := b.close(); err != nil {
					t.Fatal(err)
				}
				if b, err = c.open(dir); err != nil {
					t.Fatalf("write %d: opened again: %v", at, err)
				}
				r, height, _ := b.tree.last()
				if !bytes.Equal(r.t.Hash(), want[height-first]) {
					t.Errorf("write %d: after the restart at height %d: got hash %x, want %x", at, height, r.t.Hash(), want[height-first])
				}
				if err := b.tryGrow(c, last, txs); err != nil {
					t.Fatalf("write %d: grown on: %v", at, err)
				}
				for i, hash := range b.hashes(t, first, last) {
					if !bytes.Equal(hash, want[i]) {
						t.Errorf("write %d: height %d: got hash %x, want %x", at, first+i, hash, want[i])
					}
				}
				if err := b.close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A fresh, a restarted and a snapshot-restored node have the same hash at each height of a random history.
func TestSameHashHoweverItCame(t *testing.T) {
	t.Parallel()
	for name, h := range histories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				c := h.cluster(t)
				txs := h.txs(seed)
				const last = 25
				snapshot := int64(5 + seed*3)
				dir := t.TempDir()
				fresh, err := c.open(filepath.Join(dir, "fresh"))
				if err != nil {
					t.Fatal(err)
				}
				if err := fresh.tryGrow(c, uint64(snapshot), txs); err != nil {
					t.Fatal(err)
				}
				var exported bytes.Buffer
				if err := exportTree(&exported, fresh.db, snapshot+1, nil); err != nil {
					t.Fatal(err)
				}
				if err := fresh.tryGrow(c, last, txs); err != nil {
					t.Fatal(err)
				}
				restarted := func() *bare {
					var b *bare
					for height := uint64(1); height <= last; height++ {
						if b, err = c.open(filepath.Join(dir, "restarted")); err != nil {
							t.Fatal(err)
						}
						if err := b.tryGrow(c, height, txs); err != nil {
							t.Fatal(err)
						}
						if height < last {
							if err := b.close(); err != nil {
								t.Fatal(err)
							}
						}
					}
					return b
				}()
				restored := restoredFrom(t, c, fresh, snapshot, exported.Bytes(), filepath.Join(dir, "restored"))
				if err := restored.tryGrow(c, last, txs); err != nil {
					t.Fatal(err)
				}
				if fresh.accepted(t, snapshot, last) == 0 {
					t.Errorf("seed %d: nothing is accepted in the end", seed)
				}
				want := fresh.hashes(t, snapshot+1, last)
				for name, b := range map[string]*bare{"restarted": restarted, "restored": restored} {
					for i, got := range b.hashes(t, snapshot+1, last) {
						if !bytes.Equal(got, want[i]) {
							t.Errorf("seed %d, %s, height %d: got hash %x, want %x", seed, name, int(snapshot)+1+i, got, want[i])
						}
					}
					got, _, _ := b.tree.last()
					fine, _, _ := fresh.tree.last()
					if !maps.Equal(contents(got), contents(fine)) {
						t.Errorf("seed %d, %s: the state differs", seed, name)
					}
				}
				if err := errors.Join(fresh.close(), restarted.close(), restored.close()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// restoredFrom makes a node of a snapshot and of another's headers.
func restoredFrom(t *testing.T, c *cluster, from *bare, height int64, exported []byte, dir string) *bare {
	t.Helper()
	block := func(height int64) *types.LightBlock {
		pb, err := from.lightBlock(uint64(height), from.states.LoadValidators)
		if err != nil {
			t.Fatal(err)
		}
		b, err := types.LightBlockFromProto(pb)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if _, err := LoadOrCreateConsensusKey(dir); err != nil {
		t.Fatal(err)
	}
	db, err := openDatabase(dir)
	if err != nil {
		t.Fatal(err)
	}
	p := &proof{first: block(1), last: block(height), later: []*types.LightBlock{block(height + 1), block(height + 2)}}
	hash, err := importTree(db, height+1, bytes.NewReader(exported))
	if err != nil || !bytes.Equal(hash, p.later[0].AppHash) {
		t.Fatalf("got hash %x, %v, want %x", hash, err, p.later[0].AppHash)
	}
	if err := errors.Join(checkTurns(p.later), bootstrap(&from.cfg, db, p), db.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := c.open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
