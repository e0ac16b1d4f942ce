package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/google/btree"

	"github.com/floe-storage/floe/committee"
)

// Machine applies blocks and judges transactions. It remembers what is dear to
// work out again: the committee with its parsed keys, which certificates it has
// seen to be signed, and who is in the committees that stake serves. Nothing
// that it remembers changes a result, so that a new one may take over at any
// block. The zero value is ready for use; it is not safe for concurrent use, nor
// are the checkers that it makes.
type Machine struct {
	record    []byte // the assignment that committee was read from
	committee *committee.Committee
	verdicts  verdicts
	seats     seats
}

// ApplyBlock carries a block out on s: first what is due by itself (the turn
// of the epoch, what has expired), then the transactions in order. It never
// fails; a refused transaction is a result. s must hold what InitChain wrote.
func (m *Machine) ApplyBlock(s Store, b Block) BlockResult {
	pending := NewOverlay(s)
	u, err := m.readRules(pending, b.Height)
	if err != nil {
		panic("ledger: state does not decode: " + err.Error()) //nolint:forbidigo // invariant: only this package writes the state
	}
	supply := u.system.Supply
	out := m.begin(&u, pending, b)
	m.verify(u.committee, b.Txs)
	work := uint64(0)
	for _, tx := range b.Txs {
		r := u.run(pending, tx, &work)
		out.Txs = append(out.Txs, r)
	}
	conserve(s, pending, supply, u.system.Supply)
	pending.Flush(s)
	return out
}

// NewChecker returns a checker above the state committed at the given height;
// it is of use until the next block is committed.
func (m *Machine) NewChecker(r Reader, height uint64) *Checker {
	u, err := m.readRules(r, height+1)
	return &Checker{rules: u, pending: NewOverlay(r), err: err}
}

// committeeOf returns the committee of the running epoch.
func (m *Machine) committeeOf(r Reader, u *rules) (*committee.Committee, error) {
	a, err := readAssignment(r, u.system.Epoch)
	if err != nil {
		return nil, err
	}
	for i := range a.Members { // they change at any time, and nothing here depends on them
		a.Members[i].Name, a.Members[i].Addrs = "", nil
	}
	record := encode(a)
	if m.committee != nil && bytes.Equal(record, m.record) {
		return m.committee.AtEpoch(u.system.Epoch), nil
	}
	c, err := a.committee(u.system.Epoch, int(u.params.Shards))
	if err != nil {
		return nil, err
	}
	m.record, m.committee = record, c
	m.verdicts = verdicts{}
	return c, nil
}

// verify checks the certificates of a block's transactions together, which is
// faster than one by one, and remembers the verdicts.
func (m *Machine) verify(c *committee.Committee, txs [][]byte) {
	var certs []committee.Certificate
	work := uint64(0)
	for _, tx := range txs {
		s, err := ParseTx(tx)
		if err != nil {
			continue
		}
		if work += workOf(s.Messages); work > MaxBlockWork {
			break
		}
		for _, msg := range s.Messages {
			cert, ok := certificateIn(msg)
			if known, _ := m.verdicts.find(cert); ok && !known {
				certs = append(certs, cert)
			}
		}
	}
	for i, err := range c.VerifyAll(certs, committee.Validity) {
		m.verdicts.add(certs[i], err)
	}
}

// certificateIn returns the certificate that a message carries, if any.
func certificateIn(m Message) (committee.Certificate, bool) {
	switch m := m.(type) {
	case CertifyBlob:
		return m.Certificate, true
	case InvalidateBlob:
		return m.Certificate, true
	case UpdateProtocol:
		return m.Certificate, true
	case UpdateDenyList:
		return m.Certificate, true
	case DeleteDenied:
		return m.Certificate, true
	}
	return committee.Certificate{}, false
}

// maxVerdicts bounds how many certificates are remembered: those of some full
// blocks.
const maxVerdicts = 4096

// verdicts remembers which certificates the members of one committee have
// signed with at least the weight of validity.
type verdicts struct {
	known *btree.BTreeG[verdict]
	order [][32]byte // oldest first
}

type verdict struct {
	cert [32]byte
	err  error // nil if it is good
}

func certHash(c committee.Certificate) [32]byte {
	v := certified{c}
	return sha256.Sum256(encode(v))
}

// certified gives a certificate its canonical bytes.
type certified struct{ committee.Certificate }

func (v *certified) fields(c *codec) { certificate(c, &v.Certificate) }

// find returns whether a verdict is known, and what it is.
func (v *verdicts) find(c committee.Certificate) (bool, error) {
	if v.known == nil {
		return false, nil
	}
	found, ok := v.known.Get(verdict{cert: certHash(c)})
	return ok, found.err
}

func (v *verdicts) add(c committee.Certificate, err error) {
	if v.known == nil {
		v.known = btree.NewG(overlayDegree, func(a, b verdict) bool { return bytes.Compare(a.cert[:], b.cert[:]) < 0 })
	}
	if len(v.order) == maxVerdicts {
		v.known.Delete(verdict{cert: v.order[0]})
		v.order = slices.Delete(v.order, 0, 1)
	}
	hash := certHash(c)
	if _, replaced := v.known.ReplaceOrInsert(verdict{cert: hash, err: err}); !replaced {
		v.order = append(v.order, hash)
	}
}

// verify refuses a certificate that the running epoch's committee has not
// signed with enough weight: Quorum or Validity.
func (x *execution) verify(cert committee.Certificate, enough func(committee.Weight, int) bool) *Error {
	known, fault := x.verdicts.find(cert)
	if !known {
		fault = x.committee.Verify(cert, committee.Validity)
		x.verdicts.add(cert, fault)
	}
	if fault == nil && !enough(x.committee.WeightOf(cert.Signers), x.committee.Shards()) {
		fault = committee.ErrNoQuorum
	}
	switch {
	case errors.Is(fault, committee.ErrNoQuorum):
		return refuse(CodeNoQuorum, "%v", fault)
	case fault != nil:
		return refuse(CodeBadCertificate, "%v", fault)
	}
	return nil
}
