package main

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/node"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/devnet"
)

const (
	envBootstrap  = "FLOE_BOOTSTRAP"
	envAccount    = "FLOE_ACCOUNT"
	envDevnetDir  = "FLOE_DEVNET_DIR"
	envPublisher  = "FLOE_PUBLISHER_URL"
	envAggregator = "FLOE_AGGREGATOR_URL"

	dialTimeout = 20 * time.Second
)

// network is how a command finds the network it talks to.
type network struct {
	bootstrap []string
	chain     string
	trust     string
	root      light.Root // what trust means, once the network is joined; zero: the peers
	account   string
	accounts  accounts // where --account finds names
	timeout   time.Duration
	endless   bool // without --timeout there is no end
}

func (n *network) addFlags(cmd *cobra.Command, pays bool) {
	f := cmd.Flags()
	f.StringSliceVar(&n.bootstrap, "bootstrap", nil, "multiaddr of a peer to join the network by (default $FLOE_BOOTSTRAP, then your last devnet)")
	f.StringVar(&n.chain, "network", "", "chain ID that the peer must be on (default: whichever it is on)")
	f.StringVar(&n.trust, "trust", "", "trust root to check the ledger against, or \"peers\" to believe the peers (default $FLOE_TRUST, then your last devnet's)")
	f.DurationVar(&n.timeout, "timeout", cmp.Or(n.timeout, 10*time.Minute), "give up after this long")
	if pays {
		f.StringVar(&n.account, "account", "", "name of the account that pays, or file with its key (default $FLOE_ACCOUNT, then your last devnet's)")
	}
}

// begin checks the flags and bounds what the command does by --timeout.
func (n *network) begin(ctx context.Context, a *app) (context.Context, context.CancelFunc, error) {
	if n.timeout <= 0 && !n.endless {
		return nil, nil, usageError{fmt.Errorf("--timeout %v", n.timeout), "a timeout is longer than nothing, such as 30s or 10m"}
	}
	if addr := a.getenv(envBootstrap); len(n.bootstrap) == 0 && addr != "" {
		n.bootstrap = strings.Split(addr, ",")
	}
	for _, addr := range n.bootstrap {
		if !strings.HasPrefix(addr, "/") || !strings.Contains(addr, "/p2p/") {
			return nil, nil, usageError{
				fmt.Errorf("bootstrap address %q is no multiaddr with a peer ID", addr),
				"it looks like /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo…; floe devnet prints its own",
			}
		}
	}
	if n.timeout <= 0 {
		ctx, cancel := context.WithCancel(ctx)
		return ctx, cancel, nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.timeout)
	return ctx, cancel, nil
}

// dial joins the network. The caller closes the session.
func (n *network) dial(ctx context.Context, a *app, pays bool) (*client.Session, error) {
	cfg := client.DialConfig{Bootstrap: n.bootstrap, Network: n.chain, Logger: a.logger()}
	dir := n.devnetDir(a)
	card, noCard := devnet.ReadCard(dir)
	if dir == "" {
		noCard = fs.ErrNotExist
	}
	if len(cfg.Bootstrap) == 0 {
		if noCard != nil {
			return nil, usageError{errors.New("no network to talk to"), "start one with floe devnet, or name a peer with --bootstrap"}
		}
		cfg.Bootstrap = card.Bootstrap
		if cfg.Network == "" {
			cfg.Network = card.ChainID
		}
	}
	if err := n.believe(&cfg, a, card, noCard); err != nil {
		return nil, err
	}
	if pays {
		var err error
		if cfg.Account, err = n.loadAccount(a, dir); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return client.Dial(ctx, cfg)
}

// devnetDir is the directory of the devnet that is meant when nothing else is
// said, "" if there is none.
func (n *network) devnetDir(a *app) string {
	if dir := a.getenv(envDevnetDir); dir != "" {
		return dir
	}
	return a.lastDevnet()
}

func (n *network) loadAccount(a *app, dir string) (ed25519.PrivateKey, error) {
	path := n.account
	if path == "" {
		path = a.getenv(envAccount)
	}
	if path == "" && dir != "" {
		path = devnet.AccountFile(dir)
	}
	if path == "" {
		return nil, usageError{errors.New("no account to pay with"), "name it with --account; floe account create NAME makes one"}
	}
	if isAccountName(path) {
		if err := n.accounts.fill(a); err != nil {
			return nil, err
		}
		if _, err := os.Stat(n.accounts.file(path)); err == nil {
			return n.accounts.load(path)
		}
	}
	key, err := node.LoadAccount(path)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	return key, nil
}

// lastDevnet is the directory of the devnet that this user started last, ""
// if there is none.
func (a *app) lastDevnet() string {
	path, err := a.devnetRecord()
	if err != nil {
		return ""
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	var record devnetRecord
	if json.Unmarshal(b, &record) != nil {
		return ""
	}
	return record.Dir
}

// devnetRecord is the file that remembers the last devnet.
type devnetRecord struct {
	Dir string `json:"dir"`
}

func (a *app) devnetRecord() (string, error) {
	dir, err := a.configDir()
	return filepath.Join(dir, "devnet.json"), err
}

// configDir is where what belongs to the user is kept.
func (a *app) configDir() (string, error) {
	dir := a.getenv("XDG_CONFIG_HOME")
	if dir == "" {
		var err error
		if dir, err = os.UserConfigDir(); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "floe"), nil
}

// remember makes a devnet the one that commands find by themselves, until the
// returned function is called.
func (a *app) remember(dir string) (forget func()) {
	path, err := a.devnetRecord()
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		var b []byte
		if b, err = json.Marshal(devnetRecord{Dir: dir}); err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
	}
	if err != nil { // commands then need --bootstrap, which the devnet prints
		return func() {}
	}
	return func() {
		if a.lastDevnet() == dir {
			_ = os.Remove(path) // of a network that is gone; a stale one is told as such
		}
	}
}
