package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
)

// The mark is a file that is there only while the store is closed in order. It
// holds the length and the CRC-32C of the manifest as Close left it, and shows
// what the manifest cannot: that whole entries are missing at its end, after
// which Badger would delete the tables named in them.
const markName = "closed"

func markPath(db string) string { return filepath.Join(filepath.Dir(db), markName) }

func markOf(db string) (string, error) {
	b, err := os.ReadFile(filepath.Join(db, badger.ManifestFilename))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("MANIFEST %d %08x\n", len(b), crc32.Checksum(b, castagnoli)), nil
}

// setMark leaves the mark for the next checkMark. The store is closed without it
// just as well, only less is known then.
func setMark(db string) error {
	mark, err := markOf(db)
	if err != nil {
		return err
	}
	temp := markPath(db) + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(mark)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, markPath(db)); err != nil {
		return err
	}
	return syncDir(filepath.Dir(db))
}

// checkMark compares the manifest with the mark, if there is one.
func checkMark(db string) error {
	b, err := os.ReadFile(markPath(db))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the last process was killed
	}
	if err != nil {
		return err
	}
	now, err := markOf(db)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if now != string(b) {
		return fmt.Errorf("%w: MANIFEST is not the one that was left: %q, want %q", ErrCorrupt, now, b)
	}
	return nil
}

// dropMark removes the mark before anything changes the manifest.
func dropMark(db string) error {
	err := os.Remove(markPath(db))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, syncDir(filepath.Dir(db)))
}
