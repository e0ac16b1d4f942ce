package comet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/p2p"
)

// How a node joins a chain that is far ahead.
const (
	maxLenders   = 16 // peers that are asked
	minJoinWait  = 2 * time.Second
	maxJoinWait  = time.Minute // between two attempts; blocks are fetched meanwhile
	listPatience = 3 * time.Second
)

var (
	errNoSnapshot = errors.New("comet: no peer has a snapshot that helps")
	errSnapshot   = errors.New("comet: the snapshot is not of this chain")
)

// join waits until the node is far behind, and then takes the state from a
// snapshot, until ctx ends. It also gives consensus a fresh start when it needs one.
func (n *Node) join(ctx context.Context) {
	wait := minJoinWait
	for {
		c := n.chain.Load()
		select {
		case <-ctx.Done():
			return
		case <-c.app.halted:
			return
		case <-n.again:
			if err := n.change(ctx, c); err != nil {
				return // halted
			}
			continue
		case <-c.engine.sync.far:
		}
		c.engine.sync.pause(true)
		err := n.joinOnce(ctx, c)
		c.engine.sync.pause(false)
		if err == nil {
			wait = minJoinWait
			continue
		}
		if ctx.Err() != nil {
			return
		}
		n.log.DebugContext(ctx, "no snapshot taken", "height", n.Height(), "err", err)
		timer := time.NewTimer(wait/2 + rand.N(wait)) // jitter: half to one and a half
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = min(2*wait, maxJoinWait)
	}
}

// joinOnce looks for a snapshot, checks and restores it, and changes to it.
func (n *Node) joinOnce(ctx context.Context, c *chain) error {
	offers, sources := n.offers(ctx, c, n.sources(c))
	if len(offers) == 0 {
		return errNoSnapshot
	}
	client, err := n.lightClient(c, sources)
	if err != nil {
		return err
	}
	var faults []error
	for _, o := range ranked(offers) {
		j := &joining{n: n, c: c, client: client, offer: o, from: offers[o], failures: map[source]int{}}
		err := j.run(ctx)
		if err == nil {
			n.log.InfoContext(ctx, "state taken from a snapshot", "height", o.height)
			return n.change(ctx, c)
		}
		faults = append(faults, fmt.Errorf("snapshot of height %d: %w", o.height, err))
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(faults...)
}

// sources returns some of the peers that are connected.
func (n *Node) sources(c *chain) (out []source) {
	for _, p := range c.sw.list() { // in no order
		if len(out) < maxLenders {
			out = append(out, source{n.cfg.Host, p.id, n.lend.chain})
		}
	}
	return out
}

// offers asks who has which snapshots, and returns those that help, and who has
// answered: the others would keep us waiting again.
func (n *Node) offers(ctx context.Context, c *chain, ask []source) (out map[offer][]source, answered []source) {
	ctx, cancel := context.WithTimeout(ctx, listPatience)
	defer cancel()
	least := c.engine.sync.leastSnapshot()
	var mu sync.Mutex // guards out and answered
	out = map[offer][]source{}
	var asking sync.WaitGroup
	for _, s := range ask {
		asking.Go(func() {
			list, err := s.snapshots(ctx)
			if lied(err) {
				c.sw.accuse(s.id, err)
			}
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			answered = append(answered, s)
			for _, o := range list {
				if o.height >= least && o.height < 1<<62 && !slices.Contains(out[o], s) {
					out[o] = append(out[o], s)
				}
			}
		})
	}
	asking.Wait()
	return out, answered
}

// ranked puts first what several peers offer alike, for all honest nodes make
// the same bytes, and then what is newest.
func ranked(offers map[offer][]source) []offer {
	return slices.SortedFunc(maps.Keys(offers), func(a, b offer) int {
		return cmp.Or(
			cmp.Compare(min(len(offers[b]), 2), min(len(offers[a]), 2)),
			cmp.Compare(b.height, a.height),
			cmp.Compare(len(offers[b]), len(offers[a])),
			slices.Compare(a.id[:], b.id[:]),
		)
	})
}

// lightClient verifies headers from what the node trusts.
func (n *Node) lightClient(c *chain, sources []source) (*light.Client, error) {
	root := n.cfg.Trust
	if root.IsZero() {
		validators, err := n.cfg.Machine.InitChain(ledger.NewOverlay(reader{}), n.cfg.Genesis)
		if err != nil {
			return nil, fmt.Errorf("make the genesis state: %w", err)
		}
		if root, err = light.GenesisRoot(n.cfg.ChainID, validators); err != nil {
			return nil, err
		}
	}
	ask := make([]light.Source, len(sources))
	for i, s := range sources {
		ask[i] = s
	}
	return light.New(root, ask, light.Config{Faulty: func(e *light.SourceError) {
		if s, ok := e.Source.(source); ok {
			c.sw.accuse(s.id, e.Err)
		}
	}})
}

// change puts the chain that was restored, if one was, in the place of the
// running one. If we crash here, the next start does it.
func (n *Node) change(ctx context.Context, old *chain) error {
	if err := old.stop(); err != nil {
		n.log.WarnContext(ctx, "the chain that is replaced did not end well", "err", err)
	}
	err := finishSwap(n.cfg.Dir)
	var fresh *chain
	if err == nil {
		fresh, err = openChain(ctx, n)
	}
	if err != nil {
		old.app.haltOn(fmt.Errorf("change to the snapshot: %w", err))
		if ctx.Err() == nil {
			n.log.ErrorContext(ctx, "the chain halted at this node", "height", n.Height(), "err", n.Err())
		}
		return err
	}
	n.chain.Store(fresh)
	close(old.replaced)
	return nil
}

// accuse keeps a peer out for a while that has sent what no honest peer sends.
func (s *peerSwitch) accuse(id p2p.PeerID, err error) {
	if s.punish(id) {
		s.log.Warn("peer misbehaved", "peer", id, "err", err)
	}
	s.mu.Lock()
	p := s.peers[id]
	s.mu.Unlock()
	if p != nil {
		p.end(err)
	}
}
