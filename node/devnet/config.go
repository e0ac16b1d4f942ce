// Package devnet runs a whole network in one process: storage nodes with their own
// hosts, stores and validators, and a client with its HTTP API.
//
// # Layout
//
//	DIR/network.json      what the network is; see [Card]
//	DIR/genesis           canonical bytes of the ledger's genesis
//	DIR/account.key       the account that pays for what is stored
//	DIR/node-00 …         one directory per storage node
//
// # Concurrency
//
// All methods of Net are safe for concurrent use; those that stop, start and
// wipe nodes take turns.
package devnet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/shard"
)

const (
	// DefaultNodes is the number of storage nodes.
	DefaultNodes = 10
	// DefaultShards is the number of shards.
	DefaultShards = 100
	// DefaultHTTP is where the API listens.
	DefaultHTTP = "127.0.0.1:31415"

	defaultEpoch = 10 * time.Minute
	maxNodes     = 100
	cardFile     = "network.json"
	genesisFile  = "genesis"
	accountFile  = "account.key"
	nodePrefix   = "node-"
	cardForm     = 1
	clientFunds  = 1_000_000 * ledger.FrostPerWAL
	nodeStake    = 1_000 * ledger.FrostPerWAL
	nodeFunds    = 10 * ledger.FrostPerWAL // for the fees of what a node reports
	capacity     = 1 << 44                 // encoded bytes per epoch: more than any laptop has
)

var (
	// ErrOtherNetwork says that the directory holds a network of another shape.
	ErrOtherNetwork = errors.New("devnet: the directory holds another network")
	// ErrKeys says that a key which the genesis relies on is gone.
	ErrKeys = errors.New("devnet: a key of the network is missing")
	// ErrConfig says that no network can have the shape asked for.
	ErrConfig = errors.New("devnet: impossible network")
)

// Config says what network to run. The zero value is a good one, but for Dir.
type Config struct {
	Dir    string        // required; a network that is there goes on where it stopped
	Nodes  int           // 0: what is there, or 10
	Shards int           // 0: what is there, or 100
	Epoch  time.Duration // 0: what is there, or 10 min
	HTTP   string        // where the API listens; "": 127.0.0.1:31415
	Logger *slog.Logger  // nil: no log
}

// Card is what a network is, as DIR/network.json says.
type Card struct {
	Form      int       `json:"form"`
	ChainID   string    `json:"chainId"`
	Nodes     int       `json:"nodes"`
	Shards    int       `json:"shards"`
	Created   time.Time `json:"created"`
	HTTP      string    `json:"http"`      // where the API listened last
	Bootstrap []string  `json:"bootstrap"` // multiaddrs of the run that began last
	// Root is a header of when that run began, to check the ledger against.
	Root light.Root `json:"root"`
}

// ReadCard reads the card of the network in a directory.
func ReadCard(dir string) (*Card, error) {
	b, err := os.ReadFile(filepath.Join(dir, cardFile))
	if err != nil {
		return nil, err
	}
	var c Card
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, cardFile), err)
	}
	if c.Form != cardForm {
		return nil, fmt.Errorf("%w: form %d in %s is unknown", ErrOtherNetwork, c.Form, filepath.Join(dir, cardFile))
	}
	return &c, nil
}

// AccountFile is where the key of a devnet's paying account is.
func AccountFile(dir string) string { return filepath.Join(dir, accountFile) }

func (c *Card) write(dir string) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, cardFile), append(b, '\n'))
}

// writeFile replaces a file as a whole.
func writeFile(path string, b []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// fill completes the config from the network that is in the directory, if one
// is, and refuses to run it in another shape.
func (cfg *Config) fill() (*Card, error) {
	if cfg.Dir == "" {
		return nil, errors.New("devnet: Dir is missing")
	}
	if cfg.HTTP == "" {
		cfg.HTTP = DefaultHTTP
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	card, err := ReadCard(cfg.Dir)
	if err == nil {
		if cfg.Nodes != 0 && cfg.Nodes != card.Nodes || cfg.Shards != 0 && cfg.Shards != card.Shards {
			return nil, fmt.Errorf("%w: %s has %d nodes and %d shards; leave out --nodes and --shards, or choose another directory",
				ErrOtherNetwork, cfg.Dir, card.Nodes, card.Shards)
		}
		cfg.Nodes, cfg.Shards = card.Nodes, card.Shards
		return card, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if cfg.Nodes == 0 {
		cfg.Nodes = DefaultNodes
	}
	if cfg.Shards == 0 {
		cfg.Shards = DefaultShards
	}
	if cfg.Epoch == 0 {
		cfg.Epoch = defaultEpoch
	}
	if cfg.Nodes < 1 || cfg.Nodes > maxNodes {
		return nil, fmt.Errorf("%w: %d nodes, want 1 to %d", ErrConfig, cfg.Nodes, maxNodes)
	}
	if _, err := shard.NewParams(cfg.Shards); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if cfg.Shards < cfg.Nodes {
		return nil, fmt.Errorf("%w: %d shards cannot be shared by %d nodes; use at least as many shards as nodes", ErrConfig, cfg.Shards, cfg.Nodes)
	}
	return nil, nil
}
