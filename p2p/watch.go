package p2p

import (
	"context"
	"iter"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// PeerEvent says that a peer has become connected, or is so no more.
type PeerEvent struct {
	Peer      PeerID
	Connected bool
}

// Watch yields the peers connected now and then every change, until ctx ends or the host closes. A
// consumer that is slow sees the latest state of a peer and may miss a connection that came and went.
func (h *Host) Watch(ctx context.Context) iter.Seq[PeerEvent] {
	return func(yield func(PeerEvent) bool) {
		v := h.watch.add()
		defer h.watch.remove(v)
		connected := map[peer.ID]bool{}
		for {
			for _, id := range v.take() {
				now := h.swarm.Connectedness(id) == network.Connected
				if now == connected[id] {
					continue
				}
				if now {
					connected[id] = true
				} else {
					delete(connected, id)
				}
				if p, err := fromLibp2p(id); err == nil && !yield(PeerEvent{Peer: p, Connected: now}) {
					return
				}
			}
			select {
			case <-v.wake:
			case <-ctx.Done():
				return
			case <-h.lifetime().Done():
				return
			}
		}
	}
}

// watch tells viewers which peers to look at again. It never blocks the network: a viewer holds a set
// of peers, bounded by the connections there are.
type watch struct {
	swarm  *swarm.Swarm
	notify *network.NotifyBundle

	mu      sync.Mutex // mu guards the fields below. It is taken before a viewer's.
	viewers map[*viewer]struct{}
}

type viewer struct {
	wake chan struct{} // holds one token when dirty is not empty

	mu    sync.Mutex // mu guards the fields below.
	dirty map[peer.ID]struct{}
}

func newWatch(sw *swarm.Swarm) *watch {
	w := &watch{swarm: sw, viewers: map[*viewer]struct{}{}}
	changed := func(_ network.Network, c network.Conn) { w.changed(c.RemotePeer()) }
	w.notify = &network.NotifyBundle{ConnectedF: changed, DisconnectedF: changed}
	sw.Notify(w.notify)
	return w
}

func (w *watch) close() { w.swarm.StopNotify(w.notify) }

func (w *watch) changed(id peer.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for v := range w.viewers {
		v.mark(id)
	}
}

func (w *watch) add() *viewer {
	v := &viewer{wake: make(chan struct{}, 1), dirty: map[peer.ID]struct{}{}}
	w.mu.Lock()
	w.viewers[v] = struct{}{}
	w.mu.Unlock()
	for _, id := range w.swarm.Peers() { // after the registration, so that none falls between
		v.mark(id)
	}
	return v
}

func (w *watch) remove(v *viewer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.viewers, v)
}

func (v *viewer) mark(id peer.ID) {
	v.mu.Lock()
	v.dirty[id] = struct{}{}
	v.mu.Unlock()
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

func (v *viewer) take() []peer.ID {
	v.mu.Lock()
	defer v.mu.Unlock()
	ids := make([]peer.ID, 0, len(v.dirty))
	for id := range v.dirty {
		ids = append(ids, id)
	}
	clear(v.dirty)
	return ids
}
