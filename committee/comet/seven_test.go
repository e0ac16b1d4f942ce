package comet

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"

	"github.com/floe-storage/floe/committee/ledger"
)

func all(n int) (out []int) {
	for i := range n {
		out = append(out, i)
	}
	return out
}

// part keeps two groups of nodes from each other, until the function that it returns is called.
func (c *cluster) part(a, b []int) (heal func()) {
	each := func(f func(s *peerSwitch, other int)) {
		for _, i := range a {
			for _, j := range b {
				f(c.members[i].node.chain.Load().sw, j)
				f(c.members[j].node.chain.Load().sw, i)
			}
		}
	}
	each(func(s *peerSwitch, other int) {
		s.mu.Lock()
		id := c.keys[other].ID()
		s.bans[id] = &ban{last: time.Now(), until: time.Now().Add(time.Hour)}
		p := s.peers[id]
		s.mu.Unlock()
		if p != nil {
			p.end(errLeaving)
		}
	})
	return func() {
		each(func(s *peerSwitch, other int) {
			s.mu.Lock()
			delete(s.bans, c.keys[other].ID())
			s.mu.Unlock()
			s.kick()
		})
	}
}

// signs waits until a node's signature is in the commit of a height that is yet to come.
func (c *cluster) signs(i, at int) {
	c.t.Helper()
	address := c.signers()[i].GetAddress()
	blocks := c.members[at].node.chain.Load().engine.blocks
	next := blocks.Height() + 1
	account, nonce := fmt.Sprintf("signs%d.%d", i, next), 0
	eventually(c.t, fmt.Sprintf("node %d signs", i), func() bool {
		c.mustSubmit(at, "%s %d k%d v", account, nonce, nonce)
		nonce++
		for ; next < blocks.Height(); next++ {
			commit := blocks.LoadBlockCommit(next)
			if slices.ContainsFunc(commit.Signatures, func(s types.CommitSig) bool {
				return s.BlockIDFlag == types.BlockIDFlagCommit && s.ValidatorAddress.String() == address.String()
			}) {
				return true
			}
		}
		return false
	})
}

// noEvidence checks that nobody has seen anybody sign twice.
func (c *cluster) noEvidence(nodes ...int) {
	c.t.Helper()
	for _, i := range nodes {
		e := c.members[i].node.chain.Load().engine
		if list, _ := e.evidence.PendingEvidence(-1); len(list) > 0 {
			c.t.Errorf("node %d has evidence: %v", i, list)
		}
		for height := max(e.blocks.Base(), 1); height <= e.blocks.Height(); height++ {
			if list := e.blocks.LoadBlock(height).Evidence.Evidence; len(list) > 0 {
				c.t.Errorf("block %d has evidence: %v", height, list)
			}
		}
	}
}

func TestSevenValidators(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 7)
	c.startAll()
	c.mustSubmit(0, "ann 0 k v")

	c.stop(5) // one third minus one
	c.stop(6)
	res := c.mustSubmit(0, "ann 1 k v")
	c.sameHash(res.Height, all(5)...)
	c.start(5)
	c.start(6)
	c.sameHash(res.Height, all(7)...)
	c.signs(5, 0)

	heal := c.part([]int{0, 1}, []int{2, 3, 4, 5, 6}) // a minority
	res = c.mustSubmit(2, "bob 0 k v")
	c.sameHash(res.Height, 2, 3, 4, 5, 6)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if got, err := submitAt(ctx, c.members[0].node, []byte("ann 2 k v")); err == nil {
		t.Errorf("the minority has agreed on something: %+v", got)
	}
	heal()
	c.sameHash(res.Height, all(7)...)
	c.mustSubmit(0, "ann 2 k v") // what waited there is not lost

	heal = c.part([]int{0, 1, 2}, []int{3, 4, 5, 6}) // neither side has a quorum
	before := c.members[3].node.Height()
	if got, err := submitAt(ctx, c.members[3].node, []byte("bob 1 k v")); err == nil {
		t.Errorf("less than a quorum has agreed on something: %+v", got)
	}
	heal()
	res = c.mustSubmit(3, "bob 1 k v")
	if res.Height <= before {
		t.Errorf("got height %d, want more than %d", res.Height, before)
	}
	c.sameHash(res.Height, all(7)...)

	c.stopAll()
	c.startAll()
	res = c.mustSubmit(6, "cid 0 k v")
	c.sameHash(res.Height, all(7)...)
	c.noEvidence(all(7)...)
}

// backUp copies a node's directory while it is stopped.
func (c *cluster) backUp(t *testing.T, i int) (restore func()) {
	backup := filepath.Join(t.TempDir(), "backup")
	c.stop(i)
	copyDir(t, c.nodeDir(i), backup)
	c.start(i)
	return func() { copyDir(t, backup, c.nodeDir(i)) }
}

// A validator whose directory is put back from an old copy does not contradict what it signed since.
func TestOldBackup(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 7)
	c.startAll()
	c.mustSubmit(0, "ann 0 k v")
	restore := c.backUp(t, 6)
	c.signs(6, 0)
	for i := range 5 {
		c.mustSubmit(i, "bob %d k%d v", i, i)
	}
	c.stop(6)
	restore()
	c.start(6)
	for i := range 5 { // at once, while it catches up
		c.mustSubmit(i, "bob %d k%d v", 5+i, i)
	}
	c.signs(6, 0)
	res := c.mustSubmit(6, "cid 0 k v")
	c.sameHash(res.Height, all(7)...)
	c.noEvidence(all(7)...)
}

// The same, when the chain stands still at a height at which its former self may have voted.
func TestOldBackupThatIsNeeded(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	c.adjust = func(cfg *Config) { cfg.doubtPatience = 2 * time.Second }
	c.startAll()
	c.mustSubmit(0, "ann 0 k v")
	restore := c.backUp(t, 2)
	c.signs(2, 0)
	c.stop(3)
	c.mustSubmit(0, "ann 1 k v")
	c.mustSubmit(0, "ann 2 k v")
	heal := c.part([]int{2}, []int{0, 1})
	// Without a quorum all vote, and know of it only what they voted themselves.
	if res, err := c.members[0].node.Broadcast(t.Context(), []byte("ann 3 k v")); err != nil || res.Code != 0 {
		t.Fatal(res, err)
	}
	heal()
	c.stop(2)
	restore()
	c.start(2)
	c.mustSubmit(0, "ann 4 k v")
	c.signs(2, 0)
	c.noEvidence(0, 1, 2)
	if got, _ := c.get(2, "nonce/ann"); got != "5" {
		t.Errorf("got nonce %s, want 5", got)
	}
}

// skewed is the signer of a validator whose clock is wrong.
type skewed struct {
	types.PrivValidator
	by time.Duration
}

// SignVote implements [types.PrivValidator].
func (s skewed) SignVote(chainID string, v *cmtproto.Vote) error {
	if wrong := time.Now().Add(s.by); s.by < 0 {
		v.Timestamp = v.Timestamp.Add(s.by)
	} else if wrong.After(v.Timestamp) { // else it follows the chain's clock, which is ahead
		v.Timestamp = wrong
	}
	return s.PrivValidator.SignVote(chainID, v)
}

// A block's time is the median of the validators': a third of them cannot move it. Those whose clocks are
// minutes behind the others' follow all the same.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		skew   [7]time.Duration
		behind time.Duration // of our clock against the chain's
	}{
		{"two validators", [7]time.Duration{0: 10 * time.Minute, 1: -10 * time.Minute}, 0},
		{"two ahead", [7]time.Duration{5: 10 * time.Minute, 6: 10 * time.Minute}, 0},
		{"all but two ahead", [7]time.Duration{2: 5 * time.Minute, 3: 5 * time.Minute, 4: 5 * time.Minute, 5: 5 * time.Minute, 6: 5 * time.Minute}, 5 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 7)
			for i, by := range tt.skew {
				c.adjust = func(cfg *Config) {
					cfg.wrapSigner = func(s types.PrivValidator) types.PrivValidator { return skewed{s, by} }
				}
				c.start(i)
			}
			start := time.Now()
			var res ledger.Receipt
			for i := range 5 {
				res = c.mustSubmit(i, "ann %d k v", i)
			}
			c.sameHash(res.Height, all(7)...)
			b, err := c.members[0].node.blockEvents(res.Height)
			if err != nil {
				t.Fatal(err)
			}
			at := time.UnixMilli(int64(b.Time)).Add(-tt.behind)
			if early, late := start.Sub(at), time.Until(at); early > time.Minute || late > time.Minute {
				t.Errorf("the block's time is %v from ours, want %v", time.UnixMilli(int64(b.Time)).Sub(start), tt.behind)
			}
			for i, m := range c.members {
				if err := m.node.Err(); err != nil {
					t.Errorf("node %d: %v", i, err)
				}
			}
		})
	}
}

// All validators are replaced in three steps, while transactions flow: each is applied once.
func TestCommitteeIsReplaced(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("fourteen nodes")
	}
	const old, members = 7, 14
	c := newCluster(t, old)
	c.empty = 200 * time.Millisecond
	c.startAll()
	c.mustSubmit(0, "ann 0 k v")
	var pubs [members][32]byte
	for i := range members {
		if i >= old {
			c.add()
			c.start(i)
		}
		pub, err := LoadOrCreateConsensusKey(c.nodeDir(i))
		if err != nil {
			t.Fatal(err)
		}
		pubs[i] = pub
	}
	c.waitHeight(c.members[0].node.Height(), all(members)...)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var flow sync.WaitGroup
	sent := make([]int, 4)
	for a := range sent {
		flow.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				res := c.mustSubmit(members-1-a, "acc%d %d k%d %d", a, n, a, n)
				c.waitHeight(res.Height, members-1-a)
				sent[a]++
			}
		})
	}
	nonce := 1
	power := func(i, power int) {
		c.mustSubmit(members-1, "ann %d validator/%x %d", nonce, pubs[i], power)
		nonce++
	}
	for _, step := range [][2][]int{{{7, 8}, {0, 1}}, {{9, 10}, {2, 3}}, {{11, 12, 13}, {4, 5, 6}}} {
		for k := range step[0] {
			power(step[0][k], 10)
			power(step[1][k], 0)
		}
		height := c.members[members-1].node.Height() + 3
		c.waitHeight(height, members-1)
		for _, i := range step[1] {
			c.stop(i)
		}
	}
	c.signs(7, 13)
	stop()
	flow.Wait()
	height := uint64(0)
	for i := old; i < members; i++ {
		height = max(height, c.members[i].node.Height())
	}
	c.sameHash(height, 7, 8, 9, 10, 11, 12, 13)
	set, err := c.members[13].node.chain.Load().engine.states.LoadValidators(int64(height))
	if err != nil || set.Size() != members-old {
		t.Errorf("got %v, %v, want %d validators", set, err, members-old)
	}
	seen := map[string]int{}
	for b, err := range c.members[13].node.Events(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range b.Events {
			seen[string(e.Body)]++
		}
		if b.Height == height {
			break
		}
	}
	for a, n := range sent {
		if n == 0 {
			t.Errorf("account %d has sent nothing", a)
		}
		for i := range n {
			if got := seen[fmt.Sprintf("k%d=%d\xff", a, i)]; got != 1 {
				t.Errorf("account %d, transaction %d: applied %d times", a, i, got)
			}
		}
	}
	c.noEvidence(13)
}
