// Command devnet measures a network of ten nodes in one process and prints the README's table.
//
// Usage: go run ./scripts/bench/devnet [-runs 5] [-large 104857600]
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/devnet"
)

const (
	mib        = 1 << 20
	wipedNode  = 4
	firstBytes = 8 << 10 // of the first blob: about a README
)

func main() {
	runs := flag.Int("runs", 5, "times each figure is taken; the median is printed")
	large := flag.Int("large", 100*mib, "size in bytes of the large blob; 0 leaves it out")
	child := flag.Bool("start", false, "used by this command itself: measure one start and print it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	measure := func() error { return table(ctx, *runs, *large) }
	if *child {
		measure = func() error { return start(ctx) }
	}
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// start prints the milliseconds from the start of this process to its first
// certified blob, and the memory resident then.
func start(ctx context.Context) error {
	began, err := processStart()
	if err != nil {
		return err
	}
	net, dir, err := open(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary
	defer net.Close()       //nolint:errcheck // the figures are what counts
	if _, err := store(ctx, net, firstBytes); err != nil {
		return err
	}
	resident, err := residentBytes()
	if err != nil {
		return err
	}
	fmt.Println(time.Since(began).Milliseconds(), resident/mib)
	return nil
}

func table(ctx context.Context, runs, large int) error {
	var firsts, residents []float64
	for range runs {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		out, err := exec.CommandContext(ctx, self, "-start").Output()
		if err != nil {
			return fmt.Errorf("measure a start: %w", err)
		}
		var ms, resident float64
		if _, err := fmt.Sscan(string(out), &ms, &resident); err != nil {
			return fmt.Errorf("output %q: %w", out, err)
		}
		firsts, residents = append(firsts, ms), append(residents, resident)
	}
	net, dir, err := open(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary
	defer net.Close()       //nolint:errcheck // the figures are what counts

	row := func(what, bar, got string) { fmt.Printf("| %s | %s | %s |\n", what, bar, got) }
	fmt.Printf("%d nodes, %d shards, one process, %d cores, %s/%s, median of %d\n\n",
		net.Card().Nodes, net.Card().Shards, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runs)
	row("figure", "bar", "measured")
	row("---", "---", "---")
	row("first certified blob after process start", "5 s", seconds(median(firsts)/1000))
	row("memory resident then", "600 MB", fmt.Sprintf("%.0f MiB", median(residents)))
	for _, size := range []struct {
		bytes      int
		name       string
		write, get string
	}{{mib, "1 MiB", "1.5 s", "0.3 s"}, {large, fmt.Sprintf("%d MiB", large/mib), "–", "–"}} {
		if size.bytes == 0 {
			continue
		}
		var writes, reads []float64
		for range runs {
			w, r, err := roundTrip(ctx, net, size.bytes)
			if err != nil {
				return fmt.Errorf("%s: %w", size.name, err)
			}
			writes, reads = append(writes, w.Seconds()), append(reads, r.Seconds())
		}
		row("store "+size.name+", certified", size.write, seconds(median(writes)))
		row("read "+size.name, size.get, seconds(median(reads)))
	}
	ratio, err := repair(ctx)
	if err != nil {
		return err
	}
	row("bytes pulled per byte restored, wiped node, 4 MiB blob", "1.25", fmt.Sprintf("%.3f", ratio))
	return nil
}

func open(ctx context.Context) (*devnet.Net, string, error) {
	dir, err := os.MkdirTemp("", "floe-bench-")
	if err != nil {
		return nil, "", err
	}
	net, err := devnet.Open(ctx, devnet.Config{Dir: dir, HTTP: "127.0.0.1:0"})
	return net, dir, err
}

func store(ctx context.Context, net *devnet.Net, size int) (*client.StoreResult, error) {
	data := make([]byte, size)
	if _, err := rand.Read(data); err != nil {
		return nil, err
	}
	return net.Client().Store(ctx, data, client.StoreOptions{Epochs: 1})
}

// roundTrip stores a new blob and reads it back.
func roundTrip(ctx context.Context, net *devnet.Net, size int) (write, read time.Duration, err error) {
	data := make([]byte, size)
	if _, err := rand.Read(data); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	r, err := net.Client().Store(ctx, data, client.StoreOptions{Epochs: 1})
	if err != nil {
		return 0, 0, err
	}
	write = time.Since(began)
	if err := net.Client().Flush(ctx); err != nil {
		return 0, 0, err
	}
	began = time.Now()
	got, err := net.Client().Read(ctx, r.BlobID, client.ReadOptions{})
	if err != nil {
		return 0, 0, err
	}
	read = time.Since(began)
	if !bytes.Equal(got, data) {
		return 0, 0, fmt.Errorf("read something else than was stored")
	}
	return write, read, nil
}

func repair(ctx context.Context) (float64, error) {
	net, dir, err := open(ctx)
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary
	defer net.Close()       //nolint:errcheck // the figures are what counts
	if _, err := store(ctx, net, 4*mib); err != nil {
		return 0, err
	}
	if err := net.Client().Flush(ctx); err != nil {
		return 0, err
	}
	if err := net.Wipe(ctx, wipedNode); err != nil {
		return 0, err
	}
	if err := net.Node(wipedNode).Repaired(ctx); err != nil {
		return 0, err
	}
	s, err := net.Repairs(wipedNode)
	if err != nil || s.BytesRestored == 0 {
		return 0, fmt.Errorf("nothing was restored: %w", err)
	}
	return float64(s.BytesPulled) / float64(s.BytesRestored), nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func seconds(s float64) string { return fmt.Sprintf("%.2f s", s) }

// residentBytes reads the process's resident memory where the system tells it.
func residentBytes() (uint64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	var kib uint64
	_, err = fmt.Sscan(rest, &kib)
	return kib << 10, err
}

// processStart is when this process began, as the system counts it.
func processStart() (time.Time, error) {
	const ticksPerSecond = 100 // of the kernel's clock in /proc, on every platform that Go has
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return time.Time{}, err
	}
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return time.Time{}, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const startField = 19 // after the command's name
	var ticks, up float64
	if _, err := fmt.Sscan(fields[startField], &ticks); err != nil {
		return time.Time{}, err
	}
	if _, err := fmt.Sscan(string(uptime), &up); err != nil {
		return time.Time{}, err
	}
	age := up - ticks/ticksPerSecond
	return time.Now().Add(-time.Duration(age * float64(time.Second))), nil
}
