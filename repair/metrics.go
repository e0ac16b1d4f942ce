package repair

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/floe-storage/floe/shard"
)

// marginNames are the classes of queue.margins, as shares of the pairs beyond
// those that a reader needs.
var marginNames = [5]string{"unreadable", "<0.25", "<0.5", "<0.75", "<=1"}

// metrics reads a repairer's figures when it is asked for them.
type metrics struct {
	r       *Repairer
	bytes   *prometheus.Desc
	slivers *prometheus.Desc
	counts  *prometheus.Desc
	calls   *prometheus.Desc
	queue   *prometheus.Desc
	oldest  *prometheus.Desc
	margin  *prometheus.Desc
	liars   *prometheus.Desc
}

// Metrics returns what measures the repairer: bytes pulled and restored, what is
// still to be done and for how long, and how close to unreadable it is.
func (r *Repairer) Metrics() []prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("floe_repair_"+name, help, labels, nil)
	}
	return []prometheus.Collector{&metrics{
		r:       r,
		bytes:   desc("bytes_total", "Bytes of symbols, proofs and metadata pulled, and of slivers and metadata restored.", "kind"),
		slivers: desc("slivers_total", "Slivers restored.", "axis"),
		counts:  desc("blobs_total", "Blobs repaired, found to be encoded wrongly, tried in vain, and turned away from a full queue.", "outcome"),
		calls:   desc("calls_total", "Calls to other members."),
		queue:   desc("queue_blobs", "Blobs of which something is to be repaired.", "state"),
		oldest:  desc("oldest_seconds", "How long the blob has been lost that has been so longest; 0 if there is none."),
		margin:  desc("margin_blobs", "Blobs in the queue by the pairs left beyond what a reader needs, as a share of the most there can be.", "margin"),
		liars:   desc("liars", "Members that have answered with something provably wrong."),
	}}
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.bytes, m.slivers, m.counts, m.calls, m.queue, m.oldest, m.margin, m.liars} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	s := m.r.Stats()
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	send(m.bytes, prometheus.CounterValue, float64(s.BytesPulled), "pulled")
	send(m.bytes, prometheus.CounterValue, float64(s.BytesRestored), "restored")
	send(m.slivers, prometheus.CounterValue, float64(s.Primary), shard.Primary.String())
	send(m.slivers, prometheus.CounterValue, float64(s.Secondary), shard.Secondary.String())
	send(m.counts, prometheus.CounterValue, float64(s.Blobs), "repaired")
	send(m.counts, prometheus.CounterValue, float64(s.Inconsistent), "inconsistent")
	send(m.counts, prometheus.CounterValue, float64(s.Failures), "failed")
	send(m.counts, prometheus.CounterValue, float64(s.Dropped), "dropped")
	send(m.calls, prometheus.CounterValue, float64(s.Calls))
	send(m.queue, prometheus.GaugeValue, float64(s.Waiting), "waiting")
	send(m.queue, prometheus.GaugeValue, float64(s.Active), "active")
	age := 0.0
	if !s.Oldest.IsZero() {
		age = time.Since(s.Oldest).Seconds()
	}
	send(m.oldest, prometheus.GaugeValue, age)
	for i, n := range s.Margins {
		send(m.margin, prometheus.GaugeValue, float64(n), marginNames[i])
	}
	send(m.liars, prometheus.GaugeValue, float64(len(s.Liars)))
}
