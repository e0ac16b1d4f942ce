package main

import (
	"errors"
	"io/fs"

	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/devnet"
)

const (
	envTrust   = "FLOE_TRUST"
	trustPeers = "peers" // instead of a root
)

// believe finds what the ledger is checked against, and notes it in cfg and n. card is that of the devnet
// which is meant when nothing else is said, unless noCard says why there is none.
func (n *network) believe(cfg *client.DialConfig, a *app, card *devnet.Card, noCard error) (err error) {
	text := n.trust
	if text == "" {
		text = a.getenv(envTrust)
	}
	switch {
	case text == trustPeers:
		cfg.TrustPeers = true
	case text != "":
		if cfg.Root, err = light.ParseRoot(text); err != nil {
			return usageError{err, "a trust root looks like chain@height:hash; whoever runs the network gives it"}
		}
	case noCard == nil && !card.Root.IsZero():
		cfg.Root = card.Root
	default:
		return usageError{ledgerrpc.ErrNoRoot, "name one with --trust, or believe the peers with --trust peers"}
	}
	n.root = cfg.Root
	return nil
}

// trustRoot finds the root that something is checked against without a network.
func (a *app) trustRoot(text string) (light.Root, error) {
	n := network{trust: text}
	var cfg client.DialConfig
	dir := n.devnetDir(a)
	card, noCard := devnet.ReadCard(dir)
	if dir == "" {
		noCard = fs.ErrNotExist
	}
	if err := n.believe(&cfg, a, card, noCard); err != nil || cfg.TrustPeers {
		return cfg.Root, usageError{errors.New("no trust root to check it against"), "name one with --trust: chain@height:hash; whoever runs the network gives it"}
	}
	return cfg.Root, nil
}
