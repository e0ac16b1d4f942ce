package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// output is a file that appears whole or not at all.
type output struct {
	path string   // as it will be
	file *os.File // under another name until it is whole; nil once it is closed
	own  bool     // the name is ours and goes unless it becomes path
}

// createOutput prepares to write a file. What is no regular file, such as a
// pipe, is written to directly. Close it.
func createOutput(path string) (*output, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, usageError{fmt.Errorf("%s is a directory", path), "name a file"}
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &output{path: path, file: f}, nil
	case err == nil: // a link stays one
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
	}
	// Not os.CreateTemp: the file is to have the mode that the user's umask gives.
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"-"+strings.ToLower(rand.Text()))
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		failed.Path = path // the name that the user knows
	}
	if err != nil {
		return nil, err
	}
	if info != nil {
		if err := f.Chmod(info.Mode().Perm()); err != nil {
			return nil, errors.Join(err, f.Close(), os.Remove(tmp))
		}
	}
	return &output{path: path, file: f, own: true}, nil
}

// commit writes data and gives the file its name.
func (o *output) commit(data []byte) error {
	if _, err := o.file.Write(data); err != nil {
		return err
	}
	if !o.own {
		return nil
	}
	if err := o.file.Sync(); err != nil { // or a crash could leave the name on an empty file
		return err
	}
	if err := os.Rename(o.file.Name(), o.path); err != nil {
		return err
	}
	o.own = false
	return nil
}

// Close ends the writing and leaves nothing behind that is not whole.
func (o *output) Close() error {
	err := o.file.Close()
	if o.own {
		err = errors.Join(err, os.Remove(o.file.Name()))
	}
	return err
}
