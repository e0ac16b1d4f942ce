package proof_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/committee/proof"
	"github.com/floe-storage/floe/p2p/p2ptest"
	"github.com/floe-storage/floe/shard"
)

const (
	shards = 13
	size   = 1000
	ever   = 200 * 365 * 24 * time.Hour // the chain's clock stands where it began
)

// present is a moment of the chain's clock after all that the tests do.
var present = time.UnixMilli(1_700_000_000_000).Add(time.Hour)

// world is a chain with a certified blob and a client of it.
type world struct {
	chain  *rpctest.Chain
	client *ledgerrpc.Client
	wallet *ledgerrpc.Wallet
	object committee.ObjectID
	blob   shard.BlobID
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{chain: rpctest.New(t, rpctest.Genesis(shards))}
	hosts := p2ptest.New(t, 2, nil)
	server := ledgerrpc.Serve(hosts[0], w.chain)
	t.Cleanup(server.Close)
	var err error
	w.client, err = ledgerrpc.NewClient(ledgerrpc.ClientConfig{
		Host: hosts[1], Root: w.chain.Root(), TrustPeriod: ever, MaxAge: ever,
	}, hosts[0].ID())
	if err != nil {
		t.Fatal(err)
	}
	w.wallet = ledgerrpc.NewWallet(w.client, rpctest.Account(0))
	w.object, w.blob = w.register(t, 1)
	w.certify(t, w.object, w.blob, 4)
	return w
}

func (w *world) register(t testing.TB, seed byte) (committee.ObjectID, shard.BlobID) {
	t.Helper()
	root := shard.Hash{seed}
	id := shard.DeriveBlobID(root, size)
	sent, err := w.wallet.Send(t.Context(), ledger.ReserveStorage{Size: 1 << 20, Epochs: 3},
		ledger.RegisterBlob{Storage: ledger.Result(0), BlobID: id, Root: root, Size: size})
	if err != nil {
		t.Fatal(err)
	}
	return sent.Object(1), id
}

// certify has so many of the four members sign.
func (w *world) certify(t testing.TB, object committee.ObjectID, id shard.BlobID, count byte) {
	t.Helper()
	var c *committee.Committee
	if err := w.client.View(t.Context(), func(r ledger.Reader, _ uint64) (err error) {
		c, err = ledger.ReadCommittee(r)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	message := committee.Confirmation{Epoch: c.Epoch(), Blob: id}.Message()
	collector := committee.NewCollector(c, message)
	for i := range count {
		m, key := rpctest.Member(i)
		if err := collector.Add(ledger.NodeIDOf(m.BLSKey), committee.SignedConfirmation{Message: message, Signature: key.Sign(message)}); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := collector.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.wallet.Send(t.Context(), ledger.CertifyBlob{Blob: ledger.Object(object), Certificate: cert}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) export(t testing.TB) []byte {
	t.Helper()
	file, err := proof.Export(t.Context(), w.client, w.object)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.export(t)
	root := w.chain.Root()
	a, err := proof.Verify(file, root, present)
	if err != nil {
		t.Fatal(err)
	}
	if a.ChainID != rpctest.ChainID || a.Object != w.object || a.BlobID != w.blob || a.Size != size || a.Encoding != 1 || a.Deletable ||
		a.Certified != 1 || a.End != 4 || a.Epoch != 1 || a.Owner != w.wallet.Address() || a.Shards != shards || a.Signed != shards ||
		a.Height != w.chain.Height()-1 || a.Time.IsZero() || a.Point.Height == 0 {
		t.Errorf("got %+v", a)
	}
	t.Logf("%d bytes", len(file))

	other := root
	other.Hash[0] ^= 1
	named := root
	named.ChainID = "another"
	for name, tt := range map[string]struct {
		root light.Root
		at   time.Time
		want error
	}{
		"another root":    {other, present, light.ErrProof},
		"another chain":   {named, present, light.ErrProof},
		"no root":         {light.Root{}, present, light.ErrProof},
		"too late":        {root, present.Add(light.DefaultTrustPeriod), light.ErrExpired},
		"before its time": {root, present.Add(-2 * time.Hour), light.ErrClock},
	} {
		if a, err := proof.Verify(file, tt.root, tt.at); !errors.Is(err, tt.want) || a != (proof.Availability{}) {
			t.Errorf("%s: got %+v, %v", name, a, err)
		}
	}

	// Epochs later, with another committee record, it is still certified.
	w.chain.EndEpoch()
	if a, err = proof.Verify(w.export(t), root, present); err != nil || a.Epoch != 2 || a.Certified != 1 {
		t.Errorf("in the next epoch: %+v, %v", a, err)
	}
	// What is certified now is signed by a committee that stands under the epoch
	// since which it holds.
	w.object, w.blob = w.register(t, 2)
	w.certify(t, w.object, w.blob, 3)
	if a, err = proof.Verify(w.export(t), root, present); err != nil || a.Certified != 2 || a.Signed >= shards {
		t.Errorf("certified in the next epoch: %+v, %v", a, err)
	}
}

func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	file, root := w.export(b), w.chain.Root()
	b.ReportMetric(float64(len(file)), "B")
	for b.Loop() {
		if _, err := proof.Verify(file, root, present); err != nil {
			b.Fatal(err)
		}
	}
}

// A byte that is changed, left out or added makes it no proof.
func TestAltered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file, root := w.export(t), w.chain.Root()
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 8)
		if a, err := proof.Verify(bad, root, present); err == nil || a != (proof.Availability{}) {
			t.Fatalf("byte %d of %d changed: %+v, %v", i, len(file), a, err)
		}
		if a, err := proof.Verify(file[:i], root, present); err == nil || a != (proof.Availability{}) {
			t.Fatalf("cut off at %d of %d: %+v, %v", i, len(file), a, err)
		}
	}
	if _, err := proof.Verify(append(bytes.Clone(file), 0), root, present); !errors.Is(err, proof.ErrMalformed) {
		t.Errorf("a byte added: %v", err)
	}
	if _, err := proof.Verify(make([]byte, proof.MaxSize+1), root, present); !errors.Is(err, proof.ErrMalformed) {
		t.Errorf("too large: %v", err)
	}
}

// another is a recorder that passes on something else than what it read.
type another struct {
	proof.Recorder
	bend func(trace []byte, spans [][]byte) ([]byte, [][]byte)
}

func (a another) Record(ctx context.Context, read func(r ledger.Reader) error) ([]byte, [][]byte, error) {
	trace, spans, err := a.Recorder.Record(ctx, read)
	trace, spans = a.bend(trace, spans)
	return trace, spans, err
}

// Parts that are true by themselves make no proof in another place.
func TestExchanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	object, id := w.register(t, 2)
	w.certify(t, object, id, 3)
	_, spans, err := w.client.Record(t.Context(), func(r ledger.Reader) error {
		for _, get := range [][]byte{ledger.BlobKey(object), ledger.CertificateKey(object), ledger.InvalidKey(id), {0xff}} {
			r.Get(get)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, bend := range map[string]func(t []byte, s [][]byte) ([]byte, [][]byte){
		"as it is":              func(t []byte, s [][]byte) ([]byte, [][]byte) { return t, s },
		"another blob":          func(t []byte, s [][]byte) ([]byte, [][]byte) { s[1] = spans[0]; return t, s },
		"another's certificate": func(t []byte, s [][]byte) ([]byte, [][]byte) { s[3] = spans[1]; return t, s },
		"two exchanged":         func(t []byte, s [][]byte) ([]byte, [][]byte) { s[1], s[2] = s[2], s[1]; return t, s },
		"one missing":           func(t []byte, s [][]byte) ([]byte, [][]byte) { return t, s[:len(s)-1] },
		"one too many":          func(t []byte, s [][]byte) ([]byte, [][]byte) { return t, append(s, spans[3]) },
		"none":                  func(t []byte, _ [][]byte) ([]byte, [][]byte) { return t, nil },
		"no trace":              func(_ []byte, s [][]byte) ([]byte, [][]byte) { return nil, s },
	} {
		file, err := proof.Export(t.Context(), another{w.client, bend}, w.object)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := proof.Verify(file, w.chain.Root(), present); (err == nil) != (name == "as it is") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	object, _ := w.register(t, 3)
	export := func(id committee.ObjectID) error {
		_, err := proof.Export(t.Context(), w.client, id)
		return err
	}
	if err := export(object); !errors.Is(err, proof.ErrUnavailable) {
		t.Errorf("not certified: %v", err)
	}
	if err := export(committee.ObjectID{1}); !errors.Is(err, proof.ErrUnavailable) {
		t.Errorf("no object: %v", err)
	}
	for range 3 {
		w.chain.EndEpoch()
	}
	if err := export(w.object); !errors.Is(err, proof.ErrUnavailable) {
		t.Errorf("ended: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	file, root := w.export(f), w.chain.Root()
	f.Add(file)
	f.Add([]byte("FLOEPOA1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		// The file is another one in each process: transactions are salted.
		if a, err := proof.Verify(b, root, present); err == nil && (a.BlobID != w.blob || a.Size != size || a.End != 4) {
			t.Errorf("it proves %+v", a)
		}
	})
}

func ExampleVerify() {
	check := func(file []byte, text string) error { // no network is asked
		root, err := light.ParseRoot(text)
		if err != nil {
			return err
		}
		a, err := proof.Verify(file, root, time.Now())
		if err != nil {
			return err
		}
		fmt.Printf("blob %v of %d bytes is available until epoch %d\n", a.BlobID, a.Size, a.End)
		return nil
	}
	_ = check
}

func ExampleExport() {
	export := func(ctx context.Context, c *ledgerrpc.Client, object committee.ObjectID) ([]byte, error) {
		return proof.Export(ctx, c, object)
	}
	_ = export
}
