package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
)

// headers is what IP and UDP add to a datagram.
const headers = 28

// world is a network of which member 0 is the one to repair.
type world struct {
	params    shard.Params
	nodes     int
	size      int
	committee *committee.Committee
	hosts     []*p2p.Host
	servers   []*exchange.Server
	client    *exchange.Client
	received  atomic.Int64 // by member 0's socket
	blobs     map[shard.BlobID]*blob
}

type blob struct {
	metadata *shard.Metadata
	pairs    []shard.SliverPair
}

// newWorld makes a world with blobs of one size. Counting bytes costs time.
func newWorld(ctx context.Context, shards, nodes, count, size int, counting bool) (*world, error) {
	p, err := shard.NewParams(shards)
	if err != nil {
		return nil, err
	}
	w := &world{params: p, nodes: nodes, size: size, blobs: map[shard.BlobID]*blob{}}
	random := rand.NewChaCha8([32]byte{byte(shards)})
	for range count {
		data := make([]byte, size)
		_, _ = random.Read(data) // never fails
		md, pairs, err := shard.Encode(p, data)
		if err != nil {
			return nil, err
		}
		w.blobs[md.ID()] = &blob{md, pairs}
	}
	if err := w.start(ctx, counting); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// start opens the hosts and connects member 0 with the others.
func (w *world) start(ctx context.Context, counting bool) error {
	members := make([]committee.Member, w.nodes)
	for i := range members {
		identity := p2p.NewIdentity([32]byte{'r', byte(i)})
		cfg := p2p.Config{Network: "bench", Identity: identity, Listen: []string{"/ip4/127.0.0.1/udp/0/quic-v1"}}
		if i == 0 && counting {
			cfg.ListenUDP = w.listen
		}
		h, err := p2p.New(ctx, cfg)
		if err != nil {
			return err
		}
		w.hosts = append(w.hosts, h)
		members[i] = committee.Member{ID: committee.NodeID{byte(i)}, NetworkKey: h.ID()}
		if i == 0 {
			w.client = exchange.NewClient(h, w.params)
			continue
		}
		s, err := exchange.Serve(h, &server{world: w}, exchange.ServerConfig{Params: w.params})
		if err != nil {
			return err
		}
		w.servers = append(w.servers, s)
		if _, err := w.hosts[0].Connect(ctx, h.Addrs()[0]); err != nil {
			return err
		}
	}
	for s := range w.params.Shards() {
		m := &members[s%w.nodes]
		m.Shards = append(m.Shards, shard.Index(s))
	}
	var err error
	w.committee, err = committee.New(1, w.params.Shards(), members)
	return err
}

func (w *world) close() error {
	var errs []error
	for _, s := range w.servers {
		errs = append(errs, s.Close())
	}
	for _, h := range w.hosts {
		errs = append(errs, h.Close())
	}
	return errors.Join(errs...)
}

// counted counts the bytes of the datagrams that a socket receives. Reading in
// batches would go past it, so it is no more than a net.PacketConn.
type counted struct {
	net.PacketConn
	received *atomic.Int64
}

func (w *world) listen(network string, addr *net.UDPAddr) (net.PacketConn, error) {
	c, err := net.ListenUDP(network, addr)
	if err != nil {
		return nil, err
	}
	return &counted{c, &w.received}, c.SetReadBuffer(7 * mib)
}

// ReadFrom implements [net.PacketConn].
func (c *counted) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.PacketConn.ReadFrom(b)
	if err == nil {
		c.received.Add(int64(n) + headers)
	}
	return n, from, err
}

// Committee implements [repair.Ledger].
func (w *world) Committee() *committee.Committee { return w.committee }

// Wanted implements [repair.Ledger].
func (w *world) Wanted(id shard.BlobID) bool { return w.blobs[id] != nil }

// Blobs implements [repair.Ledger].
func (w *world) Blobs() iter.Seq[shard.BlobID] {
	return func(yield func(shard.BlobID) bool) {
		for id := range w.blobs {
			if !yield(id) {
				return
			}
		}
	}
}

// Pull implements [repair.Peers].
func (w *world) Pull(ctx context.Context, from committee.Member, wants []repair.Want) iter.Seq2[repair.Got, error] {
	return func(yield func(repair.Got, error) bool) {
		asked := make([]exchange.Want, len(wants))
		for i, want := range wants {
			asked[i] = exchange.Want{Metadata: want.Metadata, SymbolRequest: exchange.SymbolRequest(want.SymbolRequest)}
		}
		for g, err := range w.client.Pull(ctx, p2p.PeerID(from.NetworkKey), asked) {
			if wire.IsNotFound(err) {
				err = repair.ErrAbsent
			}
			if !yield(repair.Got{Metadata: g.Metadata, Symbols: repair.SymbolReply(g.Symbols)}, err) {
				return
			}
		}
	}
}

// quiet waits until nothing has come in for a while: the members know each other.
func (w *world) quiet(ctx context.Context) error {
	for last := int64(-1); last != w.received.Load(); {
		last = w.received.Load()
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// measured is what one repair took.
type measured struct {
	received int64 // bytes
	wall     time.Duration
	stats    repair.Stats
}

// mend repairs member 0, whose slivers are on shelf, and waits until it is whole.
func (w *world) mend(ctx context.Context, shelf repair.Store) (m measured, err error) {
	r, err := repair.New(repair.Config{Self: w.committee.Members()[0].ID, Peers: w, Store: shelf, Ledger: w})
	if err != nil {
		return m, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if err := w.quiet(ctx); err != nil {
		return m, err
	}
	ran := make(chan error, 1)
	before, started := w.received.Load(), time.Now()
	go func() { ran <- r.Run(ctx) }()
	if err = r.Scan(ctx); err == nil {
		err = r.WaitIdle(ctx)
	}
	m = measured{received: w.received.Load() - before, wall: time.Since(started), stats: r.Stats()}
	cancel()
	if ended := <-ran; err == nil && !errors.Is(ended, context.Canceled) {
		err = ended
	}
	if err == nil && (m.stats.Failures > 0 || int(m.stats.Blobs) != len(w.blobs)) {
		err = fmt.Errorf("%d of %d blobs repaired, %d attempts failed", m.stats.Blobs, len(w.blobs), m.stats.Failures)
	}
	return m, err
}
