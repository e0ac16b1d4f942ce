// Command stream encodes a large blob from a reader, reads all its slivers and decodes it, and prints times
// and the most memory that the process has had resident.
//
// Usage: go run ./scripts/bench/stream [-shards 1000] [-size 4294967296]
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/floe-storage/floe/shard"
)

const mib = 1 << 20

func main() {
	shards := flag.Int("shards", 1000, "number of shards")
	size := flag.Uint64("size", 4<<30, "bytes of the blob")
	flag.Parse()
	if err := measure(*shards, *size); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(shards int, size uint64) error {
	params, err := shard.NewParams(shards)
	if err != nil {
		return err
	}
	fmt.Printf("%d shards, %d MiB\n\n| step | seconds | MiB/s of blob | peak resident so far |\n| --- | --- | --- | --- |\n", shards, size/mib)
	began := time.Now()
	step := func(name string) error {
		peak, err := peakBytes()
		if err != nil {
			return err
		}
		took := time.Since(began).Seconds()
		fmt.Printf("| %s | %.1f | %.0f | %d MiB |\n", name, took, float64(size)/mib/took, peak/mib)
		began = time.Now()
		return nil
	}
	want := sha256.New()
	enc, err := shard.NewEncoder(params, blob(size, want), size, shard.StreamConfig{})
	if err != nil {
		return err
	}
	defer enc.Close() //nolint:errcheck // temporary files
	if err := step("encode"); err != nil {
		return err
	}
	dec, err := shard.NewDecoder(params, enc.Metadata(), shard.StreamConfig{})
	if err != nil {
		return err
	}
	defer dec.Close() //nolint:errcheck // temporary files
	pairs := 0
	for pair, err := range enc.Pairs() {
		if err != nil {
			return err
		}
		if pairs++; pairs > params.Faulty() && !dec.Ready() { // as if the first f nodes were gone
			if err := dec.Add(pair.Primary); err != nil {
				return err
			}
		}
	}
	if err := step("read all pairs, keep enough to decode"); err != nil {
		return err
	}
	if err := enc.Close(); err != nil { // whoever decodes has not encoded
		return err
	}
	got := sha256.New()
	if err := dec.Decode(got, shard.CheckDefault); err != nil {
		return err
	}
	if string(got.Sum(nil)) != string(want.Sum(nil)) {
		return errors.New("decoded something else than was encoded")
	}
	return step("decode, checked, f pairs missing")
}

// blob is size bytes that do not repeat, hashed as they are read.
func blob(size uint64, h hash.Hash) io.Reader {
	return io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), int64(size)), h)
}

func peakBytes() (uint64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	var kib uint64
	_, err = fmt.Sscan(rest, &kib)
	return kib << 10, err
}
