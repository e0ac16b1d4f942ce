package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/devnet"
)

// wiped is the node that loses its slivers.
const wiped = 4

// network runs ten whole nodes in this process, with ledger, gossip and disks, stores
// blobs until a node holds about so many bytes, and wipes it.
func network(ctx context.Context, restore int64, size int) (err error) {
	dir, err := os.MkdirTemp("", "floe-bench-repair-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary files
	net, err := devnet.Open(ctx, devnet.Config{Dir: dir, HTTP: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, net.Close()) }()
	data := make([]byte, size)
	count := 0
	for held := int64(0); held < restore; count++ {
		_, _ = rand.Read(data) // never fails
		if _, err := net.Client().Store(ctx, data, client.StoreOptions{Epochs: 5}); err != nil {
			return err
		}
		held += int64(size) * 9 / 20 // a tenth of what a blob becomes
	}
	if err := net.Client().Flush(ctx); err != nil {
		return err
	}
	before, started := processor(), time.Now()
	if err := net.Wipe(ctx, wiped); err != nil {
		return err
	}
	if err := net.Node(wiped).Repaired(ctx); err != nil {
		return err
	}
	wall, used := time.Since(started), processor()-before
	s, err := net.Repairs(wiped)
	if err != nil {
		return err
	}
	if s.BytesRestored == 0 || s.Failures > 0 {
		return fmt.Errorf("%d bytes restored, %d attempts failed", s.BytesRestored, s.Failures)
	}
	rate := float64(s.BytesRestored) / mib
	fmt.Printf("ten whole nodes, %d blobs of %d KiB, wiped node restarted\n\n", count, size/kib)
	fmt.Println("| restored MiB | seconds | MiB/s | CPU seconds | MiB/s of two whole cores | symbols per byte restored | calls |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- |")
	fmt.Printf("| %.0f | %.2f | %.0f | %.2f | %.0f | %.3f | %d |\n", rate, wall.Seconds(), rate/wall.Seconds(),
		used.Seconds(), 2*rate/used.Seconds(), float64(s.BytesPulled)/float64(s.BytesRestored), s.Calls)
	return nil
}
