package light

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	cmttypes "github.com/cometbft/cometbft/types"
)

const (
	maxTrusted      = 64               // headers that are remembered, beside the root's
	witnesses       = 2                // other sources that are asked for a header that was verified
	sourceTimeout   = 10 * time.Second // for one answer
	witnessPatience = 3 * time.Second
	witnessRest     = time.Minute // for which one that was too slow is not asked
)

// Source is a peer that has light blocks.
type Source interface {
	// LightBlock returns a header with its commit and validators, in CometBFT's
	// protobuf form; height 0 asks for the newest. An error says only that the
	// source could not be asked or does not have it. What it returns is checked.
	// A Source is comparable and may be called from any goroutine.
	LightBlock(ctx context.Context, height uint64) ([]byte, error)
}

// Config says how strict a client is. The zero value is a good one.
type Config struct {
	// TrustPeriod is how old a header may be to be a ground for later ones.
	// Zero: DefaultTrustPeriod.
	TrustPeriod time.Duration
	// Faulty is called with each source that is dropped, before the call that
	// found it out returns. It must not call the client. Nil: nobody is told.
	Faulty func(*SourceError)
}

// Client verifies headers.
type Client struct {
	root   Root
	period time.Duration
	faulty func(*SourceError)

	turn chan struct{} // one token: who holds it verifies

	// mu guards the fields below. The slices are replaced, never changed.
	mu      sync.Mutex
	sources []Source
	trusted []*cmttypes.LightBlock // by height; the root's first
	resting map[Source]time.Time   // until when a source is no witness
}

// New returns a client that trusts root. Nothing is asked yet.
func New(root Root, sources []Source, cfg Config) (*Client, error) {
	if err := root.check(); err != nil {
		return nil, err
	}
	if cfg.TrustPeriod < 0 {
		return nil, fmt.Errorf("light: trust period %v is negative", cfg.TrustPeriod)
	}
	c := &Client{root: root, period: cfg.TrustPeriod, faulty: cfg.Faulty, turn: make(chan struct{}, 1), resting: map[Source]time.Time{}}
	if c.period == 0 {
		c.period = DefaultTrustPeriod
	}
	c.Use(sources...)
	return c, nil
}

// Root returns what the client trusts.
func (c *Client) Root() Root { return c.root }

// Latest returns the highest height whose header is verified, 0 if there is none.
func (c *Client) Latest() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.trusted) == 0 {
		return 0
	}
	return uint64(c.trusted[len(c.trusted)-1].Height)
}

// Use adds sources to ask.
func (c *Client) Use(sources ...Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Clone(c.sources)
	for _, s := range sources {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	c.sources = all
}

// Drop removes a source.
func (c *Client) Drop(s Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sources = slices.DeleteFunc(slices.Clone(c.sources), func(x Source) bool { return x == s })
	delete(c.resting, s)
}

// Header returns the verified header of a height; height 0 asks for the newest
// that a source has. The error says what each source did, if they failed.
func (c *Client) Header(ctx context.Context, height uint64) (Header, error) {
	b, err := c.Block(ctx, height)
	if err != nil {
		return Header{}, err
	}
	return headerOf(b), nil
}

// Block is Header with the commit and the validators. It is shared with other
// callers and must not be modified. Proposer priorities are not verified: no
// header covers them.
func (c *Client) Block(ctx context.Context, height uint64) (*cmttypes.LightBlock, error) {
	if b := c.known(height); b != nil {
		return b, nil
	}
	var faults []error
	for _, s := range c.asked() {
		b, err := c.from(ctx, s, height)
		if err == nil {
			return b, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if fatal(err) {
			return nil, err
		}
		faults = append(faults, err)
	}
	return nil, fmt.Errorf("%w: height %d: %w", ErrUnavailable, height, errors.Join(faults...))
}

// fatal tells whether no other source can do better.
func fatal(err error) bool {
	_, fork := errors.AsType[*ForkError](err)
	return fork || errors.Is(err, ErrExpired) || errors.Is(err, ErrBeforeRoot) || errors.Is(err, ErrClock)
}

// from verifies a header that one source serves.
func (c *Client) from(ctx context.Context, s Source, height uint64) (*cmttypes.LightBlock, error) {
	b, err := c.fetch(ctx, s, height)
	if err != nil {
		return nil, c.blame(s, err)
	}
	return c.accept(ctx, s, b)
}

// Accept verifies a light block that a source has sent along with something
// else, and asks that source for what is needed in between. If the source is
// wrong the error is a *[SourceError].
func (c *Client) Accept(ctx context.Context, s Source, block []byte) (Header, error) {
	b, err := ParseBlock(c.root.ChainID, block)
	if err == nil {
		b, err = c.accept(ctx, s, b)
	} else {
		err = c.blame(s, err)
	}
	if err != nil {
		return Header{}, err
	}
	return headerOf(b), nil
}

// accept verifies b, which s has served, asks others for the same and
// remembers it. It returns the one that is remembered.
func (c *Client) accept(ctx context.Context, s Source, b *cmttypes.LightBlock) (*cmttypes.LightBlock, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if same := c.known(uint64(b.Height)); same != nil {
		if string(same.Hash()) != string(b.Hash()) {
			return nil, c.settle(ctx, same, s, b)
		}
		return same, nil
	}
	trace, err := c.trace(ctx, s, b)
	if err != nil {
		return nil, c.blame(s, err)
	}
	if err := c.crossCheck(ctx, s, b); err != nil {
		return nil, err
	}
	c.remember(trace)
	return b, nil
}

// trace verifies b on the ground of the nearest trusted header below it. The
// caller holds the turn.
func (c *Client) trace(ctx context.Context, s Source, b *cmttypes.LightBlock) ([]*cmttypes.LightBlock, error) {
	ground, err := c.ground(ctx, s, uint64(b.Height))
	if err != nil {
		return nil, err
	}
	if ground.Height == b.Height {
		if string(ground.Hash()) != string(b.Hash()) {
			return nil, errors.New("another header than that of the trust root")
		}
		return nil, nil
	}
	return skip(ctx, c.fetcher(s), ground, b, c.period, time.Now())
}

func (c *Client) fetcher(s Source) func(ctx context.Context, height uint64) (*cmttypes.LightBlock, error) {
	return func(ctx context.Context, height uint64) (*cmttypes.LightBlock, error) { return c.fetch(ctx, s, height) }
}

// ground returns the nearest trusted header at or below a height. The first
// time it is the root's, which a source has to serve.
func (c *Client) ground(ctx context.Context, s Source, height uint64) (*cmttypes.LightBlock, error) {
	first := max(c.root.Height, 1)
	if height < first {
		return nil, fmt.Errorf("%w: %d before %d", ErrBeforeRoot, height, first)
	}
	if b := c.below(height); b != nil {
		return b, nil
	}
	b, err := c.fetch(ctx, s, first)
	if err != nil {
		return nil, err
	}
	if err := c.root.checkRoot(b); err != nil {
		return nil, err
	}
	c.remember([]*cmttypes.LightBlock{b})
	return b, nil
}

// unavailable marks the error of a source that could not answer, which is no
// fault of what it serves.
type unavailable struct{ error }

func (u unavailable) Unwrap() error { return u.error }

// fetch asks a source for a light block and checks its form.
func (c *Client) fetch(ctx context.Context, s Source, height uint64) (*cmttypes.LightBlock, error) {
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	raw, err := s.LightBlock(ctx, height)
	if err != nil {
		return nil, unavailable{err}
	}
	b, err := ParseBlock(c.root.ChainID, raw)
	if err != nil {
		return nil, err
	}
	if height != 0 && uint64(b.Height) != height {
		return nil, fmt.Errorf("%w: height %d instead of %d", ErrBlock, b.Height, height)
	}
	return b, nil
}

// blame drops the source if err, which came of its blocks, is its fault. Errors
// that are not stay as they are.
func (c *Client) blame(s Source, err error) error {
	if _, ok := errors.AsType[unavailable](err); ok || fatal(err) || errors.Is(err, ErrFar) {
		return fmt.Errorf("source %v: %w", s, err)
	}
	return c.drop(s, err)
}

// drop forgets a source and tells why.
func (c *Client) drop(s Source, err error) error {
	fault := &SourceError{Source: s, Err: err}
	c.Drop(s)
	if c.faulty != nil {
		c.faulty(fault)
	}
	return fault
}

// settle decides between a header that was verified and another one of the same
// height that a source serves: if the other can be verified, too, it is a fork;
// if not, for whatever reason, the source is dropped. The caller holds the turn.
func (c *Client) settle(ctx context.Context, mine *cmttypes.LightBlock, s Source, other *cmttypes.LightBlock) error {
	conflict := fmt.Errorf("%w: a header of height %d that conflicts with what the validators have signed", ErrBlock, mine.Height)
	ground := c.below(uint64(other.Height) - 1)
	if ground == nil {
		return c.drop(s, conflict)
	}
	_, err := skip(ctx, c.fetcher(s), ground, other, c.period, time.Now())
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return c.drop(s, fmt.Errorf("%w: %w", conflict, err))
	}
	return &ForkError{Height: uint64(mine.Height), Hashes: [2][32]byte{[32]byte(mine.Hash()), [32]byte(other.Hash())}}
}

// crossCheck asks other sources for the header that was just verified. One that
// does not have it is no help and no harm. The caller holds the turn.
func (c *Client) crossCheck(ctx context.Context, from Source, b *cmttypes.LightBlock) error {
	type reply struct {
		source Source
		block  *cmttypes.LightBlock
		err    error
	}
	asking, cancel := context.WithTimeout(ctx, witnessPatience)
	defer cancel()
	var replies []reply
	for _, s := range c.asked() {
		if s != from && len(replies) < witnesses && !c.rests(s) {
			replies = append(replies, reply{source: s})
		}
	}
	var work sync.WaitGroup
	for i := range replies {
		r := &replies[i]
		work.Go(func() { r.block, r.err = c.fetch(asking, r.source, uint64(b.Height)) })
	}
	work.Wait()
	for _, r := range replies {
		switch {
		case r.err != nil:
			_ = c.blame(r.source, r.err) // who has sent nonsense is dropped
			c.demote(r.source, asking.Err() != nil)
		case string(r.block.Hash()) != string(b.Hash()):
			err := c.settle(ctx, b, r.source, r.block)
			if _, fork := errors.AsType[*ForkError](err); fork {
				return err
			}
		}
	}
	return ctx.Err()
}

// asked returns the sources in the order in which they are asked.
func (c *Client) asked() []Source {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sources
}

// demote puts a source behind all others, if it is still one, and lets one that
// was too slow rest.
func (c *Client) demote(s Source, slow bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.sources, s); i >= 0 {
		c.sources = append(slices.Delete(slices.Clone(c.sources), i, i+1), s)
		if slow {
			c.resting[s] = time.Now().Add(witnessRest)
		}
	}
}

// rests tells whether a source was too slow a moment ago.
func (c *Client) rests(s Source) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.resting[s])
}

// known returns the trusted header of a height, nil if it was not verified yet.
func (c *Client) known(height uint64) *cmttypes.LightBlock {
	if b := c.below(height); b != nil && uint64(b.Height) == height {
		return b
	}
	return nil
}

// below returns the highest trusted header that is not above a height.
func (c *Client) below(height uint64) *cmttypes.LightBlock {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range slices.Backward(c.trusted) {
		if uint64(b.Height) <= height {
			return b
		}
	}
	return nil
}

// remember adds verified headers, and forgets the lowest but the root's when
// there are too many.
func (c *Client) remember(blocks []*cmttypes.LightBlock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Clone(c.trusted)
	for _, b := range blocks {
		i, found := slices.BinarySearchFunc(all, b.Height, func(x *cmttypes.LightBlock, h int64) int { return int(min(max(x.Height-h, -1), 1)) })
		if !found {
			all = slices.Insert(all, i, b)
		}
	}
	if extra := len(all) - 1 - maxTrusted; extra > 0 {
		all = slices.Delete(all, 1, 1+extra)
	}
	c.trusted = all
}
