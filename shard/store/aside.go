package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// SetAside makes way for a new, empty store in a directory of which [Open] has
// said [ErrCorrupt], so that a node can go on and be filled by the others without
// anybody's help. The database is kept as DIR/damaged for whoever wants to look,
// in the place of an earlier one; segments, which nobody can read without it, are
// removed. It returns [ErrLocked] if the store is open.
func SetAside(dir string) error {
	lock, err := acquire(filepath.Join(dir, "lock"))
	if err != nil {
		return fmt.Errorf("set aside store %s: %w", dir, err)
	}
	damaged, db := filepath.Join(dir, "damaged"), filepath.Join(dir, "db")
	err = os.RemoveAll(damaged)
	if err == nil {
		// First what would make Open take what is left for a store that was closed.
		err = dropMark(db)
	}
	if err == nil {
		err = os.Rename(db, damaged)
	}
	// If we crash here, the next store finds segments to which no row points, and
	// reclaims them.
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.RemoveAll(filepath.Join(dir, "segments"))
	}
	err = errors.Join(err, syncDir(dir), lock.release())
	if err != nil {
		return fmt.Errorf("set aside store %s: %w", dir, err)
	}
	return nil
}
