package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"

	"github.com/google/btree"

	"github.com/floe-storage/floe/committee"
)

// Machine applies blocks and judges transactions. It remembers what is dear to
// work out again: the committee with its parsed keys, who is in the committees
// that stake serves, and which transactions it has seen to be signed. Nothing that it remembers changes a result, so
// that a new one may take over at any block. The zero value is ready for use; it
// is not safe for concurrent use, nor are the checkers that it makes.
type Machine struct {
	record    []byte // the assignment that committee was read from
	committee *committee.Committee
	seats     seats
	signed    signatures
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
	u.verdicts = verdictsOn(u.committee, b.Txs)
	work := uint64(0)
	for _, tx := range b.Txs {
		r := u.run(pending, tx, &work)
		out.Txs = append(out.Txs, r)
	}
	noteEvents(pending, b, out)
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
	return c, nil
}

// verdictsOn checks the certificates of a block's transactions together, which
// is faster than one by one.
func verdictsOn(c *committee.Committee, txs [][]byte) *verdicts {
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
			if cert, ok := certificateIn(msg); ok {
				certs = append(certs, cert)
			}
		}
	}
	v := &verdicts{btree.NewG(overlayDegree, verdict.less)}
	for i, err := range c.VerifyAll(certs, committee.Validity) {
		v.known.ReplaceOrInsert(verdict{certHash(certs[i]), err})
	}
	return v
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

// verdicts are which certificates of a block the running committee has signed
// with at least the weight of validity.
type verdicts struct{ known *btree.BTreeG[verdict] }

type verdict struct {
	cert [32]byte
	err  error // nil if it is good
}

func (v verdict) less(w verdict) bool { return bytes.Compare(v.cert[:], w.cert[:]) < 0 }

func certHash(c committee.Certificate) [32]byte {
	v := certified{c}
	return sha256.Sum256(encode(v))
}

// certified gives a certificate its canonical bytes.
type certified struct{ committee.Certificate }

func (v *certified) fields(c *codec) { certificate(c, &v.Certificate) }

// verify refuses a certificate that the running epoch's committee has not
// signed with enough weight: Quorum or Validity. A checker looks at the weight
// only: signatures cost much, and whoever sends a bad one to a block pays for it.
func (x *execution) verify(cert committee.Certificate, enough func(committee.Weight, int) bool) *Error {
	fault := x.committee.CheckWeight(cert.Signers, enough)
	if fault == nil && x.verdicts != nil {
		found, ok := x.verdicts.known.Get(verdict{cert: certHash(cert)})
		if fault = found.err; !ok {
			fault = x.committee.Verify(cert, enough)
		}
	}
	switch {
	case errors.Is(fault, committee.ErrNoQuorum):
		return refuse(CodeNoQuorum, "%v", fault)
	case fault != nil:
		return refuse(CodeBadCertificate, "%v", fault)
	}
	return nil
}
