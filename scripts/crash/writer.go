package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/floe-storage/floe/shard/store"
)

const (
	writers  = 4
	mostHeld = 50 // blobs; a writer deletes one for each that it puts beyond
	// reclaimPause leaves something to reclaim.
	reclaimPause = 20 * time.Millisecond
)

// order is what a round tells a writer or a checker on its input, and the lines
// that follow are blobs: a word and a number.
type order struct {
	Dir     string
	Seed    uint64
	Next    int    // number of the first new blob
	Reserve uint64 // of the store
	Damaged bool   // bytes were flipped
}

func (o order) write(w io.Writer, blobs map[int]string) error {
	_, err := fmt.Fprintf(w, "%q %d %d %d %t\n", o.Dir, o.Seed, o.Next, o.Reserve, o.Damaged)
	for n, word := range blobs {
		if err == nil {
			_, err = fmt.Fprintln(w, word, n)
		}
	}
	return err
}

func readOrder(r io.Reader) (o order, blobs map[int]string, err error) {
	in := bufio.NewReader(r)
	if _, err := fmt.Fscanf(in, "%q %d %d %d %t\n", &o.Dir, &o.Seed, &o.Next, &o.Reserve, &o.Damaged); err != nil {
		return o, nil, fmt.Errorf("read order: %w", err)
	}
	blobs = map[int]string{}
	for {
		var word string
		var n int
		_, err := fmt.Fscanln(in, &word, &n)
		if errors.Is(err, io.EOF) {
			return o, blobs, nil
		}
		if err != nil {
			return o, nil, fmt.Errorf("read order: %w", err)
		}
		blobs[n] = word
	}
}

// play does what a child process is for, until it is killed or done.
func play(role string) error {
	o, list, err := readOrder(os.Stdin)
	if err != nil {
		return err
	}
	g, err := newBlobs(o.Seed)
	if err != nil {
		return err
	}
	if role == roleChecker {
		return check(context.Background(), o, g, list)
	}
	return write(context.Background(), o, g, list)
}

// The roles of child processes.
const (
	roleWriter  = "writer"
	roleChecker = "checker"
)

// load is a writer's state.
type load struct {
	s    *store.Store
	g    blobs
	seed uint64

	// mu guards the fields below, and the order of lines on the pipe.
	mu   sync.Mutex
	held []int // acknowledged
	next int
}

// say tells the round something. A line is in the pipe when it returns, whatever
// happens to the process then.
func (l *load) say(word string, n int) {
	fmt.Println(word, n)
}

// write is the writer: it ends with an error only, or never.
func write(ctx context.Context, o order, g blobs, list map[int]string) error {
	s, err := store.Open(o.Dir, store.Config{Reserve: o.Reserve})
	if errors.Is(err, store.ErrFull) {
		fmt.Println("shut 0")
		select {} // until it is killed
	}
	if err != nil {
		return err
	}
	l := &load{s: s, g: g, seed: o.Seed, next: o.Next}
	for n := range list {
		l.held = append(l.held, n)
	}
	fmt.Println("open 0")
	failed := make(chan error)
	forever := func(do func() error) {
		for {
			if err := do(); err != nil {
				failed <- err
				return
			}
		}
	}
	for range writers {
		go forever(func() error { return l.put(ctx) })
	}
	go forever(l.read)
	go forever(func() error {
		time.Sleep(reclaimPause)
		if _, err := s.Reclaim(ctx); err != nil && !errors.Is(err, store.ErrFull) {
			return err
		}
		return nil
	})
	go forever(func() error {
		out, err := s.ScrubStep(ctx, 4<<20)
		if err == nil && len(out.Bad) > 0 {
			err = fmt.Errorf("scrub found %v in a store that nobody has spoiled: %w", out.Bad[0].SliverID, out.Bad[0].Reason)
		}
		return err
	})
	return <-failed
}

// put puts a new blob, and deletes an old one if there are many or no room.
func (l *load) put(ctx context.Context) error {
	l.mu.Lock()
	n := l.next
	l.next++
	l.say("begin", n)
	l.mu.Unlock()
	b, err := l.g.make(n)
	if err != nil {
		return err
	}
	err = b.put(ctx, l.s)
	full := errors.Is(err, store.ErrFull)
	if err != nil && !full {
		return fmt.Errorf("put blob %d: %w", n, err)
	}
	l.mu.Lock()
	victim := -1
	if full {
		l.say("full", n)
	} else {
		l.say("put", n)
		l.held = append(l.held, n)
	}
	if len(l.held) > mostHeld || full && len(l.held) > mostHeld/2 {
		i := rand.IntN(len(l.held))
		victim = l.held[i]
		l.held[i] = l.held[len(l.held)-1]
		l.held = l.held[:len(l.held)-1]
		l.say("drop", victim)
	}
	l.mu.Unlock()
	if victim < 0 {
		return nil
	}
	if b, err = l.g.make(victim); err != nil {
		return err
	}
	if err := l.s.DeleteBlob(ctx, b.id); err != nil {
		return fmt.Errorf("delete blob %d: %w", victim, err)
	}
	l.say("gone", victim)
	return nil
}

// read looks at a sliver of some blob.
func (l *load) read() error {
	l.mu.Lock()
	n := 0
	if len(l.held) > 0 {
		n = l.held[rand.IntN(len(l.held))]
	}
	l.mu.Unlock()
	b, err := l.g.make(n)
	if err != nil {
		return err
	}
	err = b.look(l.s, rand.IntN(len(b.items)))
	if errors.Is(err, store.ErrNotFound) {
		return nil // deleted meanwhile; the checker knows better
	}
	return err
}
