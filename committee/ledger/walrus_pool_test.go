package ledger

import (
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// pooledBlob is the n-th blob of 100 bytes, as Walrus's tests of pools have them.
func pooledBlob(pool Ref, n byte, deletable bool) RegisterPooledBlob {
	m := RegisterPooledBlob{Pool: pool, Root: shard.Hash{n, 0xdd}, Size: 100, Deletable: deletable}
	m.BlobID = shard.DeriveBlobID(m.Root, m.Size)
	return m
}

// newPool makes a pool of account 0.
func (w *world) newPool(size uint64, epochs uint32) committee.ObjectID {
	w.t.Helper()
	return w.must(0, ReserveStorage{Size: size, Epochs: epochs}, CreatePool{Result(0)})[1]
}

// inPool registers the n-th blob in a pool and certifies it if wanted.
func (w *world) inPool(pool committee.ObjectID, n byte, deletable, certified bool) committee.ObjectID {
	w.t.Helper()
	id := w.must(0, pooledBlob(Object(pool), n, deletable))[0]
	if certified {
		w.must(0, w.certify(id))
	}
	return id
}

func (w *world) poolOf(id committee.ObjectID) Pool {
	w.t.Helper()
	p, err := ReadPool(w.state, id)
	return value(w, p, err)
}

// [WL] §5.6 storage_pool_tests, creation and registration. A pool is made of
// storage here, so what Walrus asks of the size and epochs of a new one is asked
// of the storage.
func TestWalrusPoolCreation(t *testing.T) {
	t.Parallel()
	w := unitWorld(t)
	w.judged(CodeBadSize, 0, ReserveStorage{Size: 0, Epochs: 1}, CreatePool{Result(0)})                   // create_storage_pool_zero_size, …_with_storage_zero_size
	w.judged(CodeBadEpochs, 0, ReserveStorage{Size: 1, Epochs: 0}, CreatePool{Result(0)})                 // create_storage_pool_zero_epochs
	w.judged(CodeNoCapacity, 0, ReserveStorage{Size: unitCapacity + 1, Epochs: 1}, CreatePool{Result(0)}) // create_storage_pool_exceeds_system_capacity
	w.judged(CodeResourceBounds, 0, ReserveStorageFor{Size: 1, Start: 2, End: 3}, CreatePool{Result(0)})  // create_storage_pool_with_storage_future_start
	pool := w.newPool(3*unitPooled, 3)                                                                    // create_storage_pool_with_storage_happy_path
	for n := range byte(3) {                                                                              // register_multiple_pooled_blobs_happy_path
		w.inPool(pool, n, true, false)
	}
	if got := w.poolOf(pool); got.Used != 3*unitPooled || got.Size != got.Used || got.Count != 3 {
		t.Errorf("three blobs: got %+v", got)
	}
	w.judged(CodePoolFull, 0, pooledBlob(Object(pool), 4, true)) // register_pooled_blob_exceeds_capacity
	w.judged(CodeAlreadyInPool, 0, pooledBlob(Object(pool), 1, true))
	w.judged(CodePoolNotEmpty, 0, DestroyPool{Object(pool)}) // destroy_non_empty_pool

	// create_storage_pool_with_storage_from_destroyed_pool, …_from_deleted_blob
	empty := w.newPool(5, 2)
	if got, want := w.span(w.must(0, DestroyPool{Object(empty)}, CreatePool{Result(0)}, DestroyPool{Result(1)})[2]), (span{1, 3, 5}); got != want {
		t.Errorf("destroyed: got %+v, want %+v", got, want)
	}
	w.must(0, DeleteBlob{Object(w.unit(2, true, false))}, CreatePool{Result(0)})

	expired := w.reserveFor(span{1, 2, 7})
	late := w.newPool(7, 1)
	w.crowd()
	out := w.turn(w.each(0,
		[]Message{CreatePool{Object(expired)}},                                           // create_storage_pool_with_storage_expired
		[]Message{ExtendPool{Object(late), 1}},                                           // extend_storage_pool_expired
		[]Message{ReserveStorage{Size: 1, Epochs: 1}, GrowPool{Object(late), Result(0)}}, // increase_capacity_with_storage_expired_pool
		[]Message{ShrinkPool{Object(late), 1}},
		[]Message{DestroyPool{Object(late)}},
		[]Message{pooledBlob(Object(late), 1, true)},
		[]Message{TransferObject{Object(late), accountAddress(1)}},
	)...)
	for i, r := range out.Txs {
		if Code(r.Code) != CodeExpired {
			t.Errorf("message %d about what has ended: got code %d (%s)", i, r.Code, r.Info)
		}
	}
}

// [WL] §5.6 storage_pool_tests, certification and deletion.
func TestWalrusPooledBlobs(t *testing.T) {
	t.Parallel()
	w := unitWorld(t)
	pool := w.newPool(4*unitPooled, 3)
	permanent := w.inPool(pool, 1, false, true)  // certify_pooled_blob_permanent
	deletable := w.inPool(pool, 2, true, true)   // certify_pooled_blob_deletable
	registered := w.inPool(pool, 3, true, false) // and below delete_pooled_blob_uncertified
	certify := func(object committee.ObjectID, c committee.Confirmation) CertifyBlob {
		c.Epoch = 1
		return CertifyBlob{Object(object), w.certificateOf(c.Message(), 67)}
	}
	waiting := w.inPool(pool, 4, false, false)
	id := w.blob(waiting).BlobID
	w.judged(CodeAlreadyCertified, 0, w.certify(permanent))                     // certify_pooled_blob_already_certified
	w.judged(CodeBadCertificate, 0, certify(waiting, committee.Confirmation{})) // certify_pooled_blob_wrong_blob_id
	bound := committee.Persistence{Deletable: true, Object: waiting}
	w.judged(CodeBadPersistence, 0, certify(waiting, committee.Confirmation{Blob: id, Persistence: bound})) // certify_pooled_blob_deletable_msg_for_permanent
	w.judged(CodeBadCertificate, 0, certify(registered, committee.Confirmation{Blob: w.blob(registered).BlobID, Persistence: bound}))
	w.judged(CodeNotDeletable, 0, DeleteBlob{Object(permanent)}) // delete_pooled_blob_not_deletable

	w.must(0, DeleteBlob{Object(registered)})                                                          // delete_pooled_blob_uncertified
	w.must(0, SetAttributes{Blob: Object(deletable), Set: []Attribute{{"k", "v"}}})                    // delete_pooled_blob_with_metadata
	r := w.block(w.signed(0, DeleteBlob{Object(deletable)}, pooledBlob(Object(pool), 5, true))).Txs[0] // delete_pooled_blob_certified, delete_and_reuse_capacity
	if ids, err := ParseResults(r.Data); r.Err() != nil || err != nil || !ids[0].IsZero() {
		t.Errorf("deleted: got %v, %v, %v, want no storage back", ids, err, r.Err())
	}
	if got := w.poolOf(pool); got.Used != 3*unitPooled || got.Count != 3 {
		t.Errorf("the pool: got %+v, want three blobs", got)
	}
	for name, m := range map[string]Message{
		"extend":   ExtendBlob{Object(permanent), 1},
		"transfer": TransferObject{Object(permanent), accountAddress(1)},
		"burn":     BurnBlob{Object(permanent)},
		"share":    ShareBlob{Object(permanent), 1},
	} {
		if r := w.block(w.signed(0, m)).Txs[0]; Code(r.Code) != CodePooled {
			t.Errorf("%s a blob in a pool: got code %d (%s)", name, r.Code, r.Info)
		}
	}
	// The new owner of the pool owns the blobs.
	w.must(0, TransferObject{Object(pool), accountAddress(1)})
	w.judged(CodeNotOwner, 0, w.certify(waiting))
	w.must(1, w.certify(waiting))
	if got := w.blob(waiting); got.Owner != accountAddress(1) || got.Storage.End != 4 {
		t.Errorf("after the transfer: got %+v", got)
	}
	if got := w.owned(0); len(got) != 0 {
		t.Errorf("the first owner still has %v", got)
	}
	if got := w.owned(1); len(got) != 1 || got[pool] != KindPool {
		t.Errorf("the new owner has %v, want the pool", got)
	}
	if got := w.pooled(pool); len(got) != 3 || got[id] != waiting {
		t.Errorf("in the pool: got %v", got)
	}
}

// [WL] §5.6 storage_pool_tests, lifetime and capacity. Percentages of what is
// unused are left to the client: it reads the pool.
func TestWalrusPoolCapacity(t *testing.T) {
	t.Parallel()
	w := unitWorld(t)
	pool := w.newPool(unitPooled, 3)
	w.inPool(pool, 1, true, false)
	w.judged(CodeBadEpochs, 0, ExtendPool{Object(pool), 0}) // extend_storage_pool_zero_epochs
	w.judged(CodeBadEpochs, 0, ExtendPool{Object(pool), unitAhead})
	w.must(0, ExtendPool{Object(pool), 2}) // extend_storage_pool_happy_path
	if got := w.poolOf(pool); got.End != 6 || w.blob(w.pooled(pool)[pooledBlob(Ref{}, 1, true).BlobID]).Storage.End != 6 {
		t.Errorf("extended: got %+v, want an end of 6 for it and its blob", got)
	}
	w.judged(CodeBadSize, 0, ReserveStorage{Epochs: 5}, GrowPool{Object(pool), Result(0)})                           // increase_storage_pool_capacity_zero_size
	w.judged(CodeNotAdjacent, 0, ReserveStorage{Size: 1, Epochs: 4}, GrowPool{Object(pool), Result(0)})              // increase_capacity_with_storage_different_end_epoch
	w.judged(CodeResourceBounds, 0, ReserveStorageFor{Size: 1, Start: 3, End: 6}, GrowPool{Object(pool), Result(0)}) // increase_capacity_with_storage_future_start
	w.must(0, ReserveStorage{Size: 2 * unitPooled, Epochs: 5}, GrowPool{Object(pool), Result(0)})                    // increase_storage_pool_capacity_happy_path
	w.inPool(pool, 2, true, false)                                                                                   // increase_storage_pool_capacity_allows_additional_blob
	if got := w.poolOf(pool); got.Size != 3*unitPooled || got.Used != 2*unitPooled {                                 // …_preserves_used_bytes
		t.Errorf("grown: got %+v", got)
	}
	w.judged(CodePoolFull, 0, ShrinkPool{Object(pool), unitPooled + 1}) // decrease_capacity_by_size_exceeds_available
	w.judged(CodePoolFull, 0, ShrinkPool{Object(pool), 9 * unitPooled}) // decrease_capacity_by_size_exceeds_total
	w.judged(CodeBadSize, 0, ShrinkPool{Object(pool), 0})
	got := w.span(w.must(0, ShrinkPool{Object(pool), unitPooled})[0]) // decrease_capacity_by_size_happy_path
	if want := (span{1, 6, unitPooled}); got != want {
		t.Errorf("taken: got %+v, want %+v", got, want)
	}
	w.judged(CodePoolFull, 0, pooledBlob(Object(pool), 3, true)) // decrease_capacity_by_size_then_register_blob_fails
	empty := w.newPool(100, 3)
	w.judged(CodeBadSize, 0, ShrinkPool{Object(empty), 100}) // all of it, which Walrus allows: DestroyPool does that
	w.must(0, ShrinkPool{Object(empty), 99})

	// storage_reuse_lifecycle: 1×, 2×, 3×, 4×, and then the storage backs a blob.
	grown := w.newPool(unitPooled, 3)
	for range 3 {
		w.must(0, ReserveStorage{Size: unitPooled, Epochs: 3}, GrowPool{Object(grown), Result(0)})
	}
	alone := pooledBlob(Ref{}, 7, false)
	ids := w.must(0, DestroyPool{Object(grown)}, RegisterBlob{Storage: Result(0), BlobID: alone.BlobID, Root: alone.Root, Size: alone.Size})
	if got := w.blob(ids[1]).Storage; got.Size != 4*unitPooled || got.End != 4 {
		t.Errorf("reused: got %+v", got)
	}
}

// [WL] §5.6 storage_pool_tests, accounting: what is paid and booked of each
// epoch.
func TestWalrusPoolAccounting(t *testing.T) {
	t.Parallel()
	type epochs map[committee.Epoch]uint64
	check := func(w *world, what string, used, rewards epochs) {
		t.Helper()
		for e, want := range used {
			if got := w.ring(e).Used; got != want {
				t.Errorf("%s, epoch %d: got %d bytes, want %d", what, e, got, want)
			}
		}
		for e, want := range rewards {
			if got := w.ring(e).Rewards; got != want {
				t.Errorf("%s, epoch %d: got %d FROST, want %d", what, e, got, want)
			}
		}
	}
	const half = 500 * million
	w := unitWorld(t)
	w.with(func(p *Params) { p.FeePerByte, p.FeePerWork = 0, 0 })
	pool := w.newPool(half, 3) // storage_pool_capacity_and_rewards
	check(w, "created", epochs{1: half, 3: half, 4: 0}, epochs{1: 2385, 2: 2385, 3: 2385, 4: 0})
	w.must(0, ExtendPool{Object(pool), 2})
	check(w, "extended", epochs{1: half, 5: half, 6: 0}, epochs{1: 2385, 4: 2385, 5: 2385, 6: 0})

	w = unitWorld(t) // increase_storage_pool_capacity_remaining_lifetime_accounting
	w.with(func(p *Params) { p.FeePerByte, p.FeePerWork = 0, 0 })
	pool = w.newPool(half, 3)
	w.turn()
	w.must(0, ReserveStorage{Size: half / 2, Epochs: 2}, GrowPool{Object(pool), Result(0)})
	check(w, "grown", epochs{2: half * 3 / 2, 3: half * 3 / 2, 4: 0}, epochs{3: 2385 + 1195, 4: 0})
	w.judged(CodeNoCapacity, 0, ReserveStorage{Size: half/2 + 1, Epochs: 2}, GrowPool{Object(pool), Result(0)}) // increase_storage_pool_capacity_exceeds_system_capacity
	w.turn()
	check(w, "a turn later", epochs{3: half * 3 / 2, 4: 0}, nil) // create_storage_pool_capacity_freed_after_epoch_advance
	w.turn()
	check(w, "in the end", epochs{4: 0}, nil)
}

// [WL] §5.6 storage_pool_tests, burning: at the end of a pool all that was in it
// goes by itself, in blocks of bounded work. burn_pooled_blob_from_non_expired_pool
// has no message here.
func TestPoolsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(func(p *Params) { p.DepositRate, p.WritePrice = wholeRate, 1000 })
	var end []byte
	pool := w.newPool(10*smallest, 1)
	register := func(n byte, deletable bool) RegisterPooledBlob {
		m := RegisterPooledBlob{Pool: Object(pool), Deletable: deletable}
		m.BlobID, m.Root, m.Size = blobOf(n)
		return m
	}
	var objects []committee.ObjectID
	for n := range byte(4) { // permanent and deletable, certified and not
		id := w.must(0, register(n, n%2 == 0))[0]
		if n < 2 {
			w.must(0, w.certify(id))
		}
		w.must(0, SetAttributes{Blob: Object(id), Set: []Attribute{{"n", "1"}}})
		objects = append(objects, id)
	}
	kept := w.blob(objects[2]).Deposit + w.blob(objects[3]).Deposit
	if kept != 2000 {
		t.Fatalf("deposits of %d, want 2000", kept)
	}
	out := w.turn()
	var settled uint64
	for _, ev := range out.Events {
		v, err := ev.Parse()
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := v.(DepositSettled); ok {
			settled += d.Kept
		}
		end = append(end, ev.Kind[0])
	}
	if settled != kept || !slices.Contains(end, 'p') {
		t.Errorf("kept %d of the deposits, want %d; events %s", settled, kept, kinds(out.Events))
	}
	for k := range w.state.values {
		switch k[0] {
		case keyBlob, keyBlobIndex, keyPool, keyPooled, keyAttributes, keyCertificate, keyExpiry:
			t.Errorf("key %x is left", k)
		}
	}
	if got := w.owned(0); len(got) != 0 {
		t.Errorf("account 0 still has %v", got)
	}
}

// A pool with more blobs than a block may remove goes in several blocks; until
// then none of them counts.
func TestLargePoolEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pool := w.newPool(90<<20, 1)
	p := w.poolOf(pool)
	grown := p
	for i := range uint32(2*maxExpired + 10) {
		b := Blob{
			ID: committee.ObjectID{byte(i >> 8), byte(i), 7}, BlobID: shard.BlobID{byte(i), byte(i >> 8)}, Size: 1, Encoding: encodingRedStuff,
			Registered: 1, Storage: Storage{Size: smallest}, Pool: pool,
		}
		put(w.state, nil, &b)
		grown.Used += smallest
		grown.Count++
	}
	put(w.state, &p, &grown)
	checkState(t, w.state)
	first := shard.BlobID{byte(maxExpired & 0xff), byte(maxExpired >> 8)}
	if got := w.status(first); got.Kind != StatusRegistered || got.Blob.Owner != accountAddress(0) {
		t.Errorf("before: got %v", got.Kind)
	}
	for i, want := range []int{maxExpired, maxExpired, 10} {
		next := w.block
		if i == 0 {
			next = w.turn
		}
		out := next()
		count := 0
		for _, ev := range out.Events {
			if ev.Kind == (BlobExpired{}).kind() {
				count++
			}
		}
		if count != want {
			t.Errorf("block %d: %d blobs expired, want %d", i, count, want)
		}
		if got := w.status(first); got.Kind != StatusNone {
			t.Errorf("block %d: got %v", i, got.Kind)
		}
	}
	if _, err := ReadPool(w.state, pool); err == nil {
		t.Error("the pool is still there")
	}
}

// Blobs in pools count like others: the strength of the claim first, then those
// with storage of their own, then the longest.
func TestStatusOfPooledBlobs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, root, size := blobOf(1)
	short, long := w.newPool(smallest, 2), w.newPool(smallest, 3)
	in := func(pool committee.ObjectID, deletable bool) committee.ObjectID {
		return w.must(0, RegisterPooledBlob{Pool: Object(pool), BlobID: id, Root: root, Size: size, Deletable: deletable})[0]
	}
	want := func(kind StatusKind, object committee.ObjectID, end committee.Epoch) {
		t.Helper()
		got := w.status(id)
		if got.Kind != kind || got.Blob.ID != object || got.Blob.Storage.End != end {
			t.Errorf("got %v by %v until %d, want %v by %v until %d", got.Kind, got.Blob.ID, got.Blob.Storage.End, kind, object, end)
		}
	}
	a, b := in(short, false), in(long, false)
	want(StatusRegistered, b, 4)
	if claim, ok, err := ReadClaim(w.state, id, committee.Persistence{}); err != nil || !ok || claim.ID != b {
		t.Errorf("claim: got %v, %t, %v, want %v", claim.ID, ok, err, b)
	}
	own := w.addBlob(0, 1, 1, false, false)
	want(StatusRegistered, own, 2)
	w.must(0, w.certify(a))
	want(StatusPermanent, a, 3)
	w.must(0, ExtendPool{Object(short), 2})
	want(StatusPermanent, a, 5)
	if got := w.available(shard.BlobID{}, 9); !slices.Equal(got, []shard.BlobID{id}) {
		t.Errorf("available: got %v", got)
	}
	w.must(0, w.certify(own))
	want(StatusPermanent, own, 2)
	w.turn() // the one with storage of its own has ended
	want(StatusPermanent, a, 5)
	if got := w.available(shard.BlobID{}, 9); !slices.Equal(got, []shard.BlobID{id}) {
		t.Errorf("available: got %v", got)
	}
	for range 3 {
		w.turn()
	}
	want(StatusNone, committee.ObjectID{}, 0)
}
