package comet

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

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
	cfg   Config
	log   *slog.Logger
	shelf *shelf                // of snapshots
	chain atomic.Pointer[chain] // the running one; changed by the joiner alone
	lend  *lender               // nil without a host
	guard *guard
	// results outlives a chain: who waits for a transaction goes on waiting, and
	// what was offered is offered to the next.
	results *results
	again   chan struct{} // has one element when consensus needs a fresh start

	closing   chan struct{} // closed when Close begins
	closeOnce sync.Once
	closeErr  error              // written inside closeOnce
	cancel    context.CancelFunc // ends join and the answers to peers
	work      sync.WaitGroup     // join
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
	if err := finishSwap(cfg.Dir); err != nil {
		return nil, err
	}
	signer, err := loadSigner(cfg.Dir)
	if err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg, log: cfg.Logger, guard: newGuard(signer), results: newResults(), again: make(chan struct{}, 1), closing: make(chan struct{})}
	if cfg.wrapSigner != nil {
		n.guard.signer = cfg.wrapSigner(n.guard.signer)
	}
	if n.shelf, err = openShelf(cfg.Dir, cfg.SnapshotEvery > 0); err != nil {
		return nil, err
	}
	c, err := openChain(ctx, n)
	if err != nil {
		return nil, err
	}
	n.chain.Store(c)
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	n.cancel = cancel
	if cfg.Host != nil {
		n.lend = newLender(n)
		n.lend.serve(life)
		n.work.Go(func() { n.join(life) })
	}
	return n, nil
}

// Close stops the node and waits until nothing of it runs, except two goroutines that CometBFT's message
// log leaves behind, and until nobody reads its state. It may be called again and returns the same.
func (n *Node) Close() error {
	n.closeOnce.Do(func() {
		close(n.closing)
		n.cancel()
		if n.lend != nil {
			n.lend.close()
		}
		n.work.Wait()
		if c := n.chain.Load(); !c.isShut() { // else the change to a snapshot failed
			n.closeErr = c.stop()
		}
	})
	return n.closeErr
}

// enter returns the running chain, which stays until the caller calls its
// leave. While it is being replaced enter waits.
func (n *Node) enter() (*chain, error) {
	for {
		if err := n.open(); err != nil {
			return nil, err
		}
		c := n.chain.Load()
		if c.enter() {
			return c, nil
		}
		if err := n.settled(c); err != nil {
			return nil, err
		}
	}
}

// settled waits until another chain has taken the place of one that was
// stopped. The error says why none will.
func (n *Node) settled(c *chain) error {
	select {
	case <-c.replaced:
		return nil
	case <-n.closing:
		return ErrClosed
	case <-c.app.halted:
		return c.app.haltedBy()
	}
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

// Height returns the last committed height, 0 at genesis.
func (n *Node) Height() uint64 { return n.chain.Load().app.height.Load() }

// Err returns why the node halted, an ErrHalted; nil while it runs.
func (n *Node) Err() error { return n.chain.Load().app.haltedBy() }

// Peers returns how many nodes of the chain are connected.
func (n *Node) Peers() int { return n.chain.Load().sw.Peers().Size() }

// View calls fn with the last committed state. The state stays as it is while fn runs, whatever is
// committed meanwhile; r must not be used after fn has returned. fn's error is returned as it is. Close
// waits for fn.
func (n *Node) View(_ context.Context, fn func(r ledger.Reader, height uint64) error) (err error) {
	c, err := n.enter()
	if err != nil {
		return err
	}
	defer c.leave()
	defer catchFault(&err)
	r, height, release, ok := c.app.tree.hold()
	if !ok {
		return ErrClosed // not after Open returned
	}
	defer release()
	return fn(r, height)
}

// AppHash returns the hash of the last committed state and its height. The header of the next height
// carries it.
func (n *Node) AppHash() ([]byte, uint64) {
	r, height, ok := n.chain.Load().app.tree.last()
	if !ok {
		return nil, 0
	}
	return r.t.Hash(), height
}
