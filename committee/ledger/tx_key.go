package ledger

import (
	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
)

// RotateKey gives a node another BLS key. It takes effect in the epoch for which
// the node is next chosen into a committee, and exactly with that committee:
// until then the node signs with the key that it has. A key that waits is
// replaced. No node may have the key. Only the node's account may send it.
// [WL] §2.4, §6.1 H2
type RotateKey struct {
	Node       committee.NodeID
	BLSKey     bls.PublicKey
	Possession bls.Signature // of committee.PossessionMessage(running epoch, node's account, BLSKey) by the new key
}

func (RotateKey) kind() byte { return kindRotateKey }

func (RotateKey) work() uint64 { return workPlain + workKey }

func (m *RotateKey) fields(c *codec) {
	c.node(&m.Node)
	c.fixed(m.BLSKey[:])
	c.fixed(m.Possession[:])
}

func (m RotateKey) apply(x *execution) *Error {
	n, err := x.node(m.Node)
	if err != nil {
		return err
	}
	claim := claimKey(claimBLS, m.BLSKey[:])
	if x.state.Get(claim) != nil {
		return refuse(CodeKeyTaken, "the key is a node's already")
	}
	if err := checkPossession(x.system.Epoch, n.Account, m.BLSKey, m.Possession); err != nil {
		return err
	}
	if n.NextKey != (bls.PublicKey{}) && !x.chosenWith(n.ID, n.NextKey) {
		x.state.Delete(claimKey(claimBLS, n.NextKey[:]))
	}
	n.NextKey = m.BLSKey
	x.state.Set(claim, n.ID[:])
	x.setNode(n)
	x.emit(NodeKeyRotated{Epoch: x.system.Epoch, Node: n.ID, BLSKey: m.BLSKey})
	return nil
}

// chosenWith tells whether a node is chosen for the next epoch with a key.
func (x *execution) chosenWith(id committee.NodeID, key bls.PublicKey) bool {
	if x.system.Phase != PhaseSelected {
		return false
	}
	next := x.assignment(x.system.Epoch + 1)
	i := next.find(id)
	return i >= 0 && next.Members[i].BLSKey == key
}

// rotateKeys gives the members of a committee that begins the keys with which
// they were chosen.
func (x *execution) rotateKeys(a assignment) {
	for _, m := range a.Members {
		n, err := ReadNode(x.state, m.ID)
		sound(err)
		if n.BLSKey == m.BLSKey {
			continue
		}
		x.state.Delete(claimKey(claimBLS, n.BLSKey[:]))
		n.BLSKey = m.BLSKey
		if n.NextKey == m.BLSKey {
			n.NextKey = bls.PublicKey{}
		}
		x.setNode(n)
	}
}
