package node

import (
	"errors"
	"log/slog"
	"time"

	"github.com/floe-storage/floe/committee/comet"
	"github.com/floe-storage/floe/committee/light"
)

// Config says how a storage node runs.
type Config struct {
	// Dir holds everything of the node; it is made if missing. Required.
	Dir string
	// Genesis is what the network began with: the canonical bytes of a
	// ledger.Genesis. Required, and never another for the same Dir.
	Genesis []byte
	// Listen is where to listen, as multiaddrs. Nil: loopback, any port.
	Listen []string
	// Announce replaces the addresses told to other peers. Nil: those listened on.
	Announce []string
	// Bootstrap lists peers to join the network by, as multiaddrs with /p2p/.
	Bootstrap []string
	// EmptyBlockInterval is how often an idle chain makes a block, so that
	// epochs end in time. 0: 10 s.
	EmptyBlockInterval time.Duration
	// RepairGrace is how long a newly certified blob is given to arrive by
	// itself before it is pulled from others. 0: 10 s.
	RepairGrace time.Duration
	// ReclaimInterval is how often the room of what was forgotten is given back
	// to the disk. 0: 10 min.
	ReclaimInterval time.Duration
	// KeepBlocks and SnapshotEvery say how much of the chain stays; see
	// comet.Config. 0: what suits a storage node.
	KeepBlocks, SnapshotEvery uint64
	// Trust is what a node that joins late believes. Zero: the validators of the
	// genesis.
	Trust light.Root
	// Logger receives what an operator may want to know. Nil: nothing is logged.
	Logger *slog.Logger
}

func (c *Config) validate() error {
	var faults []error
	if c.Dir == "" {
		faults = append(faults, errors.New("node: Dir is missing"))
	}
	if len(c.Genesis) == 0 {
		faults = append(faults, errors.New("node: Genesis is missing"))
	}
	if c.EmptyBlockInterval < 0 || c.RepairGrace < 0 || c.ReclaimInterval < 0 {
		faults = append(faults, errors.New("node: a duration is negative"))
	}
	if c.RepairGrace == 0 {
		c.RepairGrace = 10 * time.Second
	}
	if c.ReclaimInterval == 0 {
		c.ReclaimInterval = 10 * time.Minute
	}
	if c.EmptyBlockInterval == 0 {
		c.EmptyBlockInterval = 10 * time.Second
	}
	if c.KeepBlocks == 0 {
		c.KeepBlocks = comet.DefaultKeepBlocks
	}
	if c.SnapshotEvery == 0 {
		c.SnapshotEvery = comet.DefaultSnapshotEvery
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return errors.Join(faults...)
}
