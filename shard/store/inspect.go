package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/table"
)

// inspect looks at Badger's files before Badger does. Badger ends the process
// when it meets a damaged table, leaves a table out when only a block of it is
// damaged, deletes tables that the manifest does not name, and cannot open an
// empty log, which is what a crash between making and sizing it leaves. inspect
// returns [ErrCorrupt] for the first two, and for a manifest that cannot be the
// whole one; it removes empty logs and value logs. Damage in the logs is left to Badger, which
// drops what follows it, and to the checksums of the values.
func inspect(dir string) error {
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		return err
	}
	manifest, err := readManifest(filepath.Join(dir, badger.ManifestFilename))
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(tables) == 0:
		return nil // a new store
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: MANIFEST is missing beside %d tables", ErrCorrupt, len(tables))
	case err != nil:
		return err
	}
	for id := range manifest.Tables {
		if err := inspectTable(table.NewFilename(id, dir)); err != nil {
			return fmt.Errorf("%w: table %s: %w", ErrCorrupt, table.IDToFilename(id), err)
		}
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil {
		return err
	}
	// A crash can leave one table unnamed for each log that was being flushed;
	// compaction leaves more, but only where there are named ones.
	if len(manifest.Tables) == 0 && len(tables) > len(logs) {
		return fmt.Errorf("%w: MANIFEST names none of %d tables", ErrCorrupt, len(tables))
	}
	return clean(dir)
}

// readManifest reads the manifest as Badger will, and refuses one that ends
// inside an entry, from which Badger would go on with what is left.
func readManifest(path string) (badger.Manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return badger.Manifest{}, err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return badger.Manifest{}, err
	}
	opt := badger.DefaultOptions("").WithLogger(badgerLog{slog.New(slog.DiscardHandler)})
	m, end, err := badger.ReplayManifestFile(f, formatMagic, opt)
	if err != nil {
		return m, fmt.Errorf("%w: MANIFEST: %w", ErrCorrupt, err)
	}
	if end != info.Size() {
		return m, fmt.Errorf("%w: MANIFEST is cut off: its last entry begins at byte %d of %d", ErrCorrupt, end, info.Size())
	}
	return m, nil
}

// clean removes files that hold nothing: value logs, where nothing is put, the
// statistics of them, of which damage would keep Badger from opening, and empty
// table logs, which it cannot open either.
func clean(dir string) error {
	for _, pattern := range []string{"*.mem", "*.vlog", "DISCARD"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		for _, name := range names {
			info, err := os.Stat(name)
			if err != nil {
				return err
			}
			if pattern == "*.mem" && info.Size() > 0 {
				continue
			}
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

var (
	errTableShape = errors.New("lengths in it do not fit the file")
	errTableSum   = errors.New("checksum does not match")
)

// inspectTable checks the checksums of a table's index and blocks, and every
// length that Badger follows without a check:
//
//	table:  block… index indexLen:4 sum sumLen:4
//	block:  entry… offset:4… entryCount:4 sum sumLen:4
func inspectTable(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	rest, sum, ok := cutTail(b)
	if !ok {
		return errTableShape
	}
	blocks, index, ok := cutTail(rest)
	if !ok || len(index) < 8 {
		return errTableShape
	}
	if !sumMatches(index, sum) {
		return fmt.Errorf("index: %w", errTableSum)
	}
	// The index is what Badger wrote, so its offsets can be followed.
	ti := fb.GetRootAsTableIndex(index, 0)
	if ti.OffsetsLength() == 0 {
		return errTableShape
	}
	for i := range ti.OffsetsLength() {
		var bo fb.BlockOffset
		if !ti.Offsets(&bo, i) {
			return errTableShape
		}
		start, end := uint64(bo.Offset()), uint64(bo.Offset())+uint64(bo.Len())
		if end > uint64(len(blocks)) {
			return errTableShape
		}
		data, sum, ok := cutTail(blocks[start:end])
		if !ok || len(data) < 4 {
			return fmt.Errorf("block %d: %w", i, errTableShape)
		}
		if !sumMatches(data, sum) {
			return fmt.Errorf("block %d: %w", i, errTableSum)
		}
	}
	return nil
}

// cutTail cuts off what a big-endian length at the end of b says is before it.
func cutTail(b []byte) (rest, tail []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	end := len(b) - 4
	n := uint64(binary.BigEndian.Uint32(b[end:]))
	if n > uint64(end) {
		return nil, nil, false
	}
	return b[:end-int(n)], b[end-int(n) : end], true
}

// sumMatches tells whether sum is Badger's protobuf message with the CRC-32C of
// data: field 1, the algorithm, is zero and left out; field 2 is the sum.
func sumMatches(data, sum []byte) bool {
	var want []byte
	if crc := crc32.Checksum(data, castagnoli); crc != 0 {
		want = binary.AppendUvarint([]byte{2 << 3}, uint64(crc))
	}
	return bytes.Equal(sum, want)
}
