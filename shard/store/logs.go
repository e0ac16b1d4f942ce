package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// logs knows which of Badger's log files are the newest ones that have been made
// durable, so that those it has turned away from since are made durable too: what
// a group wrote just before would be acknowledged and could still be lost with
// the power. All older ones are durable.
type logs struct {
	dir         string
	table, vlog int // numbers of the newest files
}

const (
	tableLog = "*.mem"
	valueLog = "*.vlog"
)

// start finds the newest files of a database that has just been opened, and
// makes the directory durable.
func (l *logs) start(dir string) error {
	l.dir = dir
	l.table, l.vlog = highest(dir, tableLog, nil), highest(dir, valueLog, nil)
	return syncDir(dir)
}

// highest returns the highest number among the files of a kind, 0 if there is
// none, and calls visit for each if it is not nil.
func highest(dir, kind string, visit func(n int, name string)) int {
	top := 0
	names, _ := filepath.Glob(filepath.Join(dir, kind)) // the pattern is well-formed
	for _, name := range names {
		n := 0
		if _, err := fmt.Sscanf(filepath.Base(name), "%d", &n); err != nil {
			continue
		}
		top = max(top, n)
		if visit != nil {
			visit(n, name)
		}
	}
	return top
}

// sync makes everything durable that was in the logs when it was called. It does
// so by the files and not by Badger's Sync, which covers the newest ones at its
// own time, while a writer may have Badger turn to others. The two kinds are
// synced at the same time; on most file systems that costs one of them.
func (l *logs) sync() error {
	var table, vlog int
	var tableErr, vlogErr error
	var wg sync.WaitGroup
	wg.Go(func() { table, tableErr = l.follow(l.table, tableLog) })
	vlog, vlogErr = l.follow(l.vlog, valueLog)
	wg.Wait()
	if err := errors.Join(tableErr, vlogErr); err != nil {
		return err
	}
	if table != l.table || vlog != l.vlog {
		if err := syncDir(l.dir); err != nil {
			return err
		}
	}
	l.table, l.vlog = table, vlog
	return nil
}

// follow makes the files of a kind from number n on durable and returns the
// highest number among them. A file that has gone was flushed into a table, which
// is durable, or had all its values moved.
func (l *logs) follow(n int, kind string) (int, error) {
	name := func(n int) string {
		if kind == tableLog {
			return filepath.Join(l.dir, fmt.Sprintf("%05d.mem", n))
		}
		return filepath.Join(l.dir, fmt.Sprintf("%06d.vlog", n))
	}
	top, names := n, []string{name(n)}
	// Nearly always nothing has changed: n is there and there is no next one.
	if !exists(name(n)) || exists(name(n+1)) {
		names = names[:0]
		top = highest(l.dir, kind, func(m int, name string) {
			if m >= n {
				names = append(names, name)
			}
		})
	}
	for _, f := range names {
		if err := syncFile(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return n, err
		}
	}
	return max(top, n), nil
}

// exists tells whether a file is there; an error is a reason to look closer.
func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close()) // writes what is changed through Badger's memory maps too
}

func syncDir(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
