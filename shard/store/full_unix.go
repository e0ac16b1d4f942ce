//go:build unix

package store

import (
	"errors"
	"syscall"
)

// isFull tells whether an error says that the disk, or the share of it that the
// process may use, is full.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
