package client

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
)

// A blob that the ledger knows to be encoded wrongly is neither read nor stored
// again, and nothing is paid for the attempt.
func TestInvalidBlob(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	data := []byte("not what it says")
	r := s.spread(data)
	net, err := s.client.Network(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	msg := committee.InvalidBlobMessage(net.System.Epoch, r.BlobID)
	votes := committee.NewCollector(net.Committee, msg)
	for _, a := range s.actors {
		if err := votes.Add(a.id, committee.SignedConfirmation{Message: msg, Signature: a.key.Sign(msg)}); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := votes.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.wallet.Send(bounded(t), ledger.InvalidateBlob{BlobID: r.BlobID, Certificate: cert}); err != nil {
		t.Fatal(err)
	}
	before := s.balance()
	if _, err := s.client.Read(bounded(t), r.BlobID, ReadOptions{}); !errors.Is(err, ErrInconsistent) {
		t.Errorf("read: got %v, want ErrInconsistent", err)
	}
	if _, err := s.client.Store(bounded(t), data, StoreOptions{Force: true}); !errors.Is(err, ErrInconsistent) || s.balance() != before {
		t.Errorf("store: got %v, paid %d, want ErrInconsistent and nothing", err, before-s.balance())
	}
	status, err := s.client.Status(bounded(t), r.BlobID)
	if err != nil {
		t.Fatal(err)
	}
	report := ToStatus(r.BlobID, status)
	if report.Status != "invalid" || report.Invalid == nil || report.Invalid.Epoch != 1 || report.Size != nil ||
		report.Invalid.Evidence != hex.EncodeToString(status.Invalid.Evidence[:]) {
		t.Errorf("status: got %+v", report)
	}
}
