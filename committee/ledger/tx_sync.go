package ledger

import (
	"slices"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// ReportSync says that a member holds what it should of the shards that it
// gained with the running epoch. Those that their former holders did not hand
// over it names as lost, and has recovered from the others: each costs their
// former holder Params.SenderPenalty, and itself Params.ReceiverPenalty so
// that it does not complain lightly. A member that gained no shard has nothing
// to report; one that reports after the deadline cannot complain any more. Only
// the node's account may send it, once in an epoch. [WL] §2.6
type ReportSync struct {
	Node  committee.NodeID
	Epoch committee.Epoch // the running one
	Lost  []shard.Index   // ascending
}

func (ReportSync) kind() byte { return kindReportSync }

func (m ReportSync) work() uint64 { return workPlain + 3*workMembers + workPool*uint64(len(m.Lost)) }

func (m *ReportSync) fields(c *codec) {
	c.node(&m.Node)
	c.epoch(&m.Epoch)
	shardList(c, &m.Lost)
}

func (m ReportSync) apply(x *execution) *Error {
	n, err := x.node(m.Node)
	if err != nil {
		return err
	}
	if m.Epoch != x.system.Epoch {
		return refuse(CodeWrongEpoch, "a report for epoch %d in epoch %d", m.Epoch, x.system.Epoch)
	}
	after := x.assignment(m.Epoch)
	at := after.find(n.ID)
	if at < 0 {
		return refuse(CodeNotMember, "node %v is not in the committee of epoch %d", n.ID, m.Epoch)
	}
	gained := x.gained(n.ID, after)
	if len(gained) == 0 || n.Synced == m.Epoch {
		return refuse(CodeReported, "node %v has gained no shard with epoch %d, or has reported", n.ID, m.Epoch)
	}
	var lost []Move
	for _, s := range m.Lost {
		i := slices.IndexFunc(gained, func(v Move) bool { return v.Shard == s })
		if i < 0 || x.state.Get(moveKey(gained[i].From, s)) == nil || len(lost) > 0 && lost[len(lost)-1].Shard >= s {
			return refuse(CodeBadShards, "shard %d is out of order or not to be taken over by node %v", s, n.ID)
		}
		lost = append(lost, gained[i])
	}
	n.Synced = m.Epoch
	x.setNode(n)
	shards := make([]shard.Index, len(gained))
	for i, v := range gained {
		shards[i] = v.Shard
	}
	x.emit(ShardsReceived{Epoch: m.Epoch, Node: n.ID, Shards: shards, Lost: m.Lost})
	x.complain(n.ID, lost) // while they are open: what leaves a sender's pool is at risk for them
	for _, v := range gained {
		x.state.Delete(moveKey(v.From, v.Shard))
	}
	sys := x.system
	if sys.Deadline != 0 {
		sys.Synced += uint16(len(after.Members[at].Shards))
	}
	x.setSystem(sys)
	if sys.Deadline != 0 && !moveUnder(x.state, []byte{keyHandover, handoverMove}) {
		x.handedOver()
	}
	return nil
}

// gained returns the shards that a member has gained with the running epoch.
func (x *execution) gained(id committee.NodeID, after assignment) []Move {
	if x.system.Epoch == firstEpoch {
		return nil
	}
	all := moves(x.assignment(x.system.Epoch-1), after)
	return slices.DeleteFunc(all, func(m Move) bool { return m.To != id })
}

// complain charges for shards that a member did not get.
func (x *execution) complain(to committee.NodeID, lost []Move) {
	if len(lost) == 0 {
		return
	}
	rate := uint64(len(lost)) * uint64(x.params.ReceiverPenalty)
	slices.SortStableFunc(lost, func(a, b Move) int { return a.From.Compare(b.From) })
	for len(lost) > 0 {
		from := lost[0].From
		n := 1
		for n < len(lost) && lost[n].From == from {
			n++
		}
		x.penalize(from, FaultSender, uint64(n)*uint64(x.params.SenderPenalty))
		lost = lost[n:]
	}
	x.penalize(to, FaultReceiver, rate)
}
