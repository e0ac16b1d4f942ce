package ledger

import "github.com/floe-storage/floe/committee"

// Fault is what a node pays for.
type Fault uint8

const (
	// FaultDoubleSign is having signed two blocks of one height.
	FaultDoubleSign Fault = iota
	// FaultSender is not having handed shards over, as their receiver says.
	FaultSender
	// FaultReceiver is not having taken shards over in time.
	FaultReceiver
)

// penalize takes a rate, in basis points and at most the whole, of a node's
// stake and burns it: if it went to anybody, somebody would gain by accusing.
func (x *execution) penalize(id committee.NodeID, f Fault, rate uint64) {
	n, err := ReadNode(x.state, id)
	sound(ignoreNotFound(err))
	if rate = min(rate, wholeRate); rate == 0 || err != nil {
		return // a node that has left has nothing at stake
	}
	p := x.stakePool(id)
	amount, err := p.Lose(x.stakeBook(id), x.moment(id), rate, wholeRate)
	sound(err)
	if refusal := x.setStakePool(n, p); refusal != nil {
		sound(refusal)
	}
	sys := x.system
	sys.Supply -= amount
	x.setSystem(sys)
	x.emit(NodePenalized{Epoch: sys.Epoch, Node: id, Fault: f, Rate: uint16(rate), Amount: amount})
}
