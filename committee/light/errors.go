package light

import (
	"errors"
	"fmt"
)

var (
	// ErrExpired says that what is trusted is older than the trust period, so
	// that a later header cannot be believed on its ground: the user has to get
	// a fresh root.
	ErrExpired = errors.New("light: the trust root is too old: get a fresh one")
	// ErrBeforeRoot says that a header is older than the root, which says nothing of it.
	ErrBeforeRoot = errors.New("light: the height lies before the trust root")
	// ErrUnavailable says that no source that is left has a header. Later one may.
	ErrUnavailable = errors.New("light: no source has the header")
	// ErrClock says that a header is of the future: this machine's clock is
	// behind, or nearly all validators' are ahead.
	ErrClock = errors.New("light: the header is of the future: check this machine's clock")
	// ErrFar says that a header is further from what is trusted than is verified
	// at a time.
	ErrFar = errors.New("light: too many headers lie between the trust root and the header")
)

// SourceError names a source that has served what cannot be true. It is not
// asked again.
type SourceError struct {
	Source Source
	Err    error
}

func (e *SourceError) Error() string { return fmt.Sprintf("light: source %v: %v", e.Source, e.Err) }

// Unwrap returns what is wrong.
func (e *SourceError) Unwrap() error { return e.Err }

// ForkError says that two different headers of one height are signed by enough
// validators: a third of them has signed both. Nothing of this height is to be
// believed, by whomever it is served.
type ForkError struct {
	Height uint64
	Hashes [2][32]byte
}

func (e *ForkError) Error() string {
	return fmt.Sprintf("light: validators have signed two headers of height %d, %x and %x", e.Height, e.Hashes[0], e.Hashes[1])
}
