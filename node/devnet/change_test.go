package devnet_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/devnet"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// until polls a condition of the network's.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx := bounded(t)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// A third of the committee is replaced while others read and write: no read and
// no write fails, what changes hands is moved and little more, and who left
// has nothing any more.
func TestCommitteeChange(t *testing.T) {
	t.Parallel()
	n := open(t, devnet.Config{Nodes: 6, Shards: 18, Epoch: 20 * time.Second})
	kept := map[shard.BlobID][]byte{}
	for i := range 12 {
		data := shardtest.Blob(fmt.Sprint("kept ", i), 200_000+i)
		kept[mustStore(t, n, data, client.StoreOptions{Epochs: 40}).BlobID] = data
	}
	if err := n.Client().Flush(bounded(t)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var users sync.WaitGroup
	var reads, writes int
	users.Go(func() {
		for ctx.Err() == nil {
			for id, want := range kept {
				got, err := n.Client().Read(ctx, id, client.ReadOptions{})
				if ctx.Err() != nil {
					return
				}
				if err != nil || len(got) != len(want) {
					t.Errorf("read %d: got %d bytes, %v", reads, len(got), err)
				}
				reads++
			}
		}
	})
	written := map[shard.BlobID][]byte{}
	users.Go(func() {
		for ctx.Err() == nil {
			data := shardtest.Blob(fmt.Sprint("written ", writes), 20_000)
			r, err := n.Client().Store(ctx, data, client.StoreOptions{Epochs: 40})
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				t.Errorf("write %d: %v", writes, err)
				continue
			}
			written[r.BlobID] = data
			writes++
		}
	})
	var added []int
	for range 2 {
		i, err := n.Add(bounded(t))
		if err != nil {
			t.Fatal(err)
		}
		added = append(added, i)
	}
	retired := []int{4, 5}
	for _, i := range retired {
		if err := n.Retire(bounded(t), i); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the committee to change", func() bool {
		c := n.Node(0).Committee()
		return c.Member(n.Node(added[0]).ID()) != nil && c.Member(n.Node(retired[0]).ID()) == nil
	})
	until(t, "the hand-over to end", func() bool {
		var sys ledger.System
		err := n.Node(0).Ledger().View(t.Context(), func(r ledger.Reader, _ uint64) (err error) {
			sys, err = ledger.ReadSystem(r)
			return err
		})
		return err == nil && sys.Phase != ledger.PhaseHandover && sys.Deadline == 0
	})
	until(t, "those who left to be empty", func() bool {
		for _, i := range retired {
			if s, err := n.Node(i).Stored(); err != nil || s.Slivers > 0 {
				return false
			}
		}
		return true
	})
	stop()
	users.Wait()
	if reads == 0 || writes == 0 {
		t.Fatalf("%d reads and %d writes; the test would show nothing", reads, writes)
	}
	moved := uint64(0)
	for _, i := range added {
		if err := n.Node(i).Repaired(bounded(t)); err != nil {
			t.Fatal(err)
		}
		s := n.Node(i).Moved()
		r := n.Node(i).Repairs()
		t.Logf("node %d: moved %+v; repaired %d slivers with %d bytes", i, s, r.Primary+r.Secondary, r.BytesPulled)
		if s.Shards == 0 || s.Given != 0 {
			t.Errorf("node %d: got %+v, want all shards handed over", i, s)
		}
		if s.BytesPulled*100 > s.BytesRestored*105 {
			t.Errorf("node %d: %d bytes were pulled for %d that are new here", i, s.BytesPulled, s.BytesRestored)
		}
		moved += s.Slivers
	}
	t.Logf("%d reads, %d writes, %d slivers moved", reads, writes, moved)
	for _, i := range retired {
		if err := n.Stop(i); err != nil {
			t.Error(err)
		}
	}
	for id, data := range kept {
		mustRead(t, n, id, data)
	}
	for id, data := range written {
		mustRead(t, n, id, data)
	}
}

// Only nodes that run can be retired.
func TestRetireUnknown(t *testing.T) {
	t.Parallel()
	n := open(t, devnet.Config{Nodes: 1, Shards: 4})
	if err := n.Retire(bounded(t), 1); !errors.Is(err, devnet.ErrNode) {
		t.Errorf("got %v, want %v", err, devnet.ErrNode)
	}
}
