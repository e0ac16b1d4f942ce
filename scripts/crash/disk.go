package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
)

// small is the size up to which a file system is taken for one that may be filled.
const small = 4 << 30

// space returns the free bytes and the size of the file system of dir.
func space(dir string) (free, size uint64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0, err
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}

// fill makes the disk full but for some MiB, by a file or by the reserve that it
// returns for the store, and returns what undoes that.
func fill(dir string, rnd *rand.Rand) (keep uint64, undo func() error, err error) {
	free, size, err := space(dir)
	if err != nil {
		return 0, nil, err
	}
	left := uint64(rnd.IntN(60 << 20))
	undo = func() error { return nil }
	if size > small {
		return max(free, left) - left, undo, nil
	}
	path := filepath.Join(dir, "ballast")
	undo = func() error { return os.Remove(path) }
	f, err := os.Create(path)
	if err != nil {
		return 0, nil, err
	}
	defer f.Close() //nolint:errcheck // its content does not matter
	// What others have on the disk at the same time is theirs; here the store is alone.
	if free > left {
		if err := syscall.Fallocate(int(f.Fd()), 0, 0, int64(free-left)); err != nil {
			return 0, nil, fmt.Errorf("fill %s: %w", path, err)
		}
	}
	return reserve, undo, nil
}

// damage flips bytes in one of the store's files, most often in segments,
// where most bytes are, and says which.
func damage(dir string, rnd *rand.Rand) (string, error) {
	pattern := []string{"segments/*.seg", "segments/*.seg", "segments/*.seg", "segments/*.seg", "db/*.mem", "db/*"}[rnd.IntN(6)]
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) == 0 {
		return "", err
	}
	path := files[rnd.IntN(len(files))]
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // the writes are checked
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	size := info.Size()
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		size = min(size, st.Blocks*512) // the logs end with a hole
	}
	if size == 0 {
		return "", nil
	}
	what := fmt.Sprintf("%s at", filepath.Base(path))
	for range 1 + rnd.IntN(3) {
		var b [1]byte
		at := rnd.Int64N(size)
		if _, err := f.ReadAt(b[:], at); err != nil {
			return "", err
		}
		b[0] ^= byte(1 + rnd.IntN(255))
		if _, err := f.WriteAt(b[:], at); err != nil {
			return "", err
		}
		what = fmt.Sprintf("%s %d", what, at)
	}
	return what, nil
}
