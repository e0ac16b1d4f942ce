package shard

import (
	"errors"
	"fmt"
)

// Reasons inside an *InvalidError; test for them with errors.Is.
var (
	// ErrIndex: an index is not below the number of shards.
	ErrIndex = errors.New("shard: index out of range")
	// ErrAxis: an axis is neither Primary nor Secondary, or not the expected one.
	ErrAxis = errors.New("shard: wrong axis")
	// ErrSliverSize: a sliver does not have the size that the blob's size gives.
	ErrSliverSize = errors.New("shard: wrong sliver size")
	// ErrSymbolSize: a symbol, or the symbol size of a sliver, is not the one
	// that the blob's size gives.
	ErrSymbolSize = errors.New("shard: wrong symbol size")
	// ErrMismatch: bytes do not hash to the root in the metadata. It is also
	// returned outside an *InvalidError when a recovered sliver does not match:
	// then a symbol was wrong or the blob was encoded wrongly.
	ErrMismatch = errors.New("shard: does not match the metadata")
	// ErrProof: a Merkle proof does not lead to the root in the metadata.
	ErrProof = errors.New("shard: wrong proof")
	// ErrMetadata: metadata does not fit the number of shards or the blob ID.
	ErrMetadata = errors.New("shard: wrong metadata")
	// ErrCount: an inconsistency proof does not have the right number of symbols.
	ErrCount = errors.New("shard: wrong number of symbols")
	// ErrConsistent: an inconsistency proof accuses a sliver that is correct.
	ErrConsistent = errors.New("shard: sliver is consistent")
)

// ErrNotEnough says that there are fewer distinct slivers or symbols than are
// needed: get more and try again.
var ErrNotEnough = errors.New("shard: not enough pieces")

// ErrParams says that a Params was not made by NewParams.
var ErrParams = errors.New("shard: parameters are not set")

// ErrClosed says that an Encoder or a Decoder was used after its Close.
var ErrClosed = errors.New("shard: closed")

// InvalidError says that something received cannot be what it claims to be: its
// author is faulty, and asking again for the same is of no use.
type InvalidError struct {
	What string // the subject, such as "primary sliver 3"
	Err  error  // the reason: one of the Err values above or a bcs.ErrMalformed
}

// Error implements error.
func (e *InvalidError) Error() string { return fmt.Sprintf("%s: %v", e.What, e.Err) }

// Unwrap returns the reason.
func (e *InvalidError) Unwrap() error { return e.Err }

func invalid(err error, format string, args ...any) error {
	return &InvalidError{What: fmt.Sprintf(format, args...), Err: err}
}

// TooLargeError says that a blob does not fit a network of that many shards.
type TooLargeError struct {
	Size   uint64 // of the blob
	Max    uint64 // that Shards shards can take
	Shards int
}

// Error implements error.
func (e *TooLargeError) Error() string {
	s := fmt.Sprintf("shard: blob of %d bytes is larger than the maximum of %d bytes for %d shards",
		e.Size, e.Max, e.Shards)
	if n, ok := e.Needed(); ok {
		s += fmt.Sprintf("; %d shards would take it", n)
	}
	return s
}

// Needed returns the least number of shards that would take the blob, or false
// when no number would.
func (e *TooLargeError) Needed() (int, bool) {
	for n := MinShards; n <= MaxShards; n++ {
		if (Params{n: n}).MaxBlobSize() >= e.Size {
			return n, true
		}
	}
	return 0, false
}

// InconsistentBlobError says that a blob's slivers do not belong together
// although each matches the metadata: whoever encoded it did it wrongly, and no
// reader may use it.
type InconsistentBlobError struct {
	Blob  BlobID
	Check Check
	// Row is the first row of the decoded blob whose root differs; it is set by
	// CheckDefault only.
	Row SliverIndex
}

// Error implements error.
func (e *InconsistentBlobError) Error() string {
	if e.Check == CheckDefault {
		return fmt.Sprintf("shard: blob %v is encoded inconsistently: row %d does not match the metadata", e.Blob, e.Row)
	}
	return fmt.Sprintf("shard: blob %v is encoded inconsistently", e.Blob)
}
