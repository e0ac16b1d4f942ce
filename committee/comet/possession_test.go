package comet

import (
	"crypto/ed25519"
	"path/filepath"
	"testing"

	"github.com/cometbft/cometbft/types"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
)

func TestProvePossession(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "consensus")
	if _, err := ProvePossession(dir, []byte("floe")); err == nil {
		t.Error("signed without a key")
	}
	pub, err := LoadOrCreateConsensusKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("floe/test/1")
	signature, err := ProvePossession(dir, message)
	if err != nil || !ed25519.Verify(pub[:], message, signature[:]) {
		t.Errorf("got a signature that does not verify, %v", err)
	}

	// What consensus signs is refused, whatever its length.
	for _, chain := range []string{"", "floe-test", string(make([]byte, 200))} {
		vote := types.VoteSignBytes(chain, &cmtproto.Vote{Type: cmtproto.PrevoteType, Height: 3, Round: 1})
		proposal := types.ProposalSignBytes(chain, &cmtproto.Proposal{Type: cmtproto.ProposalType, Height: 3})
		for _, b := range [][]byte{vote, proposal} {
			if _, err := ProvePossession(dir, b); err == nil {
				t.Errorf("signed %x", b)
			}
		}
	}
}
