package repair_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/floe-storage/floe/repair"
	"github.com/floe-storage/floe/shard"
)

// What was not repaired before a restart is repaired after it, with the age that
// it had, without anybody looking for it; what was is forgotten.
func TestRestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 10, 5, 1000)
		w.lose(shard.Primary, shard.Secondary)
		w.set(failing, 1, 2, 3, 4)
		r, stop := running(t, w, nil)
		r.Enqueue(w.id)
		settle()
		since := r.Stats().Oldest
		stop()
		time.Sleep(time.Hour)
		r, stop = running(t, w, nil)
		settle()
		if got := r.Stats(); got.Waiting+got.Active != 1 || !got.Oldest.Equal(since) {
			t.Errorf("after a restart: got %+v, want oldest %v", got, since)
		}
		w.set(honest, 1, 2, 3, 4)
		if err := r.WaitIdle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.whole(); err != nil {
			t.Error(err)
		}
		stop()
		w.lose(shard.Secondary)
		r, stop = running(t, w, nil)
		settle()
		if got := r.Stats(); got.Waiting+got.Active != 0 || got.Blobs != 0 {
			t.Errorf("what was repaired is still there: %+v", got)
		}
		stop()
	})
}

// A journal that cannot be read is made up for by a scan.
func TestUnreadableJournal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 10, 5, 1000)
		w.lose(shard.Primary, shard.Secondary)
		w.values["repair-queue-05"] = []byte{9, 9}
		_, stop := running(t, w, nil)
		defer stop()
		time.Sleep(time.Minute)
		if err := w.whole(); err != nil {
			t.Error(err)
		}
	})
}

// While the node is busy nothing is pulled, and after a while it is all the same.
func TestGivesWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 10, 5, 1000)
		w.lose(shard.Secondary)
		var busy atomic.Bool
		busy.Store(true)
		r, stop := running(t, w, func(c *repair.Config) { c.Busy, c.MaxPause = busy.Load, time.Minute })
		defer stop()
		r.Enqueue(w.id)
		time.Sleep(30 * time.Second)
		if w.requests != 0 {
			t.Errorf("got %d requests of a busy node", w.requests)
		}
		busy.Store(false)
		if settle(); w.whole() != nil {
			t.Error("not repaired although the node is idle")
		}
		busy.Store(true)
		w.lose(shard.Secondary)
		started := time.Now()
		mend(t, r, w)
		if took := time.Since(started); took < time.Minute || took > 2*time.Minute {
			t.Errorf("a node that is always busy was repaired after %v, want about a minute", took)
		}
	})
}

// The bytes pulled keep to the rate.
func TestRate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCity(t, 10, 5, 20, 1000)
		const rate = 1000
		r, stop := running(t, c.first, func(cfg *repair.Config) {
			cfg.Peers, cfg.Store, cfg.Ledger, cfg.Rate = c, cityStore{c}, c, rate
		})
		defer stop()
		started := time.Now()
		if err := r.Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.WaitIdle(t.Context()); err != nil {
			t.Fatal(err)
		}
		seconds := time.Since(started).Seconds()
		// The last blob is admitted when those before it have been paid for.
		if got := float64(r.Stats().BytesRestored) * 18 / 20 / seconds; got > 2*rate {
			t.Errorf("got %.0f bytes a second, want about %d", got, rate)
		}
	})
}

func TestMetrics(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 10, 5, 1000)
		w.lose(shard.Primary, shard.Secondary)
		w.set(failing, 1, 2, 3, 4)
		r, stop := running(t, w, nil)
		defer stop()
		registry := prometheus.NewPedanticRegistry()
		for _, c := range r.Metrics() {
			if err := registry.Register(c); err != nil {
				t.Fatal(err)
			}
		}
		r.Enqueue(w.id)
		settle()
		for name, want := range map[string]float64{
			"floe_repair_queue_blobs": 1, "floe_repair_oldest_seconds": 1, "floe_repair_margin_blobs": 1, "floe_repair_liars": 0,
		} {
			if got := sum(t, registry, name); got != want {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
		w.set(honest, 1, 2, 3, 4)
		if err := r.WaitIdle(t.Context()); err != nil {
			t.Fatal(err)
		}
		st := r.Stats()
		for name, want := range map[string]float64{
			"floe_repair_queue_blobs": 0, "floe_repair_oldest_seconds": 0, "floe_repair_slivers_total": 4,
			"floe_repair_bytes_total": float64(st.BytesPulled + st.BytesRestored), "floe_repair_calls_total": float64(st.Calls),
		} {
			if got := sum(t, registry, name); got != want {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
	})
}

// sum adds up what a family of metrics says.
func sum(t *testing.T, g prometheus.Gatherer, name string) (total float64) {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			total += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
		return total
	}
	t.Errorf("no metric %s", name)
	return 0
}
