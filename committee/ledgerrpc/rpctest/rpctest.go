// Package rpctest is a chain of one, for tests of what reads and writes a ledger.
//
// # Words
//
// A [Chain] runs the ledger's real rules over a state in memory. It makes a block
// for every transaction as it comes, or, when told to hold, only when a test
// says so. Each is followed by an empty one, whose header names the state after
// it, as a real chain does; a made-up validator signs the headers.
//
// # Concurrency
//
// A Chain may be used from any goroutine.
package rpctest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/committee/light/lighttest"
)

const (
	// ChainID is the name of the network of [Genesis].
	ChainID = "floe-rpctest"
	// EpochDuration is the length of an epoch in milliseconds of block time.
	EpochDuration = 1_000_000

	start     = 1_700_000_000_000
	blockTime = 1000 // ms
	proofTime = 1    // ms, of the empty block after each
)

// Account returns the key of an account that [Genesis] has made rich.
func Account(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n + 1}, ed25519.SeedSize))
}

// Address returns the address of an account.
func Address(key ed25519.PrivateKey) ledger.Address {
	return ledger.AddressOf(key.Public().(ed25519.PublicKey))
}

// Genesis is a network of shards with nodes, or with four made-up ones if none
// are given, and the accounts 0 to 3.
func Genesis(shards uint16, nodes ...ledger.Founder) ledger.Genesis {
	g := ledger.Genesis{
		Params: ledger.Params{
			ChainID: ChainID, Shards: shards, EpochDuration: EpochDuration, MaxEpochsAhead: 5, Capacity: 1 << 30,
			StoragePrice: 5, WritePrice: 7, FeePerByte: 1, FeePerWork: 1, HandoverBlocks: 10, CommitteeSize: 100, DepositRate: 5000, BurnRate: 300,
		},
		Time: start, Nodes: nodes,
	}
	for n := range byte(4) {
		g.Accounts = append(g.Accounts, ledger.Funding{Address: Address(Account(n)), Balance: 1000 * ledger.FrostPerWAL})
		if len(nodes) == 0 {
			m, _ := Member(n)
			g.Nodes = append(g.Nodes, m)
		}
	}
	return g
}

// Member returns the made-up node of a number, with the secret that its
// confirmations are signed with. Its network key may be changed.
func Member(n byte) (ledger.Founder, *bls.SecretKey) {
	key, err := bls.ParseSecretKey(append(make([]byte, bls.SecretKeySize-1), n+1))
	if err != nil {
		panic(err) // invariant: small numbers are keys
	}
	m := ledger.Founder{Stake: ledger.FrostPerWAL, Candidate: ledger.Candidate{
		Profile: ledger.Profile{Name: fmt.Sprintf("node-%d", n)}, Account: ledger.Address{n + 1}, BLSKey: key.PublicKey(),
		NetworkKey: [32]byte{1, n}, ConsensusKey: [32]byte{2, n},
	}}
	m.Possession = key.Sign(committee.PossessionMessage(0, m.Account, m.BLSKey))
	return m, key
}

// Chain is a ledgerrpc.Backend.
type Chain struct {
	// mu guards the fields below. What state points to never changes.
	mu      sync.Mutex
	state   *state
	height  uint64
	time    uint64
	hold    bool
	waiting [][]byte
	checker *ledger.Checker // of waiting
	blocks  []ledger.BlockEvents
	txs     [][][]byte          // of each block
	outcome [][]ledger.TxResult // of txs
	signed  *lighttest.Chain    // the headers and the states that they name
	results map[[32]byte]ledger.Receipt
	halted  error
	changed chan struct{} // closed and replaced at every change
}

// New returns the chain that a genesis begins, with a block and the one that proves it.
func New(t testing.TB, g ledger.Genesis) *Chain {
	t.Helper()
	b, err := g.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &Chain{state: newState(nil), time: g.Time, results: map[[32]byte]ledger.Receipt{}, changed: make(chan struct{})}
	first := &recorder{state: c.state}
	if _, err := ledger.InitChain(first, b); err != nil {
		t.Fatal(err)
	}
	c.signed = lighttest.New(g.Params.ChainID, []byte{1}, first.replay)
	c.Commit()
	return c
}

// Hold makes blocks wait for Commit, or not any longer.
func (c *Chain) Hold(hold bool) {
	c.mu.Lock()
	c.hold = hold
	c.mu.Unlock()
	if !hold {
		c.Commit()
	}
}

// Commit makes a block of the transactions that wait and returns its height. The
// empty block after it is there as well.
func (c *Chain) Commit() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.commitLocked(blockTime)
}

// Idle makes one empty block, as a chain does where nothing happens. Its own
// state is not proven before the next one.
func (c *Chain) Idle() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	height := c.blockLocked(blockTime)
	c.changedLocked()
	return height
}

// EndEpoch makes the block with which the next epoch begins, and returns its height.
func (c *Chain) EndEpoch() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.commitLocked(EpochDuration)
}

// Drop forgets the transactions that wait, without a word, as a mempool may.
func (c *Chain) Drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting, c.checker = nil, nil
}

// Waiting returns how many transactions wait for a block.
func (c *Chain) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting)
}

// Height returns the height of the last block.
func (c *Chain) Height() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.height
}

// Halt ends the chain: Events and what waits return err.
func (c *Chain) Halt(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halted = err
	c.changedLocked()
}

// commitLocked makes a block and the empty one that proves it.
func (c *Chain) commitLocked(elapsed uint64) uint64 {
	height := c.blockLocked(elapsed)
	c.blockLocked(proofTime)
	c.changedLocked()
	return height
}

func (c *Chain) blockLocked(elapsed uint64) uint64 {
	c.height++
	c.time += elapsed
	next := &recorder{state: newState(c.state)}
	r := new(ledger.Machine).ApplyBlock(next, ledger.Block{Height: c.height, Time: c.time, Txs: c.waiting})
	events := ledger.BlockEvents{Height: c.height, Time: c.time}
	for _, ev := range r.Events {
		events.Events = append(events.Events, ledger.TxEvent{Event: ev})
	}
	for i, tx := range c.waiting {
		hash := ledger.TxHash(tx)
		for j, ev := range r.Txs[i].Events {
			events.Events = append(events.Events, ledger.TxEvent{Tx: hash, Index: uint32(j), Event: ev})
		}
		c.results[hash] = ledger.Receipt{Height: c.height, Index: uint32(i), Hash: hash, TxResult: r.Txs[i]}
	}
	block := lighttest.Block{Time: time.UnixMilli(int64(c.time)), Txs: c.waiting, Results: r.Txs}
	if len(next.writes) > 0 { // a tree that stays as it is costs nothing
		block.Write = next.replay
	}
	c.signed.Commit(block)
	c.txs, c.outcome = append(c.txs, c.waiting), append(c.outcome, r.Txs)
	c.state, c.waiting, c.checker = next.state, nil, nil
	c.blocks = append(c.blocks, events)
	return c.height
}

func (c *Chain) changedLocked() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// View implements ledgerrpc.Ledger.
func (c *Chain) View(_ context.Context, read func(r ledger.Reader, height uint64) error) error {
	c.mu.Lock()
	s, height := c.state, c.height
	c.mu.Unlock()
	return read(s, height)
}

// Root returns the trust root of the chain's genesis.
func (c *Chain) Root() light.Root { return c.signed.Root(0) }

// State returns the state after a height, with proofs.
func (c *Chain) State(height uint64) light.Prover { return c.signed.State(height) }

// LightBlock implements ledgerrpc.Backend.
func (c *Chain) LightBlock(ctx context.Context, height uint64) ([]byte, error) {
	return c.signed.LightBlock(ctx, height)
}

// Prove implements ledgerrpc.Backend.
func (c *Chain) Prove(ctx context.Context, minHeight uint64, read func(p light.Prover, height uint64) error) error {
	if err := c.WaitHeight(ctx, minHeight+1); err != nil {
		return err
	}
	height := c.Height() - 1
	return read(c.signed.State(height), height)
}

// ProveReceipt implements ledgerrpc.Backend.
func (c *Chain) ProveReceipt(_ context.Context, height uint64, index uint32) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if height == 0 || height > c.height {
		return nil, fmt.Errorf("no block of height %d", height)
	}
	return light.ProveReceipt(c.txs[height-1], c.outcome[height-1], int(index))
}

// Broadcast implements ledgerrpc.Ledger.
func (c *Chain) Broadcast(_ context.Context, tx []byte) (ledger.TxResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.results[ledger.TxHash(tx)]; ok {
		return ledger.TxResult{Code: r.Code, Info: r.Info}, nil
	}
	if slices.ContainsFunc(c.waiting, func(b []byte) bool { return bytes.Equal(b, tx) }) {
		return ledger.TxResult{}, nil
	}
	if c.checker == nil {
		c.checker = new(ledger.Machine).NewChecker(c.state, c.height)
	}
	r := c.checker.Check(tx)
	if ledger.Code(r.Code) != ledger.CodeOK {
		return ledger.TxResult{Code: r.Code, Info: r.Info}, nil
	}
	c.waiting = append(c.waiting, bytes.Clone(tx))
	if !c.hold {
		c.commitLocked(blockTime)
	}
	return ledger.TxResult{}, nil
}

// Push makes a block with a transaction that the mempool has not checked.
func (c *Chain) Push(tx []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, bytes.Clone(tx))
	c.commitLocked(blockTime)
}

// wait returns when done says so, which is asked under mu at every change.
func (c *Chain) wait(ctx context.Context, done func() bool) error {
	for {
		c.mu.Lock()
		ok, halted, changed := done(), c.halted, c.changed
		c.mu.Unlock()
		if ok {
			return ctx.Err()
		}
		if halted != nil {
			return halted
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Await implements ledgerrpc.Ledger.
func (c *Chain) Await(ctx context.Context, hash [32]byte) (out ledger.Receipt, err error) {
	err = c.wait(ctx, func() (ok bool) {
		out, ok = c.results[hash]
		return ok
	})
	return out, err
}

// WaitHeight implements ledgerrpc.Backend.
func (c *Chain) WaitHeight(ctx context.Context, height uint64) error {
	return c.wait(ctx, func() bool { return c.height >= height })
}

// Events implements ledgerrpc.Ledger.
func (c *Chain) Events(ctx context.Context, from uint64) iter.Seq2[ledger.BlockEvents, error] {
	return func(yield func(ledger.BlockEvents, error) bool) {
		for height := max(from, 1); ; height++ {
			if err := c.WaitHeight(ctx, height); err != nil {
				yield(ledger.BlockEvents{}, err)
				return
			}
			c.mu.Lock()
			b := c.blocks[height-1]
			c.mu.Unlock()
			if !yield(b, nil) {
				return
			}
		}
	}
}
