package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

const (
	magic    = "FLOEPOA1"
	maxSpans = 16
	// MaxSize is how many bytes a proof may have: a committee of a thousand nodes,
	// which are the validators as well, takes less than a tenth.
	MaxSize = 16 << 20
)

var (
	// ErrMalformed says that bytes are no proof of this form.
	ErrMalformed = errors.New("proof: no proof of availability")
	// ErrUnavailable says that the ledger, as it is proven, does not call the
	// blob available: it is not certified, has ended, or was encoded wrongly.
	ErrUnavailable = errors.New("proof: the blob is not available")
)

// Availability is what a proof proves.
type Availability struct {
	ChainID    string
	Height     uint64          // of the state that says so
	Time       time.Time       // of the next header: until then it was so at least
	Epoch      committee.Epoch // that was running
	Object     committee.ObjectID
	BlobID     shard.BlobID
	Size       uint64 // bytes before encoding
	Encoding   uint8
	Deletable  bool            // the owner may end it before End
	Certified  committee.Epoch // in which the committee signed
	End        committee.Epoch // with which it ends; the last epoch is the one before
	Owner      ledger.Address
	Attributes [32]byte // hash of the object's attributes, zero if there are none
	Point      ledger.Point
	Shards     int              // of the network
	Signed     committee.Weight // shards whose holders have signed
}

// Recorder reads the ledger and keeps the evidence, as ledgerrpc.Client does.
type Recorder interface {
	// Record calls read with a recent state, perhaps again with another one. It
	// returns the trace from a trust root to the header that proves the state, and
	// for each key in the order in which read got it first the span that proves it.
	Record(ctx context.Context, read func(r ledger.Reader) error) (trace []byte, spans [][]byte, err error)
}

// Export makes the proof for a blob object. An [ErrUnavailable] if there is
// nothing to prove.
func Export(ctx context.Context, r Recorder, object committee.ObjectID) ([]byte, error) {
	trace, spans, err := r.Record(ctx, func(r ledger.Reader) error {
		_, err := examine(r, object)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prove blob object %v: %w", object, err)
	}
	var e bcs.Encoder
	e.Fixed([]byte(magic))
	e.Fixed(object[:])
	e.Bytes(trace)
	e.Count(len(spans))
	for _, s := range spans {
		e.Bytes(s)
	}
	if e.Len() > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, e.Len(), MaxSize)
	}
	return e.Data(), nil
}

// Verify checks a proof against a trust root and returns what it proves. at is
// when the file is known to have existed: now, or earlier if the caller has
// evidence of that. The root's header must not be older than
// light.DefaultTrustPeriod then. Errors: [ErrMalformed], [ErrUnavailable],
// light.ErrProof, light.ErrExpired, light.ErrClock, and those of a certificate that
// does not hold.
func Verify(file []byte, root light.Root, at time.Time) (Availability, error) {
	return verify(file, root, at, light.DefaultTrustPeriod)
}

func verify(file []byte, root light.Root, at time.Time, period time.Duration) (Availability, error) {
	if len(file) > MaxSize {
		return Availability{}, fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, len(file), MaxSize)
	}
	d := bcs.NewDecoder(file)
	var mark [len(magic)]byte
	var object committee.ObjectID
	d.Fixed(mark[:])
	d.Fixed(object[:])
	trace := d.Bytes(MaxSize)
	r := &evidence{cache: map[string][]byte{}, spans: make([][]byte, d.Count(maxSpans, 1))}
	for i := range r.spans {
		r.spans[i] = d.Bytes(MaxSize)
	}
	if err := d.Finish(); err != nil {
		return Availability{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if string(mark[:]) != magic {
		return Availability{}, fmt.Errorf("%w: it begins with %q", ErrMalformed, mark)
	}
	header, err := light.VerifyTrace(trace, root, at, period)
	if err != nil {
		return Availability{}, err
	}
	r.appHash = header.AppHash
	a, err := examine(r, object)
	if err = errors.Join(r.err, err); err != nil {
		return Availability{}, err
	}
	if len(r.spans) > 0 {
		return Availability{}, fmt.Errorf("%w: %d spans that prove nothing", ErrMalformed, len(r.spans))
	}
	a.ChainID, a.Height, a.Time = root.ChainID, header.Height-1, header.Time
	return a, nil
}

// examine reads all that makes a blob available and checks the certificate.
// The order of its reading is part of the file's form.
func examine(r ledger.Reader, object committee.ObjectID) (Availability, error) {
	sys, err := ledger.ReadSystem(r)
	if err != nil {
		return Availability{}, err
	}
	b, err := ledger.ReadBlob(r, object)
	if err != nil {
		return Availability{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if b.Certified == 0 || sys.Epoch >= b.Storage.End {
		return Availability{}, fmt.Errorf("%w: certified in epoch %d, ends with epoch %d, now %d", ErrUnavailable, b.Certified, b.Storage.End, sys.Epoch)
	}
	if _, invalid, err := ledger.ReadBlobInvalid(r, b.BlobID); err != nil || invalid {
		return Availability{}, errors.Join(err, fmt.Errorf("%w: it was encoded wrongly", ErrUnavailable))
	}
	cert, err := ledger.ReadCertificate(r, object)
	if err != nil {
		return Availability{}, err
	}
	signers, err := ledger.ReadCommitteeAt(r, b.Certified)
	if err != nil {
		return Availability{}, fmt.Errorf("committee of epoch %d: %w", b.Certified, err)
	}
	if err := signers.Verify(cert, committee.Quorum); err != nil {
		return Availability{}, fmt.Errorf("certificate of blob object %v: %w", object, err)
	}
	return Availability{
		Epoch: sys.Epoch, Object: b.ID, BlobID: b.BlobID, Size: b.Size, Encoding: b.Encoding, Deletable: b.Deletable,
		Certified: b.Certified, End: b.Storage.End, Owner: b.Owner, Attributes: b.Attributes, Point: b.Point,
		Shards: signers.Shards(), Signed: signers.WeightOf(cert.Signers),
	}, nil
}

// evidence is a state of which nothing is known but what spans prove. Each key
// that is read for the first time takes the next one. The first fault sticks.
type evidence struct {
	appHash [32]byte
	spans   [][]byte // not used yet
	cache   map[string][]byte
	err     error
}

// Get implements [ledger.Reader].
func (r *evidence) Get(key []byte) []byte {
	if value, ok := r.cache[string(key)]; ok || r.err != nil {
		return value
	}
	if len(r.spans) == 0 {
		r.err = fmt.Errorf("%w: it ends where key %x should be proven", ErrMalformed, key)
		return nil
	}
	entries, _, err := light.VerifyRange(r.appHash, key, append(bytes.Clone(key), 0), r.spans[0])
	if err != nil {
		r.err = fmt.Errorf("key %x of the state: %w", key, err)
		return nil
	}
	r.spans = r.spans[1:]
	var value []byte
	if len(entries) > 0 {
		value = entries[0].Value
	}
	r.cache[string(key)] = value
	return value
}

// Ascend implements [ledger.Reader]; a proof has no ranges.
func (r *evidence) Ascend([]byte, []byte, func(key, value []byte) bool) {
	r.err = fmt.Errorf("%w: it has no ranges", ErrMalformed)
}
