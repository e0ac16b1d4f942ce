// Package keyfile keeps a secret in a file that only its owner can read.
//
// # Layout
//
// One line of hexadecimal digits and a newline, mode 0600.
//
// # Invariants
//
// A file is either whole or absent, also after a crash. Of several processes
// that create one at the same time, all end up with the same secret. A secret
// is never part of an error.
package keyfile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

const maxSize = 1 << 10 // bytes of a file

var (
	// ErrExposed says that others than the owner may read a file.
	ErrExposed = errors.New("keyfile: others can read the key")
	// ErrMalformed says that a file holds no secret.
	ErrMalformed = errors.New("keyfile: not a key")
)

// Load reads the secret in the file at path.
func Load(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o; run chmod 600 on it", ErrExposed, path, info.Mode().Perm())
	}
	if info.Size() > maxSize {
		return nil, fmt.Errorf("%w: %s has %d bytes", ErrMalformed, path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimSpace(text)
	secret := make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(secret, text); err != nil || len(secret) == 0 {
		return nil, fmt.Errorf("%w: %s is not a line of hexadecimal digits", ErrMalformed, path)
	}
	return secret, nil
}

// LoadOrCreate reads the secret in the file at path; if there is no file it
// writes what generate returns. The folder must exist.
func LoadOrCreate(path string, generate func() ([]byte, error)) ([]byte, error) {
	secret, err := Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if secret, err = generate(); err != nil {
		return nil, fmt.Errorf("make a key for %s: %w", path, err)
	}
	if err := create(path, secret); err != nil {
		return nil, err
	}
	return Load(path) // another process may have been first
}

// create writes the file unless there is one already. A crash leaves at most a
// temporary file behind.
func create(path string, secret []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // best effort: the name is linked or useless
	_, err = f.WriteString(hex.EncodeToString(secret) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write key %s: %w", path, err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write key %s: %w", path, err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
