package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/comet"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// availabilityLimit bounds the blobs of which gossip is remembered.
const availabilityLimit = 100_000

// Node is a running storage node.
type Node struct {
	cfg    Config
	log    *slog.Logger
	keys   *Keys
	id     committee.NodeID
	params shard.Params

	store    *store.Store
	host     *p2p.Host
	comet    *comet.Node
	chain    *chain
	ledger   *ledgerrpc.Server
	client   *exchange.Client
	server   *exchange.Server
	repairer *repair.Repairer
	migrator *repair.Migrator
	moving   repair.Moving
	gossip   *gossip

	// claims is held for reading while something is stored or confirmed and for
	// writing while a blob is forgotten; see hold.
	claims    sync.RWMutex
	cutters   sync.Pool     // of *shard.Cutter
	forgotten atomic.Bool   // something was, since room was last reclaimed
	turned    chan struct{} // an epoch has begun, for takeOver
	released  chan struct{} // shards may have been taken over, for release

	cancel  context.CancelFunc
	running sync.WaitGroup // the loops of start: they end with cancel
	close   sync.Once
	closed  error

	// mu guards the fields below.
	mu    sync.Mutex
	fault error // what ended one of the loops
}

// Listen opens the host of the node in cfg.Dir, without joining anybody: its
// addresses are then known. Pass it to [Open], or close it.
func Listen(ctx context.Context, cfg Config) (*p2p.Host, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	g, err := ledger.ParseGenesis(cfg.Genesis)
	if err != nil {
		return nil, err
	}
	keys, err := LoadOrCreateKeys(cfg.Dir)
	if err != nil {
		return nil, err
	}
	return p2p.New(ctx, p2p.Config{
		Network: g.Params.ChainID, Identity: keys.Identity, Listen: cfg.Listen, Announce: cfg.Announce,
		DHTServer: true, Topics: []string{availabilityTopic}, Logger: cfg.Logger,
	})
}

// Open starts the node in cfg.Dir on a host that [Listen] made; nil makes one.
// The host belongs to the node, also when Open fails. ctx bounds the start
// only. Errors: [store.ErrLocked], [store.ErrCorrupt], [*p2p.ListenError] and
// others that say what is wrong.
func Open(ctx context.Context, cfg Config, host *p2p.Host) (n *Node, err error) {
	if host == nil {
		if host, err = Listen(ctx, cfg); err != nil {
			return nil, err
		}
	}
	n = &Node{host: host, turned: make(chan struct{}, 1), released: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
			n = nil
		}
	}()
	if err := cfg.validate(); err != nil {
		return n, err
	}
	n.cfg, n.log = cfg, cfg.Logger
	g, err := ledger.ParseGenesis(cfg.Genesis)
	if err != nil {
		return n, err
	}
	if n.params, err = shard.NewParams(int(g.Params.Shards)); err != nil {
		return n, err
	}
	if n.keys, err = LoadOrCreateKeys(cfg.Dir); err != nil {
		return n, err
	}
	if n.keys.Identity.ID() != host.ID() {
		return n, fmt.Errorf("node: the host is peer %v, the keys in %s are of %v", host.ID(), cfg.Dir, n.keys.Identity.ID())
	}
	if n.store, err = store.Open(filepath.Join(cfg.Dir, StoreDir), store.Config{Logger: cfg.Logger}); err != nil {
		return n, err
	}
	n.meet(g, cfg.Bootstrap)
	if err := n.openChain(ctx, g); err != nil {
		return n, err
	}
	return n, n.start(ctx)
}

// meet tells the host where peers were seen last, as far as anybody knows.
func (n *Node) meet(g ledger.Genesis, bootstrap []string) {
	for _, m := range g.Nodes {
		n.host.AddAddrs(m.NetworkKey, m.Addrs)
		n.host.Protect(m.NetworkKey)
	}
	known := map[p2p.PeerID][]string{}
	for _, addr := range bootstrap {
		if _, text, ok := strings.Cut(addr, "/p2p/"); ok {
			if id, err := p2p.ParsePeerID(text); err == nil && id != n.host.ID() {
				known[id] = append(known[id], addr)
			}
		}
	}
	for id, addrs := range known {
		n.host.AddAddrs(id, addrs)
	}
}

func (n *Node) openChain(ctx context.Context, g ledger.Genesis) error {
	members := make([]p2p.PeerID, len(g.Nodes))
	for i, m := range g.Nodes {
		members[i] = m.NetworkKey
	}
	n.chain = &chain{}
	var err error
	n.comet, err = comet.Open(ctx, comet.Config{
		Dir: filepath.Join(n.cfg.Dir, consensusDir), ChainID: g.Params.ChainID,
		GenesisTime: time.UnixMilli(int64(g.Time)), Genesis: n.cfg.Genesis, Host: n.host,
		Peers: func() []p2p.PeerID {
			if peers := n.chain.peers(); peers != nil {
				return peers
			}
			return members
		},
		EmptyBlockInterval: n.cfg.EmptyBlockInterval, Logger: n.cfg.Logger,
		KeepBlocks: n.cfg.KeepBlocks, SnapshotEvery: n.cfg.SnapshotEvery, Trust: n.cfg.Trust,
	})
	if err != nil {
		return err
	}
	n.chain.ledger = n.comet
	if err := n.chain.ledger.View(ctx, func(r ledger.Reader, _ uint64) error {
		n.id = n.keys.nodeID(r)
		return nil
	}); err != nil {
		return err
	}
	return n.chain.refresh(ctx)
}

// start begins to answer and to act. Whoever asks finds all of it there.
func (n *Node) start(ctx context.Context) error {
	if err := n.assemble(); err != nil {
		return err
	}
	var scanned committee.Epoch
	t, err := n.chain.takings(ctx, n.id)
	if err != nil {
		return err
	}
	if n.moving.Set(repair.Shards(t.moves), len(t.moves) > 0); len(t.moves) > 0 {
		err = n.repairer.Scan(ctx) // but for what takeOver moves here first
	} else {
		err = n.scanShards(ctx, &scanned)
	}
	if err != nil {
		return err
	}
	n.introduce()
	n.ledger = ledgerrpc.Serve(n.host, n.chain.ledger)
	if n.server, err = exchange.Serve(n.host, handler{n}, exchange.ServerConfig{Params: n.params, Logger: n.log}); err != nil {
		return err
	}
	loops, cancel := context.WithCancel(context.WithoutCancel(ctx)) // ctx bounds the start only
	n.cancel = cancel
	for name, loop := range map[string]func(context.Context) error{
		"follow": n.follow, "repair": n.repairer.Run, "gossip": n.gossip.run, "maintain": n.maintain,
		"take over": func(ctx context.Context) error { return n.takeOver(ctx, scanned) }, "warm": n.warm, "release": n.release,
	} {
		n.running.Go(func() {
			if err := loop(loops); err != nil && loops.Err() == nil {
				n.log.ErrorContext(loops, "a part of the node has ended", "part", name, "err", err)
				n.mu.Lock()
				defer n.mu.Unlock()
				n.fault = errors.Join(n.fault, fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	return nil
}

// assemble makes what the handlers and the loops work with.
func (n *Node) assemble() error {
	n.client = exchange.NewClient(n.host, n.params)
	var err error
	if n.gossip, err = newGossip(n); err != nil {
		return err
	}
	n.repairer, err = repair.New(repair.Config{
		Self: n.id, Peers: peers{n}, Store: shelf{n.store, n}, Ledger: n.chain,
		Availability: repair.NewAvailability(availabilityLimit), Grace: n.cfg.RepairGrace,
		OnRestored: n.gossip.restored, Busy: n.busy, Moving: n.moving.Has, Holders: n.chain.holders.Load, Logger: n.log,
	})
	if err != nil {
		return err
	}
	n.migrator, err = repair.NewMigrator(repair.MigratorConfig{
		Self: n.id, Params: n.params, Holders: former{n}, Store: shelf{n.store, n}, Ledger: n.chain, Logger: n.log,
	})
	return err
}

// Close stops the node and waits until nothing of it runs. It may be called again.
func (n *Node) Close() error {
	n.close.Do(func() {
		var faults []error
		if n.cancel != nil {
			n.cancel()
			n.running.Wait()
		}
		if n.gossip != nil {
			faults = append(faults, n.gossip.close())
		}
		if n.server != nil {
			faults = append(faults, n.server.Close())
		}
		if n.ledger != nil {
			n.ledger.Close()
		}
		if n.comet != nil {
			faults = append(faults, n.comet.Close())
		}
		faults = append(faults, n.host.Close())
		if n.store != nil {
			faults = append(faults, n.store.Close())
		}
		n.closed = errors.Join(faults...)
	})
	return n.closed
}

// ID returns the node's ID on the ledger.
func (n *Node) ID() committee.NodeID { return n.id }

// Addrs returns where the node can be dialed, with its peer ID at the end.
func (n *Node) Addrs() []string { return n.host.Addrs() }

// Listening returns where the node listens, in the form of Config.Listen.
func (n *Node) Listening() []string {
	var out []string
	for _, a := range n.host.Addrs() {
		a, _, _ = strings.Cut(a, "/p2p/")
		out = append(out, a)
	}
	return out
}

// Committee returns the committee of the running epoch.
func (n *Node) Committee() *committee.Committee { return n.chain.Committee() }

// Height returns the last height of the ledger at this node.
func (n *Node) Height() uint64 { return n.comet.Height() }

// Ledger returns the ledger at this node.
func (n *Node) Ledger() ledgerrpc.Backend { return n.comet }

// Repairs returns what the repairer has done and has to do.
func (n *Node) Repairs() repair.Stats { return n.repairer.Stats() }

// Moved returns what has been moved here from former holders of shards.
func (n *Node) Moved() repair.MigratorStats { return n.migrator.Stats() }

// Repaired waits until no shard is being moved here and nothing is left to repair.
func (n *Node) Repaired(ctx context.Context) error {
	if err := n.moving.Wait(ctx); err != nil {
		return err
	}
	return n.repairer.WaitIdle(ctx)
}

// Stored returns the size of the store.
func (n *Node) Stored() (store.Stats, error) { return n.store.Stats() }

// Err returns what has ended a part of the node by itself; nil while all is well.
func (n *Node) Err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.comet == nil {
		return n.fault
	}
	return errors.Join(n.fault, n.comet.Err())
}
