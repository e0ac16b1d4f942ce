package node

import (
	"crypto/ed25519"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
)

// A registration has a proof by each of the keys, for this account, network and
// epoch.
func TestRegister(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own, err := Register(dir, "floe-test", 7, ledger.Candidate{Profile: ledger.Profile{Name: "new"}})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := LoadOrCreateKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range []ledger.Address{ledger.AddressOf(keys.Account.Public().(ed25519.PublicKey)), {5}} {
		m := own
		if account == (ledger.Address{5}) {
			if m, err = Register(dir, "floe-test", 7, ledger.Candidate{Account: account}); err != nil {
				t.Fatal(err)
			}
		}
		c, message := m.Candidate, ledger.NodeKeyMessage("floe-test", account)
		if c.Account != account || c.BLSKey != keys.BLS.PublicKey() || c.NetworkKey != keys.Identity.ID() || c.ConsensusKey != keys.Consensus {
			t.Errorf("account %v: got %+v", account, c)
		}
		if err := c.BLSKey.Verify(committee.PossessionMessage(7, account, c.BLSKey), c.Possession); err != nil {
			t.Errorf("account %v: %v", account, err)
		}
		if !ed25519.Verify(c.NetworkKey[:], message, m.NetworkProof[:]) || !ed25519.Verify(c.ConsensusKey[:], message, m.ConsensusProof[:]) {
			t.Errorf("account %v: a proof does not verify", account)
		}
	}
	next, err := LoadOrCreateNextKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	if keys, err = LoadOrCreateKeys(dir); err != nil || keys.NextBLS == nil || keys.NextBLS.PublicKey() != next.PublicKey() {
		t.Errorf("the next key is not known: %v", err)
	}
}
