package comet

import (
	"errors"
	"math"
	"testing"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
)

func testGuard(t *testing.T, signed int64) *guard {
	t.Helper()
	dir := t.TempDir()
	if _, err := LoadOrCreateConsensusKey(dir); err != nil {
		t.Fatal(err)
	}
	signer, err := loadSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	signer.LastSignState.Height = signed
	return newGuard(signer)
}

func TestGuardHears(t *testing.T) {
	t.Parallel()
	const signed = 100
	for _, tt := range []struct {
		name    string
		heights []int64
		members int
		waited  time.Duration
		begins  bool
		floor   int64 // nothing is signed up to the height after
	}{
		{"alone by design", nil, 0, 0, true, 0},
		{"nobody there yet", nil, 3, 0, false, 0},
		{"nobody there", nil, 3, 2 * alonePatience, true, 0},
		{"one of three", []int64{100}, 3, 0, false, 0},
		{"one of three, for long", []int64{100}, 3, 2 * hearPatience, true, 0},
		{"two of three", []int64{100, 99}, 3, 0, true, 0},
		{"all restarted", []int64{100, 100, 99, 100, 100, 100}, 6, 0, true, 0},
		{"it was away", []int64{150, 149, 150}, 3, 0, true, 150},
		{"a liar says more", []int64{100, math.MaxInt64, 100}, 3, 0, true, 0},
		{"a liar says less", []int64{150, 1, 150}, 3, 0, true, 150},
		{"two liars of six", []int64{1 << 50, 99, 100, 1 << 60, 100, 98}, 6, 0, true, 0},
	} {
		g := testGuard(t, signed)
		g.started = time.Now().Add(-tt.waited)
		if got := g.hear(tt.heights, tt.members); got != tt.begins || g.floor != tt.floor {
			t.Errorf("%s: got %v and floor %d, want %v and %d", tt.name, got, g.floor, tt.begins, tt.floor)
		}
	}
}

func TestGuardSigns(t *testing.T) {
	t.Parallel()
	g := testGuard(t, 100)
	sign := func(height int64, round int32, kind cmtproto.SignedMsgType) error {
		if kind == cmtproto.ProposalType {
			return g.SignProposal("c", &cmtproto.Proposal{Type: kind, Height: height, Round: round})
		}
		return g.SignVote("c", &cmtproto.Vote{Type: kind, Height: height, Round: round})
	}
	if !g.hear([]int64{110, 110, 110}, 3) {
		t.Fatal("not settled")
	}
	for height := int64(101); height <= 111; height++ {
		for _, kind := range []cmtproto.SignedMsgType{cmtproto.ProposalType, cmtproto.PrevoteType, cmtproto.PrecommitType} {
			if err := sign(height, 0, kind); !errors.Is(err, errDoubt) {
				t.Errorf("height %d, %v: got %v, want doubt", height, kind, err)
			}
		}
	}
	if _, ok := g.doubt(109); ok {
		t.Error("it doubts before the chain is there")
	}
	if next, ok := g.doubt(110); !ok || next != 111 {
		t.Errorf("got doubt about %d, %v, want 111", next, ok)
	}
	g.free(111, turn{round: 1, step: 1}) // the others show a prevote of round 1
	for _, tt := range []struct {
		round int32
		kind  cmtproto.SignedMsgType
		want  error
	}{
		{0, cmtproto.PrecommitType, errDoubt},
		{1, cmtproto.ProposalType, errDoubt},
		{1, cmtproto.PrevoteType, errDoubt},
		{1, cmtproto.PrecommitType, nil},
		{2, cmtproto.ProposalType, nil},
		{2, cmtproto.PrevoteType, nil},
	} {
		if err := sign(111, tt.round, tt.kind); !errors.Is(err, tt.want) {
			t.Errorf("round %d, %v: got %v, want %v", tt.round, tt.kind, err, tt.want)
		}
	}
	if _, ok := g.doubt(110); ok {
		t.Error("it doubts twice")
	}
	if err := sign(112, 0, cmtproto.PrevoteType); err != nil {
		t.Errorf("the height after: %v", err)
	}
	if err := sign(112, 0, cmtproto.PrevoteType); err != nil {
		t.Errorf("the same again: %v", err)
	}
}
