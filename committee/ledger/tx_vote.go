package ledger

import (
	"github.com/floe-storage/floe/committee"
)

// ProposeParams votes, with the weight of a node's shards, for changes of the
// network's parameters; whoever votes for the same changes in the same epoch
// votes for the same proposal. When a quorum has, it is decided, and takes
// effect with the next epoch. The sender must control the node, which must be
// in the running committee. The changes must stand in the order of their
// numbers, and make valid parameters together with what is decided already. A
// node has one such vote: it counts for the proposal that it voted for last,
// and for those that were decided before.
type ProposeParams struct {
	Node    committee.NodeID
	Changes []ParamChange // see Votables
}

func (ProposeParams) kind() byte { return kindProposeParams }

func (ProposeParams) work() uint64 { return 2 * workPlain }

func (m *ProposeParams) fields(c *codec) {
	c.node(&m.Node)
	changes(c, &m.Changes)
}

func (m ProposeParams) apply(x *execution) *Error {
	member, err := x.member(m.Node)
	if err != nil {
		return err
	}
	params, fault := x.params.withDecided(x.state)
	if fault != nil {
		return refuse(CodeMalformed, "%v", fault)
	}
	if _, err := params.with(m.Changes); err != nil {
		return err
	}
	p, err := x.vote(member, Proposal{Changes: m.Changes})
	if err != nil {
		return err
	}
	x.emit(ParamsVoted{Epoch: x.system.Epoch, Proposal: p.ID(), Node: m.Node, Weight: p.Weight})
	if !p.Decided {
		return nil
	}
	x.emit(ParamsDecided{Epoch: x.system.Epoch, Proposal: p.ID()})
	return x.decide(p.Changes)
}

// withDecided returns the parameters as they will be in the next epoch after
// what is decided now.
func (p Params) withDecided(r Reader) (Params, error) {
	changes, err := ReadDecided(r)
	if err != nil || len(changes) == 0 {
		return p, err
	}
	return p.With(changes)
}

// VoteUpgrade votes, with the weight of a node's shards, for the next version
// of the network's rules from an epoch on. When a quorum of the committee has
// voted for the same, it is decided: peers that do not know the version by
// then stop. The sender must control the node, which must be in the running
// committee. The version must follow the one in force; one that is decided and
// not yet in force may be decided anew, with another epoch or release.
type VoteUpgrade struct {
	Node    committee.NodeID
	Version uint64
	Epoch   committee.Epoch // first in which it holds: later than the running one
	Digest  [32]byte        // SHA-256 of the release that knows the version
}

func (VoteUpgrade) kind() byte { return kindVoteUpgrade }

func (VoteUpgrade) work() uint64 { return 2 * workPlain }

func (m *VoteUpgrade) fields(c *codec) {
	c.node(&m.Node)
	c.u64(&m.Version)
	c.epoch(&m.Epoch)
	c.fixed(m.Digest[:])
}

func (m VoteUpgrade) apply(x *execution) *Error {
	member, err := x.member(m.Node)
	if err != nil {
		return err
	}
	next := Protocol{Version: m.Version, Start: m.Epoch}
	if m.Epoch <= x.system.Epoch {
		return refuse(CodeBadVersion, "version %d from epoch %d on, this is epoch %d", m.Version, m.Epoch, x.system.Epoch)
	}
	if err := x.checkProtocol(next); err != nil {
		return err
	}
	p, err := x.vote(member, Proposal{Upgrade: Upgrade{Protocol: next, Digest: m.Digest}})
	if err != nil {
		return err
	}
	x.emit(UpgradeVoted{
		Epoch: x.system.Epoch, Proposal: p.ID(), Node: m.Node, Weight: p.Weight, Version: m.Version, Start: m.Epoch, Digest: m.Digest,
	})
	if p.Decided {
		x.setProtocol(next, m.Digest)
	}
	return nil
}

// checkProtocol refuses a version that cannot come next.
func (x *execution) checkProtocol(next Protocol) *Error {
	if last := x.system.Version(); next.Version != last+1 {
		return refuse(CodeBadVersion, "version %d after version %d", next.Version, last)
	}
	if limit := uint64(x.system.Epoch) + maxEpochsAhead; next.Start < x.system.Epoch || uint64(next.Start) > limit {
		return refuse(CodeBadVersion, "version %d from epoch %d on, want %d to %d", next.Version, next.Start, x.system.Epoch, limit)
	}
	return nil
}

func (x *execution) setProtocol(p Protocol, digest [32]byte) {
	s := x.system
	s.Protocol = p
	x.setSystem(s)
	x.emit(ProtocolDecided{Epoch: s.Epoch, Version: p.Version, Start: p.Start, Digest: digest})
}

// UpdateProtocol decides on the next version of the network's rules with the
// signatures of a quorum of the running committee, without votes. Anybody may
// send it. The version must follow the one in force; one that is decided and
// not yet in force may be decided anew. It may begin with the running epoch:
// then it holds from the next block on. [WL] §2.7
type UpdateProtocol struct {
	Certificate committee.Certificate // of a committee.ProtocolVersion, by a quorum
}

func (UpdateProtocol) kind() byte { return kindUpdateProtocol }

func (UpdateProtocol) work() uint64 { return workPlain + workCertificate }

func (m *UpdateProtocol) fields(c *codec) { certificate(c, &m.Certificate) }

func (m UpdateProtocol) apply(x *execution) *Error {
	v, fault := committee.ParseProtocolVersion(m.Certificate.Message)
	if fault != nil {
		return refuse(CodeBadCertificate, "%v", fault)
	}
	if err := x.ofThisEpoch(v.Epoch); err != nil {
		return err
	}
	next := Protocol{Version: v.Version, Start: v.Start}
	if err := x.checkProtocol(next); err != nil {
		return err
	}
	if err := x.verify(m.Certificate, committee.Quorum); err != nil {
		return err
	}
	x.setProtocol(next, [32]byte{})
	return nil
}
