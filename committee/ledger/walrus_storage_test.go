package ledger

import (
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// The fixture of Walrus's tests of storage, blobs and pools: 10^9 bytes, 5 and 1
// FROST per unit, 104 epochs ahead, 100 shards. [WL] §5.6
const (
	unitCapacity = 1_000_000_000
	unitAhead    = 104
	unitEncoded  = 22_822_800 // of a blob of 5,000,000 bytes: 22 units
	unitPooled   = 663_400    // of a blob of 100 bytes
)

// unitWorld is that network. Its first epoch is 1 where Walrus's is 0, so every
// epoch below is one more than there.
func unitWorld(t testing.TB) *world {
	t.Helper()
	g := testGenesis(10)
	g.Params.Shards, g.Params.Capacity, g.Params.MaxEpochsAhead = 100, unitCapacity, unitAhead
	b, err := g.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, state: newMemory(), time: testStart}
	if _, err := InitChain(w.state, b); err != nil {
		t.Fatal(err)
	}
	return w
}

// judged carries out a transaction that must have a code: a refusal, or none
// for CodeOK.
func (w *world) judged(want Code, from byte, messages ...Message) {
	w.t.Helper()
	if r := w.block(w.signed(from, messages...)).Txs[0]; Code(r.Code) != want {
		w.t.Errorf("%+v: got code %d (%s), want %d", messages, r.Code, r.Info, want)
	}
}

// storageOf reads a storage resource.
func (w *world) storageOf(id committee.ObjectID) Storage {
	w.t.Helper()
	s, err := ReadStorage(w.state, id)
	return value(w, s, err)
}

// used is what is booked of some epochs.
func (w *world) used(epochs ...committee.Epoch) []uint64 {
	w.t.Helper()
	var out []uint64
	for _, e := range epochs {
		out = append(out, w.ring(e).Used)
	}
	return out
}

// span is what a test says of a resource: its epochs and its size.
type span struct {
	start, end committee.Epoch
	size       uint64
}

func (w *world) span(id committee.ObjectID) span {
	w.t.Helper()
	s := w.storageOf(id)
	return span{s.Start, s.End, s.Size}
}

// reserveFor makes storage of a span.
func (w *world) reserveFor(s span) committee.ObjectID {
	w.t.Helper()
	return w.must(0, ReserveStorageFor{Size: s.size, Start: s.start, End: s.end})[0]
}

const million = 1_000_000

// [WL] §5.6 storage_resource_tests: test_split_epoch, test_split_size and those
// that must fail. Walrus lets a part be empty; here that is refused, since an
// empty resource is of no use and costs everybody an object.
func TestWalrusSplit(t *testing.T) {
	t.Parallel()
	w := unitWorld(t)
	for _, tt := range []struct {
		name       string
		of         span
		message    func(Ref) Message
		code       Code
		rest, part span
	}{
		{"test_split_epoch", span{1, 11, million}, func(r Ref) Message { return SplitStorageByEpoch{r, 8} }, CodeOK, span{1, 8, million}, span{8, 11, million}},
		{"test_split_size", span{1, 11, 5 * million}, func(r Ref) Message { return SplitStorageBySize{r, million} }, CodeOK, span{1, 11, million}, span{1, 11, 4 * million}},
		{"test_split_epoch_invalid_end", span{1, 11, million}, func(r Ref) Message { return SplitStorageByEpoch{r, 12} }, CodeBadEpochs, span{}, span{}},
		{"test_split_epoch_invalid_start", span{2, 11, million}, func(r Ref) Message { return SplitStorageByEpoch{r, 1} }, CodeBadEpochs, span{}, span{}},
		{"at the start", span{2, 11, million}, func(r Ref) Message { return SplitStorageByEpoch{r, 2} }, CodeBadEpochs, span{}, span{}},
		{"at the end", span{2, 11, million}, func(r Ref) Message { return SplitStorageByEpoch{r, 11} }, CodeBadEpochs, span{}, span{}},
		{"nothing stays: [WL] §5.8", span{1, 11, million}, func(r Ref) Message { return SplitStorageBySize{r, 0} }, CodeBadSize, span{}, span{}},
		{"all stays: [WL] §5.8", span{1, 11, million}, func(r Ref) Message { return SplitStorageBySize{r, million} }, CodeBadSize, span{}, span{}},
		{"more than there is", span{1, 11, million}, func(r Ref) Message { return SplitStorageBySize{r, million + 1} }, CodeBadSize, span{}, span{}},
	} {
		id := w.reserveFor(tt.of)
		if tt.code != CodeOK {
			w.judged(tt.code, 0, tt.message(Object(id)))
			if got := w.span(id); got != tt.of {
				t.Errorf("%s: got %+v after the refusal, want %+v", tt.name, got, tt.of)
			}
		} else {
			part := w.must(0, tt.message(Object(id)))[0]
			if w.span(id) != tt.rest || w.span(part) != tt.part {
				t.Errorf("%s: got %+v and %+v, want %+v and %+v", tt.name, w.span(id), w.span(part), tt.rest, tt.part)
			}
			w.must(0, DestroyStorage{Object(part)})
		}
		w.must(0, DestroyStorage{Object(id)})
	}
}

// [WL] §5.6 storage_resource_tests: test_fuse_size, test_fuse_epochs and those
// that must fail.
func TestWalrusFuse(t *testing.T) {
	t.Parallel()
	w := unitWorld(t)
	for _, tt := range []struct {
		name string
		a, b span
		code Code
		want span
	}{
		{"test_fuse_size", span{1, 11, million}, span{1, 11, 2 * million}, CodeOK, span{1, 11, 3 * million}},
		{"test_fuse_epochs", span{1, 6, million}, span{6, 11, million}, CodeOK, span{1, 11, million}},
		{"test_fuse_epochs, the other way round", span{6, 11, million}, span{1, 6, million}, CodeOK, span{1, 11, million}},
		{"test_fuse_incompatible_size", span{1, 6, million}, span{6, 11, 2 * million}, CodeDifferentSize, span{}},
		{"test_fuse_incompatible_epochs", span{1, 7, million}, span{6, 11, million}, CodeNotAdjacent, span{}},
		{"a gap", span{1, 5, million}, span{6, 11, million}, CodeNotAdjacent, span{}},
		{"the same start", span{1, 6, million}, span{1, 11, million}, CodeNotAdjacent, span{}},
	} {
		a, b := w.reserveFor(tt.a), w.reserveFor(tt.b)
		w.judged(tt.code, 0, FuseStorage{Object(a), Object(b)})
		if tt.code == CodeOK {
			if _, err := ReadStorage(w.state, b); w.span(a) != tt.want || err == nil {
				t.Errorf("%s: got %+v, want %+v and no other", tt.name, w.span(a), tt.want)
			}
		} else {
			if w.span(a) != tt.a || w.span(b) != tt.b {
				t.Errorf("%s: got %+v and %+v after the refusal", tt.name, w.span(a), w.span(b))
			}
			w.must(0, DestroyStorage{Object(b)})
		}
		w.must(0, DestroyStorage{Object(a)})
	}
	id := w.reserveFor(span{1, 11, million})
	w.judged(CodeNotAdjacent, 0, FuseStorage{Object(id), Object(id)})
}

// [WL] §5.6 storage_resource_tests on the capacity of epochs.
func TestWalrusCapacity(t *testing.T) {
	t.Parallel()
	half := uint64(500 * million)
	t.Run("storage_capacity_at_epochs", func(t *testing.T) {
		t.Parallel()
		w := unitWorld(t)
		w.must(0, ReserveStorage{Size: half, Epochs: 2})
		w.must(0, ReserveStorage{Size: half, Epochs: 1})
		if got, want := w.used(1, 2, 3), []uint64{1_000_000_000, half, 0}; !slices.Equal(got, want) {
			t.Errorf("got %d, want %d", got, want)
		}
		w.turn()
		w.with(func(p *Params) { p.Capacity *= 10 })
		if got, want := w.used(2, 3), []uint64{half, 0}; !slices.Equal(got, want) {
			t.Errorf("after the turn: got %d, want %d", got, want)
		}
		w.turn()
		if got := w.used(3); got[0] != 0 {
			t.Errorf("in the end: got %d, want 0", got)
		}
	})
	t.Run("exceed_storage_capacity", func(t *testing.T) {
		t.Parallel()
		unitWorld(t).judged(CodeNoCapacity, 0, ReserveStorage{Size: unitCapacity + 1, Epochs: 1})
	})
	t.Run("correct_capacity_when_reserving_future_epochs", func(t *testing.T) {
		t.Parallel()
		w := unitWorld(t)
		w.must(0, ReserveStorageFor{Size: half, Start: 6, End: 11})
		for e := committee.Epoch(1); e < 13; e++ {
			want := uint64(0)
			if e >= 6 && e < 11 {
				want = half
			}
			if got := w.used(e)[0]; got != want {
				t.Errorf("epoch %d: got %d, want %d", e, got, want)
			}
		}
	})
	t.Run("exceed_storage_capacity_in_future_epoch", func(t *testing.T) {
		t.Parallel()
		w := unitWorld(t)
		w.must(0, ReserveStorageFor{Size: half, Start: 6, End: 11})
		w.judged(CodeNoCapacity, 0, ReserveStorageFor{Size: half + 1, Start: 3, End: 7})
		w.must(0, ReserveStorageFor{Size: half + 1, Start: 3, End: 6})
	})
	t.Run("test_reserve_space_zero_size", func(t *testing.T) {
		t.Parallel()
		w := unitWorld(t)
		w.judged(CodeBadSize, 0, ReserveStorage{Epochs: 1})
		w.judged(CodeBadSize, 0, ReserveStorageFor{Start: 2, End: 3})
	})
	t.Run("storage destroy, [WL] §5.8", func(t *testing.T) {
		t.Parallel() // Walrus keeps the capacity booked; here nothing is stranded
		w := unitWorld(t)
		id := w.must(0, ReserveStorage{Size: half, Epochs: 3})[0]
		w.turn()
		rewards := w.ring(3).Rewards
		w.must(0, DestroyStorage{Object(id)})
		if got := w.used(2, 3); got[0] != 0 || got[1] != 0 || w.ring(3).Rewards != rewards {
			t.Errorf("got %d booked and %d FROST, want none and still %d", got, w.ring(3).Rewards, rewards)
		}
		w.must(1, ReserveStorage{Size: unitCapacity, Epochs: 2})
	})
	t.Run("a past start is the present, and the ends of the span", func(t *testing.T) {
		t.Parallel()
		w := unitWorld(t)
		w.turn()
		if got, want := w.span(w.reserveFor(span{1, 4, million})), (span{2, 4, million}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		w.judged(CodeBadEpochs, 0, ReserveStorageFor{Size: 1, Start: 1, End: 2})
		w.judged(CodeBadEpochs, 0, ReserveStorageFor{Size: 1, Start: 5, End: 5})
		w.judged(CodeBadEpochs, 0, ReserveStorageFor{Size: 1, Start: 5, End: 4})
		w.judged(CodeBadEpochs, 0, ReserveStorageFor{Size: 1, Start: 5, End: 2 + unitAhead + 1})
		w.judged(CodeBadEpochs, 0, ReserveStorageFor{Size: 1, Start: ^committee.Epoch(0) - 1, End: ^committee.Epoch(0)})
		w.judged(CodeOK, 0, ReserveStorageFor{Size: 1, Start: 5, End: 2 + unitAhead})
	})
}

// The ring goes round more often than it is long: what is booked of an epoch
// stays with it. [WL] §5.8
func TestRingAfterManyEpochs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ahead := committee.Epoch(w.params().MaxEpochsAhead)
	for range 3 * ahead {
		now := w.system().Epoch
		w.must(0, ReserveStorageFor{Size: uint64(now), Start: now + ahead - 1, End: now + ahead})
		w.must(0, ReserveStorage{Size: 1000, Epochs: 1})
		for e := now; e < now+ahead; e++ {
			want := uint64(0)
			if e >= ahead {
				want = uint64(e + 1 - ahead) // the epoch in which it could first be booked
			}
			if e == now {
				want += 1000
			}
			if got := w.ring(e).Used; got != want {
				t.Fatalf("epoch %d, seen from %d: got %d bytes, want %d", e, now, got, want)
			}
		}
		w.turn()
	}
}

// unitBlob is a blob of Walrus's fixture: 5,000,000 bytes, 22 units.
func unitBlob(storage Ref, deletable bool) RegisterBlob {
	m := RegisterBlob{Storage: storage, Root: shard.Hash{0xab, 0xc}, Size: 5 * million, Deletable: deletable}
	m.BlobID = shard.DeriveBlobID(m.Root, m.Size)
	return m
}

// unit registers it for some epochs and certifies it if wanted.
func (w *world) unit(epochs uint32, deletable, certified bool) committee.ObjectID {
	w.t.Helper()
	id := w.must(0, ReserveStorage{Size: unitEncoded, Epochs: epochs}, unitBlob(Result(0), deletable))[1]
	if certified {
		w.must(0, w.certify(id))
	}
	return id
}

// [WL] §5.6 blob_tests: registration and certification. Those on the form of
// messages are in package committee.
func TestWalrusBlobs(t *testing.T) {
	t.Parallel()
	w := unitWorld(t)
	before, r := w.account(0).Balance, w.block(w.signed(0, ReserveStorage{Size: unitEncoded, Epochs: 3}, unitBlob(Result(0), false))).Txs[0]
	if paid, want := before-w.account(0).Balance-r.Fee, uint64(3*110+22); r.Err() != nil || paid != want {
		t.Fatalf("blob_register_happy_path: paid %d, %v, want %d", paid, r.Err(), want)
	}
	ids, _ := ParseResults(r.Data)
	id := ids[1]
	w.judged(CodeResourceSize, 0, ReserveStorage{Size: unitEncoded / 2, Epochs: 3}, unitBlob(Result(0), false)) // blob_insufficient_space

	blobID := w.blob(id).BlobID
	deletable := w.unit(3, true, false)
	certify := func(c committee.Confirmation, object committee.ObjectID) CertifyBlob {
		c.Epoch = 1
		return CertifyBlob{Object(object), w.certificateOf(c.Message(), 67)}
	}
	bound := func(o committee.ObjectID) committee.Persistence {
		return committee.Persistence{Deletable: true, Object: o}
	}
	w.judged(CodeBadPersistence, 0, certify(committee.Confirmation{Blob: blobID, Persistence: bound(id)}, id))             // blob_certify_deletable_msg_for_permanent_blob
	w.judged(CodeBadCertificate, 0, certify(committee.Confirmation{Blob: blobID, Persistence: bound(id)}, deletable))      // blob_certify_deletable_wrong_object_id
	w.judged(CodeBadCertificate, 0, certify(committee.Confirmation{Blob: shard.BlobID{1}}, id))                            // blob_certify_bad_blob_id
	w.judged(CodeNotCertified, 0, ExtendBlob{Object(id), 3})                                                               // direct_extend_not_certified
	w.judged(CodeOK, 0, certify(committee.Confirmation{Blob: blobID}, id))                                                 // blob_certify_happy_path, blob_certify_single_function
	w.judged(CodeOK, 0, certify(committee.Confirmation{Blob: blobID, Persistence: bound(deletable)}, deletable))           // blob_certify_deletable_blob
	w.judged(CodeBadEpochs, 0, ExtendBlob{Object(id), unitAhead})                                                          // direct_extend_too_long
	w.judged(CodeNotDeletable, 0, DeleteBlob{Object(id)})                                                                  // delete_undeletable_blob
	w.judged(CodeNotAdjacent, 0, ReserveStorageFor{unitEncoded, 5, 7}, ExtendBlobWithStorage{Object(id), Result(0)})       // blob_extend_bad_period
	w.judged(CodeNotAdjacent, 0, ReserveStorageFor{unitEncoded, 3, 7}, ExtendBlobWithStorage{Object(id), Result(0)})       // an overlap
	w.judged(CodeDifferentSize, 0, ReserveStorageFor{unitEncoded + 1, 4, 6}, ExtendBlobWithStorage{Object(id), Result(0)}) // another size
	w.judged(CodeOK, 0, ReserveStorageFor{unitEncoded, 4, 6}, ExtendBlobWithStorage{Object(id), Result(0)})                // blob_extend_happy_path
	if got := w.blob(id).Storage.End; got != 6 {
		t.Errorf("blob_extend_happy_path: got an end of %d, want 6", got)
	}
	w.judged(CodeOK, 0, ExtendBlob{Object(deletable), 3}) // direct_extend_happy
	if got := w.blob(deletable).Storage.End; got != 7 {
		t.Errorf("direct_extend_happy: got an end of %d, want 7", got)
	}
	got := w.span(w.must(0, DeleteBlob{Object(deletable)})[0]) // delete_blob
	if want := (span{1, 7, unitEncoded}); got != want {
		t.Errorf("delete_blob: got %+v back, want %+v", got, want)
	}
	for range 5 {
		w.turn()
	}
	w.judged(CodeNotFound, 0, ExtendBlob{Object(id), 1}) // direct_extend_expired: it is collected; TestExpiredObjects has one that waits
}

// [WL] §5.6 blob_tests: extend_blob_created_from_split_storage.
func TestWalrusExtendFromSplitStorage(t *testing.T) {
	t.Parallel()
	w := unitWorld(t)
	ids := w.must(0,
		ReserveStorage{Size: 2 * unitEncoded, Epochs: 10}, SplitStorageBySize{Result(0), unitEncoded},
		SplitStorageByEpoch{Result(0), 4}, unitBlob(Result(0), false))
	blob, later := ids[3], ids[2]
	w.must(0, w.certify(blob))
	w.turn()
	w.must(0, ExtendBlobWithStorage{Object(blob), Object(later)})
	if got := w.blob(blob).Storage; got.Start != 1 || got.End != 11 || got.Size != unitEncoded {
		t.Errorf("got %+v, want epochs 1 to 11", got)
	}
}

// A certificate of a permanent blob is good for every object of it in its epoch;
// one of a deletable blob for its object only. [WL] §5.8
func TestCertificateOfTwoObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.addBlob(0, 1, 2, false, false), w.addBlob(1, 1, 3, false, false)
	m := w.certify(first)
	w.must(0, m)
	m.Blob = Object(second)
	w.must(1, m)
	for _, id := range []committee.ObjectID{first, second} {
		cert, err := ReadCertificate(w.state, id)
		if err != nil || certHash(cert) != certHash(m.Certificate) {
			t.Errorf("object %v: got certificate %+v, %v", id, cert, err)
		}
	}
	deletable, other := w.addBlob(0, 2, 2, true, false), w.addBlob(1, 2, 2, true, false)
	m = w.certify(deletable)
	m.Blob = Object(other)
	w.judged(CodeBadCertificate, 1, m)
	m = w.certify(w.addBlob(0, 3, 3, false, false))
	third := w.addBlob(1, 3, 3, false, false)
	w.turn()
	m.Blob = Object(third)
	w.judged(CodeWrongEpoch, 1, m)
}
