package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// childDir, set in the environment, turns the test binary into a process that
// writes into the store there until it is killed.
const childDir = "FLOE_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
	}
	os.Exit(m.Run())
}

// deleted tells which blobs child deletes again.
func deleted(blob int) bool { return blob%8 == 7 }

// child writes slivers of many sizes and prints the number of each blob once it
// is acknowledged. Meanwhile it deletes some and reclaims their room.
func child(dir string) {
	s, err := store.Open(dir, store.Config{})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("open")
	next, old := make(chan int), make(chan int, 1)
	go func() {
		for blob := range old {
			if err := s.DeleteBlob(context.Background(), blobID(blob)); err != nil {
				fmt.Println("error", err)
			}
			if _, err := s.Reclaim(context.Background()); err != nil {
				fmt.Println("error", err)
			}
		}
	}()
	for range 4 {
		go func() {
			for blob := range next {
				if err := s.PutSlivers(context.Background(), blobID(blob), pair(blob, 1, sizeOf(blob))); err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				fmt.Println(blob)
				if deleted(blob) {
					old <- blob
				}
			}
		}()
	}
	for blob := range 1 << 20 {
		next <- blob
	}
}

func sizeOf(blob int) int { return []int{100, 5000, 200_000, 1 << 20}[blob%4] }

// start runs child on dir; lines are what it prints.
func start(t *testing.T, dir string) (cmd *exec.Cmd, lines *bufio.Scanner) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var acked []int
	for round := range 3 {
		cmd, lines := start(t, dir)
		for n := 0; lines.Scan(); {
			text := lines.Text()
			if strings.HasPrefix(text, "error") {
				t.Fatalf("round %d: child: %s", round, text)
			}
			if blob, err := strconv.Atoi(text); err == nil {
				acked = append(acked, blob)
				n++
			}
			// In the middle of writing; what it has printed by then still counts.
			if n == 60 {
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
		s, err := store.Open(dir, store.Config{})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for _, blob := range acked {
			if deleted(blob) {
				continue
			}
			for _, want := range pair(blob, 1, sizeOf(blob)) {
				if got, err := s.Sliver(blobID(blob), 1, want.Sliver.Axis); err != nil || !same(got, want.Sliver) {
					t.Fatalf("round %d: acknowledged sliver of blob %d differs (%v)", round, blob, err)
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acked) < 180 {
		t.Fatalf("only %d blobs acknowledged: the test proves nothing", len(acked))
	}
}

func TestLocked(t *testing.T) {
	t.Parallel()
	t.Run("same process", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		s := open(t, dir)
		_, err := store.Open(dir, store.Config{})
		if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), dir) {
			t.Errorf("got %v, want ErrLocked naming %s", err, dir)
		}
		if err := s.PutValue(t.Context(), "still", []byte("works")); err != nil {
			t.Error(err)
		}
	})
	t.Run("other process", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		cmd, lines := start(t, dir)
		if !lines.Scan() || lines.Text() != "open" {
			t.Fatalf("child: %q", lines.Text())
		}
		_, err := store.Open(dir, store.Config{})
		if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), strconv.Itoa(cmd.Process.Pid)) {
			t.Errorf("got %v, want ErrLocked naming process %d", err, cmd.Process.Pid)
		}
		_ = cmd.Process.Kill()
		for lines.Scan() {
		}
		_ = cmd.Wait()
		open(t, dir)
	})
}

// filled makes a closed store of two tables and several segments.
func filled(t *testing.T, dir string, blobs int) {
	t.Helper()
	for half := range 2 { // two tables
		s := open(t, dir)
		for blob := half; blob < blobs; blob += 2 {
			if err := s.PutMetadata(t.Context(), blobID(blob), metadata(20)); err != nil {
				t.Fatal(err)
			}
			if err := s.PutSlivers(t.Context(), blobID(blob), pair(blob, 1, sizeOf(blob)/4)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// No damage to a file may end the process, lose a sliver without a word from
// Open, or make a read return other bytes than were stored.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	const blobs = 12
	original := t.TempDir()
	filled(t, original, blobs)
	files, err := filepath.Glob(filepath.Join(original, "db", "*"))
	if err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(original, "segments", "*"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, segments...)
	kinds := map[string]int{}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		name, size := filepath.Join(filepath.Base(filepath.Dir(file)), filepath.Base(file)), info.Size()
		kinds[filepath.Ext(name)]++
		for at := range int64(14) {
			if testing.Short() && at%3 != 0 {
				continue
			}
			// The beginning, where the headers are, the end, where the sums are, and samples between.
			offset := 5 * at
			switch {
			case at >= 10:
				offset = size * (at - 9) / 5
			case at >= 6:
				offset = size - 1 - 3*(at-6)
			}
			if offset < 0 || offset >= size {
				continue
			}
			t.Run(fmt.Sprintf("%s/flip-%d", name, offset), func(t *testing.T) {
				damaged(t, original, name, blobs, func(b []byte) []byte { b[offset] ^= 0x41; return b })
			})
			t.Run(fmt.Sprintf("%s/cut-%d", name, offset), func(t *testing.T) {
				damaged(t, original, name, blobs, func(b []byte) []byte { return b[:offset] })
			})
		}
	}
	if kinds[".sst"] < 2 || kinds[".seg"] < 2 || kinds[""] < 2 {
		t.Fatalf("files were not what the test needs: %v", kinds)
	}
	t.Run("MANIFEST/missing", func(t *testing.T) { damaged(t, original, filepath.Join("db", "MANIFEST"), blobs, nil) })
	t.Run("segment/missing", func(t *testing.T) {
		damaged(t, original, filepath.Join("segments", filepath.Base(segments[0])), blobs, nil)
	})
}

func damaged(t *testing.T, original, name string, blobs int, damage func([]byte) []byte) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if damage == nil {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	} else {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, damage(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := store.Open(dir, store.Config{})
	if err != nil {
		if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "move") {
			t.Errorf("open: got %v, want ErrCorrupt that names the directory and says what to do", err)
		}
		return
	}
	defer s.Close()
	for blob := range blobs {
		held, err := s.Holdings(blobID(blob), []shard.Index{1})
		if err != nil || !held[0].Primary || !held[0].Secondary {
			t.Errorf("blob %d: holdings %v, %v: lost without a word", blob, held, err)
		}
		for _, want := range pair(blob, 1, sizeOf(blob)/4) {
			got, err := s.Sliver(blobID(blob), 1, want.Sliver.Axis)
			if err == nil && !same(got, want.Sliver) {
				t.Errorf("blob %d: other bytes than were stored", blob)
			}
			if err != nil && !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("blob %d: got %v, want ErrCorrupt", blob, err)
			}
			if errors.Is(err, store.ErrCorrupt) && !strings.Contains(err.Error(), blobID(blob).String()) {
				t.Errorf("%v does not name the blob", err)
			}
		}
		if _, err := s.Metadata(blobID(blob)); err != nil && !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("blob %d: metadata: %v", blob, err)
		}
	}
}

// A corrupt sliver is deleted and put again without a restart.
func TestCorruptSliverIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	filled(t, dir, 4)
	logs, err := filepath.Glob(filepath.Join(dir, "segments", "*.seg"))
	if err != nil || len(logs) == 0 {
		t.Fatal(logs, err)
	}
	slices.Sort(logs)
	b, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(logs[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	bad := 0
	for blob := range 4 {
		for _, want := range pair(blob, 1, sizeOf(blob)/4) {
			a := want.Sliver.Axis
			_, err := s.Sliver(blobID(blob), 1, a)
			if err == nil {
				continue
			}
			bad++
			if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), a.String()) || !strings.Contains(err.Error(), "shard 1") {
				t.Errorf("got %v, want ErrCorrupt naming shard and axis", err)
			}
			if err := s.DeleteSliver(t.Context(), blobID(blob), 1, a); err != nil {
				t.Fatal(err)
			}
			if has, err := s.Has(blobID(blob), 1, a); has || err != nil {
				t.Errorf("deleted sliver: has %v, %v", has, err)
			}
			if err := s.PutSlivers(t.Context(), blobID(blob), []store.Item{want}); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Sliver(blobID(blob), 1, a); err != nil || !same(got, want.Sliver) {
				t.Errorf("replaced sliver differs (%v)", err)
			}
		}
	}
	if bad == 0 {
		t.Error("no sliver was corrupt: the test proves nothing")
	}
}
