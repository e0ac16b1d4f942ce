package ledger

import (
	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/stake"
)

// ExitNode takes a node out of the choice of committees for good: nobody can
// stake on it any more. It serves to the end of the epochs for which it is
// chosen. When it is in no committee, has handed its shards over, and all stake
// and commission are gone from its pool, its record goes, its keys are free and
// its deposit is paid to its account. Only the node's account may send it.
type ExitNode struct{ Node committee.NodeID }

func (ExitNode) kind() byte { return kindExitNode }

func (ExitNode) work() uint64 { return workPlain + workPool }

func (m *ExitNode) fields(c *codec) { c.node(&m.Node) }

func (m ExitNode) apply(x *execution) *Error {
	n, err := x.node(m.Node)
	if err != nil {
		return err
	}
	if n.Exiting {
		return refuse(CodeExiting, "node %v is leaving already", n.ID)
	}
	n.Exiting = true
	x.emit(NodeExiting{Epoch: x.system.Epoch, Node: n.ID})
	return x.setStakePool(n, x.stakePool(n.ID))
}

// release forgets an exiting node when nothing depends on it any more. Its ID
// stays taken: the rates of its pool outlive it.
func (x *execution) release(n Node, p stake.Pool) {
	if !n.Exiting || !p.Empty() {
		return
	}
	if m := x.moment(n.ID); m.InCurrent || m.InNext || !m.HandedOver {
		return
	}
	if x.credit(n.Account, n.Deposit) != nil {
		return // all FROST fit an account
	}
	for _, key := range n.keys() {
		x.state.Delete(key)
	}
	x.state.Delete(nodeKey(n.ID))
	x.state.Delete(stakePoolKey(keyStakePool, n.ID))
	x.emit(NodeRemoved{Epoch: x.system.Epoch, Node: n.ID, Account: n.Account, Deposit: n.Deposit})
}

// releaseAll forgets those of a committee's members that leave and have nothing
// left.
func (x *execution) releaseAll(a assignment) {
	for _, m := range a.Members {
		n, err := ReadNode(x.state, m.ID)
		sound(ignoreNotFound(err))
		if err == nil && n.Exiting {
			x.release(n, x.stakePool(n.ID))
		}
	}
}
