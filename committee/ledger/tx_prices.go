package ledger

import "github.com/floe-storage/floe/committee"

// VotePrices says what a node wants storage and writing to cost and how much it
// can keep. The prices that a quorum of the running committee's shards accepts
// hold at once; capacities count when the next committee is chosen. A vote of 0
// means as it is. Only the node's account may send it. [WL] §2.4, §3.4
type VotePrices struct {
	Node  committee.NodeID
	Votes Votes
}

func (VotePrices) kind() byte { return kindVotePrices }

func (VotePrices) work() uint64 { return workPlain + workMembers }

func (m *VotePrices) fields(c *codec) {
	c.node(&m.Node)
	m.Votes.fields(c)
}

func (m VotePrices) apply(x *execution) *Error {
	n, err := x.node(m.Node)
	if err != nil {
		return err
	}
	if err := m.Votes.check(); err != nil {
		return err
	}
	n.Votes = m.Votes
	x.setNode(n)
	x.emit(PricesVoted{Node: n.ID, Votes: m.Votes})
	x.updatePrices()
	return nil
}

func (v Votes) check() *Error {
	if v.StoragePrice > maxPrice || v.WritePrice > maxPrice {
		return refuse(CodeBadVote, "prices of %d and %d FROST, at most %d", v.StoragePrice, v.WritePrice, uint64(maxPrice))
	}
	return nil
}

// updatePrices sets the prices that a quorum of the running committee accepts:
// each is the least that a quorum does not want to exceed. [WL] §3.4
func (x *execution) updatePrices() {
	var storage, write []vote
	for _, m := range x.assignment(x.system.Epoch).Members {
		v := Votes{StoragePrice: x.params.StoragePrice, WritePrice: x.params.WritePrice}
		n, err := ReadNode(x.state, m.ID)
		sound(err)
		if n.Votes.StoragePrice != 0 {
			v.StoragePrice = n.Votes.StoragePrice
		}
		if n.Votes.WritePrice != 0 {
			v.WritePrice = n.Votes.WritePrice
		}
		weight := committee.Weight(len(m.Shards))
		storage = append(storage, vote{v.StoragePrice, weight})
		write = append(write, vote{v.WritePrice, weight})
	}
	p := x.params
	p.StoragePrice, p.WritePrice = quorumBelow(storage, int(p.Shards)), quorumBelow(write, int(p.Shards))
	if p == x.params {
		return
	}
	x.setParams(p)
	x.emit(PricesChanged{Epoch: x.system.Epoch, StoragePrice: p.StoragePrice, WritePrice: p.WritePrice})
}
