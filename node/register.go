package node

import (
	"crypto/ed25519"
	"fmt"
	"path/filepath"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/committee/comet"
	"github.com/floe-storage/floe/committee/keyfile"
	"github.com/floe-storage/floe/committee/ledger"
)

// Register returns the message by which the node in dir becomes known to a
// network, in the given epoch. Of c it takes what the node says of itself and the
// account that controls the node, which has to send the message; the zero address
// stands for the node's own account. The keys and the proofs are those in dir;
// keys that are missing are made.
func Register(dir, chainID string, epoch committee.Epoch, c ledger.Candidate) (ledger.RegisterNode, error) {
	k, err := LoadOrCreateKeys(dir)
	if err != nil {
		return ledger.RegisterNode{}, err
	}
	if c.Account == (ledger.Address{}) {
		c.Account = ledger.AddressOf(k.Account.Public().(ed25519.PublicKey))
	}
	c.BLSKey, c.NetworkKey, c.ConsensusKey = k.BLS.PublicKey(), k.Identity.ID(), k.Consensus
	c.Possession = k.BLS.Sign(committee.PossessionMessage(epoch, c.Account, c.BLSKey))
	m := ledger.RegisterNode{Candidate: c}
	message := ledger.NodeKeyMessage(chainID, c.Account)
	copy(m.NetworkProof[:], k.Identity.Sign(message))
	if m.ConsensusProof, err = comet.ProvePossession(filepath.Join(dir, consensusDir), message); err != nil {
		return m, fmt.Errorf("prove the consensus key: %w", err)
	}
	return m, nil
}

// LoadOrCreateNextKey reads the BLS key to which the node in dir is to change, or
// makes it. The node knows it from its next start on.
func LoadOrCreateNextKey(dir string) (*bls.SecretKey, error) {
	secret, err := keyfile.LoadOrCreate(filepath.Join(dir, nextBLSFile), newBLSKey)
	if err != nil {
		return nil, err
	}
	key, err := bls.ParseSecretKey(secret)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", nextBLSFile, err)
	}
	return key, nil
}

func newBLSKey() ([]byte, error) {
	k, err := bls.GenerateKey()
	if err != nil {
		return nil, err
	}
	return k.Bytes(), nil
}
