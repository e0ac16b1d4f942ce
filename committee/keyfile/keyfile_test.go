package keyfile_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/floe-storage/floe/committee/keyfile"
)

func secret() ([]byte, error) { return []byte{1, 2, 0xfe}, nil }

func TestCreatedOnceAndPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "k")
	got, err := keyfile.LoadOrCreate(path, secret)
	if err != nil || !bytes.Equal(got, []byte{1, 2, 0xfe}) {
		t.Fatalf("got %x, %v", got, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	again, err := keyfile.LoadOrCreate(path, func() ([]byte, error) { return []byte{9}, nil })
	if err != nil || !bytes.Equal(again, got) {
		t.Errorf("second time: got %x, %v; want %x", again, err, got)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRaceHasOneWinner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "k")
	got := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			got[i], _ = keyfile.LoadOrCreate(path, func() ([]byte, error) { return []byte{byte(i + 1)}, nil })
		})
	}
	wg.Wait()
	for _, g := range got {
		if len(g) != 1 || !bytes.Equal(g, got[0]) {
			t.Fatalf("different secrets: %x", got)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
		want       error
	}{
		{"readable by all", "abcd\n", 0o644, keyfile.ErrExposed},
		{"empty", "", 0o600, keyfile.ErrMalformed},
		{"not hexadecimal", "hunter2secret\n", 0o600, keyfile.ErrMalformed},
		{"large", strings.Repeat("ab", 4096), 0o600, keyfile.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "k")
			if err := os.WriteFile(path, []byte(tt.text), tt.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			_, err := keyfile.Load(path)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if tt.text != "" && strings.Contains(err.Error(), strings.TrimSpace(tt.text)) {
				t.Error("the error shows the secret")
			}
		})
	}
}
