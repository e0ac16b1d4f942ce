package committee

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ErrID says that a text is no ID: "0x" and 64 hexadecimal digits in lower case.
var ErrID = errors.New("committee: malformed ID")

// NodeID names a storage node; it stays the same when its keys change.
type NodeID [32]byte

// ObjectID names an object of the ledger: a storage resource or a blob.
type ObjectID [32]byte

// String returns "0x" and 64 hexadecimal digits in lower case.
func (id NodeID) String() string { return idText(id) }

// Compare orders IDs as big-endian numbers.
func (id NodeID) Compare(other NodeID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText implements [encoding.TextMarshaler] in the form of String.
func (id NodeID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]; see [ParseObjectID].
func (id *NodeID) UnmarshalText(b []byte) error { return parseID((*[32]byte)(id), string(b)) }

// String returns "0x" and 64 hexadecimal digits in lower case.
func (id ObjectID) String() string { return idText(id) }

// IsZero tells whether id is the zero ID, which names nothing.
func (id ObjectID) IsZero() bool { return id == ObjectID{} }

// MarshalText implements [encoding.TextMarshaler] in the form of String.
func (id ObjectID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]; see [ParseObjectID].
func (id *ObjectID) UnmarshalText(b []byte) error { return parseID((*[32]byte)(id), string(b)) }

// ParseObjectID reads the form that String writes; anything else is [ErrID].
func ParseObjectID(s string) (ObjectID, error) {
	var id ObjectID
	err := parseID((*[32]byte)(&id), s)
	return id, err
}

func idText(id [32]byte) string { return "0x" + hex.EncodeToString(id[:]) }

func parseID(id *[32]byte, s string) error {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || len(digits) != 2*len(id) {
		return fmt.Errorf("%w: %q is not 0x and 64 hexadecimal digits", ErrID, s)
	}
	var b [32]byte
	if _, err := hex.Decode(b[:], []byte(digits)); err != nil {
		return fmt.Errorf("%w: %q: %w", ErrID, s, err)
	}
	if digits != strings.ToLower(digits) {
		return fmt.Errorf("%w: %q has digits in upper case", ErrID, s)
	}
	*id = b
	return nil
}
