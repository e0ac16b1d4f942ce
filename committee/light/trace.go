package light

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/proto/tendermint/version"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/floe-storage/floe/shard/bcs"
)

const (
	maxTrace       = maxFetches
	leastBlock     = 100 // bytes; an honest one has several times that
	leastValidator = 32 + 8
	sigForms       = 3
)

// Trace returns the headers that lead from the root to a height, as few as
// skipping verification needs, with their commits and validators, for
// [VerifyTrace]. The last one is of the height. The form is in the comment of
// the package.
func (c *Client) Trace(ctx context.Context, height uint64) ([]byte, error) {
	target, err := c.Block(ctx, height)
	if err != nil {
		return nil, err
	}
	first, err := c.Block(ctx, max(c.root.Height, 1))
	if err != nil {
		return nil, err
	}
	blocks := []*cmttypes.LightBlock{first}
	if target.Height > first.Height {
		trace, err := skip(ctx, c.Block, first, target, c.period, time.Now())
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, trace...)
	}
	var e bcs.Encoder
	e.String(c.root.ChainID)
	e.Count(len(blocks))
	for _, b := range blocks {
		if err := encodeBlock(&e, b); err != nil {
			return nil, err
		}
	}
	return e.Data(), nil
}

// VerifyTrace checks a trace and returns its last header. One of its headers has
// to be the root's, with the same hash; for a root of height 0 the first one.
// at is when the trace is known to have existed, usually now: a header must not
// be older than the trust period then to be a ground for another, or validators
// who have left since may have made that up. What does not hold is [ErrProof],
// [ErrExpired] or [ErrClock]. Every byte is checked.
func VerifyTrace(trace []byte, root Root, at time.Time, period time.Duration) (Header, error) {
	d := bcs.NewDecoder(trace)
	chain := d.String(cmttypes.MaxChainIDLen)
	blocks := make([]*cmttypes.LightBlock, d.Count(maxTrace, leastBlock))
	var err error
	for i := range blocks {
		if blocks[i], err = decodeBlock(d, chain); err != nil {
			return Header{}, fmt.Errorf("%w: header %d of the trace: %w", ErrProof, i, err)
		}
	}
	if err := d.Finish(); err != nil {
		return Header{}, fmt.Errorf("%w: trace: %w", ErrProof, err)
	}
	if chain != root.ChainID {
		return Header{}, fmt.Errorf("%w: the trace is of chain %q, the trust root of %q", ErrProof, chain, root.ChainID)
	}
	trusted := false
	for i, b := range blocks {
		// All signatures are checked, not only as many as would do.
		if err := b.ValidatorSet.VerifyCommit(chain, b.Commit.BlockID, b.Height, b.Commit); err != nil {
			return Header{}, fmt.Errorf("%w: header of height %d: %w", ErrProof, b.Height, err)
		}
		if trusted {
			if err := judge(blocks[i-1], b, period, at); err != nil {
				if fatal(err) {
					return Header{}, err
				}
				return Header{}, fmt.Errorf("%w: header of height %d: %w", ErrProof, b.Height, err)
			}
		}
		trusted = trusted || root.checkRoot(b) == nil
	}
	if !trusted {
		return Header{}, fmt.Errorf("%w: the trust root is not in the trace", ErrProof)
	}
	return headerOf(blocks[len(blocks)-1]), nil
}

func encodeTime(e *bcs.Encoder, t time.Time) {
	e.U64(uint64(t.Unix()))
	e.U32(uint32(t.Nanosecond()))
}

func decodeTime(d *bcs.Decoder) time.Time {
	const year9999 = 253402300800 // from where on protobuf has no times
	seconds, nanos := d.U64(), d.U32()
	if seconds >= year9999 || nanos >= 1e9 {
		d.Fail("a time of no use")
		return time.Time{}
	}
	return time.Unix(int64(seconds), int64(nanos)).UTC()
}

// hashes lists the header's hashes in the order in which they are written.
func hashes(h *cmttypes.Header) []*[]byte {
	return []*[]byte{
		(*[]byte)(&h.LastBlockID.Hash), (*[]byte)(&h.LastBlockID.PartSetHeader.Hash), (*[]byte)(&h.LastCommitHash),
		(*[]byte)(&h.DataHash), (*[]byte)(&h.ValidatorsHash), (*[]byte)(&h.NextValidatorsHash), (*[]byte)(&h.ConsensusHash),
		(*[]byte)(&h.AppHash), (*[]byte)(&h.LastResultsHash), (*[]byte)(&h.EvidenceHash), (*[]byte)(&h.ProposerAddress),
	}
}

// encodeBlock writes a light block without what follows from the rest: chain ID,
// hash, addresses, proposer and priorities.
func encodeBlock(e *bcs.Encoder, b *cmttypes.LightBlock) error {
	h := b.Header
	e.U64(h.Version.Block)
	e.U64(h.Version.App)
	e.U64(uint64(h.Height))
	encodeTime(e, h.Time)
	e.U32(h.LastBlockID.PartSetHeader.Total)
	for _, x := range hashes(h) {
		e.Bytes(*x)
	}
	e.U32(uint32(b.Commit.Round))
	e.U32(b.Commit.BlockID.PartSetHeader.Total)
	e.Bytes(b.Commit.BlockID.PartSetHeader.Hash)
	e.Count(len(b.ValidatorSet.Validators))
	for i, v := range b.ValidatorSet.Validators {
		e.Fixed(v.PubKey.Bytes())
		e.U64(uint64(v.VotingPower))
		sig := b.Commit.Signatures[i]
		if sig.BlockIDFlag == cmttypes.BlockIDFlagAbsent {
			e.ULEB(0)
			continue
		}
		if len(sig.Signature) != ed25519.SignatureSize {
			return fmt.Errorf("%w: a signature of %d bytes", ErrBlock, len(sig.Signature))
		}
		e.ULEB(uint32(sig.BlockIDFlag) - 1) // 1 for the block, 2 for none
		encodeTime(e, sig.Timestamp)
		e.Fixed(sig.Signature)
	}
	return nil
}

// decodeBlock reads what encodeBlock wrote and checks all but the signatures.
func decodeBlock(d *bcs.Decoder, chain string) (*cmttypes.LightBlock, error) {
	h := &cmttypes.Header{ChainID: chain, Version: version.Consensus{Block: d.U64(), App: d.U64()}}
	h.Height, h.Time = int64(d.U64()), decodeTime(d)
	h.LastBlockID.PartSetHeader.Total = d.U32()
	for _, x := range hashes(h) {
		*x = bytes.Clone(d.Bytes(32))
	}
	commit := &cmttypes.Commit{Height: h.Height, Round: int32(d.U32())}
	commit.BlockID.PartSetHeader = cmttypes.PartSetHeader{Total: d.U32(), Hash: bytes.Clone(d.Bytes(32))}
	validators := make([]*cmttypes.Validator, d.Count(maxValidators, leastValidator))
	var power int64
	seen := make(map[string]bool, len(validators))
	for i := range validators {
		key := make(ed25519.PubKey, ed25519.PubKeySize)
		d.Fixed(key)
		p := d.U64()
		if p == 0 || p > uint64(cmttypes.MaxTotalVotingPower-power) || seen[string(key)] {
			d.Fail("a validator without power, with too much, or twice")
			break
		}
		power += int64(p)
		seen[string(key)] = true
		validators[i] = cmttypes.NewValidator(key, int64(p))
		commit.Signatures = append(commit.Signatures, decodeSignature(d, validators[i]))
	}
	if d.Err() != nil {
		return nil, d.Err()
	}
	set, err := cmttypes.ValidatorSetFromExistingValidators(slices.Clone(validators))
	if err != nil {
		return nil, err
	}
	for i, v := range set.Validators {
		if v != validators[i] {
			return nil, errors.New("validators are out of order")
		}
	}
	commit.BlockID.Hash = h.Hash()
	b := &cmttypes.LightBlock{SignedHeader: &cmttypes.SignedHeader{Header: h, Commit: commit}, ValidatorSet: set}
	if err := b.ValidateBasic(chain); err != nil {
		return nil, err
	}
	if len(h.AppHash) != 32 || len(h.Hash()) != 32 {
		return nil, errors.New("a hash has not 32 bytes")
	}
	return b, nil
}

func decodeSignature(d *bcs.Decoder, v *cmttypes.Validator) cmttypes.CommitSig {
	form := d.Variant(sigForms)
	if form == 0 {
		return cmttypes.NewCommitSigAbsent()
	}
	sig := cmttypes.CommitSig{
		BlockIDFlag: cmttypes.BlockIDFlag(form + 1), ValidatorAddress: v.Address, Timestamp: decodeTime(d),
		Signature: make([]byte, ed25519.SignatureSize),
	}
	d.Fixed(sig.Signature)
	return sig
}
