// Command crash kills a process that writes to a store, again and again, and
// looks after each time whether the store kept its word: every acknowledged sliver
// is there, or is reported for repair if the disk was spoiled in between; what was
// acknowledged as deleted is gone; and no read ever returns other bytes than were
// written. It stops at the first violation.
//
// Usage: go run ./scripts/crash [-kills 500] [-seed N] [-dir DIR] [-v]
//
// # How
//
// A round starts a writer, this program again, on the store: it puts and deletes
// blobs, reads, reclaims and scrubs, and says on a pipe what was acknowledged.
// The round kills it with SIGKILL at a random instant, opening included. In every
// third round or so bytes are then flipped in the store's files. A checker, this
// program a third time, opens the store and compares it with what was said; as a
// node would, it repairs what is reported, which is a violation if no byte was
// flipped.
//
// In some rounds the disk is full: on a file system of at most 4 GiB, a small one
// mounted for this, because a file takes all room but a little; on others because
// the store is told to leave nearly all that is free.
//
// The seed decides sizes, damage and the times of kills. What the processes
// have done by then is up to the machine, so a run is not repeated exactly.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"
)

// roleName, in the environment, makes the process a writer or a checker.
const roleName = "FLOE_CRASH_ROLE"

func main() {
	log.SetFlags(0)
	log.SetPrefix("crash: ")
	if role := os.Getenv(roleName); role != "" {
		if err := play(role); err != nil {
			log.Fatal(err)
		}
		return
	}
	kills := flag.Int("kills", 500, "rounds")
	seed := flag.Uint64("seed", rand.Uint64(), "of what is random")
	dir := flag.String("dir", os.TempDir(), "where to make the store")
	verbose := flag.Bool("v", false, "print every round")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fmt.Printf("crash: seed %d\n", *seed)
	began := time.Now()
	each := io.Discard
	if *verbose {
		each = os.Stdout
	}
	total, err := run(ctx, *dir, *kills, *seed, each)
	fmt.Printf("crash: %v in %v\n", total, time.Since(began).Round(time.Second))
	if err != nil {
		log.Fatalf("seed %d: %v", *seed, err)
	}
}

// totals is what a run has seen.
type totals struct {
	rounds, opening      int // kills, and those of them before the store was open
	acked, deleted       int // blobs
	full, refused        int // rounds with a full disk, writes refused in them
	damaged, spoiledOpen int // rounds with flipped bytes, and those after which the store would not open
	checked, repaired    int // slivers
}

func (t totals) String() string {
	return fmt.Sprintf("%d kills (%d while opening), %d blobs acknowledged, %d deleted, %d slivers checked; "+
		"%d rounds with a full disk and %d refused writes; %d rounds with flipped bytes, %d slivers reported and repaired, %d stores that would not open",
		t.rounds, t.opening, t.acked, t.deleted, t.checked, t.full, t.refused, t.damaged, t.repaired, t.spoiledOpen)
}
