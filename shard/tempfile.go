package shard

import (
	"errors"
	"fmt"
	"os"
)

// tempFile is a file without a name that ends with its Close.
type tempFile struct{ *os.File }

// newTempFile makes a file of size zero bytes in dir, which may be empty for the
// usual place. Its name is removed at once where the system lets us, so that
// nothing is left behind even if the process is killed.
func newTempFile(dir string, size int64) (*tempFile, error) {
	f, err := os.CreateTemp(dir, "floe-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("make temporary file: %w", err)
	}
	t := &tempFile{f}
	_ = os.Remove(f.Name()) // else Close does it
	if err := f.Truncate(size); err != nil {
		return nil, errors.Join(fmt.Errorf("size temporary file: %w", err), t.Close())
	}
	return t, nil
}

// Close ends the file. Closing nil is fine.
func (t *tempFile) Close() error {
	if t == nil {
		return nil
	}
	err := t.File.Close()
	if rm := os.Remove(t.Name()); rm != nil && !errors.Is(rm, os.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	return err
}
