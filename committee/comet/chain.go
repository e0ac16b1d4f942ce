package comet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// chain is a node's database with consensus on top of it. A node has one after
// another: when it has fetched a snapshot it changes to a new database.
type chain struct {
	log    *slog.Logger
	db     *database
	app    *app
	engine *engine
	sw     *peerSwitch
	gate   // of those who read its state or its blocks

	stopping chan struct{}  // closed when stop begins
	starting sync.WaitGroup // consensus
	began    chan struct{}  // closed when it has started
	replaced chan struct{}  // closed when the node has changed to the next
	work     sync.WaitGroup // the goroutines that watch, prune and take snapshots
}

// openChain starts a chain on n's directory, after replaying what a crash may have left undone. When it fails
// nothing is left running.
func openChain(ctx context.Context, n *Node) (*chain, error) {
	cfg := &n.cfg
	db, err := openDatabase(cfg.Dir)
	if err != nil {
		return nil, err
	}
	c, err := startChain(ctx, n, db)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", cfg.Dir, errors.Join(err, db.Close()))
	}
	return c, nil
}

func startChain(ctx context.Context, n *Node, db *database) (*chain, error) {
	cfg := &n.cfg
	if err := bindChain(db, cfg.chainHash()); err != nil {
		return nil, err
	}
	t, err := loadTree(db)
	if err != nil {
		return nil, err
	}
	a := newApp(cfg.Machine, cfg.Genesis, t, cfg.Logger)
	a.results = n.results
	wait := !n.guard.hear(nil, len(cfg.peers()))
	e, err := newEngine(ctx, cfg, db, a, n.guard, wait)
	if err != nil {
		return nil, err
	}
	c := &chain{log: cfg.Logger, db: db, app: a, engine: e, stopping: make(chan struct{}), began: make(chan struct{}), replaced: make(chan struct{})}
	c.sw = newSwitch(cfg, e.reactors)
	maker := newMaker(cfg, c, n.shelf)
	if err := c.sw.start(context.WithoutCancel(ctx)); err != nil {
		e.stop()
		return nil, fmt.Errorf("start consensus: %w", err)
	}
	c.work.Go(c.watchConsensus)
	c.work.Go(c.watchHalt)
	c.starting.Go(func() { c.begin(n.guard, cfg) })
	c.work.Go(func() { c.resolve(n.guard, cfg.doubtPatience, n.again) })
	if maker != nil {
		c.work.Go(maker.run)
	}
	if cfg.KeepBlocks > 0 {
		p := &pruner{keep: cfg.KeepBlocks, db: db, blocks: e.blocks, states: e.states, tree: t, shelf: n.shelf, log: cfg.Logger}
		c.work.Go(func() { c.prune(p) })
	}
	return c, nil
}

// loadTree is openTree with a disk fault as an error.
func loadTree(db *database) (t *tree, err error) {
	defer catchFault(&err)
	return openTree(db)
}

// bindChain writes the chain's name into an empty database, and compares it later.
func bindChain(db *database, hash [32]byte) error {
	key := []byte("chain")
	have, err := db.Get(key)
	if err != nil {
		return fmt.Errorf("read the chain's name: %w", err)
	}
	if have == nil {
		return db.SetSync(key, hash[:])
	}
	if !bytes.Equal(have, hash[:]) {
		return fmt.Errorf("%w: it has genesis %x, not %x", ErrWrongChain, have[:8], hash[:8])
	}
	return nil
}

// watchConsensus notices when consensus ends by itself. It ends with consensus, at the latest in stop.
func (c *chain) watchConsensus() {
	select {
	case <-c.began:
	case <-c.app.halted:
		return // without having begun
	case <-c.stopping:
		return // stop waits for begin, and the reactor then for consensus
	}
	c.engine.consensus.Wait()
	if c.running() {
		c.app.haltOn(errors.New("consensus ended; the log has the reason"))
	}
}

// watchHalt reports a halt and takes the node off the network. It ends with the halt or with stop.
func (c *chain) watchHalt() {
	select {
	case <-c.stopping:
	case <-c.app.halted:
		c.log.Error("the chain halted at this node", "height", c.app.height.Load(), "err", c.app.haltedBy())
		c.sw.leave()
	}
}

// running is false once stop has begun.
func (c *chain) running() bool {
	select {
	case <-c.stopping:
		return false
	default:
		return true
	}
}

// stop waits for those inside the gate, then until nothing of the chain runs, except two goroutines that
// CometBFT's message log leaves behind. It is called once.
func (c *chain) stop() error {
	idle, _ := c.shut()
	close(c.stopping)
	<-idle
	c.starting.Wait() // or consensus would start after it was stopped
	c.sw.stop(c.app.haltedBy() != nil)
	c.work.Wait()
	c.engine.stop()
	return c.db.Close()
}
