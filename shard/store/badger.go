package store

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Badger's profile, chosen for ten and more stores in one process: an idle one
// costs a few MiB of heap, and slivers never pass through compaction.
const (
	memTableSize    = 2 << 20
	valueThreshold  = 1 << 10  // smaller values live beside their keys
	valueLogSize    = 64 << 20 // a value log file is closed when it has passed this
	valueLogMax     = 1 << 20  // values in one value log file
	maxTxnBytes     = 16 << 20 // of values in one transaction, unless it is one value; below valueLogSize, see openBadger
	formatMagic     = 0x0f10   // Badger's "external magic": version of the layout in the package comment
	openRoom        = 16 << 20 // free space without which opening is refused: recovery writes tables and two logs
	maxSealedLength = 48 << 20 // of one value: the longest sliver that 1000 shards allow is 44 MB
)

// openBadger opens the database with the package's profile.
//
// The mapping of a value log file is made twice valueLogSize long, a file is
// rotated after the transaction that took it past valueLogSize, and one
// transaction is shorter than valueLogSize: so a mapping is never extended, which
// Badger does without regard to readers.
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
		WithVerifyValueChecksum(true). // also guards Badger's parsing of a damaged entry, which may panic
		WithMemTableSize(memTableSize).
		WithNumMemtables(2).
		WithNumLevelZeroTables(4).
		WithNumLevelZeroTablesStall(12).
		WithBaseTableSize(1 << 20).
		WithBaseLevelSize(4 << 20).
		WithNumCompactors(2).
		WithValueThreshold(valueThreshold).
		WithValueLogFileSize(valueLogSize).
		WithValueLogMaxEntries(valueLogMax).
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
