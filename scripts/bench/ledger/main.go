// Command ledger measures how long blocks take to execute above a large state
// on disk: 10,000 nodes with their stake and 10 million certified blobs. It
// prints, for each kind of block, how long the longest one took, and how many
// transactions there were in a second of executing.
//
// The state is made from what real transactions leave behind, copied with other
// IDs, in goleveldb, without the Merkle tree that a validator keeps above it.
// Times are those of [ledger.Machine.ApplyBlock], which reads from the disk;
// writing a block's changes is counted apart. Where other programs use the
// machine too, the times of the processors are the truer measure. That of the
// thread lacks what others did for it, which verify certificates; that of all
// processors has what the store on disk did meanwhile by itself.
//
// Usage: go run ./scripts/bench/ledger [-nodes 10000] [-members 150] [-blobs 10000000] [-blocks 20] [-dir directory]
//
// A quick run: -nodes 500 -blobs 20000 -blocks 3. The state takes some 400 bytes
// of disk for each blob; with -dir it is kept, and not made again;
// each run takes it three epochs on, in which an eighth of the blobs ends each.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// config is what a run is asked for.
type config struct {
	nodes, members, blobs, blocks int
	dir                           string
}

func main() {
	var c config
	flag.IntVar(&c.nodes, "nodes", 10_000, "nodes with stake")
	flag.IntVar(&c.members, "members", 150, "nodes in the committee, at most 1000")
	flag.IntVar(&c.blobs, "blobs", 10_000_000, "certified blobs")
	flag.IntVar(&c.blocks, "blocks", 20, "full blocks of each kind")
	flag.StringVar(&c.dir, "dir", "", "where the state is kept; if empty, a temporary directory")
	flag.Parse()
	if err := run(c); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(c config) (err error) {
	if c.members < 1 || c.members > 1000 || c.nodes < c.members || c.blobs < 0 || c.blocks < 1 {
		return errors.New("want 1 to 1000 members, as many nodes or more, and a block")
	}
	dir := c.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "ledger"); err != nil {
			return err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // temporary
	}
	// One state for each size, so that a kept one is not taken for another.
	d, err := open(filepath.Join(dir, fmt.Sprintf("state-%d-%d-%d", c.nodes, c.members, c.blobs)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	n, err := newNetwork(c, d)
	if err != nil {
		return err
	}
	defer n.mark()
	return n.measure()
}
