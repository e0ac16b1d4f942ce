package devnet

import (
	"context"
	"fmt"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/node"
)

// Add starts one more storage node, which no genesis knows, and has the network's
// account pay for its registration and for as much stake as every other had in
// the beginning. It holds shards from the next epoch on, or from the one after
// if the committee of the next is chosen already. It returns the node's number.
func (n *Net) Add(ctx context.Context) (i int, err error) {
	known := n.Bootstrap()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return 0, fmt.Errorf("%w: the network is closed", ErrNode)
	}
	i = len(n.members)
	m := &member{dir: nodeDir(n.cfg.Dir, i)}
	if m.node, err = node.Open(ctx, n.nodeConfig(m, known), nil); err != nil {
		return 0, fmt.Errorf("start %s: %w", nodeName(i), err)
	}
	m.listen = m.node.Listening()
	n.members = append(n.members, m)
	n.card.Nodes = len(n.members)
	if err := n.card.write(n.cfg.Dir); err != nil {
		return i, err
	}
	if err := n.enroll(ctx, i, m); err != nil {
		return i, fmt.Errorf("register %s: %w", nodeName(i), err)
	}
	return i, nil
}

// enroll registers a node and stakes on it.
func (n *Net) enroll(ctx context.Context, i int, m *member) error {
	net, err := n.gateway.Network(ctx)
	if err != nil {
		return err
	}
	register, err := node.Register(m.dir, n.card.ChainID, net.System.Epoch, ledger.Candidate{
		Profile: ledger.Profile{Name: nodeName(i)}, Addrs: m.node.Addrs(),
	})
	if err != nil {
		return err
	}
	wallet, err := n.walletOf(m)
	if err != nil {
		return err
	}
	funds := nodeStake + nodeFunds + net.Params.NodeDeposit
	if _, err := n.gateway.Wallet.Send(ctx, ledger.Send{To: wallet.Address(), Amount: funds}); err != nil {
		return err
	}
	_, err = wallet.Send(ctx, register, ledger.Stake{Node: m.node.ID(), Amount: nodeStake})
	return err
}

// Retire takes a storage node out of the choice of committees. It goes on to run:
// it has to hand its shards over.
func (n *Net) Retire(ctx context.Context, i int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	m, err := n.memberLocked(i, true)
	if err != nil {
		return err
	}
	wallet, err := n.walletOf(m)
	if err != nil {
		return err
	}
	if _, err := wallet.Send(ctx, ledger.ExitNode{Node: m.node.ID()}); err != nil {
		return fmt.Errorf("retire %s: %w", nodeName(i), err)
	}
	return nil
}

// walletOf returns the wallet of a node's own account, by the gateway's ledger.
func (n *Net) walletOf(m *member) (*ledgerrpc.Wallet, error) {
	key, err := node.LoadAccount(node.AccountFile(m.dir))
	if err != nil {
		return nil, err
	}
	return ledgerrpc.NewWallet(n.gateway.Ledger, key), nil
}
