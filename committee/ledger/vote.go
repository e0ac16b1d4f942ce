package ledger

import (
	"bytes"
	"crypto/sha256"

	"github.com/floe-storage/floe/committee"
)

const proposalTag = "floe/proposal/1"

// ProposalID names what is voted on by its hash, whoever proposes it.
type ProposalID [32]byte

// Proposal is what members of the committee vote on in the running epoch, each
// with the weight of its shards: changes of parameters, or an upgrade. A node
// has one vote on parameters and one on upgrades, which it may give to another
// proposal until the first is decided. No proposal outlives its epoch.
type Proposal struct {
	Changes []ParamChange // by number; none if it is an upgrade
	Upgrade Upgrade       // zero unless it is one
	Weight  uint16        // shards of the members that vote for it
	Decided bool          // a quorum has voted for it
}

// Upgrade is a version of the rules that the network is to run.
type Upgrade struct {
	Protocol
	Digest [32]byte // SHA-256 of the release that knows the version
}

func (u *Upgrade) fields(c *codec) {
	u.Protocol.fields(c)
	c.fixed(u.Digest[:])
}

// ID returns the hash of what is proposed.
func (p Proposal) ID() ProposalID {
	p.Weight, p.Decided = 0, false
	return sha256.Sum256(append([]byte(proposalTag), encode(p)...))
}

func (p *Proposal) fields(c *codec) {
	upgrade := p.isUpgrade()
	c.choice(&upgrade)
	if upgrade {
		p.Upgrade.fields(c)
	} else {
		changes(c, &p.Changes)
	}
	c.u16(&p.Weight)
	c.bool(&p.Decided)
}

func (p *Proposal) isUpgrade() bool { return len(p.Changes) == 0 }

// Ballot is a node's vote in the running epoch.
type Ballot struct {
	Node     committee.NodeID
	Upgrade  bool // its vote on upgrades, not that on parameters
	Proposal ProposalID
}

// The kinds of records under keyVote.
const (
	voteProposal byte = iota
	voteBallot
	voteDecided
)

// decided is the changes of parameters that take effect with the next epoch.
type decided struct{ Changes []ParamChange }

func (d *decided) fields(c *codec) { changes(c, &d.Changes) }

func proposalKey(id ProposalID) []byte { return append([]byte{keyVote, voteProposal}, id[:]...) }

func ballotKey(node committee.NodeID, upgrade bool) []byte {
	kind := byte(0)
	if upgrade {
		kind = 1
	}
	return append([]byte{keyVote, voteBallot, kind}, node[:]...)
}

func decidedKey() []byte { return []byte{keyVote, voteDecided} }

// ReadProposal returns a proposal of the running epoch; an *Error of
// CodeNotFound if nobody votes for it.
func ReadProposal(r Reader, id ProposalID) (Proposal, error) {
	return read[Proposal](r, proposalKey(id), "proposal")
}

// ReadProposals returns the proposals of the running epoch, by ID: at most one
// for each vote that a member of the committee has.
func ReadProposals(r Reader) ([]Proposal, error) {
	var out []Proposal
	err := ascend(r, []byte{keyVote, voteProposal}, func(key, _ []byte) error {
		p, err := ReadProposal(r, ProposalID(key[2:]))
		out = append(out, p)
		return err
	})
	return out, err
}

// ReadBallots returns the votes of the running epoch: on parameters, then on
// upgrades, each by node.
func ReadBallots(r Reader) ([]Ballot, error) {
	var out []Ballot
	err := ascend(r, []byte{keyVote, voteBallot}, func(key, value []byte) error {
		out = append(out, Ballot{Upgrade: key[2] == 1, Node: committee.NodeID(key[3:]), Proposal: ProposalID(value)})
		return nil
	})
	return out, err
}

// ReadDecided returns the changes of parameters that take effect with the next
// epoch, by number.
func ReadDecided(r Reader) ([]ParamChange, error) {
	if r.Get(decidedKey()) == nil {
		return nil, nil
	}
	d, err := read[decided](r, decidedKey(), "decided changes")
	return d.Changes, err
}

// ascend visits the keys that begin with prefix until visit returns an error,
// and returns that. The last byte of prefix is less than 255.
func ascend(r Reader, prefix []byte, visit func(key, value []byte) error) error {
	end := bytes.Clone(prefix)
	end[len(end)-1]++
	var err error
	r.Ascend(prefix, end, func(key, value []byte) bool {
		err = visit(key, value)
		return err == nil
	})
	return err
}

// member returns a node that the sender controls and the running committee has.
func (x *execution) member(id committee.NodeID) (*committee.Member, *Error) {
	if _, err := x.node(id); err != nil {
		return nil, err
	}
	m := x.committee.Member(id)
	if m == nil {
		return nil, refuse(CodeNotMember, "node %v is not in the committee of epoch %d", id, x.system.Epoch)
	}
	return m, nil
}

// vote counts a member's vote. It returns the proposal, decided if this vote
// made the quorum.
func (x *execution) vote(m *committee.Member, p Proposal) (Proposal, *Error) {
	id, weight := p.ID(), uint16(m.Weight())
	ballot := ballotKey(m.ID, p.isUpgrade())
	if last := x.state.Get(ballot); bytes.Equal(last, id[:]) {
		return p, refuse(CodeAlreadyVoted, "node %v has voted for that", m.ID)
	} else if last != nil {
		if err := x.retract(ProposalID(last), weight); err != nil {
			return p, err
		}
	}
	if x.state.Get(proposalKey(id)) != nil {
		var err error
		if p, err = ReadProposal(x.state, id); err != nil {
			return p, refuse(CodeMalformed, "%v", err)
		}
		if p.Decided {
			return p, refuse(CodeAlreadyDecided, "a quorum has voted for that in this epoch")
		}
	}
	p.Weight += weight // a member has one vote, so it is at most the shards
	p.Decided = committee.Quorum(committee.Weight(p.Weight), x.committee.Shards())
	x.state.Set(proposalKey(id), encode(p))
	x.state.Set(ballot, id[:])
	return p, nil
}

// retract takes a vote from a proposal that is not yet decided.
func (x *execution) retract(id ProposalID, weight uint16) *Error {
	p, err := ReadProposal(x.state, id)
	if err != nil {
		return refuse(CodeMalformed, "%v", err)
	}
	if p.Decided {
		return nil
	}
	if p.Weight -= weight; p.Weight > 0 {
		x.state.Set(proposalKey(id), encode(p))
	} else {
		x.state.Delete(proposalKey(id))
	}
	return nil
}

// decide keeps changes for the next epoch. Where two decisions of an epoch
// change the same parameter, the later one holds.
func (x *execution) decide(changes []ParamChange) *Error {
	kept, err := ReadDecided(x.state)
	if err != nil {
		return refuse(CodeMalformed, "%v", err)
	}
	x.state.Set(decidedKey(), encode(decided{merge(kept, changes)}))
	return nil
}

// merge returns the changes of both lists, by number; later ones replace
// earlier ones.
func merge(earlier, later []ParamChange) []ParamChange {
	var out []ParamChange
	for len(earlier) > 0 && len(later) > 0 {
		switch e, l := earlier[0], later[0]; {
		case e.Param < l.Param:
			out, earlier = append(out, e), earlier[1:]
		case e.Param == l.Param:
			earlier = earlier[1:]
		default:
			out, later = append(out, l), later[1:]
		}
	}
	return append(append(out, earlier...), later...)
}

// enact puts the changes that the ended epoch's committee has decided into
// force and forgets its votes. The running epoch is the new one.
func (x *execution) enact() {
	changes, err := ReadDecided(x.state)
	sound(err)
	for _, c := range changes {
		next, refusal := x.params.with([]ParamChange{c})
		place, _ := x.params.slot(c.Param)
		if before := place.get(); refusal == nil && before != c.Value {
			x.setParams(next)
			x.emit(ParamChanged{Epoch: x.system.Epoch, Param: c.Param, From: before, To: c.Value})
		}
	}
	var stale [][]byte
	x.state.Ascend([]byte{keyVote}, []byte{keyVote + 1}, func(key, _ []byte) bool {
		stale = append(stale, bytes.Clone(key))
		return true
	})
	for _, key := range stale {
		x.state.Delete(key)
	}
}
