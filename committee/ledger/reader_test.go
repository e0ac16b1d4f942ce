package ledger

import (
	"bytes"
	"errors"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// What a proof of availability proves can be read from the values under its keys
// alone: the blob, also one in a pool, its certificate, and the committee that
// signed it, in whatever epoch.
func TestProvenValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.turn()
	w.turn()
	pool := w.newPool(2*smallest, 3)
	m := RegisterPooledBlob{Pool: Object(pool), Deletable: true}
	m.BlobID, m.Root, m.Size = blobOf(2)
	pooled := w.must(0, m)[0]
	w.must(0, w.certify(pooled))
	for name, id := range map[string]committee.ObjectID{
		"permanent": w.addBlob(0, 1, 3, false, true), "deletable": w.addBlob(0, 3, 3, true, true), "in a pool": pooled,
	} {
		b, err := parse[Blob](w.state.Get(BlobKey(id)), "blob")
		if err != nil {
			t.Fatal(err)
		}
		if !b.Pool.IsZero() {
			if b.Owner != (Address{}) || b.Storage.End != 0 {
				t.Errorf("%s: the record repeats what is the pool's: %+v", name, b)
			}
			p, err := parse[Pool](w.state.Get(PoolKey(b.Pool)), "pool")
			if err != nil {
				t.Fatal(err)
			}
			b = b.In(p)
		}
		if want := w.blob(id); b != want || b.Encoding != 1 || b.Storage.End != 6 || b.Certified != 3 {
			t.Errorf("%s: got %+v, want %+v", name, b, want)
		}
		cert, err := ParseCertificate(w.state.Get(CertificateKey(id)), b)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.committee(b.Certified).Verify(cert, committee.Quorum); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.must(3, w.invalidate(5))
	id, _, _ := blobOf(5)
	if v, err := parse[Invalid](w.state.Get(InvalidKey(id)), "invalid blob"); err != nil || v.Epoch != 3 {
		t.Errorf("invalid blob: got %+v, %v", v, err)
	}
	registered := w.addBlob(0, 4, 1, false, false)
	var refusal *Error
	if _, err := ReadCertificate(w.state, registered); !errors.As(err, &refusal) || refusal.Code != CodeNotFound {
		t.Errorf("the certificate of a blob without one: got %v", err)
	}
}

// FuzzParseRecord reads values as they come with proofs: whatever is read is
// written again as it was.
func FuzzParseRecord(f *testing.F) {
	for _, e := range goldenBlobState() {
		f.Add(e.bytes)
	}
	f.Add(encode(testGenesis(2).Params))
	f.Add(firstState().Get(epochKey(keyCommittee, firstEpoch)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, value []byte) {
		check := func(what string, again []byte, err error) {
			if err != nil {
				if !errors.Is(err, bcs.ErrMalformed) {
					t.Errorf("%s: got %v, want ErrMalformed", what, err)
				}
			} else if !bytes.Equal(again, value) {
				t.Errorf("%s: %x is written again as %x", what, value, again)
			}
		}
		b, err := parse[Blob](value, "blob")
		check("blob", encode(b), err)
		p, err := parse[Pool](value, "pool")
		check("pool", encode(p), err)
		v, err := parse[Invalid](value, "invalid blob")
		check("invalid", encode(v), err)
		g, err := parse[Params](value, "params")
		check("params", encode(g), err)
		c, err := ParseCertificate(value, Blob{})
		check("certificate", encode(endorsement{Signers: c.Signers, Signature: c.Signature}), err)
		a, err := parse[assignment](value, "committee")
		check("committee", encode(a), err)
	})
}

// What an owner has can be listed in parts.
func TestAscendOwned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pool := w.newPool(smallest, 2)
	blob := w.addBlob(0, 1, 2, true, false)
	storage := w.must(0, ReserveStorage{Size: 2, Epochs: 1}, SplitStorageBySize{Result(0), 1})
	w.addBlob(1, 2, 2, true, false)
	want := map[committee.ObjectID]ObjectKind{storage[0]: KindStorage, storage[1]: KindStorage, blob: KindBlob, pool: KindPool}
	var kind ObjectKind
	var after committee.ObjectID
	for range len(want) { // one at a time
		found := 0
		AscendOwned(w.state, accountAddress(0), kind, after, func(k ObjectKind, id committee.ObjectID) bool {
			if found++; want[id] != k || k < kind {
				t.Errorf("got %v %v after %v %v", k, id, kind, after)
			}
			kind, after = k, id
			delete(want, id)
			return false
		})
		if found != 1 {
			t.Fatalf("%d objects after %v %v, want one", found, kind, after)
		}
	}
	AscendOwned(w.state, accountAddress(0), kind, after, func(k ObjectKind, id committee.ObjectID) bool {
		t.Errorf("%v %v after the last", k, id)
		return true
	})
	if len(want) != 0 {
		t.Errorf("not listed: %v", want)
	}
	for k, name := range map[ObjectKind]string{KindStorage: "storage", KindBlob: "blob", KindPool: "pool", 99: "object"} {
		if k.String() != name {
			t.Errorf("kind %d: got %q, want %q", k, k, name)
		}
	}
}

// Of very many claims in pools some are looked at; those that have ended and
// wait to be collected hide none that lives.
func TestManyPooledClaims(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := shard.BlobID{1}
	claim := func(n byte, end committee.Epoch) {
		p := Pool{ID: committee.ObjectID{n, 1}, Owner: accountAddress(0), Start: 1, End: end, Size: 1, Used: 1, Count: 1}
		put(w.state, nil, &p)
		b := Blob{ID: committee.ObjectID{n, 2}, BlobID: id, Registered: 1, Storage: Storage{Size: 1}, Pool: p.ID}
		put(w.state, nil, &b)
	}
	for n := range byte(200) {
		claim(n, 1) // ended
	}
	if got := w.status(id); got.Kind != StatusNone {
		t.Errorf("all have ended: got %v", got.Kind)
	}
	claim(250, 2)
	if got := w.status(id); got.Kind != StatusRegistered || got.Blob.Storage.End != 2 || got.Blob.Owner != accountAddress(0) {
		t.Errorf("one lives: got %v until %d", got.Kind, got.Blob.Storage.End)
	}
	claim(251, 4)
	if got := w.status(id); got.Blob.Storage.End != 4 {
		t.Errorf("two live: got one until %d, want 4", got.Blob.Storage.End)
	}
	// A damaged index is an error and not an absence.
	for name, damage := range map[string]func(*memory){
		"no such pool":  func(m *memory) { m.Delete(PoolKey(committee.ObjectID{0, 1})) },
		"no pool named": func(m *memory) { m.Set(firstKey(m, keyBlobIndex), nil) },
		"a longer key":  func(m *memory) { m.Set(append(firstKey(m, keyBlobIndex), 0), nil) },
	} {
		m := w.state.clone()
		damage(m)
		if s, err := ReadStatus(m, id); err == nil {
			t.Errorf("%s: got %v", name, s.Kind)
		}
		if _, _, err := ReadClaim(m, id, committee.Persistence{}); err == nil {
			t.Errorf("%s: a claim", name)
		}
	}
}

func firstKey(m *memory, prefix byte) []byte {
	var out []byte
	m.Ascend([]byte{prefix}, []byte{prefix + 1}, func(key, _ []byte) bool {
		out = bytes.Clone(key)
		return false
	})
	return out
}
