package devnet_test

import (
	"errors"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/committee/proof"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/devnet"
	"github.com/floe-storage/floe/shard/shardtest"
)

// What a client that believes nobody reads, pays and proves on real chains, of
// one validator and of four: its root is that of the network's card, or of
// genesis, and the proof is checked without the network.
func TestProofOfAvailability(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 4} {
		n := open(t, devnet.Config{Nodes: nodes, Shards: 10})
		stored, err := n.Client().Store(bounded(t), shardtest.Blob("proven", 5000), client.StoreOptions{Epochs: 2})
		if err != nil {
			t.Fatal(err)
		}
		first, err := n.Node(0).Ledger().LightBlock(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		h, err := light.ReadHeader(first)
		if err != nil {
			t.Fatal(err)
		}
		for _, root := range []light.Root{n.Card().Root, {ChainID: n.Card().ChainID, Height: 1, Hash: h.Hash}} {
			s, err := client.Dial(bounded(t), client.DialConfig{Bootstrap: n.Bootstrap(), Root: root})
			if err != nil {
				t.Fatal(err)
			}
			var status ledger.Status
			err = s.Ledger.View(bounded(t), func(r ledger.Reader, _ uint64) (err error) {
				status, err = ledger.ReadStatus(r, stored.BlobID)
				return err
			})
			if err != nil || !status.Available() {
				t.Fatalf("%d nodes: %+v, %v", nodes, status, err)
			}
			file, err := proof.Export(bounded(t), s.Ledger, status.Blob.ID)
			if err != nil {
				t.Fatal(err)
			}
			a, err := proof.Verify(file, root, time.Now())
			if err != nil || a.BlobID != stored.BlobID || a.Size != 5000 || a.End != status.Blob.Storage.End || 3*int(a.Signed) < 2*a.Shards+1 {
				t.Errorf("%d nodes: got %+v, %v", nodes, a, err)
			}
			t.Logf("%d nodes: %d bytes", nodes, len(file))
			if _, err := proof.Verify(file, light.Root{ChainID: root.ChainID, Height: root.Height}, time.Now()); !errors.Is(err, light.ErrProof) {
				t.Errorf("%d nodes, another root: %v", nodes, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
