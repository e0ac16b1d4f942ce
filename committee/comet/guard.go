package comet

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	cstypes "github.com/cometbft/cometbft/consensus/types"
	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

// How long a validator waits to learn where the chain is.
const (
	hearPatience  = 3 * time.Second  // for half of the committee, once one has told
	alonePatience = 5 * time.Second  // for anybody at all
	doubtPatience = 10 * time.Second // for the chain to go on without us
	hearInterval  = 250 * time.Millisecond
)

var errDoubt = errors.New("comet: not signed, for what was signed before may be unknown here")

// guard stands before the signer, whose record of what was signed last may be
// older than what was: somebody has put an old copy of the directory back. Who
// signs twice loses stake, and who was merely away looks the same. So a
// validator first hears how far the committee is. If that is further than it
// has signed itself, it signs nothing up to the height after: its former self
// may have voted there. Should the chain stand still without its vote, it signs
// at that height, too, after the last vote of its own that the others show it.
type guard struct {
	signer  types.PrivValidator
	address types.Address
	started time.Time

	mu      sync.Mutex // mu guards the fields below.
	signed  int64      // height of the last signature on record
	settled bool       // enough of the committee has told its height
	floor   int64      // nothing is signed up to the height after; 0: no doubt
	freed   int64      // a height that may be signed all the same, 0 for none
	last    turn       // at that height, but only after this
}

// turn is a place in the order in which a validator signs at a height.
type turn struct {
	round int32
	step  int // 0 proposal, 1 prevote, 2 precommit
}

func (t turn) after(o turn) bool { return t.round > o.round || t.round == o.round && t.step > o.step }

func newGuard(signer *privval.FilePV) *guard {
	return &guard{signer: signer, address: signer.GetAddress(), started: time.Now(), signed: signer.LastSignState.Height, last: turn{-1, 0}}
}

// GetPubKey implements [types.PrivValidator].
func (g *guard) GetPubKey() (crypto.PubKey, error) { return g.signer.GetPubKey() }

// SignVote implements [types.PrivValidator].
func (g *guard) SignVote(chainID string, vote *cmtproto.Vote) error {
	step := 1
	if vote.Type == cmtproto.PrecommitType {
		step = 2
	}
	if err := g.allow(vote.Height, turn{vote.Round, step}); err != nil {
		return err
	}
	return g.signer.SignVote(chainID, vote)
}

// SignProposal implements [types.PrivValidator].
func (g *guard) SignProposal(chainID string, p *cmtproto.Proposal) error {
	if err := g.allow(p.Height, turn{p.Round, 0}); err != nil {
		return err
	}
	return g.signer.SignProposal(chainID, p)
}

func (g *guard) allow(height int64, t turn) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	doubtful := g.floor > 0 && height <= g.floor+1
	if doubtful && (height != g.freed || !t.after(g.last)) {
		return fmt.Errorf("%w: height %d, the committee is at %d", errDoubt, height, g.floor)
	}
	g.signed = max(g.signed, height)
	return nil
}

// hear takes in what the committee's members that are connected say of their
// heights, and how many members there are. It reports whether consensus may
// begin. Up to a third of them may lie.
func (g *guard) hear(heights []int64, members int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.settled {
		return true
	}
	waited := time.Since(g.started)
	switch {
	case members == 0:
		g.settled = true
		return true
	case len(heights) == 0:
		return waited > alonePatience // but not settled: someone may still tell
	case 2*len(heights) < members && waited < hearPatience:
		return false
	}
	g.settled = true
	slices.Sort(heights)
	network := heights[len(heights)-1-min(members/3, len(heights)-1)]
	if network > g.signed {
		g.floor = network
	}
	return true
}

// isSettled tells whether there is nothing more to hear.
func (g *guard) isSettled() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.settled
}

// doubt returns the height that is not signed though it is not decided yet, if the guard's chain is at it.
func (g *guard) doubt(height int64) (next int64, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.floor + 1, g.floor > 0 && g.freed == 0 && height == g.floor
}

// free allows a height after our last vote that was seen at it.
func (g *guard) free(height int64, last turn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.freed, g.last = height, last
}

// lastVote returns the last turn at which the others show that we have voted.
func (g *guard) lastVote(rs *cstypes.RoundState) turn {
	last := turn{-1, 0}
	for round := range rs.Votes.Round() + 1 {
		if votes := rs.Votes.Prevotes(round); votes != nil && votes.GetByAddress(g.address) != nil {
			last = turn{round, 1}
		}
		if votes := rs.Votes.Precommits(round); votes != nil && votes.GetByAddress(g.address) != nil {
			last = turn{round, 2}
		}
	}
	return last
}

// begin starts consensus when the guard has heard enough, and goes on listening until it need not. It ends
// with stop.
func (c *chain) begin(g *guard, cfg *Config) {
	tick := time.NewTicker(hearInterval)
	defer tick.Stop()
	waiting := c.engine.rounds.WaitSync()
	if !waiting {
		close(c.began)
	}
	for waiting || !g.isSettled() {
		if g.hear(c.engine.sync.heights(), len(cfg.peers())) && waiting {
			waiting = false
			if err := c.engine.begin(); err != nil {
				c.app.haltOn(err)
				return
			}
			close(c.began)
		}
		select {
		case <-c.stopping:
			return
		case <-c.engine.sync.heard:
		case <-tick.C:
		}
	}
}

// resolve asks for a fresh start, once, if the chain stands still at a height that the guard does not sign.
// Consensus does not ask again for a signature that it did not get. It ends with stop.
func (c *chain) resolve(g *guard, patience time.Duration, again chan<- struct{}) {
	for {
		changed := c.app.change()
		next, ok := g.doubt(int64(c.app.height.Load()))
		timer := time.NewTimer(patience)
		if !ok {
			timer.Reset(alonePatience) // it may be that nothing was heard yet
		}
		select {
		case <-c.stopping:
			timer.Stop()
			return
		case <-changed:
		case <-timer.C:
			rs := c.engine.consensus.GetRoundState()
			if !ok || rs.Height != next || rs.Votes == nil || !rs.Validators.HasAddress(g.address) {
				continue
			}
			last := g.lastVote(rs)
			c.log.Info("the chain waits for a vote that was in doubt", "height", next, "round", last.round)
			g.free(next, last)
			again <- struct{}{} // has room, and this happens once
			return
		}
		timer.Stop()
	}
}
