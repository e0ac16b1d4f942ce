package store

import (
	"fmt"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Stats is a store's size at a moment.
type Stats struct {
	Slivers     int    // holdings
	SliverBytes uint64 // the slivers' data
	DiskBytes   uint64 // that the store's files occupy
	// DeadBytes is how much of the files of large slivers is deleted or replaced:
	// [Store.Reclaim] gives it back where it is a fifth of a file and more.
	DeadBytes   uint64
	Files       int    // of the store
	FreeBytes   uint64 // on the disk
	Quarantined int    // slivers found bad and not replaced yet
	Refused     uint64 // writes for want of room, since the store was opened
	Reclaimed   Reclaimed
}

// Reclaimed tells of a call of [Store.Reclaim].
type Reclaimed struct {
	At    time.Time // when it began; zero: there has been none
	Took  time.Duration
	Files int    // that went
	Bytes uint64 // by which the store's files have shrunk meanwhile
	Err   error
}

// Stats returns the store's size.
func (s *Store) Stats() (Stats, error) {
	if err := s.begin(); err != nil {
		return Stats{}, err
	}
	defer s.calls.Done()
	st := Stats{
		Slivers: int(s.slivers.Load()), SliverBytes: uint64(s.bytes.Load()),
		Quarantined: int(s.quarantined.Load()), Refused: s.refused.Load(),
	}
	if r := s.reclaimed.Load(); r != nil {
		st.Reclaimed = *r
	}
	var err error
	if st.FreeBytes, err = s.free(s.dir); err != nil {
		return Stats{}, fmt.Errorf("measure free space of %s: %w", s.dir, err)
	}
	st.DiskBytes, st.DeadBytes, st.Files = s.sizes()
	return st, nil
}

// sizes returns what the files occupy, how much of it is dead, and their number.
func (s *Store) sizes() (disk, dead uint64, files int) {
	size, alive, files := s.segments.totals()
	disk, dead = size, size-min(size, alive)
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return disk, dead, files // a number that is too small harms nobody
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // files come and go
			disk += occupied(info)
			files++
		}
	}
	return disk, dead, files
}

// gauge is a figure of the store that is looked up when it is asked for.
func gauge(name, help string, value func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "floe", Subsystem: "store", Name: name, Help: help}, value)
}

func counter(name, help string, value func() float64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "floe", Subsystem: "store", Name: name, Help: help}, value)
}

// Metrics returns the store's figures for the caller to register. They may be
// read until, and also after, the store is closed.
func (s *Store) Metrics() []prometheus.Collector {
	last := func(f func(Reclaimed) float64) func() float64 {
		return func() float64 {
			if r := s.reclaimed.Load(); r != nil {
				return f(*r)
			}
			return 0
		}
	}
	return []prometheus.Collector{
		gauge("slivers", "Slivers held.", func() float64 { return float64(s.slivers.Load()) }),
		gauge("sliver_bytes", "Bytes of data of the slivers held.", func() float64 { return float64(s.bytes.Load()) }),
		gauge("disk_bytes", "Bytes that the store's files occupy.", func() float64 { disk, _, _ := s.sizes(); return float64(disk) }),
		gauge("dead_bytes", "Bytes of the files of large slivers that are deleted or replaced and not reclaimed.", func() float64 { _, dead, _ := s.sizes(); return float64(dead) }),
		gauge("files", "Files of the store.", func() float64 { _, _, files := s.sizes(); return float64(files) }),
		gauge("free_bytes", "Bytes free on the store's disk.", func() float64 {
			free, err := s.free(s.dir)
			if err != nil {
				return 0
			}
			return float64(free)
		}),
		gauge("quarantined_slivers", "Slivers found bad and not replaced yet.", func() float64 { return float64(s.quarantined.Load()) }),
		counter("refused_writes_total", "Writes refused because the disk is full.", func() float64 { return float64(s.refused.Load()) }),
		counter("scrubbed_bytes_total", "Bytes of slivers re-read and verified.", func() float64 { return float64(s.scrubbed.Load()) }),
		counter("scrub_bad_total", "Slivers and metadata found bad by scrubbing.", func() float64 { return float64(s.scrubBad.Load()) }),
		gauge("reclaim_last_run_seconds", "When the last reclaim began, in seconds since 1970.", last(func(r Reclaimed) float64 { return float64(r.At.Unix()) })),
		gauge("reclaim_last_duration_seconds", "How long the last reclaim took.", last(func(r Reclaimed) float64 { return r.Took.Seconds() })),
		gauge("reclaim_last_bytes", "Bytes that the last reclaim gave back.", last(func(r Reclaimed) float64 { return float64(r.Bytes) })),
		gauge("reclaim_last_failed", "1 if the last reclaim ended with an error.", last(func(r Reclaimed) float64 {
			if r.Err != nil {
				return 1
			}
			return 0
		})),
	}
}
