package p2p

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// Traffic is what streams of one protocol have carried, in bytes. Headers of QUIC, TCP and their
// encryption are not counted.
type Traffic struct {
	Sent, Received int64
}

// Traffic returns the bytes carried since the start, by protocol: our own by the name given to Open and
// Handle ("blob/1"), libp2p's by their full identifier, "" for what was spent on agreeing on a protocol.
func (h *Host) Traffic() map[string]Traffic {
	out := map[string]Traffic{}
	h.traffic.each(func(id protocol.ID, t Traffic) {
		name := strings.TrimPrefix(string(id), h.traffic.prefix)
		sum := out[name]
		out[name] = Traffic{Sent: sum.Sent + t.Sent, Received: sum.Received + t.Received}
	})
	return out
}

// traffic counts for libp2p. It has one entry per protocol this host has handled or opened; a peer
// cannot add any, because only agreed protocols are counted.
type traffic struct {
	prefix string
	byID   sync.Map // protocol.ID → *counter
}

type counter struct{ sent, received atomic.Int64 }

func (t *traffic) counter(id protocol.ID) *counter {
	c, ok := t.byID.Load(id)
	if !ok {
		c, _ = t.byID.LoadOrStore(id, new(counter))
	}
	return c.(*counter) //nolint:forcetypeassert // invariant: the map holds counters only
}

func (t *traffic) each(visit func(protocol.ID, Traffic)) {
	t.byID.Range(func(k, v any) bool {
		id, c := k.(protocol.ID), v.(*counter) //nolint:forcetypeassert // invariant: as above
		visit(id, Traffic{Sent: c.sent.Load(), Received: c.received.Load()})
		return true
	})
}

// The rest implements metrics.Reporter, of which libp2p calls only the two stream methods with effect.

// LogSentMessage implements [metrics.Reporter].
func (t *traffic) LogSentMessage(int64) {}

// LogRecvMessage implements [metrics.Reporter].
func (t *traffic) LogRecvMessage(int64) {}

// LogSentMessageStream implements [metrics.Reporter].
func (t *traffic) LogSentMessageStream(n int64, id protocol.ID, _ peer.ID) {
	t.counter(id).sent.Add(n)
}

// LogRecvMessageStream implements [metrics.Reporter].
func (t *traffic) LogRecvMessageStream(n int64, id protocol.ID, _ peer.ID) {
	t.counter(id).received.Add(n)
}

// GetBandwidthForPeer implements [metrics.Reporter].
func (t *traffic) GetBandwidthForPeer(peer.ID) metrics.Stats { return metrics.Stats{} }

// GetBandwidthForProtocol implements [metrics.Reporter].
func (t *traffic) GetBandwidthForProtocol(id protocol.ID) metrics.Stats {
	c := t.counter(id)
	return metrics.Stats{TotalIn: c.received.Load(), TotalOut: c.sent.Load()}
}

// GetBandwidthTotals implements [metrics.Reporter].
func (t *traffic) GetBandwidthTotals() (sum metrics.Stats) {
	t.each(func(_ protocol.ID, c Traffic) {
		sum.TotalIn += c.Received
		sum.TotalOut += c.Sent
	})
	return sum
}

// GetBandwidthByPeer implements [metrics.Reporter].
func (t *traffic) GetBandwidthByPeer() map[peer.ID]metrics.Stats { return nil }

// GetBandwidthByProtocol implements [metrics.Reporter].
func (t *traffic) GetBandwidthByProtocol() map[protocol.ID]metrics.Stats {
	out := map[protocol.ID]metrics.Stats{}
	t.each(func(id protocol.ID, c Traffic) {
		out[id] = metrics.Stats{TotalIn: c.Received, TotalOut: c.Sent}
	})
	return out
}

// Reset implements [metrics.Reporter].
func (t *traffic) Reset() {}

// TrimIdle implements [metrics.Reporter].
func (t *traffic) TrimIdle(time.Time) {}
