package comet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/floe-storage/floe/p2p"
)

func heights(s *shelf) (out []uint64) {
	for _, m := range s.list() {
		out = append(out, m.height)
	}
	return out
}

func TestShelf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := openShelf(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	add := func(height uint64) {
		t.Helper()
		path, err := s.begin(height)
		if err != nil {
			t.Fatal(err)
		}
		w := chunkWriter{dir: path, m: manifest{height: height}}
		if _, err := w.Write(make([]byte, chunkSize+int(height))); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.flush(), s.put(path, w.m)); err != nil {
			t.Fatal(err)
		}
	}
	for _, height := range []uint64{10, 20, 30, 20} {
		add(height)
	}
	if got := heights(s); !slices.Equal(got, []uint64{20, 30}) {
		t.Errorf("got %v, want the last two", got)
	}
	if b, err := s.chunk(30, 1); err != nil || len(b) != 30 {
		t.Errorf("got %d bytes, %v, want 30", len(b), err)
	}
	// What a crash leaves is removed; what is whole stays.
	if _, err := s.begin(40); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "20", manifestFile), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = openShelf(dir, true); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(s.dir)
	if got := heights(s); err != nil || len(entries) != 1 || !slices.Equal(got, []uint64{30}) {
		t.Errorf("opened again: got %v and %v, %v, want 30 alone", got, entries, err)
	}
	if s, err = openShelf(dir, false); err != nil || len(s.list()) != 0 {
		t.Errorf("none wanted: got %v, %v", heights(s), err)
	}
	if _, err := os.Stat(filepath.Join(dir, "snapshots")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("none wanted: got %v, want no directory", err)
	}
}

// A crash at any point of the change leaves the old or the new, and never neither.
func TestFinishSwap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		have []string
		want string // what is in the database in the end
	}{
		{"nothing to do", []string{"ledger.db"}, "ledger.db"},
		{"empty", nil, ""},
		{"before", []string{"ledger.db", "ledger.next", "wal"}, "ledger.next"},
		{"message log removed", []string{"ledger.db", "ledger.next"}, "ledger.next"},
		{"old one away", []string{"ledger.old", "ledger.next"}, "ledger.next"},
		{"done", []string{"ledger.db", "ledger.old"}, "ledger.db"},
		{"rubbish of another time", []string{"ledger.db", "ledger.next", "ledger.old"}, "ledger.next"},
		{"into an empty directory", []string{"ledger.next"}, "ledger.next"},
	} {
		dir := t.TempDir()
		for _, name := range tt.have {
			if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name, "was"), []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // the second time nothing changes
			if err := finishSwap(dir); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			got, _ := os.ReadFile(filepath.Join(ledgerPath(dir), "was"))
			if string(got) != tt.want {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
			}
		}
		entries, _ := os.ReadDir(dir)
		if len(entries) > 1 {
			t.Errorf("%s: left %v", tt.name, entries)
		}
	}
}

// Joining was cut short: with a restored database ready, with chunks that are half there, with rubbish.
func TestJoinAfterInterruption(t *testing.T) {
	t.Parallel()
	c, height, j := snapshotChain(t, 1)
	lent := c.members[0].node.shelf.list()
	m := lent[len(lent)-1]
	dir := c.nodeDir(j)
	chunks := filepath.Join(joinPath(dir), fmt.Sprintf("%x", m.id()))
	for _, path := range []string{chunks, ledgerPath(joinPath(dir)), filepath.Join(joinPath(dir), "0011")} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "0"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.start(j)
	c.joined(j, height)
	c.stop(j)
	// As if it had crashed before the change: what it restored lies ready beside an empty database.
	if err := os.Rename(ledgerPath(dir), nextPath(dir)); err != nil {
		t.Fatal(err)
	}
	db, err := openDatabase(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if n := c.start(j); n.Height() < height {
		t.Errorf("got height %d, want %d at once", n.Height(), height)
	}
	c.mustSubmit(j, "cid 0 k v")
}

// A node that is closed while it joins is as good as before, and joins the next time.
func TestCloseWhileJoining(t *testing.T) {
	t.Parallel()
	c, height, j := snapshotChain(t, 1)
	for i := range 6 {
		n := c.start(j)
		eventually(t, "it has begun", func() bool { return n.Peers() > 0 })
		if i%2 == 0 {
			eventually(t, "it has got on", func() bool {
				_, err := os.Stat(joinPath(c.nodeDir(j)))
				return err == nil || n.Height() > 0
			})
		}
		c.stop(j)
		if n.Height() > 0 {
			break
		}
	}
	c.start(j)
	c.joined(j, height)
}

func TestLenderBudget(t *testing.T) {
	t.Parallel()
	l := &lender{borrowers: map[p2p.PeerID]*borrower{}}
	a, b := p2p.PeerID{1}, p2p.PeerID{2}
	for range peerQuestions {
		if !l.admit(a) {
			t.Fatal("refused at once")
		}
	}
	if l.admit(a) {
		t.Error("one peer asks more than it may at once")
	}
	if !l.admit(b) {
		t.Error("another is refused for it")
	}
	for range peerQuestions {
		l.charge(a, peerBurst/peerQuestions)
	}
	if l.admit(a) {
		t.Error("a peer takes more than it may")
	}
	l.borrowers[a].at = time.Now().Add(-time.Second)
	if !l.admit(a) {
		t.Error("refused after a second")
	}
	for i := range maxBorrowers {
		l.admit(p2p.PeerID{3, byte(i), byte(i >> 8)})
	}
	if len(l.borrowers) > maxBorrowers {
		t.Errorf("got %d peers remembered, want at most %d", len(l.borrowers), maxBorrowers)
	}
}
