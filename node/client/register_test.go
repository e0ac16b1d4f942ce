package client

import (
	"errors"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// What storing costs is known before, wherever the room for it comes from: the
// balance falls by just that, but for the part of the deposit that comes back.
func TestCost(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	made, err := s.wallet.Send(bounded(t),
		ledger.ReserveStorage{Size: 8 << 20, Epochs: 3}, ledger.ReserveStorage{Size: 8 << 20, Epochs: 2}, ledger.CreatePool{Storage: ledger.Result(1)})
	if err != nil {
		t.Fatal(err)
	}
	data := shardtest.Blob("cost", 50_000)
	for _, tt := range []struct {
		name      string
		opt       StoreOptions
		operation Operation
		end       committee.Epoch
	}{
		{"anew", StoreOptions{Epochs: 2}, RegisteredFromScratch, 3},
		{"deletable, for somebody else", StoreOptions{Deletable: true, Force: true, SendTo: ledger.Address{7}}, RegisteredFromScratch, 2},
		{"with storage", StoreOptions{Storage: made.Object(0)}, ReusedStorage, 4},
		{"in a pool", StoreOptions{Pool: made.Object(2), Force: true}, RegisteredInPool, 3},
	} {
		before := s.balance()
		cost, err := s.client.Cost(bounded(t), metadataOf(t, data), tt.opt)
		if err != nil || cost.AlreadyCertified || cost.Balance != before || s.balance() != before {
			t.Fatalf("%s: got %+v, %v", tt.name, cost, err)
		}
		r := s.store(data, tt.opt)
		paid := before - s.balance()
		total := cost.Fee + cost.Price + cost.Deposit
		if r.Cost != paid || paid > total || paid < total-cost.Deposit || cost.Deposit == 0 {
			t.Errorf("%s: paid %d, told %d, expected %+v", tt.name, paid, r.Cost, cost)
		}
		if r.Operation != tt.operation || r.Blob.Storage.End != tt.end || r.Blob.Pool != tt.opt.Pool || cost.BlobID != r.BlobID || cost.Encoded != r.Encoded {
			t.Errorf("%s: got %+v", tt.name, r)
		}
		refund := total - paid
		if want := s.params().Refund(cost.Deposit, committee.Weight(stageShards)); refund > want {
			t.Errorf("%s: %d came back of a deposit of %d", tt.name, refund, want)
		}
	}

	// What storage had more than the blob needed is still there.
	var left []ledger.Storage
	if err := s.chain.View(t.Context(), func(r ledger.Reader, _ uint64) error {
		ledger.AscendOwned(r, s.wallet.Address(), ledger.KindStorage, committee.ObjectID{}, func(k ledger.ObjectKind, id committee.ObjectID) bool {
			if v, err := ledger.ReadStorage(r, id); err == nil && k == ledger.KindStorage {
				left = append(left, v)
			}
			return true
		})
		return nil
	}); err != nil || len(left) != 1 || left[0].Size >= 8<<20 || left[0].End != 4 {
		t.Errorf("left of the storage: %+v, %v", left, err)
	}

	// What is there already costs nothing.
	cost, err := s.client.Cost(bounded(t), metadataOf(t, data), StoreOptions{Epochs: 2})
	if err != nil || !cost.AlreadyCertified || cost.Fee+cost.Price+cost.Deposit != 0 {
		t.Errorf("again: got %+v, %v", cost, err)
	}
}

func TestRoomRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	none := committee.ObjectID{1}
	for name, opt := range map[string]StoreOptions{
		"no such storage": {Storage: none},
		"no such pool":    {Pool: none},
	} {
		_, err := s.client.Store(bounded(t), []byte("x"), opt)
		if e, ok := errors.AsType[*ledger.Error](err); !ok || e.Code != ledger.CodeNotFound {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, opt := range map[string]StoreOptions{
		"both":                       {Storage: none, Pool: none},
		"a pool for somebody else's": {Pool: none, SendTo: ledger.Address{1}},
	} {
		if _, err := s.client.Store(bounded(t), []byte("x"), opt); !errors.Is(err, errOptions) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func metadataOf(t *testing.T, data []byte) *shard.Metadata {
	t.Helper()
	md, err := shard.ComputeMetadata(shardtest.MustParams(stageShards), data)
	if err != nil {
		t.Fatal(err)
	}
	return md
}

func (s *stage) params() (p ledger.Params) {
	s.t.Helper()
	if err := s.chain.View(s.t.Context(), func(r ledger.Reader, _ uint64) (err error) {
		p, err = ledger.ReadParams(r)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return p
}
