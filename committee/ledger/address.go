package ledger

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/cosmos/btcutil/bech32"
)

const (
	addressTag   = "floe/address/1"
	addressLabel = "floe" // the part of an address's text before the 1
)

// ErrAddress says that a text is no address.
var ErrAddress = errors.New("ledger: malformed address")

// Address names an account: the hash of its Ed25519 public key.
type Address [32]byte

// AddressOf returns the address of the account that key signs for.
func AddressOf(key ed25519.PublicKey) Address {
	return sha256.Sum256(append([]byte(addressTag), key...))
}

// String returns the address in bech32: floe1 and 58 characters.
func (a Address) String() string {
	s, err := bech32.EncodeFromBase256(addressLabel, a[:])
	if err != nil {
		return fmt.Sprintf("%x", a[:]) // 32 bytes always encode
	}
	return s
}

// ParseAddress reads the form that String writes; anything else is [ErrAddress].
func ParseAddress(s string) (Address, error) {
	var a Address
	label, b, err := bech32.DecodeToBase256(s)
	if err != nil {
		return a, fmt.Errorf("%w: %q: %w", ErrAddress, s, err)
	}
	if label != addressLabel || len(b) != len(a) {
		return a, fmt.Errorf("%w: %q", ErrAddress, s)
	}
	if s != strings.ToLower(s) {
		return a, fmt.Errorf("%w: %q is in upper case", ErrAddress, s)
	}
	return Address(b), nil
}

// MarshalText implements [encoding.TextMarshaler] in the form of String.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]; see [ParseAddress].
func (a *Address) UnmarshalText(b []byte) error {
	parsed, err := ParseAddress(string(b))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}
