package devnet

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node"
)

// create makes the directory of a new network: the nodes' keys, the genesis
// that lists them, and last the card, without which there is no network.
func create(cfg Config) (*Card, error) {
	var suffix [4]byte
	if _, err := rand.Read(suffix[:]); err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	card := &Card{
		Form: cardForm, ChainID: "floe-devnet-" + hex.EncodeToString(suffix[:]),
		Nodes: cfg.Nodes, Shards: cfg.Shards, Created: now,
	}
	client, err := node.LoadOrCreateAccount(AccountFile(cfg.Dir))
	if err != nil {
		return nil, err
	}
	params := ledger.DefaultParams(card.ChainID, uint16(cfg.Shards))
	params.EpochDuration, params.Capacity = uint64(cfg.Epoch.Milliseconds()), capacity
	g := ledger.Genesis{
		Params:   params,
		Time:     uint64(now.UnixMilli()),
		Accounts: []ledger.Funding{{Address: ledger.AddressOf(client.Public().(ed25519.PublicKey)), Balance: clientFunds}},
	}
	for i := range cfg.Nodes {
		keys, err := node.LoadOrCreateKeys(nodeDir(cfg.Dir, i))
		if err != nil {
			return nil, fmt.Errorf("keys of node %d: %w", i, err)
		}
		account := ledger.AddressOf(keys.Account.Public().(ed25519.PublicKey))
		g.Accounts = append(g.Accounts, ledger.Funding{Address: account, Balance: nodeFunds})
		g.Nodes = append(g.Nodes, keys.Registration(nodeName(i), nodeStake, nil))
	}
	if err := g.Validate(); err != nil {
		return nil, err
	}
	b, err := g.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(cfg.Dir, genesisFile), b); err != nil {
		return nil, err
	}
	return card, card.write(cfg.Dir)
}

// checkKeys makes sure that the keys are there by which an existing network
// knows its nodes and its payer: missing ones would be made anew, and be nobody's.
func checkKeys(dir string, nodes int) error {
	faults := []error{exists(AccountFile(dir))}
	for i := range nodes {
		for _, path := range node.KeyFiles(nodeDir(dir, i)) {
			faults = append(faults, exists(path))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("%w: %w", ErrKeys, err)
	}
	return nil
}

func exists(path string) error {
	_, err := os.Stat(path)
	return err
}

func loadGenesis(dir string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, genesisFile)) }

func nodeName(i int) string { return fmt.Sprintf("%s%02d", nodePrefix, i) }

func nodeDir(dir string, i int) string { return filepath.Join(dir, nodeName(i)) }
