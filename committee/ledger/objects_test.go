package ledger

import (
	"bytes"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// occupant is what all objects have that occupy space.
type occupant struct {
	start, end committee.Epoch
	size       uint64
}

// checkObjects checks what must hold of the objects of a state: the indexes are
// those of the objects and no more, what hangs on a blob is there, a pool counts
// its blobs, and what is booked of an epoch is what objects occupy: everything
// that was paid for belongs to somebody.
func checkObjects(t testing.TB, s *memory, sys System) {
	t.Helper()
	want := map[string][]byte{}
	booked := map[committee.Epoch]uint64{}
	pools, counted := map[committee.ObjectID]Pool{}, map[committee.ObjectID]Pool{}
	add := func(o indexed, space occupant) {
		if !bytes.Equal(s.Get(o.key()), o.bytes()) || space.start >= space.end || space.size == 0 {
			t.Fatalf("object %+v is written as %x", o, s.Get(o.key()))
		}
		for _, w := range o.entries() {
			want[string(w.key)] = w.value
		}
		for e := max(space.start, sys.Epoch); e < space.end; e++ {
			booked[e] += space.size
		}
	}
	for k := range s.values {
		id := func() committee.ObjectID { return committee.ObjectID([]byte(k[1:])) }
		switch k[0] {
		case keyStorage:
			st, err := ReadStorage(s, id())
			if err != nil || st.ID != id() || st.Owner == (Address{}) {
				t.Fatalf("storage %x: got %+v, %v", k, st, err)
			}
			add(&st, occupant{st.Start, st.End, st.Size})
		case keyPool:
			p, err := ReadPool(s, id())
			if err != nil || p.ID != id() || p.Owner == (Address{}) || p.Used > p.Size {
				t.Fatalf("pool %x: got %+v, %v", k, p, err)
			}
			pools[p.ID] = p
			add(&p, occupant{p.Start, p.End, p.Size})
		case keyBlob:
			b, err := ReadBlob(s, id())
			if err != nil || b.ID != id() {
				t.Fatalf("blob %x: got %+v, %v", k, b, err)
			}
			checkBlob(t, s, b)
			if b.Pool.IsZero() {
				add(&b, occupant{b.Storage.Start, b.Storage.End, b.Storage.Size})
				continue
			}
			add(&b, occupant{1, 2, 1}) // its pool occupies the space
			booked[1]--
			p := counted[b.Pool]
			p.Used, p.Count = p.Used+b.Storage.Size, p.Count+1
			counted[b.Pool] = p
		case keyAttributes, keyCertificate:
			if _, err := ReadBlob(s, id()); err != nil {
				t.Fatalf("%x without a blob", k)
			}
		}
	}
	for id, p := range pools {
		if got := counted[id]; got.Used != p.Used || got.Count != p.Count {
			t.Fatalf("pool %v: %d blobs of %d bytes, recorded as %d of %d", id, got.Count, got.Used, p.Count, p.Used)
		}
	}
	for e := sys.Epoch; e < sys.Epoch+maxEpochsAhead; e++ {
		if ring, err := readRing(s, e); err != nil || ring.Used != booked[e] {
			t.Fatalf("epoch %d: %d bytes are booked and %d occupied, %v", e, ring.Used, booked[e], err)
		}
	}
	checkIndexes(t, s, want)
}

// checkBlob checks a blob object and what hangs on it.
func checkBlob(t testing.TB, s *memory, b Blob) {
	t.Helper()
	switch {
	case b.Registered >= b.Storage.End, b.Certified != 0 && (b.Certified < b.Registered || b.Certified >= b.Storage.End):
		t.Fatalf("blob %+v was registered or certified after its end", b)
	case b.Certified != 0 && b.Deposit != 0, b.Shared && (b.Certified == 0 || b.Deletable), !b.Shared && b.Funds != 0:
		t.Fatalf("blob %+v has money that it should not have", b)
	case s.Get(objectKey(keyStorage, b.ID)) != nil, s.Get(objectKey(keyStorage, b.Storage.ID)) != nil:
		t.Fatalf("blob %v is storage too, or its storage is free", b.ID)
	}
	attributes, err := ReadAttributes(s, b.ID)
	if err != nil || AttributesHash(attributes) != b.Attributes || (s.Get(AttributesKey(b.ID)) != nil) != (len(attributes) > 0) {
		t.Fatalf("blob %v: attributes %v, %v are not those of the hash", b.ID, attributes, err)
	}
	cert, err := ReadCertificate(s, b.ID)
	if (err == nil) != (b.Certified != 0) {
		t.Fatalf("blob %v is certified in epoch %d: certificate %v", b.ID, b.Certified, err)
	}
	if err != nil {
		return
	}
	c, err := committee.ParseConfirmation(cert.Message)
	if err != nil || c.Blob != b.BlobID || c.Epoch != b.Certified || c.Persistence.Deletable != b.Deletable {
		t.Fatalf("blob %v: certificate of %+v, %v", b.ID, c, err)
	}
}

// checkIndexes compares the indexes of objects with what the objects call for.
func checkIndexes(t testing.TB, s *memory, want map[string][]byte) {
	t.Helper()
	for k, v := range s.values {
		switch k[0] {
		case keyOwner:
			if ObjectKind(k[1+len(Address{})]) > KindPool {
				continue // of other objects
			}
		case keyBlobIndex, keyExpiry, keyPooled:
		default:
			continue
		}
		value, ok := want[k]
		if !ok || !bytes.Equal(v, value) {
			t.Fatalf("index key %x = %x belongs to no object", k, v)
		}
		delete(want, k)
	}
	for k := range want {
		t.Fatalf("index key %x is missing", k)
	}
}

// owned lists what AscendOwned visits.
func (w *world) owned(n byte) map[committee.ObjectID]ObjectKind {
	out := map[committee.ObjectID]ObjectKind{}
	AscendOwned(w.state, accountAddress(n), 0, committee.ObjectID{}, func(k ObjectKind, id committee.ObjectID) bool {
		out[id] = k
		return true
	})
	return out
}

// pooled lists what AscendPool visits.
func (w *world) pooled(pool committee.ObjectID) map[shard.BlobID]committee.ObjectID {
	w.t.Helper()
	out := map[shard.BlobID]committee.ObjectID{}
	err := AscendPool(w.state, pool, shard.BlobID{}, func(id shard.BlobID, object committee.ObjectID) bool {
		out[id] = object
		return true
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// crowd adds objects that end with the running epoch and are collected before
// others: as many as a block removes.
func (w *world) crowd() {
	w.t.Helper()
	epoch := w.system().Epoch
	for i := range uint16(maxExpired) {
		st := Storage{ID: committee.ObjectID{30: byte(i >> 8), 31: byte(i)}, Owner: accountAddress(3), Start: epoch, End: epoch + 1, Size: 1}
		put(w.state, nil, &st)
	}
}

// each signs transactions of an account that are to enter one block.
func (w *world) each(from byte, txs ...[]Message) [][]byte {
	w.t.Helper()
	var out [][]byte
	for i, messages := range txs {
		tx := w.tx(from, messages...)
		tx.Nonce += uint64(i)
		out = append(out, tx.Sign(accountSecret(from)))
	}
	return out
}
