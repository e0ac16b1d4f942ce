package light

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/floe-storage/floe/committee/ledger"
)

// ErrRoot says that a text is no trust root, or that it does not fit the chain.
var ErrRoot = errors.New("light: malformed trust root")

// Root is what a user takes on faith to check everything else against. A root of
// height 0 does not date itself, so that whoever has the keys of two thirds of
// the first validators can use it for ever: it is good while a network is
// young, or where those keys are one's own.
type Root struct {
	ChainID string   // 1 to 50 printable ASCII characters without spaces
	Height  uint64   // of the header; 0: genesis
	Hash    [32]byte // of the header, or for height 0 of the genesis validators
}

// String returns the one-line form "chain@height:hash", the hash in 64
// hexadecimal digits in lower case.
func (r Root) String() string {
	return fmt.Sprintf("%s@%d:%x", r.ChainID, r.Height, r.Hash)
}

// IsZero tells whether r is no root at all.
func (r Root) IsZero() bool { return r == Root{} }

// ParseRoot reads the form that String writes; anything else is [ErrRoot].
func ParseRoot(s string) (Root, error) {
	refuse := func(what string) (Root, error) {
		return Root{}, fmt.Errorf("%w: %q: %s", ErrRoot, s[:min(len(s), 200)], what)
	}
	colon := strings.LastIndexByte(s, ':')
	at := strings.LastIndexByte(s[:max(colon, 0)], '@')
	if at < 0 {
		return refuse("want chain@height:hash")
	}
	r := Root{ChainID: s[:at]}
	if err := r.check(); err != nil {
		return Root{}, err
	}
	var err error
	if r.Height, err = strconv.ParseUint(s[at+1:colon], 10, 63); err != nil {
		return refuse("the height is no number")
	}
	digits := s[colon+1:]
	if len(digits) != 2*len(r.Hash) {
		return refuse("the hash has not 64 digits")
	}
	if _, err := hex.Decode(r.Hash[:], []byte(digits)); err != nil {
		return refuse("the hash is not hexadecimal")
	}
	if r.String() != s {
		return refuse("not the form that it is written in")
	}
	return r, nil
}

// MarshalText implements [encoding.TextMarshaler] in the form of String; no root
// at all is empty.
func (r Root) MarshalText() ([]byte, error) {
	if r.IsZero() {
		return nil, nil
	}
	return []byte(r.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]; see [ParseRoot].
func (r *Root) UnmarshalText(b []byte) (err error) {
	*r = Root{}
	if len(b) > 0 {
		*r, err = ParseRoot(string(b))
	}
	return err
}

func (r Root) check() error {
	if r.ChainID == "" || len(r.ChainID) > cmttypes.MaxChainIDLen {
		return fmt.Errorf("%w: chain ID of %d bytes, want 1 to %d", ErrRoot, len(r.ChainID), cmttypes.MaxChainIDLen)
	}
	for _, c := range []byte(r.ChainID) {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("%w: the chain ID has a character that is not printable ASCII", ErrRoot)
		}
	}
	return nil
}

// GenesisRoot returns the root of height 0 of a chain that begins with the given
// validators, as ledger.InitChain returns them.
func GenesisRoot(chainID string, validators []ledger.ValidatorUpdate) (Root, error) {
	r := Root{ChainID: chainID}
	if err := r.check(); err != nil {
		return Root{}, err
	}
	members := make([]*cmttypes.Validator, len(validators))
	for i, v := range validators {
		members[i] = cmttypes.NewValidator(ed25519.PubKey(v.ConsensusKey[:]), v.Power)
	}
	set, err := cmttypes.ValidatorSetFromExistingValidators(members) // sorts them
	if err != nil {
		return Root{}, fmt.Errorf("%w: genesis validators: %w", ErrRoot, err)
	}
	copy(r.Hash[:], set.Hash())
	return r, nil
}
