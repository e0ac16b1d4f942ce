package quilt

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/floe-storage/floe/shard"
)

const (
	// InternalIDSize is the size of an InternalID in bytes.
	InternalIDSize = 1 + 2 + 2
	// PatchIDSize is the size of a PatchID in bytes.
	PatchIDSize = shard.BlobIDSize + InternalIDSize
)

// patchIDTextLen is the length of the text form: 50·6 bits hold 296.
const patchIDTextLen = 50

// InternalID names a patch within a quilt by its columns. Both are indices of
// secondary slivers; 1 ≤ Start < End, for column 0 is the index's.
type InternalID struct {
	Start, End shard.SliverIndex // End is the column after the last
}

// ParseInternalID reads the canonical form. Its error is an ErrPatchID.
func ParseInternalID(b []byte) (InternalID, error) {
	if len(b) != InternalIDSize {
		return InternalID{}, fmt.Errorf("%w: %d bytes, want %d", ErrPatchID, len(b), InternalIDSize)
	}
	if b[0] != version {
		return InternalID{}, fmt.Errorf("%w: version %d, want %d", ErrPatchID, b[0], version)
	}
	id := InternalID{
		Start: shard.SliverIndex(binary.LittleEndian.Uint16(b[1:])),
		End:   shard.SliverIndex(binary.LittleEndian.Uint16(b[3:])),
	}
	if !id.valid() {
		return InternalID{}, fmt.Errorf("%w: columns %v", ErrPatchID, id)
	}
	return id, nil
}

func (id InternalID) valid() bool { return id.Start >= 1 && id.Start < id.End }

// Columns returns how many columns the patch has.
func (id InternalID) Columns() int { return max(int(id.End)-int(id.Start), 0) }

// Needed returns the indices of the secondary slivers that hold the patch.
func (id InternalID) Needed() []shard.SliverIndex {
	return span(int(id.Start), int(id.End))
}

// AppendBinary appends the canonical form, InternalIDSize bytes, to b. It never
// fails.
func (id InternalID) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, version)
	b = binary.LittleEndian.AppendUint16(b, uint16(id.Start))
	return binary.LittleEndian.AppendUint16(b, uint16(id.End)), nil
}

// String returns the columns, such as "1-3", where 3 is the one after the last.
func (id InternalID) String() string { return fmt.Sprintf("%d-%d", id.Start, id.End) }

// PatchID names a patch in the network.
type PatchID struct {
	Quilt shard.BlobID
	Patch InternalID
}

// ParsePatchID reads the text form: exactly 50 characters of the URL-safe base64
// alphabet, without padding, whose last four bits are zero. Its error is an
// ErrPatchID.
func ParsePatchID(s string) (PatchID, error) {
	// The length is checked first because the decoder skips line breaks.
	if len(s) != patchIDTextLen {
		return PatchID{}, fmt.Errorf("%w: %d characters, want %d", ErrPatchID, len(s), patchIDTextLen)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != PatchIDSize {
		return PatchID{}, fmt.Errorf("%w: %q", ErrPatchID, s)
	}
	patch, err := ParseInternalID(b[shard.BlobIDSize:])
	if err != nil {
		return PatchID{}, err
	}
	return PatchID{Quilt: shard.BlobID(b[:shard.BlobIDSize]), Patch: patch}, nil
}

// AppendBinary appends the canonical form, PatchIDSize bytes, to b. It never
// fails.
func (id PatchID) AppendBinary(b []byte) ([]byte, error) {
	return id.Patch.AppendBinary(append(b, id.Quilt[:]...))
}

// String returns the text form, 50 characters.
func (id PatchID) String() string {
	b, _ := id.AppendBinary(make([]byte, 0, PatchIDSize))
	return base64.RawURLEncoding.EncodeToString(b)
}

// MarshalText returns the text form. It never fails.
func (id PatchID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the text form, as ParsePatchID does.
func (id *PatchID) UnmarshalText(text []byte) error {
	v, err := ParsePatchID(string(text))
	if err != nil {
		return err
	}
	*id = v
	return nil
}

// span returns the numbers from start up to, but not including, end.
func span(start, end int) []shard.SliverIndex {
	columns := make([]shard.SliverIndex, 0, max(end-start, 0))
	for c := start; c < end; c++ {
		columns = append(columns, shard.SliverIndex(c))
	}
	return columns
}
