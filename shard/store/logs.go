package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// logs knows which of Badger's table logs is the newest one that has been made
// durable, so that those it has turned away from since are made durable too: what
// a group wrote just before would be acknowledged and could still be lost with
// the power. All older ones are durable.
type logs struct {
	dir   string
	table int // number of the newest file
}

// start finds the newest file of a database that has just been opened, and
// makes the directory durable.
func (l *logs) start(dir string) error {
	l.dir = dir
	l.table = l.highest(nil)
	return syncDir(dir)
}

func (l *logs) name(n int) string { return filepath.Join(l.dir, fmt.Sprintf("%05d.mem", n)) }

// highest returns the highest number of a log, 0 if there is none, and calls visit
// for each if it is not nil.
func (l *logs) highest(visit func(n int)) int {
	top := 0
	names, _ := filepath.Glob(filepath.Join(l.dir, "*.mem")) // the pattern is well-formed
	for _, name := range names {
		n := 0
		if _, err := fmt.Sscanf(filepath.Base(name), "%d", &n); err != nil {
			continue
		}
		top = max(top, n)
		if visit != nil {
			visit(n)
		}
	}
	return top
}

// sync makes everything durable that was in the logs when it was called. It does
// so by the files and not by Badger's Sync, which covers the newest one at its
// own time, while the writer may have Badger turn to another. A log that has gone
// was flushed into a table, which is durable.
func (l *logs) sync() error {
	top, numbers := l.table, []int{l.table}
	// Nearly always nothing has changed: the log is there and there is no next one.
	if !exists(l.name(top)) || exists(l.name(top+1)) {
		numbers = numbers[:0]
		top = l.highest(func(n int) {
			if n >= l.table {
				numbers = append(numbers, n)
			}
		})
	}
	for _, n := range numbers {
		if err := syncFile(l.name(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if top > l.table {
		if err := syncDir(l.dir); err != nil {
			return err
		}
		l.table = top
	}
	return nil
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
