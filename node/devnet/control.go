package devnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/node"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/repair"
)

// ErrNode says that there is no such node, or that it is not in the state that
// the call needs.
var ErrNode = errors.New("devnet: no such node in this state")

// Client returns the client behind the HTTP API; the network closes it.
func (n *Net) Client() *client.Session { return n.gateway }

// Card returns what the network is.
func (n *Net) Card() Card { return n.card }

// Dir returns the network's directory.
func (n *Net) Dir() string { return n.cfg.Dir }

// URL returns where the HTTP API answers.
func (n *Net) URL() string { return "http://" + n.card.HTTP }

// Bootstrap returns one address of each running node.
func (n *Net) Bootstrap() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var addrs []string
	for _, m := range n.members {
		if m.node != nil {
			addrs = append(addrs, m.node.Addrs()[0])
		}
	}
	return addrs
}

// Node returns a storage node, nil while it is stopped. i counts from 0.
func (n *Net) Node(i int) *node.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.members[i].node
}

// Faulty returns nodes that together hold at most f shards, as many as there
// can be: the network must do without any such set.
func (n *Net) Faulty() []int {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []int
	var weight committee.Weight
	for i := len(n.members) - 1; i >= 0; i-- {
		m := n.members[i]
		if m.node == nil {
			continue
		}
		c := m.node.Committee()
		self := c.Member(m.node.ID())
		if self == nil || int(weight+self.Weight()) > c.Params().Faulty() {
			continue
		}
		weight += self.Weight()
		out = append(out, i)
	}
	return out
}

// Stop stops a storage node as if its machine were switched off.
func (n *Net) Stop(i int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	m, err := n.memberLocked(i, true)
	if err != nil {
		return err
	}
	running := m.node
	m.node = nil
	return running.Close()
}

// Start starts a storage node that was stopped, where it listened before.
func (n *Net) Start(ctx context.Context, i int) error {
	known := n.Bootstrap()
	n.mu.Lock()
	defer n.mu.Unlock()
	m, err := n.memberLocked(i, false)
	if err != nil {
		return err
	}
	host, err := node.Listen(ctx, n.nodeConfig(m, nil))
	if err != nil {
		m.listen = nil // somebody has taken the port: any other will do
		if host, err = node.Listen(ctx, n.nodeConfig(m, nil)); err != nil {
			return err
		}
	}
	started, err := node.Open(ctx, n.nodeConfig(m, known), host)
	if err != nil {
		return fmt.Errorf("start %s: %w", nodeName(i), err)
	}
	m.node, m.listen = started, started.Listening()
	return nil
}

// Wipe stops a storage node, deletes its slivers and starts it again: the node
// has to restore them from the others.
func (n *Net) Wipe(ctx context.Context, i int) error {
	if err := n.Stop(i); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(nodeDir(n.cfg.Dir, i), node.StoreDir)); err != nil {
		return err
	}
	return n.Start(ctx, i)
}

// Repairs returns what a running node's repairer has done since it started.
func (n *Net) Repairs(i int) (repair.Stats, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m, err := n.memberLocked(i, true)
	if err != nil {
		return repair.Stats{}, err
	}
	return m.node.Repairs(), nil
}

func (n *Net) memberLocked(i int, running bool) (*member, error) {
	if n.closed || i < 0 || i >= len(n.members) || (n.members[i].node != nil) != running {
		return nil, fmt.Errorf("%w: node %d", ErrNode, i)
	}
	return n.members[i], nil
}

// NodeDir returns the directory of a storage node.
func (n *Net) NodeDir(i int) string { return nodeDir(n.cfg.Dir, i) }
