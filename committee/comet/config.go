package comet

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	cmtconfig "github.com/cometbft/cometbft/config"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/p2p"
)

// Config says how a node takes part in a chain.
type Config struct {
	// Dir holds everything of this package. It is made if missing, and belongs
	// to one node at a time.
	Dir string
	// ChainID, GenesisTime and Genesis are the same at all nodes of a chain and
	// never change. ChainID has at most 50 bytes. Genesis is what the state
	// machine starts from; it is not modified.
	ChainID     string
	GenesisTime time.Time
	Genesis     []byte
	// Host carries consensus traffic. It must outlive the node. Nil: a chain of one node.
	Host *p2p.Host
	// Peers returns the committee's network keys; our own among them is left
	// out. It is called again and again and must not block. Nil or empty: the
	// node dials nobody and waits to be dialed.
	Peers func() []p2p.PeerID
	// EmptyBlockInterval is how often an idle chain makes a block, so that its
	// clock moves. Zero: 10 s.
	EmptyBlockInterval time.Duration
	// KeepBlocks is how many of the last blocks are kept, with their results and
	// the index of their transactions; the rest is removed bit by bit. Headers stay
	// for as long as evidence against their signers counts. Zero: all are kept,
	// and each state of the tree too. DefaultKeepBlocks suits a storage node.
	KeepBlocks uint64
	// SnapshotEvery is how many heights lie between two snapshots of the state,
	// of which the last two are kept, and lent to nodes that join. No block after
	// them is pruned, whatever KeepBlocks says. Zero: none are made, and those
	// there are removed. DefaultSnapshotEvery suits a storage node.
	SnapshotEvery uint64
	// Trust is what a node that is far behind believes, to check a peer's snapshot
	// against. Zero: the validators of the genesis, which is good while enough
	// of them still sign; else a header that is not older than light's trust period.
	Trust light.Root
	// Machine is the state machine. Nil: package ledger.
	Machine Machine
	// Logger receives what happens; nil: nothing is logged.
	Logger *slog.Logger

	joinDistance   uint64                                              // a test's; zero: 1000
	doubtPatience  time.Duration                                       // a test's; zero: 10 s
	wrapSigner     func(cmttypes.PrivValidator) cmttypes.PrivValidator // a test's; nil: as it is
	evidenceBlocks int64                                               // a test's; zero: 100,000
	evidenceAge    time.Duration                                       // a test's; zero: 48 h
}

// DefaultKeepBlocks is eleven days of an idle chain, and more than an hour of
// one that makes blocks without a pause.
const DefaultKeepBlocks = 100_000

// DefaultSnapshotEvery is half a day of an idle chain. Half as much again is
// replayed by who joins, in seconds; and the state is written once in that time.
const DefaultSnapshotEvery = 5_000

// joinDistance is how far a node must be behind to look for a snapshot: fewer
// blocks are replayed in the time that it takes.
const joinDistance = 1000

// minKeepBlocks leaves something for a peer that has just missed a few.
const minKeepBlocks = 16

const defaultEmptyBlockInterval = 10 * time.Second

// Consensus parameters of every chain. With blocks of more than 1 MiB a round
// does not last long enough under load, and no block is ever agreed on.
const (
	initialHeight   = 1
	maxBlockSize    = 1 << 20
	maxEvidenceSize = 128 << 10 // what is left must hold the commit and some transactions
	evidenceBlocks  = 100_000   // evidence counts until both of them have passed
	evidenceAge     = 48 * time.Hour
)

// Limits of the mempool: what waits to enter a block.
const (
	maxMempoolTxs   = 5000
	maxMempoolSize  = 32 << 20
	seenTxCount     = 10_000 // hashes of transactions that were seen
	manyPeers       = 10     // from here on gossip is spaced out
	crowd           = 40     // and from here on even more
	blockSpacing    = 50 * time.Millisecond
	proposeTimeout  = time.Second // what a dead proposer costs
	voteTimeout     = 300 * time.Millisecond
	clockTolerance  = time.Hour              // a node whose clock is further behind would refuse blocks that were agreed on, and halt
	voteTimeoutMore = 100 * time.Millisecond // per round; below 100 ms a loaded chain never agrees
)

// validate fills the defaults and reports all faults joined.
func (c *Config) validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("dir is not set"))
	}
	if c.ChainID == "" || len(c.ChainID) > cmttypes.MaxChainIDLen {
		errs = append(errs, fmt.Errorf("chain ID %q: want 1 to %d bytes", c.ChainID, cmttypes.MaxChainIDLen))
	}
	if c.GenesisTime.IsZero() {
		errs = append(errs, errors.New("genesis time is not set"))
	}
	if c.EmptyBlockInterval < 0 {
		errs = append(errs, fmt.Errorf("empty block interval %v is negative", c.EmptyBlockInterval))
	}
	if c.EmptyBlockInterval == 0 {
		c.EmptyBlockInterval = defaultEmptyBlockInterval
	}
	if c.KeepBlocks != 0 && c.KeepBlocks < minKeepBlocks {
		errs = append(errs, fmt.Errorf("keep blocks is %d, want 0 or at least %d", c.KeepBlocks, minKeepBlocks))
	}
	if !c.Trust.IsZero() && c.Trust.ChainID != c.ChainID {
		errs = append(errs, fmt.Errorf("trust root %v is of another chain", c.Trust))
	}
	if c.doubtPatience == 0 {
		c.doubtPatience = doubtPatience
	}
	if c.joinDistance == 0 {
		c.joinDistance = joinDistance
	}
	if c.evidenceBlocks == 0 {
		c.evidenceBlocks, c.evidenceAge = evidenceBlocks, evidenceAge
	}
	if c.Machine == nil {
		c.Machine = &floe{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("comet: config: %w", err)
	}
	return nil
}

// peers returns the committee without ourselves.
func (c *Config) peers() []p2p.PeerID {
	if c.Peers == nil || c.Host == nil {
		return nil
	}
	self := c.Host.ID()
	var out []p2p.PeerID
	for _, p := range c.Peers() {
		if p != self && !p.IsZero() {
			out = append(out, p)
		}
	}
	return out
}

// chainHash names the chain: two nodes belong together if it is equal.
func (c *Config) chainHash() [32]byte {
	h := sha256.New()
	h.Write([]byte("floe chain 1\x00"))
	h.Write([]byte{byte(len(c.ChainID))})
	h.Write([]byte(c.ChainID))
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(c.GenesisTime.UnixNano())))
	h.Write(c.Genesis)
	return [32]byte(h.Sum(nil))
}

// genesisDoc is the genesis in CometBFT's words. It names the state machine's
// genesis by hash; the validators come from there.
func (c *Config) genesisDoc() *cmttypes.GenesisDoc {
	params := cmttypes.DefaultConsensusParams()
	params.Block.MaxBytes = maxBlockSize
	params.Block.MaxGas = ledger.MaxBlockWork // the mempool keeps within it
	params.Evidence.MaxBytes = maxEvidenceSize
	params.Evidence.MaxAgeNumBlocks, params.Evidence.MaxAgeDuration = c.evidenceBlocks, c.evidenceAge
	hash := c.chainHash()
	return &cmttypes.GenesisDoc{
		ChainID:         c.ChainID,
		GenesisTime:     c.GenesisTime.UTC(),
		InitialHeight:   initialHeight,
		ConsensusParams: params,
		AppState:        []byte(`"` + hex.EncodeToString(hash[:]) + `"`),
	}
}

func (c *Config) engineConfig() *cmtconfig.Config {
	out := cmtconfig.DefaultConfig()
	cs := out.Consensus
	cs.SetWalFile(filepath.Join(c.Dir, "wal", "wal"))
	cs.CreateEmptyBlocks = false
	cs.CreateEmptyBlocksInterval = c.EmptyBlockInterval
	cs.TimeoutPropose, cs.TimeoutProposeDelta = proposeTimeout, 2*voteTimeoutMore
	cs.TimeoutPrevote, cs.TimeoutPrevoteDelta = voteTimeout, voteTimeoutMore
	cs.TimeoutPrecommit, cs.TimeoutPrecommitDelta = voteTimeout, voteTimeoutMore
	cs.TimeoutCommit = blockSpacing
	cs.SkipTimeoutCommit = false
	cs.BlockTimeTolerance = clockTolerance
	cs.PeerQueryMaj23SleepDuration = time.Second
	cs.PeerGossipSleepDuration = 10 * time.Millisecond
	switch n := len(c.peers()); {
	case n >= crowd:
		cs.PeerGossipSleepDuration = 50 * time.Millisecond
	case n > manyPeers:
		cs.PeerGossipSleepDuration = 20 * time.Millisecond
	}
	mp := out.Mempool
	mp.Size, mp.MaxTxsBytes, mp.CacheSize = maxMempoolTxs, maxMempoolSize, seenTxCount
	mp.MaxTxBytes = ledger.MaxTxSize
	return out
}
