package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// dropCache drops a part of a file from the system's memory, so that the next read
// is from the disk. Without it a scrub would look at what was written, not at
// what is there.
func dropCache(f *os.File, offset, length int64) {
	_ = unix.Fadvise(int(f.Fd()), offset, length, unix.FADV_DONTNEED) // advice
}
