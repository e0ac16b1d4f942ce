package ledgerrpc

import (
	"context"
	"errors"

	"github.com/floe-storage/floe/committee/ledger"
)

// ErrNoProof says that a client which believes its peers has nothing to prove
// to others.
var ErrNoProof = errors.New("ledgerrpc: nothing is proven without a trust root")

// errAscend says that a recording read a range.
var errAscend = errors.New("ledgerrpc: ranges are not recorded")

// Record is View with evidence for others: for each key in the order in which
// read got it first, the span that proves its value or absence (see
// light.VerifyRange), and the trace from the client's root to the header that
// proves the spans (see light.VerifyTrace). read may get keys, and no ranges.
func (c *Client) Record(ctx context.Context, read func(r ledger.Reader) error) (trace []byte, spans [][]byte, err error) {
	if c.light == nil {
		return nil, nil, ErrNoProof
	}
	var header uint64
	err = c.View(ctx, func(r ledger.Reader, height uint64) error {
		rec := &recording{reader: r.(*reader), got: map[string]bool{}}
		header, spans = height+1, nil
		err := read(rec)
		spans = rec.spans
		return errors.Join(err, rec.err)
	})
	if err != nil {
		return nil, nil, err
	}
	trace, err = c.light.Trace(ctx, header)
	return trace, spans, err
}

// recording keeps the spans of what is read.
type recording struct {
	*reader
	got   map[string]bool
	spans [][]byte
	err   error
}

// Get implements [ledger.Reader].
func (r *recording) Get(key []byte) []byte {
	value := r.reader.Get(key)
	if r.reader.err == nil && !r.got[string(key)] {
		r.got[string(key)] = true
		r.spans = append(r.spans, r.proofs[string(key)])
	}
	return value
}

// Ascend implements [ledger.Reader].
func (r *recording) Ascend([]byte, []byte, func(key, value []byte) bool) { r.err = errAscend }
