package comet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cometbft/cometbft/types"

	"github.com/floe-storage/floe/committee/light"
)

const (
	checkedTurns = 8               // heights after the snapshot whose proposers are checked
	fetchers     = 8               // chunks under way: 8 MiB
	lendRetry    = time.Second     // after all who have a snapshot were busy
	lendPatience = 2 * time.Minute // for one chunk, with all of them
)

// joining fetches, checks and restores one snapshot. Its directory keeps the
// chunks, so that an attempt that was cut short goes on where it was.
type joining struct {
	n      *Node
	c      *chain
	client *light.Client
	offer  offer
	m      manifest

	mu       sync.Mutex // mu guards the fields below.
	from     []source   // who has it, and has not lied
	failures map[source]int
}

// proof is the headers, with commits and validators, that a snapshot needs.
type proof struct {
	first *types.LightBlock   // of the chain, to be passed on; nil if nobody had it
	last  *types.LightBlock   // the snapshot's height
	later []*types.LightBlock // the two after it, and some more to know whose turn it is
}

// run leaves a whole database at nextPath, or an error.
func (j *joining) run(ctx context.Context) error {
	p, err := j.prove(ctx)
	if err != nil {
		return err
	}
	if err := checkTurns(p.later); err != nil {
		return j.refuse(err)
	}
	if err := j.fetchManifest(ctx); err != nil {
		return err
	}
	if want := p.later[0].AppHash; !bytes.Equal(j.m.hash[:], want) {
		return j.refuse(fmt.Errorf("%w: its state hashes to %x, the header says %x", errSnapshot, j.m.hash[:8], want))
	}
	if err := j.clean(); err != nil {
		return err
	}
	if err := j.fetchChunks(ctx); err != nil {
		return err
	}
	restored, err := j.restore(ctx, p)
	if errors.Is(err, errSnapshot) || errors.Is(err, errExport) {
		return j.refuse(errors.Join(err, os.RemoveAll(j.dir())))
	}
	if err != nil {
		return err
	}
	if err := errors.Join(os.Rename(restored, nextPath(j.n.cfg.Dir)), syncDir(j.n.cfg.Dir)); err != nil {
		return fmt.Errorf("keep the restored state: %w", err)
	}
	return j.shelve()
}

// prove verifies the headers.
func (j *joining) prove(ctx context.Context) (p *proof, err error) {
	p = &proof{}
	if p.last, err = j.client.Block(ctx, j.offer.height); err != nil {
		return nil, err
	}
	for i := range uint64(checkedTurns) {
		b, err := j.client.Block(ctx, j.offer.height+1+i)
		if err != nil && i >= 2 { // there may be no more yet
			break
		}
		if err != nil {
			return nil, err
		}
		p.later = append(p.later, b)
	}
	if p.first, err = j.client.Block(ctx, initialHeight); err != nil {
		p.first = nil // it was pruned, or trust begins later
	}
	return p, ctx.Err()
}

// refuse accuses all who offered the snapshot.
func (j *joining) refuse(err error) error {
	for _, s := range j.lenders() {
		j.c.sw.accuse(s.id, err)
	}
	return err
}

// lenders returns who has the snapshot, those first that have failed least.
func (j *joining) lenders() []source {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := slices.Clone(j.from)
	rand.Shuffle(len(out), func(a, b int) { out[a], out[b] = out[b], out[a] })
	slices.SortStableFunc(out, func(a, b source) int { return j.failures[a] - j.failures[b] })
	return out
}

// failed counts it against a peer that did not answer, and forgets one that lied.
func (j *joining) failed(s source, err error) {
	if lied(err) {
		j.c.sw.accuse(s.id, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failures[s]++
	if lied(err) {
		j.from = slices.DeleteFunc(j.from, func(o source) bool { return o == s })
	}
}

// dir is where chunks are kept; its name is the manifest's hash.
func (j *joining) dir() string {
	return filepath.Join(joinPath(j.n.cfg.Dir), fmt.Sprintf("%x", j.offer.id))
}

func (j *joining) chunkPath(i int) string { return filepath.Join(j.dir(), strconv.Itoa(i)) }

// clean removes what earlier attempts have left, except the chunks of this snapshot.
func (j *joining) clean() error {
	entries, err := os.ReadDir(joinPath(j.n.cfg.Dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if path := filepath.Join(joinPath(j.n.cfg.Dir), e.Name()); path != j.dir() {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return makeDir(j.dir())
}

// fetchManifest asks one after another; all answers that are taken are the same.
func (j *joining) fetchManifest(ctx context.Context) error {
	return j.ask(ctx, func(ctx context.Context, s source) (err error) {
		j.m, err = s.manifest(ctx, j.offer)
		return err
	})
}

// ask asks those who have the snapshot until one has answered. Who lies is
// accused and asked no more.
func (j *joining) ask(ctx context.Context, question func(context.Context, source) error) error {
	ctx, cancel := context.WithTimeout(ctx, lendPatience)
	defer cancel()
	for {
		var faults []error
		again := false
		for _, s := range j.lenders() {
			err := question(ctx, s)
			if err == nil {
				return nil
			}
			j.failed(s, err)
			again = again || errors.Is(err, errLentBusy)
			faults = append(faults, fmt.Errorf("%v: %w", s, err))
		}
		if !again || ctx.Err() != nil {
			return errors.Join(errNoSnapshot, errors.Join(faults...))
		}
		timer := time.NewTimer(lendRetry/2 + rand.N(lendRetry))
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}

// fetchChunks fetches what is missing from all who have it.
func (j *joining) fetchChunks(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	todo := make(chan int)
	var workers sync.WaitGroup
	for range min(fetchers, len(j.m.chunks)) {
		workers.Go(func() { // ends with todo
			for i := range todo {
				if err := j.fetchChunk(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range j.m.chunks {
		if ctx.Err() != nil {
			break
		}
		todo <- i
	}
	close(todo)
	workers.Wait()
	return context.Cause(ctx)
}

func (j *joining) fetchChunk(ctx context.Context, i int) error {
	if err := ctx.Err(); err != nil {
		return err // another has failed
	}
	if b, err := os.ReadFile(j.chunkPath(i)); err == nil && sha256.Sum256(b) == j.m.chunks[i] {
		return nil // of an earlier attempt
	}
	return j.ask(ctx, func(ctx context.Context, s source) error {
		b, err := s.chunk(ctx, &j.m, i)
		if err != nil {
			return err
		}
		return writeFile(j.chunkPath(i), b)
	})
}

// shelve keeps the chunks, to lend them to others, or removes them.
func (j *joining) shelve() error {
	if j.n.shelf.dir == "" {
		return os.RemoveAll(joinPath(j.n.cfg.Dir))
	}
	return errors.Join(j.n.shelf.put(j.dir(), j.m), os.RemoveAll(joinPath(j.n.cfg.Dir)))
}

// chunkReader reads the chunks of a directory one after another.
type chunkReader struct {
	alive func() error // why to end early
	j     *joining
	next  int
	file  io.ReadCloser
}

// Read implements [io.Reader].
func (r *chunkReader) Read(b []byte) (int, error) {
	for {
		if err := r.alive(); err != nil {
			return 0, err
		}
		if r.file == nil {
			if r.next == len(r.j.m.chunks) {
				return 0, io.EOF
			}
			f, err := os.Open(r.j.chunkPath(r.next))
			if err != nil {
				return 0, err
			}
			r.file = f
			r.next++
		}
		n, err := r.file.Read(b)
		if n > 0 || err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
		r.close()
	}
}

func (r *chunkReader) close() {
	if r.file != nil {
		_ = r.file.Close() // was only read
		r.file = nil
	}
}
