package light

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"
)

const (
	// MaxBlockSize is how many bytes a light block may have. 1000 validators
	// need a third of it.
	MaxBlockSize  = 512 << 10
	maxValidators = 4096
)

// ErrBlock says that bytes are no light block of the chain.
var ErrBlock = errors.New("light: malformed light block")

// Header is what a verified header says.
type Header struct {
	Height uint64
	Time   time.Time
	Hash   [32]byte
	// AppHash is the hash of the state after the height before.
	AppHash [32]byte
	// ResultsHash covers the results of the transactions of the height before.
	ResultsHash []byte
	// DataHash covers the transactions of this height.
	DataHash []byte
}

func headerOf(b *cmttypes.LightBlock) Header {
	return Header{
		Height:      uint64(b.Height),
		Time:        b.Time,
		Hash:        [32]byte(b.Hash()),
		AppHash:     [32]byte(b.AppHash),
		ResultsHash: b.LastResultsHash,
		DataHash:    b.DataHash,
	}
}

// ParseBlock reads CometBFT's protobuf form of a light block and checks all that
// can be checked without a signature: the shape, that it is of the chain, and
// that commit and validators belong to the header. Anything else is [ErrBlock].
// An empty chainID allows any chain.
// The validators' proposer priorities are under no hash and believed as they are.
func ParseBlock(chainID string, b []byte) (*cmttypes.LightBlock, error) {
	if len(b) > MaxBlockSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrBlock, len(b), MaxBlockSize)
	}
	var pb cmtproto.LightBlock
	if err := pb.Unmarshal(b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBlock, err)
	}
	if err := checkBlock(&pb); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBlock, err)
	}
	block, err := cmttypes.LightBlockFromProto(&pb)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBlock, err)
	}
	if chainID == "" {
		chainID = block.ChainID
	}
	if err := block.ValidateBasic(chainID); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBlock, err)
	}
	if len(block.AppHash) != 32 || len(block.Hash()) != 32 {
		return nil, fmt.Errorf("%w: a hash has not 32 bytes", ErrBlock)
	}
	return block, nil
}

// ReadHeader returns what a light block says, of whatever chain, without
// verifying a signature: for those who believe its source.
func ReadHeader(block []byte) (Header, error) {
	b, err := ParseBlock("", block)
	if err != nil {
		return Header{}, err
	}
	return headerOf(b), nil
}

// checkBlock refuses what CometBFT's constructors are not made for: other keys
// than ours, powers whose sum overflows, validators that appear twice.
func checkBlock(pb *cmtproto.LightBlock) error {
	if pb.SignedHeader == nil || pb.SignedHeader.Header == nil || pb.SignedHeader.Commit == nil || pb.ValidatorSet == nil {
		return errors.New("a part is missing")
	}
	validators := pb.ValidatorSet.Validators
	if n := len(validators); n == 0 || n > maxValidators || len(pb.SignedHeader.Commit.Signatures) != n {
		return fmt.Errorf("%d validators and %d signatures", n, len(pb.SignedHeader.Commit.Signatures))
	}
	if pb.ValidatorSet.Proposer == nil {
		return errors.New("a part is missing")
	}
	seen := make(map[string]bool, len(validators))
	var power int64
	for _, v := range validators {
		key := v.PubKey.GetEd25519()
		if len(key) != ed25519.PubKeySize || seen[string(key)] {
			return errors.New("a validator's key is not Ed25519 or appears twice")
		}
		seen[string(key)] = true
		if v.VotingPower < 1 || v.VotingPower > cmttypes.MaxTotalVotingPower-power {
			return fmt.Errorf("a validator has power %d", v.VotingPower)
		}
		power += v.VotingPower
		if string(v.Address) != string(ed25519.PubKey(key).Address()) {
			return errors.New("a validator's address is not that of its key")
		}
		if v.ProposerPriority < -maxPriority || v.ProposerPriority > maxPriority {
			return errors.New("a validator's proposer priority is out of bounds")
		}
	}
	return nil
}

// maxPriority bounds proposer priorities, which CometBFT keeps within a few
// times the total power.
const maxPriority = math.MaxInt64 / 2
