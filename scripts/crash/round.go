package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/floe-storage/floe/shard/store"
)

const (
	reserve   = 20 << 20        // that a store leaves free, unless the disk is to be full
	checkTime = 2 * time.Minute // after which a checker hangs
)

// runner is a run: the store, and what it has acknowledged.
type runner struct {
	dir   string // of the store
	seed  uint64
	rnd   *rand.Rand
	exe   string
	blobs map[int]string
	next  int
	total totals
}

// run kills a writer so many times. Every round is told of on out.
func run(ctx context.Context, dir string, kills int, seed uint64, out io.Writer) (totals, error) {
	exe, err := os.Executable()
	if err != nil {
		return totals{}, err
	}
	if dir, err = os.MkdirTemp(dir, "floe-crash"); err != nil {
		return totals{}, err
	}
	r := &runner{dir: dir, seed: seed, rnd: rand.New(rand.NewPCG(seed, 1)), exe: exe, blobs: map[int]string{}}
	for r.total.rounds < kills {
		if err := r.round(ctx, out); err != nil {
			return r.total, fmt.Errorf("round %d, store kept in %s: %w", r.total.rounds, dir, err)
		}
	}
	return r.total, os.RemoveAll(dir)
}

// round is a writer's life, damage perhaps, and a check.
func (r *runner) round(ctx context.Context, out io.Writer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	began := time.Now()
	r.total.rounds++
	before := r.total
	order := order{Dir: r.dir, Seed: r.seed, Next: r.next, Reserve: reserve}
	empty := func() error { return nil }
	if r.rnd.IntN(6) == 0 {
		r.total.full++
		var err error
		if order.Reserve, empty, err = fill(r.dir, r.rnd); err != nil {
			return err
		}
	}
	err := r.write(ctx, order)
	if err := errors.Join(err, empty()); err != nil {
		return err
	}
	order.Reserve = reserve
	what := ""
	if r.rnd.IntN(3) == 0 {
		r.total.damaged++
		order.Damaged = true
		if what, err = damage(r.dir, r.rnd); err != nil {
			return err
		}
	}
	if err := r.check(ctx, order); err != nil {
		return fmt.Errorf("%w (damage: %q)", err, what)
	}
	_, err = fmt.Fprintf(out, "round %d: %v, %d blobs held, %d acknowledged, %d refused, damage %q, %d repaired\n", r.total.rounds,
		time.Since(began).Round(time.Millisecond), len(r.blobs), r.total.acked-before.acked, r.total.refused-before.refused,
		what, r.total.repaired-before.repaired)
	return err
}

// child starts this program in a role.
func (r *runner) child(ctx context.Context, role string, o order) (*exec.Cmd, *bytes.Buffer, error) {
	var input, faults bytes.Buffer
	if err := o.write(&input, r.blobs); err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, r.exe)
	cmd.Env = append(os.Environ(), roleName+"="+role)
	cmd.Stdin, cmd.Stderr = &input, &faults
	return cmd, &faults, nil
}

// write runs a writer, kills it and notes what it had acknowledged.
func (r *runner) write(ctx context.Context, o order) error {
	life := time.Duration(50+r.rnd.IntN(900)) * time.Millisecond
	if r.rnd.IntN(3) == 0 {
		life = time.Duration(r.rnd.IntN(80)) * time.Millisecond // while it opens
	}
	ctx, cancel := context.WithTimeout(ctx, life)
	defer cancel() // CommandContext kills by SIGKILL
	cmd, faults, err := r.child(ctx, roleWriter, o)
	if err != nil {
		return err
	}
	var said bytes.Buffer
	cmd.Stdout = &said
	err = cmd.Run()
	if ctx.Err() == nil || faults.Len() > 0 {
		return fmt.Errorf("writer ended by itself: %w: %s", err, faults)
	}
	return r.note(said.String())
}

// note takes what a writer has said into account; its last line may be cut.
func (r *runner) note(said string) error {
	opened := false
	for line := range strings.Lines(said) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		var word string
		var n int
		if _, err := fmt.Sscan(line, &word, &n); err != nil {
			return fmt.Errorf("writer said %q: %w", line, err)
		}
		switch word {
		case "open", "shut":
			opened = true
		case "begin", "drop":
			r.blobs[n] = maybe
			r.next = max(r.next, n+1)
		case "put":
			r.blobs[n] = held
			r.total.acked++
		case "full":
			r.total.refused++
		case "gone":
			r.blobs[n] = gone
			r.total.deleted++
		default:
			return fmt.Errorf("writer said %q", line)
		}
	}
	if !opened {
		r.total.opening++
	}
	return nil
}

// check runs a checker, after which the store has what is held, and only that.
func (r *runner) check(ctx context.Context, o order) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	cmd, faults, err := r.child(ctx, roleChecker, o)
	if err != nil {
		return err
	}
	said, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("VIOLATION: checker: %w: %s", err, faults)
	}
	if strings.HasPrefix(string(said), "refused") {
		// The node starts again with nothing and is filled by the others.
		r.total.spoiledOpen++
		r.blobs = map[int]string{}
		return store.SetAside(r.dir)
	}
	var checked, repaired int
	if _, err := fmt.Sscanf(string(said), "ok %d %d", &checked, &repaired); err != nil {
		return fmt.Errorf("checker said %q: %w", said, err)
	}
	r.total.checked += checked
	r.total.repaired += repaired
	for n, word := range r.blobs {
		if word != held {
			delete(r.blobs, n)
		}
	}
	return nil
}
