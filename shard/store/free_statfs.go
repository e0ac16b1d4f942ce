//go:build linux || darwin || freebsd

package store

import "syscall"

// freeBytes returns what an unprivileged process may still write to dir's disk.
func freeBytes(dir string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil //nolint:unconvert // other types on other systems
}
