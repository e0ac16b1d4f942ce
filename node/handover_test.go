package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"path/filepath"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/committee/keyfile"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/shard/store"
)

// gain has the node gain shards with the next epoch.
func (f *fixture) gain() {
	f.t.Helper()
	account := ledger.AddressOf(f.keys.Account.Public().(ed25519.PublicKey))
	if _, err := f.wallet.Send(f.t.Context(),
		ledger.Stake{Node: f.id, Amount: 10 * ledger.FrostPerWAL}, ledger.Send{To: account, Amount: ledger.FrostPerWAL},
	); err != nil {
		f.t.Fatal(err)
	}
	f.backend.EndEpoch()
	if got := len(f.duty().Take); got == 0 {
		f.t.Fatal("the node has gained no shard")
	}
}

func (f *fixture) duty() ledger.Duty {
	f.t.Helper()
	var d ledger.Duty
	if err := f.backend.View(f.t.Context(), func(r ledger.Reader, _ uint64) (err error) {
		d, err = ledger.ReadDuty(r, f.id)
		return err
	}); err != nil {
		f.t.Fatal(err)
	}
	return d
}

// certify has a blob kept for four epochs, with everybody's confirmation and
// without this node's holding it.
func (f *fixture) certify(b *blob) {
	f.t.Helper()
	p := f.register(b, true, 4)
	message := committee.Confirmation{Epoch: f.epoch(), Blob: b.id, Persistence: p}.Message()
	collector := committee.NewCollector(f.Committee(), message)
	for _, name := range []string{"self", "a", "b", "c"} {
		k, err := LoadOrCreateKeys(filepath.Join(filepath.Dir(f.cfg.Dir), name))
		if err != nil {
			f.t.Fatal(err)
		}
		signed := committee.SignedConfirmation{Message: message, Signature: k.BLS.Sign(message)}
		if err := collector.Add(ledger.NodeIDOf(k.BLS.PublicKey()), signed); err != nil {
			f.t.Fatal(err)
		}
	}
	certificate, err := collector.Certificate()
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.wallet.Send(f.t.Context(), ledger.CertifyBlob{Blob: ledger.Object(p.Object), Certificate: certificate}); err != nil {
		f.t.Fatal(err)
	}
}

// A node that gains shards looks for what they lack, and reports them when it
// has nothing left to repair.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	before := len(f.shards())
	stop := f.following()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.takeOver(ctx, 1) }()
	f.gain()
	eventually(t, "the shards to be reported", func() bool { return len(f.duty().Take) == 0 })
	if got := len(f.shards()); got <= before || f.Committee().Epoch() != 2 {
		t.Errorf("got %d shards in epoch %d, want more than %d in 2", got, f.Committee().Epoch(), before)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// Nothing is reported while something is lost, nor for an epoch for which
// nobody has looked.
func TestReportOnlyWhatIsThere(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	wallet := ledgerrpc.NewWallet(f.backend, f.keys.Account)
	lost := f.blob("lost", 1000)
	f.certify(lost)
	f.gain()
	if err := f.reportShards(t.Context(), wallet, 1, nil); err != nil {
		t.Errorf("an epoch that is over: %v", err)
	}
	if err := f.chain.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	scanned := committee.Epoch(1)
	if err := f.scanShards(t.Context(), &scanned); err != nil || scanned != 2 {
		t.Fatalf("got %v, scanned epoch %d, want 2", err, scanned)
	}
	ctx, cancel := context.WithCancel(t.Context())
	reported := make(chan error, 1)
	go func() { reported <- f.reportShards(ctx, wallet, scanned, nil) }()
	eventually(t, "the lost blob to wait for its repair", func() bool { return !f.repairer.Idle() })
	cancel()
	if err := <-reported; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to wait", err)
	}
	if got := f.duty(); len(got.Take) == 0 {
		t.Error("the shards are reported, although a blob is lost")
	}
}

// A node with two BLS keys signs with that by which it was chosen, and is the
// same node with either.
func TestRotatedKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Config{})
	f.gain() // for its account
	if _, err := keyfile.LoadOrCreate(filepath.Join(f.cfg.Dir, nextBLSFile), func() ([]byte, error) {
		k, err := bls.GenerateKey()
		return k.Bytes(), err
	}); err != nil {
		t.Fatal(err)
	}
	keys, err := LoadOrCreateKeys(f.cfg.Dir)
	if err != nil || keys.NextBLS == nil {
		t.Fatalf("got %+v, %v, want a next key", keys, err)
	}
	f.keys = keys
	wallet := ledgerrpc.NewWallet(f.backend, keys.Account)
	next := keys.NextBLS.PublicKey()
	sameNode := func(keys *Keys) {
		t.Helper()
		if err := f.backend.View(t.Context(), func(r ledger.Reader, _ uint64) error {
			if got := keys.nodeID(r); got != f.id {
				t.Errorf("got node %v, want %v", got, f.id)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	signed := func(by bls.PublicKey) {
		t.Helper()
		if err := f.chain.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		b := f.blob(by.String(), 1000)
		p := f.register(b, true, 1)
		r, err := f.upload(b, p, f.own(b)...)
		if err != nil || r.Confirmation == nil {
			t.Fatalf("got %+v, %v", r, err)
		}
		if err := by.Verify(r.Confirmation.Message, r.Confirmation.Signature); err != nil {
			t.Errorf("epoch %d: %v", f.epoch(), err)
		}
	}
	if _, err := wallet.Send(t.Context(), ledger.ReportSync{Node: f.id, Epoch: 2}, ledger.RotateKey{
		Node: f.id, BLSKey: next, Possession: keys.NextBLS.Sign(committee.PossessionMessage(2, wallet.Address(), next)),
	}); err != nil {
		t.Fatal(err)
	}
	sameNode(keys)
	sameNode(&Keys{BLS: keys.NextBLS})
	signed(keys.BLS.PublicKey())
	f.backend.EndEpoch()
	sameNode(keys)
	sameNode(&Keys{BLS: keys.NextBLS})
	signed(next)
}
