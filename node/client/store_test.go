package client

import (
	"context"
	"errors"
	"math"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/shard/shardtest"
)

func TestStoreSteps(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	data := shardtest.Blob("steps", 100_000)
	before := s.balance()
	var got []Step
	last := Progress{}
	r := s.store(data, StoreOptions{Epochs: 2, Progress: func(p Progress) {
		steps(&got)(p)
		if p.Step == last.Step && p.Done < last.Done {
			t.Errorf("progress went from %+v to %+v", last, p)
		}
		if p.Total != 0 {
			last = p
		}
	}})
	if !equal(got, inOrder) || last.Total != stageShards || 3*last.Done <= 2*stageShards {
		t.Errorf("steps %v, the last of the upload %+v", got, last)
	}
	if r.BlobID != idOf(t, data) || r.Size != 100_000 || r.Epochs != 2 || r.Cost != before-s.balance() ||
		r.Blob.Certified != 1 || r.Registered.Certified != 0 || r.Blob.ID != r.Registered.ID || r.Blob.Point.Height == 0 {
		t.Errorf("result %+v, paid %d", r, before-s.balance())
	}
	s.read(r.BlobID, data)
	// Stored again nothing is done.
	before, got = s.balance(), nil
	again := s.store(data, StoreOptions{Epochs: 2, Progress: steps(&got)})
	if !again.AlreadyCertified || again.Cost != 0 || s.balance() != before || len(got) != 1 {
		t.Errorf("again: %+v after %v", again, got)
	}
	forced := s.store(data, StoreOptions{Epochs: 2, Force: true})
	if forced.AlreadyCertified || forced.Blob.ID == r.Blob.ID || forced.Operation != RegisteredFromScratch {
		t.Errorf("forced: %+v", forced)
	}
	to := ledger.Address{5}
	sent := s.store([]byte("a present"), StoreOptions{SendTo: to})
	if sent.Blob.Owner != to || sent.Registered.Owner != s.wallet.Address() || sent.Epochs != 1 {
		t.Errorf("sent: %+v", sent)
	}
}

func TestStoreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	data := []byte("refused")
	s.store(data, StoreOptions{Epochs: 2})
	before := s.balance()
	for _, epochs := range []uint32{6, 1000, math.MaxUint32} { // more than is sold; the last one overflows
		_, err := s.client.Store(bounded(t), data, StoreOptions{Epochs: epochs})
		if e, ok := errors.AsType[*ledger.Error](err); !ok || e.Code != ledger.CodeBadEpochs && e.Code != ledger.CodeOverflow {
			t.Errorf("%d epochs: got %v", epochs, err)
		}
	}
	if before != s.balance() {
		t.Errorf("refused, and %d FROST paid", before-s.balance())
	}
	reader, err := New(Config{Host: s.hosts[stageNodes], Ledger: s.chain})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Store(bounded(t), data, StoreOptions{}); !errors.Is(err, ErrNoAccount) {
		t.Errorf("without an account: got %v", err)
	}
	large := make([]byte, shardtest.MustParams(stageShards).MaxBlobSize()+1)
	if _, err := s.client.Store(bounded(t), large, StoreOptions{}); err == nil {
		t.Error("a blob too large is taken")
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a client without a host is made")
	}
}

// Whether a blob is there already depends on how it is kept, for how long, and
// by whom.
func TestKeptAlready(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	own, other := s.wallet.Address(), ledger.Address{9}
	for name, tt := range map[string]struct {
		kind      ledger.StatusKind
		owner     ledger.Address
		deletable bool // is asked for
		end       committee.Epoch
		want      bool
	}{
		"nothing":                           {kind: ledger.StatusNone},
		"registered":                        {kind: ledger.StatusRegistered, owner: own, end: 9},
		"permanent":                         {kind: ledger.StatusPermanent, owner: other, end: 5, want: true},
		"permanent for one wanted deleted":  {kind: ledger.StatusPermanent, owner: other, deletable: true, end: 5, want: true},
		"permanent, too short":              {kind: ledger.StatusPermanent, owner: own, end: 4},
		"deletable, own":                    {kind: ledger.StatusDeletable, owner: own, deletable: true, end: 5, want: true},
		"deletable, own, too short":         {kind: ledger.StatusDeletable, owner: own, deletable: true, end: 4},
		"deletable, another's":              {kind: ledger.StatusDeletable, owner: other, deletable: true, end: 9},
		"deletable for one to be permanent": {kind: ledger.StatusDeletable, owner: own, end: 9},
	} {
		status := ledger.Status{Kind: tt.kind, Epoch: 3}
		status.Blob.Owner = tt.owner
		status.Blob.Storage.End = tt.end
		x := &storing{client: s.client, opt: StoreOptions{Epochs: 2, Deletable: tt.deletable}}
		if got := x.keptAlready(status); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// A Store that is canceled leaves nothing running, and what it has paid for is
// used by the next.
func TestStoreCanceled(t *testing.T) {
	t.Parallel()
	for i, step := range inOrder {
		t.Run(string(step), func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			data := shardtest.Blob("canceled "+string(step), 10_000)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if step == StepUpload {
				s.all(silent) // or all of it could come in time
			}
			_, err := s.client.Store(ctx, data, StoreOptions{Epochs: 2, Progress: func(p Progress) {
				if p.Step == step {
					cancel()
				}
			}})
			if !errors.Is(err, context.Canceled) && i > 0 { // a ledger that asks nobody may answer a canceled call
				t.Errorf("got %v", err)
			}
			if err := s.client.Flush(bounded(t)); err != nil {
				t.Fatal(err)
			}
			s.all(honest)
			r := s.store(data, StoreOptions{Epochs: 2})
			if n := s.registered(r.BlobID); n != 1 {
				t.Errorf("registered %d times", n)
			}
			switch step {
			case StepEncode, StepRegister: // nothing was paid, or all of it was done
			case StepUpload:
				if r.Operation != ReusedRegistration || r.AlreadyCertified || r.Epochs != 0 {
					t.Errorf("%+v", r)
				}
			case StepCertify:
				if !r.AlreadyCertified && r.Operation != ReusedRegistration {
					t.Errorf("%+v", r)
				}
			}
			s.read(r.BlobID, data)
		})
	}
}

// Close ends a Store that waits for nodes.
func TestCloseDuringStore(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.all(silent)
	uploading := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		_, err := s.client.Store(t.Context(), []byte("closed"), StoreOptions{Progress: func(p Progress) {
			if p.Step == StepUpload && p.Total == 0 {
				close(uploading)
			}
		}})
		done <- err
	}()
	<-uploading
	if err := errors.Join(s.client.Close(), s.client.Close()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, err := s.client.Store(bounded(t), []byte("closed"), StoreOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("store afterwards: got %v", err)
	}
	s.all(honest)
	open := s.newClient()
	r, err := open.Store(bounded(t), []byte("closed"), StoreOptions{})
	if err != nil || r.Operation != ReusedRegistration {
		t.Fatal(r, err)
	}
	if _, err := s.client.Read(bounded(t), r.BlobID, ReadOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("read afterwards: got %v", err)
	}
}

// One node that never answers does not keep a blob from being stored, and the
// upload to it ends by itself or with Close.
func TestStoreWithoutOne(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]behavior{"silent": silent, "failing": failing, "lying": lying, "full": full} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.actors[2].set(b)
			data := shardtest.Blob(name, 50_000)
			r := s.store(data, StoreOptions{Epochs: 2})
			s.read(r.BlobID, data)
			canceled, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.client.Flush(canceled); !errors.Is(err, context.Canceled) {
				t.Errorf("flush: got %v", err)
			}
		})
	}
}

// With more than f shards' nodes down a blob cannot be stored. When they are
// back it is, with what was paid for then.
func TestNotEnoughConfirmations(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.actors[0].set(failing)
	s.actors[3].set(full)
	data := shardtest.Blob("not enough", 50_000)
	_, err := s.client.Store(bounded(t), data, StoreOptions{Epochs: 2})
	if !errors.Is(err, ErrNotEnoughConfirmations) {
		t.Fatalf("got %v", err)
	}
	if _, err := s.client.Read(bounded(t), idOf(t, data), ReadOptions{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("read: got %v", err)
	}
	s.all(honest)
	before := s.balance()
	r := s.store(data, StoreOptions{Epochs: 2})
	if paid := before - s.balance(); r.Operation != ReusedRegistration || r.Cost != paid || s.registered(r.BlobID) != 1 {
		t.Errorf("%+v, paid %d", r, paid)
	}
	s.read(r.BlobID, data)
}

// When an epoch ends on the way confirmations are collected anew; the slivers
// are sent once.
func TestEpochEndsOnTheWay(t *testing.T) {
	t.Parallel()
	for _, step := range []Step{StepRegister, StepUpload, StepCertify} {
		t.Run(string(step), func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			data := shardtest.Blob("epoch", 50_000)
			ended := false
			r := s.store(data, StoreOptions{Epochs: 4, Progress: func(p Progress) {
				if p.Step == step && !ended {
					ended = true
					s.chain.EndEpoch()
				}
			}})
			if r.Blob.Certified != 2 {
				t.Errorf("certified in epoch %d", r.Blob.Certified)
			}
			if err := s.client.Flush(bounded(t)); err != nil {
				t.Fatal(err)
			}
			for _, a := range s.actors {
				if uploads, _ := a.counts(); uploads > 2 || uploads == 0 {
					t.Errorf("%s: %d uploads", a.name, uploads)
				}
			}
			s.read(r.BlobID, data)
		})
	}
	s := newStage(t)
	turns := 0
	_, err := s.client.Store(bounded(t), []byte("never"), StoreOptions{Epochs: 5, Progress: func(p Progress) {
		if p.Step == StepCertify {
			turns++
			s.chain.EndEpoch()
		}
	}})
	if !wrongEpoch(err) || turns != maxEpochChanges+1 {
		t.Errorf("an epoch for each attempt: %d attempts, %v", turns, err)
	}
}

// Nodes that have not seen the epoch begin are asked again for a confirmation.
func TestNodesAreBehind(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.chain.EndEpoch()
	s.all(late)
	data := shardtest.Blob("behind", 20_000)
	r := s.store(data, StoreOptions{Epochs: 2})
	if err := s.client.Flush(bounded(t)); err != nil {
		t.Fatal(err)
	}
	for _, a := range s.actors {
		if uploads, confirms := a.counts(); uploads != 1 || confirms != 1 {
			t.Errorf("%s: %d uploads and %d confirmations", a.name, uploads, confirms)
		}
	}
	s.read(r.BlobID, data)
}

// Nodes that hold all their slivers are asked for another confirmation only.
func TestConfirmationOnly(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ended := false
	s.store(shardtest.Blob("confirm", 50_000), StoreOptions{Epochs: 4, Progress: func(p Progress) {
		if p.Step == StepCertify && !ended {
			ended = true
			eventually(t, "all nodes to have theirs", func() bool {
				for _, a := range s.actors {
					if uploads, _ := a.counts(); uploads == 0 {
						return false
					}
				}
				return true
			})
			s.chain.EndEpoch()
		}
	}})
	if err := s.client.Flush(bounded(t)); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, a := range s.actors {
		if _, confirms := a.counts(); confirms == 1 {
			asked++
		}
	}
	if asked < 3 {
		t.Errorf("%d nodes were asked for a confirmation only", asked)
	}
}

// After Flush a Store keeps nothing of the blob, not even through its result.
func TestNothingIsRetained(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var data weak.Pointer[byte]
	var r *StoreResult
	func() {
		b := shardtest.Blob("retained", 1<<20)
		data = weak.Make(&b[0])
		r = s.spread(b)
	}()
	var pair weak.Pointer[byte]
	func() {
		net, err := s.client.Network(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		x := s.client.storing(net, StoreOptions{Epochs: 1})
		if err := x.encode([]byte("slivers")); err != nil {
			t.Fatal(err)
		}
		pair = weak.Make(&x.pairs[0].Primary.Data[0])
		r = x.result
	}()
	for name, p := range map[string]weak.Pointer[byte]{"the data": data, "a sliver": pair} {
		eventually(t, name+" to be let go", func() bool { runtime.GC(); return p.Value() == nil })
	}
	if r.BlobID.IsZero() {
		t.Error("no result")
	}
}

func TestTails(t *testing.T) { //nolint:paralleltest // a bubble
	synctest.Test(t, func(t *testing.T) {
		var x tails
		if err := x.wait(t.Context()); err != nil {
			t.Errorf("nothing under way: %v", err)
		}
		first, cancel := context.WithCancel(t.Context())
		done, ok := x.begin(2, cancel)
		second, cancel := context.WithCancel(t.Context())
		other, ok2 := x.begin(1, cancel)
		if !ok || !ok2 {
			t.Fatal("closed")
		}
		waited := make(chan error, 1)
		go func() { waited <- x.wait(t.Context()) }()
		done()
		synctest.Wait()
		if first.Err() != nil || len(waited) != 0 {
			t.Error("one of two uploads ends both")
		}
		done()
		if first.Err() == nil || second.Err() != nil {
			t.Error("a batch outlives its uploads, or ends another's")
		}
		closed := make(chan struct{})
		go func() { x.close(); close(closed) }()
		synctest.Wait()
		if _, ok := x.begin(1, cancel); ok || second.Err() == nil || !x.closing() {
			t.Error("close does not end what is under way")
		}
		select {
		case <-closed:
			t.Error("close does not wait")
		default:
		}
		other()
		<-closed
		if err := <-waited; err != nil {
			t.Error(err)
		}
		x.close()
	})
}

func TestStanding(t *testing.T) { //nolint:paralleltest // a bubble
	synctest.Test(t, func(t *testing.T) {
		var s standing
		id := [32]byte{1}
		if s.failing(id) {
			t.Error("an unknown node fails")
		}
		s.fail(id)
		if !s.failing(id) || s.failing([32]byte{2}) {
			t.Error("the mark is not there, or on all")
		}
		s.answer(id)
		if s.failing(id) {
			t.Error("an answer does not take the mark back")
		}
		s.fail(id)
		time.Sleep(failureMemory + time.Second) // the bubble's
		if s.failing(id) {
			t.Error("it is never forgotten")
		}
	})
}
