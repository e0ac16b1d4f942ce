package store

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Badger's profile, chosen for ten and more stores in one process: an idle one
// costs a few MiB of heap, and slivers of more than a KiB never pass through
// compaction.
const (
	memTableSize    = 2 << 20
	inlineMax       = 128 << 10 // more than any value has: all lie beside their keys
	formatMagic     = 0x0f11    // Badger's "external magic": version of the layout in the package comment
	openRoom        = 16 << 20  // free space without which opening is refused: recovery writes tables and a log
	maxSealedLength = 48 << 20  // of one value: the longest sliver that 1000 shards allow is 44 MB
)

// openBadger opens the database with the package's profile.
//
// Nothing is to lie in Badger's value log. When Badger collects one of its files,
// it stops at the first damaged value and removes the file: one flipped bit would
// lose all that follows. It also writes and syncs them one after the other.
func openBadger(dir string, log *slog.Logger) (db *badger.DB, err error) {
	defer func() {
		// What inspect did not foresee must not end a process that runs other stores.
		if r := recover(); r != nil {
			db, err = nil, fmt.Errorf("badger: %v", r)
		}
	}()
	opt := badger.DefaultOptions(dir).
		WithLogger(badgerLog{log}).
		WithMetricsEnabled(false). // process-wide expvar maps
		WithSyncWrites(false).     // the writer syncs once for all who wait
		WithDetectConflicts(false).
		WithNumVersionsToKeep(1).
		WithCompression(options.None).
		WithBlockCacheSize(0). // blocks are mapped, and slivers do not pass through them
		WithIndexCacheSize(0).
		WithChecksumVerificationMode(options.OnBlockRead).
		WithVerifyValueChecksum(true).
		WithMemTableSize(memTableSize).
		WithNumMemtables(2).
		WithNumLevelZeroTables(4).
		WithNumLevelZeroTablesStall(12).
		WithBaseTableSize(1 << 20).
		WithBaseLevelSize(4 << 20).
		WithNumCompactors(2).
		WithValueThreshold(inlineMax).
		WithValueLogFileSize(1 << 20). // the least: it stays empty
		WithExternalMagic(formatMagic)
	return badger.Open(opt)
}

// badgerLog passes Badger's messages on. What it calls an error is answered by
// an error of ours where it matters, and its information is a developer's.
type badgerLog struct{ log *slog.Logger }

// Errorf implements [badger.Logger].
func (l badgerLog) Errorf(f string, v ...any) { l.log.Warn("badger", "text", text(f, v)) }

// Warningf implements [badger.Logger].
func (l badgerLog) Warningf(f string, v ...any) { l.log.Debug("badger", "text", text(f, v)) }

// Infof implements [badger.Logger].
func (badgerLog) Infof(string, ...any) {}

// Debugf implements [badger.Logger].
func (badgerLog) Debugf(string, ...any) {}

func text(f string, v []any) string { return strings.TrimSpace(fmt.Sprintf(f, v...)) }
