package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/devnet"
	"github.com/floe-storage/floe/shard/shardtest"
)

// open starts a network that ends with the test.
func open(t *testing.T, cfg devnet.Config) *devnet.Net {
	t.Helper()
	cfg.Dir, cfg.HTTP, cfg.Nodes, cfg.Shards = t.TempDir(), "127.0.0.1:0", 4, 13
	n, err := devnet.Open(bounded(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Many stores and reads at once, some of the same data, with waits in between.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	n := open(t, devnet.Config{})
	c := n.Client()
	const writers, sizes = 8, 4
	faults := make(chan error)
	for i := range writers {
		go func() {
			data := shardtest.Blob(fmt.Sprint(i%sizes), 30_000*(1+i%sizes))
			r, err := c.Store(bounded(t), data, client.StoreOptions{Epochs: 2, Deletable: i%2 == 0})
			for range 3 {
				var got []byte
				if err == nil {
					got, err = c.Read(bounded(t), r.BlobID, client.ReadOptions{})
				}
				if err == nil && !bytes.Equal(got, data) {
					err = errors.New("other bytes")
				}
			}
			faults <- errors.Join(err, c.Flush(bounded(t)))
		}()
	}
	for range writers {
		if err := <-faults; err != nil {
			t.Error(err)
		}
	}
}

// With epochs that hardly last longer than a Store, Stores succeed.
func TestShortEpochs(t *testing.T) {
	t.Parallel()
	n := open(t, devnet.Config{Epoch: time.Second})
	for i := range 6 {
		data := shardtest.Blob(fmt.Sprint("short", i), 50_000)
		r, err := n.Client().Store(bounded(t), data, client.StoreOptions{Epochs: 50})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := n.Client().Read(bounded(t), r.BlobID, client.ReadOptions{}); err != nil || !bytes.Equal(got, data) {
			t.Fatal("another blob", err)
		}
	}
}

// A session that has no addresses but those of one node finds the others.
func TestSessionOfItsOwn(t *testing.T) {
	t.Parallel()
	n := open(t, devnet.Config{})
	data := shardtest.Blob("session", 60_000)
	r, err := n.Client().Store(bounded(t), data, client.StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := client.Dial(bounded(t), client.DialConfig{Bootstrap: n.Bootstrap()[2:3], Root: n.Card().Root})
	if err != nil {
		t.Fatal(err)
	}
	// The node that it came by may be a block behind the one that stored.
	for ctx := bounded(t); ; {
		if status, err := s.Status(ctx, r.BlobID); err != nil {
			t.Fatal(err)
		} else if status.Available() {
			break
		}
	}
	if got, err := s.Read(bounded(t), r.BlobID, client.ReadOptions{}); err != nil || !bytes.Equal(got, data) {
		t.Error("another blob", err)
	}
	// The node that it came by goes; the ledger is asked elsewhere.
	if err := n.Stop(2); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Read(bounded(t), r.BlobID, client.ReadOptions{}); err != nil || !bytes.Equal(got, data) {
		t.Error("another blob", err)
	}
	if _, err := s.Store(bounded(t), data, client.StoreOptions{}); !errors.Is(err, client.ErrNoAccount) {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
