// Package client stores blobs on a Floe network and reads them back.
//
// # Words
//
// To store a blob is to pay for it and to have a quorum of the committee
// confirm that it holds the slivers; the height at which the ledger records
// that is the point of availability. To read a blob is to fetch enough slivers
// of one axis, each checked against the metadata, and to decode them.
//
// # How it works
//
// The ledger says who holds what and what it costs. Slivers travel over one
// stream per node. Writing goes on to the slow nodes after a quorum has
// confirmed; reading asks first the nodes that hold the blob's own rows and
// asks others when those are slow, gone or wrong.
//
// # Invariants
//
// Nothing that a node says is believed: metadata hash to the blob ID, slivers
// to the metadata, confirmations verify under the member's key.
//
// # Concurrency
//
// A Client is safe for concurrent use.
package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/shard"
)

var (
	// ErrNotFound says that the ledger knows no living blob of this ID: it was
	// never certified, has expired or was deleted.
	ErrNotFound = errors.New("client: no such blob")
	// ErrUnavailable says that too few nodes answered, or none for the ledger;
	// later it may work.
	ErrUnavailable = errors.New("client: too few storage nodes answered")
	// ErrInconsistent says that whoever stored the blob encoded it wrongly: it
	// has no content, for no reader and at no time.
	ErrInconsistent = errors.New("client: the blob was encoded wrongly")
	// ErrNoAccount says that storing needs an account and none was configured.
	ErrNoAccount = errors.New("client: no account to pay with")
	// ErrClosed says that the client was closed.
	ErrClosed = errors.New("client: closed")
)

// Config says what a client works with.
type Config struct {
	Host   *p2p.Host         // required; not closed by the client
	Ledger ledgerrpc.Ledger  // required
	Wallet *ledgerrpc.Wallet // pays for what is stored; nil for reading only
	Logger *slog.Logger      // nil: no log
}

// Client reads and stores blobs.
type Client struct {
	host   *p2p.Host
	ledger ledgerrpc.Ledger
	wallet *ledgerrpc.Wallet
	log    *slog.Logger

	standing standing // who failed lately
	tails    tails    // uploads that may go on after Store has returned

	// mu guards the fields below.
	mu       sync.Mutex
	exchange *exchange.Client // nil until the network's shapes are known
	told     committee.Epoch  // whose members' addresses the host knows
}

// New returns a client. Close it.
func New(cfg Config) (*Client, error) {
	if cfg.Host == nil || cfg.Ledger == nil {
		return nil, errors.New("client: a host and a ledger are needed")
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Client{host: cfg.Host, ledger: cfg.Ledger, wallet: cfg.Wallet, log: log}, nil
}

// Flush waits until no uploads go on, those of other calls of Store included,
// or ctx has ended.
func (c *Client) Flush(ctx context.Context) error { return c.tails.wait(ctx) }

// Close ends the uploads that still go on and waits for them. Store and Read
// return [ErrClosed] afterwards; a Read under way ends with its context or its
// host. It may be called again.
func (c *Client) Close() error {
	c.tails.close()
	return nil
}

// Network is what the ledger says about the network at one height.
type Network struct {
	Height    uint64
	Params    ledger.Params
	System    ledger.System
	Committee *committee.Committee
	// Previous is the committee of the epoch before while shards are handed over:
	// it still has what was certified before the running epoch. Nil at other times.
	Previous *committee.Committee
}

// Network asks the ledger for the running epoch, its prices and its committee.
func (c *Client) Network(ctx context.Context) (*Network, error) {
	var n Network
	err := c.ledger.View(ctx, func(r ledger.Reader, height uint64) (err error) {
		n.Height = height
		if n.Params, err = ledger.ReadParams(r); err != nil {
			return err
		}
		if n.System, err = ledger.ReadSystem(r); err != nil {
			return err
		}
		if n.Committee, err = ledger.ReadCommitteeAt(r, n.System.Epoch); err != nil {
			return err
		}
		if handingOver(n.System) {
			n.Previous, err = ledger.ReadCommitteeAt(r, n.System.Epoch-1)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("state of the network: %w", unreached(err))
	}
	c.introduce(n.Committee)
	if n.Previous != nil {
		c.addAddrs(n.Previous)
	}
	return &n, nil
}

// handingOver tells whether members may lack shards that they have gained.
func handingOver(sys ledger.System) bool {
	return sys.Epoch > 1 && (sys.Phase == ledger.PhaseHandover || sys.Deadline != 0)
}

// introduce tells the host once where the members of an epoch say they are.
func (c *Client) introduce(members *committee.Committee) {
	c.mu.Lock()
	known := c.told == members.Epoch()
	c.told = members.Epoch()
	c.mu.Unlock()
	if known {
		return
	}
	c.addAddrs(members)
}

func (c *Client) addAddrs(members *committee.Committee) {
	for _, m := range members.Members() {
		c.host.AddAddrs(p2p.PeerID(m.NetworkKey), m.Addrs)
	}
}

// Status returns the strongest living claim to a blob ID. No claim is no error.
func (c *Client) Status(ctx context.Context, id shard.BlobID) (ledger.Status, error) {
	var s ledger.Status
	err := c.ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
		s, err = ledger.ReadStatus(r, id)
		return err
	})
	if err != nil {
		return s, fmt.Errorf("status of blob %v: %w", id, unreached(err))
	}
	return s, nil
}

// unreached makes a ledger that nobody answers for an ErrUnavailable, so that
// callers need to know one error only for what may work later.
func unreached(err error) error {
	if errors.Is(err, ledgerrpc.ErrUnavailable) && !errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// exchangeFor returns the client of the stream protocols for blobs of the
// committee's shape, which never changes in the life of a network.
func (c *Client) exchangeFor(n *Network) (*exchange.Client, error) {
	if c.tails.closing() {
		return nil, ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exchange == nil {
		c.exchange = exchange.NewClient(c.host, n.Committee.Params())
	}
	return c.exchange, nil
}
