package ledger

import (
	"math"

	"github.com/floe-storage/floe/committee"
)

// of is an object of a kind, preferably, and its owner as far as it is one of
// the accounts.
func (h *historian) of(kind ObjectKind) (committee.ObjectID, byte) {
	var id committee.ObjectID
	var from byte
	for range 30 {
		id, from = h.object()
		if k, _ := KindOf(h.state, id); k == kind {
			break
		}
	}
	return id, from
}

// shared is a shared blob, preferably.
func (h *historian) shared() committee.ObjectID {
	id, _ := h.of(KindBlob)
	for range 30 {
		if b, err := ReadBlob(h.state, id); err == nil && b.Shared {
			break
		}
		id, _ = h.of(KindBlob)
	}
	return id
}

// storing invents a message about storage, and who sends it.
func (h *historian) storing() (byte, []Message) {
	id, from := h.of(KindStorage)
	st, _ := ReadStorage(h.state, id)
	epoch := h.system().Epoch
	sizes := []uint64{0, 1, st.Size / 2, st.Size, math.MaxUint64}
	switch h.pick(7) {
	case 0:
		start := epoch + committee.Epoch(h.pick(5))
		return from, []Message{ReserveStorageFor{Size: smallest * uint64(h.pick(4)), Start: start, End: start + committee.Epoch(h.pick(5))}}
	case 1:
		return from, []Message{SplitStorageBySize{Object(id), sizes[h.pick(5)]}}
	case 2:
		return from, []Message{SplitStorageByEpoch{Object(id), epoch + committee.Epoch(h.pick(4))}}
	case 3:
		other, _ := h.of(KindStorage)
		return from, []Message{FuseStorage{Object(id), Object(other)}}
	case 4: // what is parted is put together again
		return from, []Message{SplitStorageByEpoch{Object(id), epoch + 1}, FuseStorage{Result(0), Object(id)}}
	case 5:
		return from, []Message{DestroyStorage{Object(id)}}
	}
	return from, []Message{BurnFunds{uint64(h.pick(3))}}
}

// keeping invents a message about a blob, and who sends it.
func (h *historian) keeping() (byte, []Message) {
	id, from := h.of(KindBlob)
	b, _ := ReadBlob(h.state, id)
	switch h.pick(10) {
	case 0, 1:
		s := ReserveStorageFor{Size: b.Storage.Size, Start: b.Storage.End, End: b.Storage.End + 1 + committee.Epoch(h.pick(2))}
		return from, []Message{s, ExtendBlobWithStorage{Object(id), Result(0)}}
	case 2:
		if h.pick(3) > 0 {
			return from, []Message{BurnFunds{1}}
		}
		return from, []Message{BurnBlob{Object(id)}}
	case 3:
		key := string('a' + rune(h.pick(4)))
		if h.pick(3) == 0 {
			return from, []Message{SetAttributes{Blob: Object(id), Remove: []string{key}}}
		}
		return from, []Message{SetAttributes{Blob: Object(id), Set: []Attribute{{key, "v"}, {"b", key}}}}
	case 4:
		return from, []Message{ShareBlob{Object(id), uint64(h.rng.IntN(100_000))}}
	case 5: // all in one: the certificate of a permanent blob needs no object
		n := h.pick(30)
		blobID, _, _ := blobOf(n)
		cert := h.certificate(committee.Confirmation{Epoch: h.system().Epoch, Blob: blobID})
		return from, append(register(n, 1+uint32(h.pick(4)), false), CertifyBlob{Result(1), cert}, ShareBlob{Result(1), uint64(h.rng.IntN(100_000))})
	case 6:
		return h.pick(testAccounts), []Message{FundBlob{Object(h.shared()), uint64(h.rng.IntN(100_000))}}
	case 7:
		return h.pick(testAccounts), []Message{ExtendSharedBlob{Object(h.shared()), uint32(h.pick(3))}}
	case 8:
		n := h.pick(256)
		m := h.invalidate(n)
		if h.pick(3) == 0 {
			m.Certificate.Signers = []byte{h.pick(16)}
		}
		return h.pick(testAccounts), []Message{m}
	}
	return from, []Message{DeleteBlob{Object(id)}}
}

// pooling invents a message about a pool, and who sends it.
func (h *historian) pooling() (byte, []Message) {
	id, from := h.of(KindPool)
	p, _ := ReadPool(h.state, id)
	switch h.pick(10) {
	case 0, 1:
		return from, []Message{ReserveStorage{Size: smallest * uint64(1+h.pick(3)), Epochs: 1 + uint32(h.pick(4))}, CreatePool{Result(0)}}
	case 2, 3, 4:
		m := RegisterPooledBlob{Pool: Object(id), Deletable: h.pick(2) == 0}
		m.BlobID, m.Root, m.Size = blobOf(h.pick(30))
		return from, []Message{m}
	case 5:
		return from, []Message{ExtendPool{Object(id), uint32(h.pick(3))}}
	case 6:
		return from, []Message{ReserveStorageFor{Size: smallest, Start: 0, End: p.End}, GrowPool{Object(id), Result(0)}}
	case 7:
		return from, []Message{ShrinkPool{Object(id), smallest * uint64(h.pick(3))}}
	case 8:
		return from, []Message{TransferObject{Object(id), accountAddress(h.pick(testAccounts))}}
	}
	return from, []Message{DestroyPool{Object(id)}}
}

// outlive lets all epochs pass that anything is paid for: then no object is left,
// and all that was held for one has come back or become revenue. Whatever there
// is of FROST belongs to an account, a node, a fund or the revenue of an epoch.
func (h *historian) outlive() {
	h.t.Helper()
	for range maxEpochsAhead {
		h.turn()
		left := 0
		for k := range h.state.values {
			switch k[0] {
			case keyStorage, keyBlob, keyPool, keyBlobIndex, keyExpiry, keyAttributes, keyCertificate, keyPooled:
				left++
			}
		}
		if left == 0 {
			return
		}
	}
	h.t.Error("something is left after all epochs")
}
