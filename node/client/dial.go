package client

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/p2p"
)

// dialTimeout bounds what is waited for one of the bootstrap addresses.
const dialTimeout = 10 * time.Second

// ErrManyNetworks says that a peer takes part in several networks and the
// caller has to say which is meant.
var ErrManyNetworks = errors.New("client: the peer is on several networks")

// DialConfig says how to join a network as a client.
type DialConfig struct {
	Bootstrap []string   // multiaddrs with /p2p/; one that answers is enough
	Network   string     // the chain ID; "": that of Root or, without one, of the first peer that answers
	Root      light.Root // what the ledger's state is checked against; required, unless TrustPeers
	// TrustPeers believes what the peers say of the ledger, for want of a root:
	// for peers that are the caller's own.
	TrustPeers bool
	Account    ed25519.PrivateKey // pays for what is stored; nil: reading only
	Logger     *slog.Logger       // nil: no log
}

// Session is a client with a peer of its own.
type Session struct {
	*Client
	Host   *p2p.Host
	Ledger *ledgerrpc.Client
	Wallet *ledgerrpc.Wallet // nil without an account
}

// Dial joins a network through any of the bootstrap peers. ctx bounds the
// joining only. Close the session.
func Dial(ctx context.Context, cfg DialConfig) (*Session, error) {
	if len(cfg.Bootstrap) == 0 {
		return nil, errors.New("client: no bootstrap address")
	}
	if cfg.Root.IsZero() && !cfg.TrustPeers {
		return nil, ledgerrpc.ErrNoRoot
	}
	if cfg.Network == "" {
		cfg.Network = cfg.Root.ChainID
	}
	if cfg.Network == "" {
		var err error
		if cfg.Network, err = discover(ctx, cfg.Bootstrap); err != nil {
			return nil, err
		}
	}
	host, err := p2p.New(ctx, p2p.Config{Network: cfg.Network, Client: true, Bootstrap: cfg.Bootstrap, Logger: cfg.Logger})
	if err != nil {
		return nil, err
	}
	s := &Session{Host: host}
	s.Ledger, err = ledgerrpc.NewClient(ledgerrpc.ClientConfig{Host: host, Root: cfg.Root, TrustPeers: cfg.TrustPeers})
	if err == nil {
		err = s.join(ctx, cfg)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// discover asks the bootstrap peers for the network they are on.
func discover(ctx context.Context, bootstrap []string) (string, error) {
	var faults []error
	for _, addr := range bootstrap {
		names, err := networks(ctx, addr)
		switch {
		case err != nil:
			faults = append(faults, err)
		case len(names) > 1:
			return "", fmt.Errorf("%w: %s", ErrManyNetworks, strings.Join(names, ", "))
		case len(names) == 1:
			return names[0], nil
		default:
			faults = append(faults, fmt.Errorf("%s is no peer of a Floe network", addr))
		}
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return "", fmt.Errorf("%w: no bootstrap peer tells its network: %w", ErrUnavailable, errors.Join(faults...))
}

// networks is p2p.Networks within the time for one address.
func networks(ctx context.Context, addr string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return p2p.Networks(ctx, addr)
}

// connect is Host.Connect within the time for one address.
func (s *Session) connect(ctx context.Context, addr string) (p2p.PeerID, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return s.Host.Connect(ctx, addr)
}

func (s *Session) join(ctx context.Context, cfg DialConfig) error {
	var faults []error
	for _, addr := range cfg.Bootstrap {
		id, err := s.connect(ctx, addr)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", addr, err))
			continue
		}
		s.Ledger.Use(id)
	}
	var other *p2p.WrongNetworkError
	if err := errors.Join(faults...); len(faults) == len(cfg.Bootstrap) && errors.As(err, &other) {
		return fmt.Errorf("join network %s: %w", cfg.Network, err) // asking again later cannot help
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(faults) == len(cfg.Bootstrap) {
		return fmt.Errorf("%w: no bootstrap peer answers: %w", ErrUnavailable, errors.Join(faults...))
	}
	if !cfg.Root.IsZero() && cfg.Root.ChainID != cfg.Network {
		return fmt.Errorf("%w of network %s: the one given is of %s", ledgerrpc.ErrNoRoot, cfg.Network, cfg.Root.ChainID)
	}
	if cfg.Account != nil {
		s.Wallet = ledgerrpc.NewWallet(s.Ledger, cfg.Account)
	}
	var err error
	s.Client, err = New(Config{Host: s.Host, Ledger: s.Ledger, Wallet: s.Wallet, Logger: cfg.Logger})
	if err != nil {
		return err
	}
	net, err := s.Network(ctx)
	if err != nil {
		return err
	}
	for _, m := range net.Committee.Members() { // more to ask when the first do not answer
		s.Ledger.Use(p2p.PeerID(m.NetworkKey))
	}
	return nil
}

// Close ends the client and leaves the network.
func (s *Session) Close() error {
	if s.Client == nil { // the joining failed
		return s.Host.Close()
	}
	return errors.Join(s.Client.Close(), s.Host.Close())
}
