package devnet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/node"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/httpapi"
	"github.com/floe-storage/floe/p2p"
)

const (
	shutdownLimit = 10 * time.Second // for requests under way
	headerTimeout = 10 * time.Second // for the head of an HTTP request
)

// Net is a running network.
type Net struct {
	cfg     Config
	card    Card
	genesis []byte
	log     *slog.Logger

	gateway *client.Session // behind the HTTP API, a peer of its own
	server  *http.Server
	serving sync.WaitGroup // the HTTP server

	// mu guards the fields below and is held while a node starts or stops.
	mu      sync.Mutex
	members []*member
	closed  bool
}

// member is one storage node, running or not.
type member struct {
	dir    string
	node   *node.Node // nil while stopped
	listen []string   // where it listened last; nil before the first start
}

// Open starts the network in cfg.Dir, making one if there is none, and returns
// once it answers. ctx bounds the start only. Close it.
func Open(ctx context.Context, cfg Config) (n *Net, err error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	card, err := cfg.fill()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", cfg.HTTP) // first of all: what is most likely to be refused
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP on %s: %w", cfg.HTTP, err)
	}
	if card == nil {
		card, err = create(cfg)
	} else {
		err = checkKeys(cfg.Dir, cfg.Nodes)
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	n = &Net{cfg: cfg, card: *card, log: cfg.Logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, listener.Close(), n.Close())
			n = nil
		}
	}()
	if n.genesis, err = loadGenesis(cfg.Dir); err != nil {
		return n, err
	}
	for i := range cfg.Nodes {
		n.members = append(n.members, &member{dir: nodeDir(cfg.Dir, i)})
	}
	if err := n.startAll(ctx); err != nil {
		return n, err
	}
	if err := n.openGateway(ctx); err != nil {
		return n, err
	}
	n.card.HTTP, n.card.Bootstrap = listener.Addr().String(), n.Bootstrap()
	if n.card.Root, err = n.root(ctx); err != nil {
		return n, err
	}
	if err := n.card.write(cfg.Dir); err != nil {
		return n, err
	}
	return n, n.serve(listener)
}

// startAll starts the nodes side by side: the first block needs two thirds of
// them. All listen before any starts, so that each can be told of the others.
func (n *Net) startAll(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	hosts := make([]*p2p.Host, len(n.members))
	var known []string
	for i, m := range n.members {
		h, err := node.Listen(ctx, n.nodeConfig(m, nil))
		if err != nil {
			for _, h := range hosts[:i] {
				err = errors.Join(err, h.Close())
			}
			return fmt.Errorf("start %s: %w", nodeName(i), err)
		}
		hosts[i] = h
		known = append(known, h.Addrs()...)
	}
	faults := make([]error, len(n.members))
	var wg sync.WaitGroup
	for i, m := range n.members {
		wg.Go(func() {
			started, err := node.Open(ctx, n.nodeConfig(m, known), hosts[i])
			if err != nil {
				faults[i] = fmt.Errorf("start %s: %w", nodeName(i), err)
				return
			}
			m.node, m.listen = started, started.Listening()
		})
	}
	wg.Wait()
	return errors.Join(faults...)
}

func (n *Net) nodeConfig(m *member, bootstrap []string) node.Config {
	return node.Config{
		Dir: m.dir, Genesis: n.genesis, Listen: m.listen, Bootstrap: bootstrap,
		RepairGrace: 2 * time.Second, Logger: n.log.With("node", m.dir),
		// An epoch goes from step to step with blocks: an idle chain has to make
		// several in each.
		EmptyBlockInterval: min(max(n.cfg.Epoch/blocksPerEpoch, minBlockInterval), maxBlockInterval),
	}
}

// How often an idle chain makes a block.
const (
	blocksPerEpoch   = 8
	minBlockInterval = 200 * time.Millisecond
	maxBlockInterval = 10 * time.Second
)

// openGateway joins the network like any client: with addresses to begin with.
func (n *Net) openGateway(ctx context.Context) error {
	key, err := node.LoadOrCreateAccount(AccountFile(n.cfg.Dir))
	if err != nil {
		return err
	}
	session, err := client.Dial(ctx, client.DialConfig{
		Network: n.card.ChainID, Bootstrap: n.Bootstrap(), Account: key, Logger: n.log.With("node", "gateway"),
		TrustPeers: true, // they run in this process
	})
	if err != nil {
		return fmt.Errorf("start the gateway: %w", err)
	}
	n.gateway = session
	return nil
}

// root returns the newest header as a trust root.
func (n *Net) root(ctx context.Context) (light.Root, error) {
	block, err := n.members[0].node.Ledger().LightBlock(ctx, 0)
	if err != nil {
		return light.Root{}, err
	}
	h, err := light.ReadHeader(block)
	return light.Root{ChainID: n.card.ChainID, Height: h.Height, Hash: h.Hash}, err
}

func (n *Net) serve(listener net.Listener) error {
	handler, err := httpapi.New(httpapi.Config{Blobs: n.gateway.Client, Logger: n.log})
	if err != nil {
		return err
	}
	n.server = &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout}
	n.serving.Go(func() { // ends with Close
		if err := n.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			n.log.Error("the HTTP server ended", "err", err)
		}
	})
	return nil
}

// Close stops everything and waits for it. It may be called again.
func (n *Net) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	n.closed = true
	var faults []error
	if n.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownLimit) //nolint:forbidigo // closing outlives the caller's context
		defer cancel()
		if err := n.server.Shutdown(ctx); err != nil {
			faults = append(faults, n.server.Close())
		}
		n.serving.Wait()
	}
	if n.gateway != nil {
		faults = append(faults, n.gateway.Close())
	}
	var wg sync.WaitGroup
	errs := make([]error, len(n.members))
	for i, m := range n.members {
		if m.node != nil {
			wg.Go(func() { errs[i] = m.node.Close() })
		}
	}
	wg.Wait()
	return errors.Join(append(faults, errs...)...)
}
