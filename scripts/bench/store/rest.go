package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

const smallSize = 512 // bytes of a small sliver

// resting fills a store with many small slivers, closes it and opens it again in
// a process of its own.
func resting(ctx context.Context, o options) ([]row, error) {
	s, dir, remove, err := temporary(o)
	if err != nil {
		return nil, err
	}
	defer remove()
	random := noise(smallSize)
	began := time.Now()
	const batch = 1000 // slivers of one call
	for n := 0; n < o.small; n += batch {
		items := make([]store.Item, 0, batch)
		for i := range min(batch, o.small-n) {
			it := item(n+i, smallSize, random)[0]
			it.Shard = shard.Index(i)
			items = append(items, it)
		}
		if err := s.PutSlivers(ctx, blobID(n), items); err != nil {
			return nil, err
		}
	}
	wrote := time.Since(began)
	if err := s.Close(); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, self, "-resident", dir).Output()
	if err != nil {
		return nil, err
	}
	f := strings.Split(strings.TrimSpace(string(out)), "\t")
	return []row{
		{fmt.Sprintf("start with %d slivers of %d B (written in %.0f s)", o.small, smallSize, wrote.Seconds()), f[0], "≤ 10 s"},
		{"resident at rest after it", f[1], "≤ 300 MiB"},
	}, nil
}

// resident opens a store and prints the time that takes and the memory then resident.
func resident(dir string) error {
	began := time.Now()
	s, err := store.Open(dir, store.Config{})
	if err != nil {
		return err
	}
	took := time.Since(began)
	debug.FreeOSMemory()
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	var parts []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		for _, name := range []string{"VmHWM:", "VmRSS:", "RssAnon:", "RssFile:"} {
			if rest, ok := strings.CutPrefix(lines.Text(), name); ok {
				var kib int
				if _, err := fmt.Sscan(rest, &kib); err != nil {
					return err
				}
				parts = append(parts, fmt.Sprintf("%s %d MiB", strings.TrimSuffix(name, ":"), kib>>10))
			}
		}
	}
	fmt.Printf("%.2f s\t%s\n", took.Seconds(), strings.Join(parts, ", "))
	return s.Close()
}
