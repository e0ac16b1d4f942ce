package light

import (
	"context"
	"errors"
	"fmt"
	"time"

	cmtlight "github.com/cometbft/cometbft/light"
	cmttypes "github.com/cometbft/cometbft/types"
)

const (
	// DefaultTrustPeriod is how long a header is trusted: less than the time for
	// which validators can be held to account for what they have signed.
	DefaultTrustPeriod = 14 * 24 * time.Hour

	maxClockDrift = 10 * time.Second // that a header may be ahead of us
	maxFetches    = 256              // headers in between that are asked for in one verification
)

// errGap says that too few of the validators that are trusted have signed.
var errGap = errors.New("light: a header in between is needed")

// judge verifies one header on the ground of one that is trusted: nil, errGap,
// ErrExpired, ErrClock, or what is wrong with it.
func judge(trusted, b *cmttypes.LightBlock, period time.Duration, now time.Time) error {
	if !b.Time.Before(now.Add(maxClockDrift)) {
		return fmt.Errorf("%w: it says %v", ErrClock, b.Time)
	}
	err := cmtlight.Verify(trusted.SignedHeader, trusted.ValidatorSet, b.SignedHeader, b.ValidatorSet,
		period, now, maxClockDrift, cmtlight.DefaultTrustLevel)
	if _, ok := errors.AsType[cmtlight.ErrNewValSetCantBeTrusted](err); ok {
		return errGap
	}
	if _, ok := errors.AsType[cmtlight.ErrOldHeaderExpired](err); ok {
		return fmt.Errorf("%w: the header of height %d is of %v", ErrExpired, trusted.Height, trusted.Time)
	}
	return err
}

// skip verifies target on the ground of a trusted header below it and returns
// the headers that are then trusted as well, in order, target last. fetch
// gives those in between.
func skip(ctx context.Context, fetch func(ctx context.Context, height uint64) (*cmttypes.LightBlock, error),
	trusted, target *cmttypes.LightBlock, period time.Duration, now time.Time,
) ([]*cmttypes.LightBlock, error) {
	var trace []*cmttypes.LightBlock
	ahead := []*cmttypes.LightBlock{target} // the last one is tried next
	fetched := 0
	for len(ahead) > 0 {
		b := ahead[len(ahead)-1]
		err := judge(trusted, b, period, now)
		switch {
		case err == nil:
			trusted, ahead = b, ahead[:len(ahead)-1]
			trace = append(trace, b)
			continue
		case !errors.Is(err, errGap):
			return nil, fmt.Errorf("header of height %d on the ground of %d: %w", b.Height, trusted.Height, err)
		}
		if fetched++; fetched > maxFetches {
			return nil, ErrFar
		}
		pivot, err := fetch(ctx, uint64(trusted.Height+(b.Height-trusted.Height)/2))
		if err != nil {
			return nil, err
		}
		ahead = append(ahead, pivot)
	}
	return trace, nil
}

// checkRoot verifies that b is the header which the root names, or the first
// one if it names genesis.
func (r Root) checkRoot(b *cmttypes.LightBlock) error {
	want := [32]byte(b.Hash())
	if r.Height == 0 {
		want = [32]byte(b.ValidatorsHash)
	}
	if want != r.Hash || uint64(b.Height) != max(r.Height, 1) {
		return fmt.Errorf("the header of height %d is not that of the trust root", b.Height)
	}
	return b.ValidatorSet.VerifyCommitLight(r.ChainID, b.Commit.BlockID, b.Height, b.Commit)
}
