package comet

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestKeyIsKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "dir")
	first, err := LoadOrCreateConsensusKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadOrCreateConsensusKey(dir)
	if err != nil || second != first || first == [32]byte{} {
		t.Errorf("got %x, %v, want %x", second, err, first)
	}
	key, state := keyPaths(dir)
	for _, path := range []string{key, state} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v, want mode 0600", path, info, err)
		}
	}
}

func TestDirectoryFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		spoil func(c *cluster)
		want  error
	}{
		{"sign state lost", func(c *cluster) {
			_, state := keyPaths(c.nodeDir(0))
			_ = os.Remove(state)
		}, ErrSignState},
		{"sign state damaged", func(c *cluster) {
			_, state := keyPaths(c.nodeDir(0))
			_ = os.WriteFile(state, []byte("{"), 0o600)
		}, ErrSignState},
		{"database damaged", func(c *cluster) {
			manifests, _ := filepath.Glob(filepath.Join(c.nodeDir(0), "ledger.db", "MANIFEST-*"))
			for _, m := range manifests {
				_ = os.WriteFile(m, []byte("not a manifest"), 0o600)
			}
		}, ErrCorrupt},
		{"other genesis", func(c *cluster) { c.genesis = append(c.genesis, '\n') }, ErrWrongChain},
		{"other chain ID", func(c *cluster) { c.chainID = "other" }, ErrWrongChain},
		{"other genesis time", func(c *cluster) { c.time = c.time.Add(1) }, ErrWrongChain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 1)
			c.start(0)
			c.stop(0)
			tt.spoil(c)
			if _, err := Open(t.Context(), c.config(0)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestLocked(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.start(0)
	if _, err := Open(t.Context(), c.config(0)); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	c.mustSubmit(0, "ann 0 k v") // the first is unharmed
}

func TestBadGenesis(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.genesis = []byte("nonsense")
	if _, err := Open(t.Context(), c.config(0)); err == nil {
		t.Fatal("got no error")
	}
}

func TestConfigReportsAllFaults(t *testing.T) {
	t.Parallel()
	cfg := Config{EmptyBlockInterval: -time.Second}
	err := cfg.validate()
	if joined, ok := errors.Unwrap(err).(interface{ Unwrap() []error }); !ok || len(joined.Unwrap()) != 4 {
		t.Errorf("got %v, want four faults", err)
	}
}
