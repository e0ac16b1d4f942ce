package ledger

import (
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// available lists what AscendAvailable visits.
func (w *world) available(from shard.BlobID, limit int) []shard.BlobID {
	w.t.Helper()
	var ids []shard.BlobID
	err := AscendAvailable(w.state, from, func(id shard.BlobID, end committee.Epoch) bool {
		if got := w.status(id); !got.Available() || got.Blob.Storage.End != end {
			w.t.Errorf("blob %v is listed until epoch %d, its status is %v until %d", id, end, got.Kind, got.Blob.Storage.End)
		}
		ids = append(ids, id)
		return len(ids) < limit
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

func TestLifeOfABlob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	blobID, _, size := blobOf(1)
	if got := w.status(blobID); got.Kind != StatusNone || got.Available() || got.Epoch != 1 {
		t.Errorf("before: got %v in epoch %d, want nonexistent in 1", got.Kind, got.Epoch)
	}

	tx := w.signed(0, register(1, 2, true)...)
	r := w.block(tx).Txs[0]
	ids, err := ParseResults(r.Data)
	if err != nil || r.Err() != nil {
		t.Fatal(err, r.Err())
	}
	hash := TxHash(tx)
	if want := (Results{ObjectIDOf(hash, 0), ObjectIDOf(hash, 1)}); !slices.Equal(ids, want) {
		t.Errorf("objects: got %v, want %v", ids, want)
	}
	if got, want := kinds(r.Events), "storage_reserved blob_registered"; got != want {
		t.Errorf("events: got %q, want %q", got, want)
	}
	if _, err := ReadStorage(w.state, ids[0]); err == nil {
		t.Error("the storage is still there when a blob occupies it")
	}
	object := ids[1]
	registered := Blob{
		ID: object, Owner: accountAddress(0), BlobID: blobID, Size: size, Encoding: 1, Deletable: true, Registered: 1,
		Storage: Storage{ID: ids[0], Owner: accountAddress(0), Start: 1, End: 3, Size: smallest},
	}
	if got := w.blob(object); got != registered {
		t.Errorf("blob: got %+v, want %+v", got, registered)
	}
	if got := w.status(blobID); got.Kind != StatusRegistered || got.Available() || got.Blob != registered {
		t.Errorf("registered: got %v", got)
	}
	if got := w.available(shard.BlobID{}, 9); len(got) != 0 {
		t.Errorf("available: got %v, want none", got)
	}

	// The certificate's place is the point of availability.
	tx = w.signed(0, Send{To: accountAddress(1), Amount: 1}, w.certify(object))
	if err := w.block(tx).Txs[0].Err(); err != nil {
		t.Fatal(err)
	}
	if got, want := w.blob(object).Point, (Point{Height: 2, Tx: TxHash(tx), Event: 1}); got != want {
		t.Errorf("point of availability: got %+v, want %+v", got, want)
	}
	if got := w.status(blobID); got.Kind != StatusDeletable || !got.Available() || got.Blob.Certified != 1 {
		t.Errorf("certified: got %+v", got)
	}
	if got := w.available(shard.BlobID{}, 9); !slices.Equal(got, []shard.BlobID{blobID}) {
		t.Errorf("available: got %v, want %v", got, blobID)
	}

	// It can be extended in a later epoch, by a new owner.
	w.must(0, TransferObject{Object: Object(object), To: accountAddress(1)})
	w.turn()
	r = w.block(w.signed(1, ExtendBlob{Object(object), 2})).Txs[0]
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	event, err := r.Events[0].Parse()
	want := BlobCertified{Epoch: 1, BlobID: blobID, End: 5, Deletable: true, Object: object, Extension: true, Owner: accountAddress(1)}
	if err != nil || event != want {
		t.Errorf("event: got %+v, %v, want %+v", event, err, want)
	}
	if got := w.blob(object); got.Certified != 1 || got.Registered != 1 || got.Storage.End != 5 || got.Owner != accountAddress(1) {
		t.Errorf("extended: got %+v", got)
	}
	for e, used := range map[committee.Epoch]uint64{2: smallest, 3: smallest, 4: smallest, 5: 0} {
		if got := w.ring(e).Used; got != used {
			t.Errorf("used in epoch %d: got %d, want %d", e, got, used)
		}
	}

	// Deleting it gives storage back, in which another blob fits at once.
	nextID, root, nextSize := blobOf(2)
	balance := w.account(1).Balance
	tx = w.signed(1, DeleteBlob{Object(object)}, RegisterBlob{Storage: Result(0), BlobID: nextID, Root: root, Size: nextSize})
	r = w.block(tx).Txs[0]
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	if got, want := kinds(r.Events), "blob_deleted blob_registered"; got != want {
		t.Errorf("events: got %q, want %q", got, want)
	}
	if got, want := balance-w.account(1).Balance, r.Fee+1; got != want {
		t.Errorf("paid: got %d, want the fee and the writing, %d", got, want)
	}
	if got := w.status(blobID).Kind; got != StatusNone {
		t.Errorf("deleted: got %v, want nonexistent", got)
	}
	ids, _ = ParseResults(r.Data)
	if got := w.blob(ids[1]).Storage; got.ID != ids[0] || got.Start != 1 || got.End != 5 || got.Size != smallest {
		t.Errorf("storage of the next blob: got %+v", got)
	}
	if got := w.ring(4).Used; got != smallest {
		t.Errorf("used in epoch 4: got %d, want %d", got, smallest)
	}

	// At its end it goes.
	w.turn()
	w.turn()
	out := w.turn()
	var expired []any
	for _, ev := range out.Events {
		if ev.Kind == (BlobExpired{}).kind() {
			v, err := ev.Parse()
			if err != nil {
				t.Fatal(err)
			}
			expired = append(expired, v)
		}
	}
	if want := (BlobExpired{Epoch: 5, BlobID: nextID, Object: ids[1], Owner: accountAddress(1)}); len(expired) != 1 || expired[0] != want {
		t.Errorf("expired: got %+v, want %+v", expired, want)
	}
	if got := w.status(nextID).Kind; got != StatusNone {
		t.Errorf("expired: got %v, want nonexistent", got)
	}
}

// The strongest claim counts, and among equal ones the longest.
func TestStatusOfManyObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _, _ := blobOf(1)
	for _, step := range []struct {
		name string
		do   func() committee.ObjectID
		kind StatusKind
		end  committee.Epoch
	}{
		{"registered", func() committee.ObjectID { return w.addBlob(0, 1, 2, true, false) }, StatusRegistered, 3},
		{"registered for longer", func() committee.ObjectID { return w.addBlob(1, 1, 5, false, false) }, StatusRegistered, 6},
		{"deletable", func() committee.ObjectID { return w.addBlob(0, 1, 3, true, true) }, StatusDeletable, 4},
		{"deletable for longer", func() committee.ObjectID { return w.addBlob(1, 1, 4, true, true) }, StatusDeletable, 5},
		{"permanent", func() committee.ObjectID { return w.addBlob(0, 1, 1, false, true) }, StatusPermanent, 2},
		{"permanent for longer", func() committee.ObjectID { return w.addBlob(1, 1, 2, false, true) }, StatusPermanent, 3},
	} {
		object := step.do()
		if got := w.status(id); got.Kind != step.kind || got.Blob.Storage.End != step.end || got.Blob.ID != object {
			t.Errorf("%s: got %v until %d, want %v until %d", step.name, got.Kind, got.Blob.Storage.End, step.kind, step.end)
		}
	}
	weaker := w.addBlob(0, 1, 1, false, true)
	if got := w.status(id); got.Blob.ID == weaker || got.Blob.Storage.End != 3 {
		t.Errorf("a shorter claim: got %v until %d, want permanent until 3", got.Kind, got.Blob.Storage.End)
	}
	if got := w.available(shard.BlobID{}, 9); !slices.Equal(got, []shard.BlobID{id}) {
		t.Errorf("available: got %v, want the one blob once", got)
	}
	for _, want := range []StatusKind{StatusPermanent, StatusDeletable, StatusDeletable, StatusRegistered, StatusNone} {
		w.turn()
		if got := w.status(id); got.Kind != want {
			t.Errorf("epoch %d: got %v, want %v", got.Epoch, got.Kind, want)
		}
	}
	for _, tt := range []struct {
		kind StatusKind
		want string
	}{{StatusNone, "nonexistent"}, {StatusRegistered, "registered"}, {StatusDeletable, "deletable"}, {StatusPermanent, "permanent"}, {StatusInvalid, "invalid"}, {9, "status 9"}} {
		if got := tt.kind.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// A claim is the object by which nodes may confirm to hold a blob: for a
// permanent blob any, for a deletable one the one that is named.
func TestReadClaim(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, _, _ := blobOf(1)
	two, _, _ := blobOf(2)
	permanent := committee.Persistence{}
	deletable := func(id committee.ObjectID) committee.Persistence {
		return committee.Persistence{Deletable: true, Object: id}
	}
	check := func(name string, id shard.BlobID, p committee.Persistence, want committee.ObjectID) {
		t.Helper()
		b, ok, err := ReadClaim(w.state, id, p)
		if err != nil || ok != !want.IsZero() || ok && b.ID != want {
			t.Errorf("%s: got %v, %t, %v, want %v", name, b.ID, ok, err, want)
		}
	}
	none := committee.ObjectID{}
	check("nothing, permanent", one, permanent, none)
	check("nothing, deletable", one, deletable(committee.ObjectID{1}), none)
	registered := w.addBlob(0, 1, 4, true, false)
	check("registered as deletable", one, deletable(registered), registered)
	check("registered as deletable, of another blob", two, deletable(registered), none)
	check("registered as deletable, for a permanent claim", one, permanent, none)
	certified := w.addBlob(0, 1, 2, true, true)
	check("certified as deletable", one, deletable(certified), certified)
	check("certified as deletable, for a permanent claim", one, permanent, none)
	first := w.addBlob(1, 1, 1, false, false)
	check("registered as permanent", one, permanent, first)
	check("registered as permanent, for a deletable claim", one, deletable(first), none)
	longer := w.addBlob(1, 1, 3, false, false)
	check("registered as permanent for longer", one, permanent, longer)
	stored := w.addBlob(1, 1, 1, false, true)
	check("certified as permanent, though for less long", one, permanent, stored)
	check("storage, for a deletable claim", one, deletable(w.must(0, ReserveStorage{Size: 1, Epochs: 1})[0]), none)
	w.turn()
	check("an epoch later", one, permanent, longer)
	w.turn()
	check("the deletable one has ended", one, deletable(certified), none)
	check("the other has not", one, deletable(registered), registered)
	w.must(0, DeleteBlob{Object(registered)})
	check("deleted", one, deletable(registered), none)
	w.turn()
	check("all have ended", one, permanent, none)
	if _, _, err := ReadClaim(newMemory(), one, permanent); err == nil {
		t.Error("a claim without a state")
	}
}

func TestAscendAvailable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []shard.BlobID
	for n := range byte(12) {
		id, _, _ := blobOf(n)
		switch n % 4 {
		case 0:
			w.addBlob(0, n, 1, false, true)
		case 1:
			w.addBlob(0, n, 2, true, true)
		case 2:
			w.addBlob(0, n, 2, true, false)
			continue
		case 3: // twice; the claim that lasts is the weaker
			w.addBlob(0, n, 1, false, true)
			w.addBlob(1, n, 2, true, true)
		}
		want = append(want, id)
	}
	slices.SortFunc(want, func(a, b shard.BlobID) int { return slices.Compare(a[:], b[:]) })
	if got := w.available(shard.BlobID{}, 99); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := w.available(want[3], 99); !slices.Equal(got, want[3:]) {
		t.Errorf("from the fourth: got %v, want %v", got, want[3:])
	}
	if got := w.available(shard.BlobID{}, 2); !slices.Equal(got, want[:2]) {
		t.Errorf("two: got %v, want %v", got, want[:2])
	}
	if got := w.available(filledID(0xff), 99); len(got) != 0 {
		t.Errorf("from the end: got %v, want none", got)
	}
	w.turn()
	for n := range byte(12) {
		if id, _, _ := blobOf(n); n%4 == 0 {
			want = slices.DeleteFunc(want, func(o shard.BlobID) bool { return o == id })
		}
	}
	if got := w.available(shard.BlobID{}, 99); !slices.Equal(got, want) {
		t.Errorf("an epoch later: got %v, want %v", got, want)
	}
}

func filledID(b byte) shard.BlobID {
	return shard.BlobID(slices.Repeat([]byte{b}, shard.BlobIDSize))
}

// A transaction happens wholly or not at all, and its results may be passed on.
func TestMessagesOfOneTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, root, size := blobOf(3)
	ids := w.must(0,
		Send{To: accountAddress(1), Amount: 7},
		ReserveStorage{Size: smallest, Epochs: 1},
		RegisterBlob{Storage: Result(1), BlobID: id, Root: root, Size: size, Deletable: true},
		TransferObject{Object: Result(2), To: accountAddress(0)},
		DeleteBlob{Result(2)},
		TransferObject{Object: Result(4), To: accountAddress(1)},
	)
	for i, made := range []bool{false, true, true, false, true, false} {
		if got := !ids[i].IsZero(); got != made {
			t.Errorf("message %d made an object: got %t, want %t", i, got, made)
		}
	}
	s, err := ReadStorage(w.state, ids[4])
	if err != nil || s.Owner != accountAddress(1) {
		t.Errorf("storage: got %+v, %v, want it to be account 1's", s, err)
	}
	if got := w.account(1).Balance; got != rich+7 {
		t.Errorf("balance: got %d, want %d", got, rich+7)
	}
	// The last message fails, so none has happened; the fee is charged.
	before := w.account(1)
	r := w.block(w.signed(0, Send{To: accountAddress(1), Amount: 7}, DeleteBlob{Object(ids[2])})).Txs[0]
	if Code(r.Code) != CodeNotFound || r.Fee == 0 || w.account(1) != before {
		t.Errorf("got code %d, fee %d, account %+v, want CodeNotFound and %+v", r.Code, r.Fee, w.account(1), before)
	}
	// FROST sent to oneself stay.
	balance := w.account(1).Balance
	r = w.block(w.signed(1, Send{To: accountAddress(1), Amount: balance / 2})).Txs[0]
	if got, want := w.account(1).Balance, balance-r.Fee; r.Err() != nil || got != want {
		t.Errorf("sent to itself: got %d, %v, want %d", got, r.Err(), want)
	}
}

// [WL] §3.5: at 5 FROST a unit, 10^9 bytes cost 4770; 143 are burned and 4627
// shared out, rounded down; what is left goes over.
func TestRewards(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with(func(p *Params) { p.FeePerByte, p.FeePerWork, p.Capacity = 0, 0, 2e9 })
	w.must(0, ReserveStorage{Size: 1e9, Epochs: 2})
	supply := w.system().Supply
	if got := w.ring(1); got != (ringEntry{Used: 1e9, Rewards: 4770}) {
		t.Fatalf("epoch 1: got %+v", got)
	}
	com, err := ReadCommittee(w.state)
	if err != nil {
		t.Fatal(err)
	}
	out := w.turn()
	if got, want := kinds(out.Events), "committee_selected reward_paid reward_paid reward_paid reward_paid epoch_changed handover_ended"; got != want {
		t.Fatalf("events: got %q, want %q", got, want)
	}
	for i, m := range com.Members() { // of three, three, two and two shards
		v, err := out.Events[1+i].Parse()
		if err != nil {
			t.Fatal(err)
		}
		paid := v.(RewardPaid)
		want := uint64(map[committee.Weight]int{3: 1388, 2: 925}[m.Weight()])
		if paid.Epoch != 1 || paid.Node != m.ID || paid.Amount != want {
			t.Errorf("node of weight %d: got %+v, want %d", m.Weight(), paid, want)
		}
		if p, err := ReadStakePool(w.state, m.ID); err != nil || p.Balance != 1000*FrostPerWAL+want {
			t.Errorf("pool: got %+v, %v, want %d more", p, err, want)
		}
	}
	v, err := out.Events[5].Parse()
	if want := (EpochChanged{Epoch: 2, Start: w.time, Burned: 143, Carried: 1}); err != nil || v != want {
		t.Errorf("event: got %+v, %v, want %+v", v, err, want)
	}
	if got := w.system(); got.Epoch != 2 || got.EpochStart != w.time || got.Supply != supply-143 {
		t.Errorf("system: got %+v, want epoch 2, start %d, supply %d", got, w.time, supply-143)
	}
	if got, want := w.ring(2), (ringEntry{Used: 1e9, Rewards: 4771, Subsidized: 4771}); got != want {
		t.Errorf("epoch 2: got %+v, want %+v", got, want)
	}
	if w.state.Get(ringKey(1)) != nil {
		t.Error("the ended epoch is still in the ring")
	}
}

// An epoch in which nothing was stored pays nobody: its revenue goes over.
func TestRewardsOfAnUnusedEpoch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fee := w.block(w.signed(0, Send{To: accountAddress(1), Amount: 1})).Txs[0].Fee
	out := w.turn()
	burned := fee * 3 / 100
	v, err := out.Events[1].Parse()
	if want := (EpochChanged{Epoch: 2, Start: w.time, Burned: burned, Carried: fee - burned}); err != nil || v != want {
		t.Errorf("events: got %+v, %v, want %+v", v, err, want)
	}
	if got, want := kinds(out.Events), "committee_selected epoch_changed handover_ended"; got != want {
		t.Errorf("events: got %q, want %q", got, want)
	}
	if got := w.ring(2); got != (ringEntry{Rewards: fee - burned, Subsidized: fee - burned}) {
		t.Errorf("epoch 2: got %+v, want %d", got, fee-burned)
	}
	// An epoch without revenue leaves nothing in the ring.
	w = newWorld(t)
	w.turn()
	if got := w.ring(2); got != (ringEntry{}) || w.state.Get(ringKey(2)) != nil {
		t.Errorf("epoch 2: got %+v, want nothing", got)
	}
}

// The epoch turns with the first block at or after its end, once per block.
func TestTurnOfTheEpoch(t *testing.T) {
	t.Parallel()
	s := firstState().clone()
	for _, tt := range []struct {
		time  uint64
		epoch committee.Epoch
	}{
		{testStart, 1},
		{testStart + testDuration - 1, 1},
		{testStart + testDuration, 2},
		{testStart + testDuration, 2},
		{testStart + 2*testDuration - 1, 2},
		{testStart + 2*testDuration + 500, 3},
		{testStart + 3*testDuration + 499, 3},
		{testStart + 3*testDuration + 500, 4},
		{testStart + 90*testDuration, 5},
		{testStart + 90*testDuration, 5},
	} {
		before := s.writes
		out := new(Machine).ApplyBlock(s, Block{Height: 1, Time: tt.time})
		sys, err := ReadSystem(s)
		if err != nil || sys.Epoch != tt.epoch {
			t.Errorf("at %d: got epoch %d, %v, want %d", tt.time, sys.Epoch, err, tt.epoch)
		}
		if c, err := ReadCommittee(s); err != nil || c.Epoch() != tt.epoch || c.Shards() != 10 {
			t.Errorf("at %d: got a committee of epoch %d, %v, want %d", tt.time, c.Epoch(), err, tt.epoch)
		}
		if wrote := s.writes > before; wrote != (len(out.Events) > 0) {
			t.Errorf("at %d: %d writes and %d events", tt.time, s.writes-before, len(out.Events))
		}
	}
}

// A blob registered in one epoch is certified in the next with its signatures,
// in the very block that turns it.
func TestCertifyAfterTheTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.addBlob(0, 1, 3, false, false)
	late := w.signed(0, w.certify(id))
	out := w.turn(late, func() []byte {
		tx := w.tx(0, w.certifyAt(id, 2))
		tx.Nonce++
		return tx.Sign(accountSecret(0))
	}())
	if got := Code(out.Txs[0].Code); got != CodeWrongEpoch {
		t.Errorf("confirmations of epoch 1: got code %d, want %d", got, CodeWrongEpoch)
	}
	if err := out.Txs[1].Err(); err != nil {
		t.Errorf("confirmations of epoch 2: %v", err)
	}
	if got := w.blob(id); got.Registered != 1 || got.Certified != 2 {
		t.Errorf("got %+v, want it certified in epoch 2", got)
	}
}

// One block removes no more than maxExpired objects; the next ones go on, in
// the order of end and ID.
func TestExpiryIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with(func(p *Params) { p.FeePerByte, p.FeePerWork = 0, 0 })
	reserve := slices.Repeat([]Message{ReserveStorage{Size: 1, Epochs: 1}}, MaxMessages)
	const txs = 2*maxExpired/MaxMessages + 3
	for range txs {
		w.must(0, reserve...)
	}
	const rest = txs*MaxMessages - 2*maxExpired
	for i, want := range []int{maxExpired, maxExpired, min(rest, maxExpired), max(rest-maxExpired, 0), 0} {
		var out BlockResult
		if i == 0 {
			out = w.turn()
		} else {
			out = w.block()
		}
		var ids []committee.ObjectID
		for _, e := range out.Events {
			if v, err := e.Parse(); err != nil {
				t.Fatal(err)
			} else if v, ok := v.(StorageExpired); ok {
				ids = append(ids, v.Object)
			}
		}
		if len(ids) != want || !slices.IsSortedFunc(ids, func(a, b committee.ObjectID) int { return slices.Compare(a[:], b[:]) }) {
			t.Errorf("block %d: got %d objects, want %d in order", i, len(ids), want)
		}
	}
}

// Several transactions of an account wait together; a refused one leaves no trace.
func TestChecker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tx := w.tx(0, Send{To: accountAddress(77), Amount: 5000})
	at := func(nonce uint64, from byte, m Message) []byte {
		tx := w.tx(from, m)
		tx.Nonce = nonce
		return tx.Sign(accountSecret(from))
	}
	c := new(Machine).NewChecker(w.state, w.height)
	for _, step := range []struct {
		name string
		tx   []byte
		want Code
	}{
		{"the first", tx.Sign(accountSecret(0)), CodeOK},
		{"the same again", tx.Sign(accountSecret(0)), CodeNonceUsed},
		{"the third", at(2, 0, Send{To: accountAddress(1), Amount: 1}), CodeNonceAhead},
		{"a second that fails in its message", at(1, 0, Send{To: accountAddress(1), Amount: rich}), CodeInsufficientFunds},
		{"a second", at(1, 0, Send{To: accountAddress(1), Amount: 1}), CodeOK},
		{"the third now", at(2, 0, ReserveStorage{Size: 1, Epochs: 1}), CodeOK},
		{"noise", []byte{1, 2, 3}, CodeMalformed},
		{"somebody who is paid by a waiting one", at(0, 77, Send{To: accountAddress(0), Amount: 1}), CodeOK},
		{"and cannot pay more", at(1, 77, Send{To: accountAddress(0), Amount: 5000}), CodeInsufficientFunds},
	} {
		writes := c.pending.Len()
		r := c.Check(step.tx)
		if Code(r.Code) != step.want {
			t.Errorf("%s: got code %d (%s), want %d", step.name, r.Code, r.Info, step.want)
		}
		if r.Events != nil {
			t.Errorf("%s: got events %v, want none: nothing has happened yet", step.name, r.Events)
		}
		if step.want != CodeOK && c.pending.Len() != writes {
			t.Errorf("%s: it left %d writes", step.name, c.pending.Len()-writes)
		}
	}
	if w.state.hash() != firstState().hash() {
		t.Error("the checker changed the state")
	}
	if got := new(Machine).NewChecker(newMemory(), 0).Check(tx.Sign(accountSecret(0))); Code(got.Code) != CodeMalformed {
		t.Errorf("without a state: got code %d, want %d", got.Code, CodeMalformed)
	}
}
