package comet

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
)

// maker writes a snapshot now and then, beside the chain. The chain never waits
// for it: while one is being written, the next is left out.
type maker struct {
	every  uint64
	shelf  *shelf
	db     *database
	log    *slog.Logger
	stop   <-chan struct{}
	states chan heldState
}

// heldState is a state that is kept from being pruned until release.
type heldState struct {
	height  uint64
	hash    [32]byte
	release func()
}

// newMaker makes c's application tell of each commit; nil if no snapshots are wanted.
func newMaker(cfg *Config, c *chain, s *shelf) *maker {
	if cfg.SnapshotEvery == 0 {
		return nil
	}
	m := &maker{every: cfg.SnapshotEvery, shelf: s, db: c.db, log: cfg.Logger, stop: c.stopping, states: make(chan heldState, 1)}
	c.app.onCommit = func() { m.offer(c.app.tree) }
	return m
}

// offer is called after each commit and does not wait.
func (m *maker) offer(t *tree) {
	r, height, release, ok := t.hold()
	if !ok || height == 0 || height%m.every != 0 {
		release()
		return
	}
	select {
	case m.states <- heldState{height, [32]byte(r.t.Hash()), release}:
	default:
		m.log.Debug("snapshot left out: the last one is still being written", "height", height)
		release()
	}
}

// run writes snapshots until the chain stops.
func (m *maker) run() {
	for {
		select {
		case <-m.stop:
			return
		case s := <-m.states:
			err := m.write(s)
			s.release()
			if err != nil && !errors.Is(err, ErrClosed) {
				m.log.Warn("snapshot not written", "height", s.height, "err", err)
			}
		}
	}
}

func (m *maker) write(s heldState) error {
	path, err := m.shelf.begin(s.height)
	if err != nil {
		return err
	}
	w := &chunkWriter{dir: path, m: manifest{height: s.height, hash: s.hash}}
	err = exportTree(w, m.db, int64(s.height)+1, m.stop)
	if err == nil {
		err = w.flush()
	}
	if err == nil {
		err = m.shelf.put(path, w.m)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(path))
	}
	m.log.Debug("snapshot written", "height", s.height, "size", w.m.size)
	return nil
}

// chunkWriter cuts what is written into files.
type chunkWriter struct {
	dir string
	m   manifest
	buf []byte
}

// Write implements [io.Writer].
func (w *chunkWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		take := min(len(b), chunkSize-len(w.buf))
		w.buf = append(w.buf, b[:take]...)
		b = b[take:]
		if len(w.buf) == chunkSize {
			if err := w.flush(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// flush writes the chunk that has begun.
func (w *chunkWriter) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	i := len(w.m.chunks)
	if i == maxChunks {
		return fmt.Errorf("%w: more than %d chunks", errManifest, maxChunks)
	}
	if err := writeFile(filepath.Join(w.dir, strconv.Itoa(i)), w.buf); err != nil {
		return err
	}
	w.m.chunks = append(w.m.chunks, sha256.Sum256(w.buf))
	w.m.size += uint64(len(w.buf))
	w.buf = w.buf[:0]
	return nil
}
