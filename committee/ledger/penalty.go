package ledger

import (
	"bytes"
	"encoding/binary"

	"github.com/floe-storage/floe/committee"
)

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

// punish takes a penalty from each node that a block proves to have signed two
// blocks of one height, once for each height. A validator that no node has, or
// one that has left, has nothing at stake.
func (x *execution) punish(evidence []Misbehavior) {
	for _, v := range evidence {
		id, ok := x.validator(v.Validator)
		if !ok {
			continue
		}
		key := append([]byte{keyHandover, handoverPunished}, id[:]...)
		key = binary.BigEndian.AppendUint64(key, v.Height)
		if x.state.Get(key) != nil {
			continue
		}
		x.state.Set(key, nil)
		x.emit(DoubleSigned{Epoch: x.system.Epoch, Node: id, Height: v.Height})
		x.penalize(id, FaultDoubleSign, uint64(x.params.DoubleSignPenalty))
	}
}

// validator returns the node whose consensus key has a hash that begins so.
func (x *execution) validator(address [20]byte) (committee.NodeID, bool) {
	var id committee.NodeID
	start := append([]byte{keyKeys, claimConsensus}, address[:]...)
	found := false
	x.state.Ascend(start, nil, func(key, value []byte) bool {
		if found = bytes.HasPrefix(key, start) && len(value) == len(id); found {
			id = committee.NodeID(value)
		}
		return false
	})
	return id, found
}

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
