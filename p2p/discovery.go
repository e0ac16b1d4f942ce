package p2p

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

const (
	// minJoin and maxJoin bound the pause between rounds of dialing the bootstrap peers while we know
	// nobody; it doubles with each round.
	minJoin = 250 * time.Millisecond
	maxJoin = 10 * time.Second
	// tableWait is how long a question waits for the address book to know somebody to ask, and
	// tableTick how often it looks: it hears of a new connection a moment later than we do.
	tableWait = time.Second
	tableTick = 5 * time.Millisecond
)

// finder is the address book that peers keep together: Kademlia, with values and providers switched
// off, so that all it can ever answer is where a peer may be.
type finder struct {
	h         *Host
	dht       *dht.IpfsDHT
	bootstrap []peer.AddrInfo
}

func newFinder(h *Host, bootstrap []peer.AddrInfo) (*finder, error) {
	mode := dht.ModeClient
	if h.cfg.DHTServer {
		mode = dht.ModeServer
	}
	table, err := dht.New(h.host,
		dht.ProtocolPrefix(protocol.ID("/floe/"+h.cfg.Network)),
		dht.Mode(mode), dht.DisableProviders(), dht.DisableValues(),
		dht.BootstrapPeers(bootstrap...))
	if err != nil {
		return nil, fmt.Errorf("p2p: start the address book: %w", err)
	}
	return &finder{h: h, dht: table, bootstrap: bootstrap}, nil
}

// find asks where p is. Addresses it hears of, true or not, end up among those we know of p.
func (f *finder) find(ctx context.Context, p PeerID) {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	f.awaitTable(ctx)
	_, err := f.dht.FindPeer(ctx, p.libp2p())
	if err != nil {
		f.h.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "address book does not know the peer", slog.Any("peer", p), slog.Any("err", err))
	}
}

// awaitTable waits, while we are connected to anybody, until the address book has somebody to ask.
func (f *finder) awaitTable(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, tableWait)
	defer cancel()
	tick := time.NewTicker(tableTick)
	defer tick.Stop()
	for f.dht.RoutingTable().Size() == 0 && len(f.h.swarm.Peers()) > 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// run dials the bootstrap peers whenever we are connected to nobody, until ctx ends.
func (f *finder) run(ctx context.Context) {
	if len(f.bootstrap) == 0 {
		return
	}
	pause := minJoin
	for {
		if len(f.h.swarm.Peers()) > 0 || f.join(ctx) {
			pause = maxJoin
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, maxJoin)
	}
}

// join dials all bootstrap peers and reports whether one answered.
func (f *finder) join(ctx context.Context) bool {
	joined := false
	for _, info := range f.bootstrap {
		if info.ID == f.h.host.ID() {
			continue
		}
		dialCtx, cancel := context.WithTimeout(ctx, openTimeout)
		f.h.swarm.Backoff().Clear(info.ID)
		err := f.h.host.Connect(dialCtx, info)
		cancel()
		if err != nil {
			f.h.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "bootstrap peer does not answer", slog.String("peer", info.ID.String()), slog.Any("err", err))
			continue
		}
		joined = true
	}
	return joined
}

func (f *finder) close() error { return f.dht.Close() }
