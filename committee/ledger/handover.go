package ledger

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// Move is a shard that has another holder in an epoch than in the one before.
type Move struct {
	Shard    shard.Index
	From, To committee.NodeID
}

// ReadMoves returns the shards that change hands with the beginning of an
// epoch, ascending: the running one, a past one, or the next one if its
// committee is chosen. An *Error of CodeNotFound if there is no such epoch.
func ReadMoves(r Reader, e committee.Epoch) ([]Move, error) {
	after, err := readAssignment(r, e)
	if err != nil || e == firstEpoch {
		return nil, err
	}
	before, err := readAssignment(r, e-1)
	if err != nil {
		return nil, err
	}
	return moves(before, after), nil
}

// moves returns what changes hands between two assignments, by shard.
func moves(before, after assignment) []Move {
	if before.Since == after.Since {
		return nil
	}
	var from []Move
	for _, m := range before.Members {
		for _, s := range m.Shards {
			from = append(from, Move{Shard: s, From: m.ID})
		}
	}
	slices.SortFunc(from, func(a, b Move) int { return int(a.Shard) - int(b.Shard) })
	var out []Move
	for _, m := range after.Members {
		for _, s := range m.Shards {
			if mv := from[s]; mv.From != m.ID { // before has every shard once
				mv.To = m.ID
				out = append(out, mv)
			}
		}
	}
	slices.SortFunc(out, func(a, b Move) int { return int(a.Shard) - int(b.Shard) })
	return out
}

// Duty is what is left of the hand-over for a node in the running epoch.
type Duty struct {
	Epoch    committee.Epoch
	Deadline uint64        // height at which what is unreported counts against the node; 0 if nothing is open
	Take     []shard.Index // gained with the epoch and not reported by the node
	Give     []shard.Index // lost with the epoch and not reported by who gained them
}

// ReadDuty returns what a node has to take over, and then report, and to give.
func ReadDuty(r Reader, id committee.NodeID) (Duty, error) {
	sys, err := ReadSystem(r)
	if err != nil {
		return Duty{}, err
	}
	d := Duty{Epoch: sys.Epoch, Deadline: sys.Deadline}
	for _, m := range openMoves(r) {
		if m.To == id {
			d.Take = append(d.Take, m.Shard)
		}
		if m.From == id {
			d.Give = append(d.Give, m.Shard)
		}
	}
	slices.Sort(d.Take)
	return d, nil
}

// openMoves returns the moves that are not reported, by from and shard.
func openMoves(r Reader) []Move {
	var out []Move
	r.Ascend([]byte{keyHandover, handoverMove}, []byte{keyHandover, handoverMove + 1}, func(key, value []byte) bool {
		const size = 2 + 32 + 2
		if len(key) == size && len(value) == len(committee.NodeID{}) {
			out = append(out, Move{
				From: committee.NodeID(key[2:34]), Shard: shard.Index(binary.BigEndian.Uint16(key[34:])), To: committee.NodeID(value),
			})
		}
		return true
	})
	return out
}

// The kinds of records under keyHandover.
const (
	handoverMove byte = iota
	handoverPunished
)

func moveKey(from committee.NodeID, s shard.Index) []byte {
	return binary.BigEndian.AppendUint16(append([]byte{keyHandover, handoverMove}, from[:]...), uint16(s))
}

// owes tells whether shards of a node are still to be handed over.
func owes(r Reader, id committee.NodeID) bool {
	return moveUnder(r, append([]byte{keyHandover, handoverMove}, id[:]...))
}

// moveUnder tells whether a move is open whose key begins so.
func moveUnder(r Reader, prefix []byte) bool {
	found := false
	r.Ascend(prefix, nil, func(key, _ []byte) bool {
		found = bytes.HasPrefix(key, prefix)
		return false
	})
	return found
}

// openHandover notes which shards change hands with the running epoch. A
// member that gains none holds what it should from the beginning.
func (x *execution) openHandover(before, after assignment) {
	open := moves(before, after)
	for _, m := range open {
		x.state.Set(moveKey(m.From, m.Shard), m.To[:])
	}
	sys := x.system
	for _, m := range after.Members {
		if !slices.ContainsFunc(open, func(v Move) bool { return v.To == m.ID }) {
			sys.Synced += uint16(len(m.Shards))
		}
	}
	if len(open) > 0 {
		sys.Deadline = x.height + x.params.HandoverBlocks
	}
	x.setSystem(sys)
}

// closeHandover ends what is left open of the hand-over: a member that has
// not reported by now pays for each shard as one that did not hand it over, so
// that silence is never cheaper than a complaint.
func (x *execution) closeHandover() {
	open := openMoves(x.state)
	slices.SortStableFunc(open, func(a, b Move) int { return a.To.Compare(b.To) })
	for len(open) > 0 {
		to := open[0].To
		n := 1
		for n < len(open) && open[n].To == to {
			n++
		}
		shards := make([]shard.Index, n)
		for i, m := range open[:n] {
			x.state.Delete(moveKey(m.From, m.Shard))
			shards[i] = m.Shard
		}
		slices.Sort(shards)
		x.emit(ShardsUnreported{Epoch: x.system.Epoch, Node: to, Shards: shards})
		x.penalize(to, FaultReceiver, uint64(n)*uint64(x.params.SenderPenalty))
		open = open[n:]
	}
	x.handedOver()
}

// handedOver notes that nothing is left open of the hand-over.
func (x *execution) handedOver() {
	sys := x.system
	sys.Deadline = 0
	x.setSystem(sys)
	x.releaseAll(x.assignment(sys.Epoch - 1)) // nothing is handed over in the first epoch
}
