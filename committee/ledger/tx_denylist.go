package ledger

import "github.com/floe-storage/floe/committee"

// AnnounceDenyList tells the network that a node has a new list of blobs that
// it does not want to serve, so that the others can judge it. It changes
// nothing but emits an event. The sender must control the node, which must be
// in the running committee; the list must be newer than the node's present
// one. [WL] §2.7
type AnnounceDenyList struct {
	Node     committee.NodeID
	Root     [32]byte // of the list
	Sequence uint64   // greater than that of the present list
}

func (AnnounceDenyList) kind() byte { return kindAnnounceDenyList }

func (AnnounceDenyList) work() uint64 { return workPlain }

func (m *AnnounceDenyList) fields(c *codec) {
	c.node(&m.Node)
	c.fixed(m.Root[:])
	c.u64(&m.Sequence)
}

func (m AnnounceDenyList) apply(x *execution) *Error {
	if _, err := x.member(m.Node); err != nil {
		return err
	}
	if err := x.newerDenyList(m.Node, m.Sequence); err != nil {
		return err
	}
	x.emit(DenyListAnnounced{Epoch: x.system.Epoch, Node: m.Node, Root: m.Root, Sequence: m.Sequence})
	return nil
}

func (x *execution) newerDenyList(id committee.NodeID, sequence uint64) *Error {
	l, err := ReadDenyList(x.state, id)
	if err != nil {
		return refuse(CodeMalformed, "%v", err)
	}
	if sequence <= l.Sequence {
		return refuse(CodeBadSequence, "deny list %d of node %v, its present one is %d", sequence, id, l.Sequence)
	}
	return nil
}

// UpdateDenyList gives a node the deny list that a quorum of the running
// committee has consented to. From the end of the epoch on the node is paid
// less by the list's size. The sender must control the node, which must be in
// the running committee and the one that the certificate is about; the list
// must be newer than the node's present one. [WL] §2.7
type UpdateDenyList struct {
	Node        committee.NodeID
	Certificate committee.Certificate // of a committee.DenyListUpdate, by a quorum
}

func (UpdateDenyList) kind() byte { return kindUpdateDenyList }

func (UpdateDenyList) work() uint64 { return workPlain + workCertificate }

func (m *UpdateDenyList) fields(c *codec) {
	c.node(&m.Node)
	certificate(c, &m.Certificate)
}

func (m UpdateDenyList) apply(x *execution) *Error {
	if _, err := x.member(m.Node); err != nil {
		return err
	}
	u, fault := committee.ParseDenyListUpdate(m.Certificate.Message)
	if fault != nil {
		return refuse(CodeBadCertificate, "%v", fault)
	}
	if err := x.ofThisEpoch(u.Epoch); err != nil {
		return err
	}
	if u.Node != m.Node {
		return refuse(CodeWrongNode, "deny list of node %v for node %v", u.Node, m.Node)
	}
	if err := x.newerDenyList(m.Node, u.Sequence); err != nil {
		return err
	}
	if err := x.verify(m.Certificate, committee.Quorum); err != nil {
		return err
	}
	x.state.Set(denyListKey(m.Node), encode(DenyList{Root: u.Root, Sequence: u.Sequence, Size: u.Size}))
	x.emit(DenyListUpdated{Epoch: x.system.Epoch, Node: m.Node, Root: u.Root, Sequence: u.Sequence, Size: u.Size})
	return nil
}

func (x *execution) ofThisEpoch(e committee.Epoch) *Error {
	if e != x.system.Epoch {
		return refuse(CodeWrongEpoch, "a certificate of epoch %d in epoch %d", e, x.system.Epoch)
	}
	return nil
}

// DeleteDenied records that a blob is denied: the nodes delete what they hold
// of it, whatever its objects say. More than a third of the running
// committee's weight must have signed that it is on their deny lists. Anybody
// may send it, once for a blob. [WL] §2.7
type DeleteDenied struct {
	Certificate committee.Certificate // of a committee.DenyListedBlob, by more than a third
}

func (DeleteDenied) kind() byte { return kindDeleteDenied }

func (DeleteDenied) work() uint64 { return workPlain + workCertificate }

func (m *DeleteDenied) fields(c *codec) { certificate(c, &m.Certificate) }

func (m DeleteDenied) apply(x *execution) *Error {
	b, fault := committee.ParseDenyListedBlob(m.Certificate.Message)
	if fault != nil {
		return refuse(CodeBadCertificate, "%v", fault)
	}
	if err := x.ofThisEpoch(b.Epoch); err != nil {
		return err
	}
	if x.state.Get(deniedKey(b.Blob)) != nil {
		return refuse(CodeAlreadyDecided, "blob %v is denied", b.Blob)
	}
	if err := x.verify(m.Certificate, committee.Validity); err != nil {
		return err
	}
	x.state.Set(deniedKey(b.Blob), encode(Denied{Epoch: x.system.Epoch, Certificate: certHash(m.Certificate)}))
	x.emit(DeniedBlobDeleted{Epoch: x.system.Epoch, BlobID: b.Blob})
	return nil
}
