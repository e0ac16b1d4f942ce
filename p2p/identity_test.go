package p2p

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestPeerIDText(t *testing.T) {
	t.Parallel()
	id := NewIdentity([32]byte{1, 2, 3}).ID()
	const want = "12D3Koo"
	if s := id.String(); !strings.HasPrefix(s, want) {
		t.Errorf("got %s, want %s…", s, want)
	}
	got, err := ParsePeerID(id.String())
	if err != nil || got != id {
		t.Errorf("got %v, %v, want %v", got, err, id)
	}
	for _, bad := range []string{"", "x", id.String()[1:], "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"} {
		if p, err := ParsePeerID(bad); err == nil {
			t.Errorf("%q: got %v, want an error", bad, p)
		}
	}
}

func TestIdentityFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "peer.key")
	var (
		wg  sync.WaitGroup
		ids [8]PeerID
	)
	for i := range ids {
		wg.Go(func() {
			id, err := LoadOrCreateIdentity(path)
			if err != nil {
				t.Error(err)
			}
			ids[i] = id.ID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || id.IsZero() {
			t.Fatalf("racing creators disagree: %v", ids)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: got %v, %v, want 0600", info.Mode(), err)
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreateIdentity(path); !errors.Is(err, ErrKeyExposed) || !strings.Contains(err.Error(), "0600") {
		t.Errorf("readable by others: got %v, want %v", err, ErrKeyExposed)
	}
}

func TestIdentityFileFaults(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":     "",
		"not PEM":   "secret",
		"other PEM": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"not PKCS8": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"large":     strings.Repeat("x", maxIdentitySize+1),
	} {
		path := filepath.Join(t.TempDir(), "peer.key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if id, err := LoadOrCreateIdentity(path); err == nil {
			t.Errorf("%s: got %v, want an error", name, id.ID())
		}
	}
	if _, err := LoadOrCreateIdentity(filepath.Join(t.TempDir(), "none", "peer.key")); err == nil {
		t.Error("a folder that does not exist was accepted")
	}
}
