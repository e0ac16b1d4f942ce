package ledger

import (
	"crypto/ed25519"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/stake"
	"github.com/floe-storage/floe/shard/bcs"
)

const nodeKeyTag = "floe/node-key/1"

// NodeKeyMessage returns what a node's network key and its consensus key sign to
// prove that whoever registers them has the secrets: nobody else can then take
// the keys for itself. account is the address that registers the node.
func NodeKeyMessage(chainID string, account Address) []byte {
	e := bcs.NewEncoder([]byte(nodeKeyTag))
	e.String(chainID)
	e.Fixed(account[:])
	return e.Data()
}

// RegisterNode makes the sender's storage node known, so that stake may be put
// behind it. The node's ID follows from its BLS key, which must not have
// registered before; no other node may have its network or consensus key. It
// deposits Params.NodeDeposit until the node has left. [WL] §2.4
type RegisterNode struct {
	Candidate      Candidate // of the sender's account; the proof of possession is of the running epoch
	NetworkProof   [64]byte  // the network key's signature of NodeKeyMessage
	ConsensusProof [64]byte  // the consensus key's
}

func (RegisterNode) kind() byte { return kindRegisterNode }

func (RegisterNode) work() uint64 { return workPlain + workKey + 2*workTx }

func (m *RegisterNode) fields(c *codec) {
	m.Candidate.fields(c)
	c.fixed(m.NetworkProof[:])
	c.fixed(m.ConsensusProof[:])
}

func (m RegisterNode) apply(x *execution) *Error {
	k := m.Candidate
	if k.Account != x.sender {
		return refuse(CodeNotOwner, "%v registers a node of %v", x.sender, k.Account)
	}
	signed := NodeKeyMessage(x.params.ChainID, k.Account)
	if !ed25519.Verify(k.NetworkKey[:], signed, m.NetworkProof[:]) || !ed25519.Verify(k.ConsensusKey[:], signed, m.ConsensusProof[:]) {
		return refuse(CodeBadPossession, "it does not prove to possess its network key and its consensus key")
	}
	n := Node{ID: NodeIDOf(k.BLSKey), Candidate: k, Deposit: x.params.NodeDeposit, Score: wholeRate}
	for _, key := range n.keys() {
		if x.state.Get(key) != nil {
			return refuse(CodeKeyTaken, "one of its keys is another node's")
		}
	}
	if x.state.Get(claimKey(claimID, n.ID[:])) != nil {
		return refuse(CodeKeyTaken, "its BLS key has registered before")
	}
	if err := k.check(x.system.Epoch); err != nil {
		return err
	}
	if err := x.pay(n.Deposit); err != nil {
		return err
	}
	p, err := stake.New(x.moment(n.ID), k.Commission)
	if err != nil {
		return refuse(CodeOverflow, "%v", err)
	}
	n.take(x.state, p)
	x.emit(NodeRegistered{Epoch: x.system.Epoch, Node: n.ID, Account: n.Account, Deposit: n.Deposit})
	return nil
}

// UpdateNode changes what a node says of itself and where it can be reached.
// Readers of the committees see it at once. Only the node's account may send it.
// [WL] §2.4
type UpdateNode struct {
	Node    committee.NodeID
	Profile Profile
	Addrs   []string // multiaddrs
}

func (UpdateNode) kind() byte { return kindUpdateNode }

func (UpdateNode) work() uint64 { return workPlain + workMembers }

func (m *UpdateNode) fields(c *codec) {
	c.node(&m.Node)
	m.Profile.fields(c)
	addrs(c, &m.Addrs)
}

func (m UpdateNode) apply(x *execution) *Error {
	n, err := x.node(m.Node)
	if err != nil {
		return err
	}
	n.Profile, n.Addrs = m.Profile, m.Addrs
	if err := n.checkTexts(); err != nil {
		return err
	}
	x.setNode(n)
	x.publish(n)
	x.emit(NodeUpdated{Node: n.ID})
	return nil
}

// publish writes a node's name and addresses into the committees that anybody
// talks to: the last, the running and the next one.
func (x *execution) publish(n Node) {
	e := x.system.Epoch
	for _, e := range []committee.Epoch{e - 1, e, e + 1} {
		a, err := readAssignment(x.state, e)
		sound(ignoreNotFound(err))
		if i := a.find(n.ID); err == nil && i >= 0 {
			a.Members[i].Name, a.Members[i].Addrs = n.Profile.Name, n.Addrs
			setAssignment(x.state, a.Since, a)
		}
	}
}

// TransferNode gives the control of a node to another account.
type TransferNode struct {
	Node committee.NodeID
	To   Address
}

func (TransferNode) kind() byte { return kindTransferNode }

func (TransferNode) work() uint64 { return workPlain }

func (m *TransferNode) fields(c *codec) {
	c.node(&m.Node)
	c.address(&m.To)
}

func (m TransferNode) apply(x *execution) *Error {
	n, err := x.node(m.Node)
	if err != nil {
		return err
	}
	n.Account = m.To
	x.setNode(n)
	x.emit(NodeTransferred{Node: n.ID, From: x.sender, To: m.To})
	return nil
}

// node returns a node that the sender controls.
func (x *execution) node(id committee.NodeID) (Node, *Error) {
	n, err := ReadNode(x.state, id)
	if err != nil {
		return n, refuse(CodeNotFound, "node %v: %v", id, err)
	}
	if n.Account != x.sender {
		return n, refuse(CodeNotOwner, "node %v is controlled by %v", id, n.Account)
	}
	return n, nil
}
