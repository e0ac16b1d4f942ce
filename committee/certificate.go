package committee

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/floe-storage/floe/committee/bls"
)

var (
	// ErrNoQuorum says that the signers of a certificate weigh too little.
	ErrNoQuorum = errors.New("committee: signers are no quorum")
	// ErrNotMember says that a signature is by nobody in the committee.
	ErrNotMember = errors.New("committee: signer is not a member")
	// ErrBitmap says that a bitmap of signers is longer than the committee or
	// marks somebody beyond its end.
	ErrBitmap = errors.New("committee: malformed bitmap of signers")
)

// Certificate is one message signed by several members.
type Certificate struct {
	Signers   []byte // bit i%8 of byte i/8, lowest first, is the member at position i; may be cut short
	Message   []byte
	Signature bls.Signature // the sum of the signers' signatures
}

// Verify checks that the signers of cert are members, that their weight passes
// enough ([Quorum] or [Validity]), and that each of them signed the message.
// It says nothing about what the message says. Errors: [ErrBitmap],
// [ErrNoQuorum], [bls.ErrKey] if the key of a signer is none, [bls.ErrSignature].
// [WL] §3.9
func (c *Committee) Verify(cert Certificate, enough func(Weight, int) bool) error {
	keys, err := c.signers(cert.Signers, enough)
	if err != nil {
		return err
	}
	return bls.Sum(keys).Verify(cert.Message, cert.Signature)
}

// VerifyAll checks many certificates in less time, on all processors. The result
// is parallel to certs; each error is what Verify returns.
func (c *Committee) VerifyAll(certs []Certificate, enough func(Weight, int) bool) []error {
	errs := make([]error, len(certs))
	signed := make([]bls.Signed, 0, len(certs))
	position := make([]int, 0, len(certs)) // of what is in signed
	for i, cert := range certs {
		keys, err := c.signers(cert.Signers, enough)
		if err != nil {
			errs[i] = err
			continue
		}
		signed = append(signed, bls.Signed{Keys: keys, Message: cert.Message, Signature: cert.Signature})
		position = append(position, i)
	}
	for i, err := range bls.VerifyBatch(signed) {
		errs[position[i]] = err
	}
	return errs
}

// signers returns keys whose sum is that of the marked members' keys, if these
// members are enough.
func (c *Committee) signers(bitmap []byte, enough func(Weight, int) bool) ([]bls.Key, error) {
	if err := c.CheckWeight(bitmap, enough); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(bitmap, func(b byte) bool { return b != 0 }) {
		return nil, fmt.Errorf("%w: by nobody", bls.ErrSignature)
	}
	return c.keys.addends(func(i int) bool { return marks(bitmap, i) })
}

// weigh adds up the weights of the members that bitmap marks.
func (c *Committee) weigh(bitmap []byte) (Weight, error) {
	if len(bitmap) > (len(c.members)+7)/8 {
		return 0, fmt.Errorf("%w: %d bytes for %d members", ErrBitmap, len(bitmap), len(c.members))
	}
	var weight Weight
	for i := range 8 * len(bitmap) {
		if !marks(bitmap, i) {
			continue
		}
		if i >= len(c.members) {
			return 0, fmt.Errorf("%w: bit %d of %d members", ErrBitmap, i, len(c.members))
		}
		weight += c.members[i].Weight()
	}
	return weight, nil
}

// WeightOf returns the weight of the members that a bitmap marks; 0 if it is
// malformed.
func (c *Committee) WeightOf(signers []byte) Weight {
	weight, err := c.weigh(signers)
	if err != nil {
		return 0
	}
	return weight
}

// CheckWeight is the part of Verify that looks at no signature: the signers are
// members, and their weight passes enough.
func (c *Committee) CheckWeight(signers []byte, enough func(Weight, int) bool) error {
	weight, err := c.weigh(signers)
	if err != nil {
		return err
	}
	if !enough(weight, c.Shards()) {
		return fmt.Errorf("%w: weight %d of %d", ErrNoQuorum, weight, c.Shards())
	}
	return nil
}

func marks(bitmap []byte, i int) bool { return i/8 < len(bitmap) && bitmap[i/8]>>(i%8)&1 == 1 }

// SignedConfirmation is one member's confirmation as it travels.
type SignedConfirmation struct {
	Message   []byte
	Signature bls.Signature
}

// Collector gathers the members' signatures of one message until they are a
// certificate. It is not safe for concurrent use.
type Collector struct {
	committee  *Committee
	message    []byte
	bitmap     []byte
	signatures []bls.Signature
	weight     Weight
}

// NewCollector returns a collector of signatures of message by members of c.
func NewCollector(c *Committee, message []byte) *Collector {
	return &Collector{committee: c, message: message, bitmap: make([]byte, (len(c.members)+7)/8)}
}

// Add takes the signature of a member after checking it. A second one by the
// same member changes nothing. Errors: [ErrNotMember], [ErrMessage] if it signed
// something else, [bls.ErrKey] if its key is none, [bls.ErrSignature].
func (k *Collector) Add(id NodeID, s SignedConfirmation) error {
	i := k.committee.IndexOf(id)
	if i < 0 {
		return fmt.Errorf("%w: %v", ErrNotMember, id)
	}
	if !bytes.Equal(s.Message, k.message) {
		return fmt.Errorf("%w: node %v signed %x", ErrMessage, id, s.Message)
	}
	m := &k.committee.members[i]
	key, err := k.committee.keys.member(i)
	if err != nil {
		return err
	}
	if err := key.Verify(s.Message, s.Signature); err != nil {
		return fmt.Errorf("confirmation of node %v: %w", id, err)
	}
	if k.bitmap[i/8]>>(i%8)&1 == 1 {
		return nil
	}
	k.bitmap[i/8] |= 1 << (i % 8)
	k.signatures = append(k.signatures, s.Signature)
	k.weight += m.Weight()
	return nil
}

// Weight returns the weight of the members that have signed.
func (k *Collector) Weight() Weight { return k.weight }

// Quorum tells whether the signatures are enough for a certificate.
func (k *Collector) Quorum() bool { return Quorum(k.weight, k.committee.Shards()) }

// Certificate aggregates what was gathered; [ErrNoQuorum] if it is too little.
func (k *Collector) Certificate() (Certificate, error) {
	if !k.Quorum() {
		return Certificate{}, fmt.Errorf("%w: weight %d of %d", ErrNoQuorum, k.weight, k.committee.Shards())
	}
	sum, err := bls.Aggregate(k.signatures)
	if err != nil {
		return Certificate{}, fmt.Errorf("aggregate %d confirmations: %w", len(k.signatures), err)
	}
	return Certificate{Signers: bytes.Clone(k.bitmap), Message: k.message, Signature: sum}, nil
}
