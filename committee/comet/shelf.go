package comet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// keptSnapshots is how many are kept: who has begun to fetch one shall find its end.
const keptSnapshots = 2

// shelf is the directory with a node's snapshots. Each is a directory named by
// its height, with the manifest and a file for each chunk; what is not whole yet
// has a name with a prefix and is removed at the next start.
type shelf struct {
	dir string // "": none are kept

	mu        sync.Mutex // mu guards the fields below.
	snapshots []manifest // by height
}

const (
	unfinished   = "new-"
	manifestFile = "manifest"
)

// openShelf reads what is there, or removes it if no snapshots shall be kept.
func openShelf(dir string, keep bool) (*shelf, error) {
	s := &shelf{dir: filepath.Join(dir, "snapshots")}
	if !keep {
		if err := os.RemoveAll(s.dir); err != nil {
			return nil, fmt.Errorf("remove snapshots: %w", err)
		}
		return &shelf{}, nil
	}
	if err := makeDir(s.dir); err != nil {
		return nil, fmt.Errorf("open snapshots: %w", err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("open snapshots: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(s.dir, e.Name())
		b, err := os.ReadFile(filepath.Join(path, manifestFile))
		m, bad := parseManifest(b)
		if err == nil && bad == nil && e.Name() == strconv.FormatUint(m.height, 10) {
			s.snapshots = append(s.snapshots, m)
		} else if err := os.RemoveAll(path); err != nil { // begun and not finished
			return nil, fmt.Errorf("remove an unfinished snapshot: %w", err)
		}
	}
	slices.SortFunc(s.snapshots, func(a, b manifest) int { return int(a.height) - int(b.height) })
	return s, s.trim()
}

// list returns the snapshots, the oldest first.
func (s *shelf) list() []manifest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.snapshots)
}

// oldest returns the lowest height of a snapshot.
func (s *shelf) oldest() (height uint64, ok bool) {
	if all := s.list(); len(all) > 0 {
		return all[0].height, true
	}
	return 0, false
}

// has tells whether there is a snapshot of a height.
func (s *shelf) has(height uint64) bool {
	return slices.ContainsFunc(s.list(), func(m manifest) bool { return m.height == height })
}

// chunk reads a chunk of a snapshot that list has, or had: one may be removed meanwhile.
func (s *shelf) chunk(height uint64, i uint32) ([]byte, error) {
	return os.ReadFile(s.chunkPath(strconv.FormatUint(height, 10), int(i)))
}

func (s *shelf) chunkPath(name string, i int) string {
	return filepath.Join(s.dir, name, strconv.Itoa(i))
}

// put takes in a directory with all chunks of m, on disk already, adds the
// manifest and gives it its name. If we crash before that, there is no snapshot.
func (s *shelf) put(path string, m manifest) error {
	if err := writeFile(filepath.Join(path, manifestFile), m.append(nil)); err != nil {
		return err
	}
	final := filepath.Join(s.dir, strconv.FormatUint(m.height, 10))
	if err := errors.Join(syncDir(path), os.RemoveAll(final), os.Rename(path, final), syncDir(s.dir)); err != nil {
		return err
	}
	s.mu.Lock()
	s.snapshots = slices.DeleteFunc(s.snapshots, func(o manifest) bool { return o.height == m.height })
	s.snapshots = append(s.snapshots, m)
	slices.SortFunc(s.snapshots, func(a, b manifest) int { return int(a.height) - int(b.height) })
	s.mu.Unlock()
	return s.trim()
}

// trim removes the oldest snapshots.
func (s *shelf) trim() error {
	s.mu.Lock()
	old := s.snapshots[:max(len(s.snapshots)-keptSnapshots, 0)]
	s.snapshots = slices.Clone(s.snapshots[len(old):])
	s.mu.Unlock()
	for _, m := range old {
		name := strconv.FormatUint(m.height, 10)
		// Under a name that says so: if we crash here, the rest goes at the next start.
		gone := filepath.Join(s.dir, unfinished+name)
		if err := os.Rename(filepath.Join(s.dir, name), gone); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("remove an old snapshot: %w", err)
		}
		if err := os.RemoveAll(gone); err != nil {
			return fmt.Errorf("remove an old snapshot: %w", err)
		}
	}
	return nil
}

// begin makes the directory of a snapshot that is not whole yet.
func (s *shelf) begin(height uint64) (path string, err error) {
	path = filepath.Join(s.dir, unfinished+strconv.FormatUint(height, 10))
	if err := os.RemoveAll(path); err != nil {
		return "", err
	}
	return path, makeDir(path)
}

// writeFile writes a file that is whole or not there under its name.
func writeFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), strings.TrimSuffix(filepath.Base(path), ".tmp")+"-*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), path)
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
