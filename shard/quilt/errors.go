package quilt

import (
	"errors"
	"fmt"

	"github.com/floe-storage/floe/shard"
)

// What can be wrong with sources; test for them with errors.Is.
var (
	// ErrIdentifier: a text cannot identify a patch; see CheckIdentifier.
	ErrIdentifier = errors.New("quilt: invalid identifier")
	// ErrTags: tags are not UTF-8 or have more than MaxTagsSize bytes.
	ErrTags = errors.New("quilt: invalid tags")
	// ErrDuplicate: two sources have the same identifier.
	ErrDuplicate = errors.New("quilt: identifier is used twice")
	// ErrTooMany: there are more sources than MaxPatches.
	ErrTooMany = errors.New("quilt: too many patches")
	// ErrTooLarge: a source, or all of them, do not fit a quilt.
	ErrTooLarge = errors.New("quilt: too large")
)

// ErrMalformed says that a blob is not a quilt, or that its index or a patch of
// it contradicts itself. Its author is wrong, so trying again is of no use.
var ErrMalformed = errors.New("quilt: malformed")

// ErrNotFound says that the quilt has no such patch.
var ErrNotFound = errors.New("quilt: no such patch")

// ErrPatchID says that a text or bytes are not a patch ID or an internal ID.
var ErrPatchID = errors.New("quilt: not a patch ID")

// ErrPath says that an identifier cannot be used as the path of a file.
var ErrPath = errors.New("quilt: not a safe path")

// MissingError says which columns a Reader has to be given before it can answer.
// Further ones can turn out to be needed when those are there.
type MissingError struct {
	Columns []shard.SliverIndex // ascending; the indices of secondary slivers
}

// Error implements error.
func (e *MissingError) Error() string {
	if len(e.Columns) == 1 {
		return fmt.Sprintf("quilt: column %d is missing", e.Columns[0])
	}
	return fmt.Sprintf("quilt: %d columns are missing", len(e.Columns))
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}
