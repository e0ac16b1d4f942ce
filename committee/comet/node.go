package comet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/floe-storage/floe/committee/ledger"
)

var (
	// ErrHalted means that the chain stopped at this node: the disk failed, or
	// an invariant of consensus broke. It needs an operator and a restart.
	ErrHalted = errors.New("comet: the chain halted at this node")
	// ErrWrongChain means that the directory holds another chain.
	ErrWrongChain = errors.New("comet: directory belongs to another chain")
)

// Node is a running member or follower of a chain.
type Node struct {
	log    *slog.Logger
	db     *database
	app    *app
	engine *engine
	sw     *peerSwitch

	closing   chan struct{} // closed when Close begins
	closeOnce sync.Once
	closeErr  error          // written inside closeOnce
	work      sync.WaitGroup // the goroutines that watch and prune
}

// Open starts a node on cfg.Dir, after replaying what a crash may have left undone. ctx bounds the start
// only. ErrLocked, ErrWrongChain and ErrSignState tell what is wrong with the directory.
func Open(ctx context.Context, cfg Config) (*Node, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if _, err := LoadOrCreateConsensusKey(cfg.Dir); err != nil {
		return nil, err
	}
	db, err := openDatabase(cfg.Dir)
	if err != nil {
		return nil, err
	}
	n, err := open(ctx, &cfg, db)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", cfg.Dir, errors.Join(err, db.Close()))
	}
	return n, nil
}

func open(ctx context.Context, cfg *Config, db *database) (*Node, error) {
	if err := bindChain(db, cfg.chainHash()); err != nil {
		return nil, err
	}
	signer, err := loadSigner(cfg.Dir)
	if err != nil {
		return nil, err
	}
	t, err := loadTree(db)
	if err != nil {
		return nil, err
	}
	a := newApp(cfg.Machine, cfg.Genesis, t, cfg.Logger)
	e, err := newEngine(ctx, cfg, db, a, signer)
	if err != nil {
		return nil, err
	}
	n := &Node{log: cfg.Logger, db: db, app: a, engine: e, closing: make(chan struct{})}
	n.sw = newSwitch(cfg, e.reactors)
	if err := n.sw.start(context.WithoutCancel(ctx)); err != nil {
		e.stop()
		return nil, fmt.Errorf("start consensus: %w", err)
	}
	n.work.Go(n.watchConsensus)
	n.work.Go(n.watchHalt)
	if cfg.KeepBlocks > 0 {
		p := &pruner{keep: cfg.KeepBlocks, db: db, blocks: e.blocks, states: e.states, tree: t, log: cfg.Logger}
		n.work.Go(func() { n.prune(p) })
	}
	return n, nil
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

// watchConsensus notices when consensus ends by itself. It ends with consensus, at the latest in Close.
func (n *Node) watchConsensus() {
	n.engine.consensus.Wait()
	select {
	case <-n.closing:
	default:
		n.app.haltOn(errors.New("consensus ended; the log has the reason"))
	}
}

// watchHalt reports a halt and takes the node off the network. It ends with the halt or with Close.
func (n *Node) watchHalt() {
	select {
	case <-n.closing:
	case <-n.app.halted:
		n.log.Error("the chain halted at this node", "height", n.Height(), "err", n.app.haltedBy())
		n.sw.leave()
	}
}

// Close stops the node and waits until nothing of it runs, except two goroutines that CometBFT's message
// log leaves behind. It may be called again and returns the same.
func (n *Node) Close() error {
	n.closeOnce.Do(func() {
		close(n.closing)
		n.sw.stop(n.app.haltedBy() != nil)
		n.work.Wait()
		n.engine.stop()
		n.closeErr = n.db.Close()
	})
	return n.closeErr
}

// Height returns the last committed height, 0 at genesis.
func (n *Node) Height() uint64 { return n.app.height.Load() }

// Err returns why the node halted, an ErrHalted; nil while it runs.
func (n *Node) Err() error { return n.app.haltedBy() }

// Peers returns how many nodes of the chain are connected.
func (n *Node) Peers() int { return n.sw.Peers().Size() }

// View calls fn with the last committed state. The state stays as it is while fn runs, whatever is
// committed meanwhile; r must not be used after fn has returned. fn's error is returned as it is.
func (n *Node) View(_ context.Context, fn func(r ledger.Reader, height uint64) error) (err error) {
	if err := n.open(); err != nil {
		return err
	}
	defer catchFault(&err)
	r, height, release, ok := n.app.tree.hold()
	if !ok {
		return ErrClosed // not after Open returned
	}
	defer release()
	return fn(r, height)
}

// AppHash returns the hash of the last committed state and its height. The header of the next height
// carries it.
func (n *Node) AppHash() ([]byte, uint64) {
	r, height, ok := n.app.tree.last()
	if !ok {
		return nil, 0
	}
	return r.t.Hash(), height
}

// open returns ErrClosed once Close has begun.
func (n *Node) open() error {
	select {
	case <-n.closing:
		return ErrClosed
	default:
		return nil
	}
}
