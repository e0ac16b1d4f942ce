package ledger

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// store is a stage with a thing of each kind that has to do with storage and
// blobs, beyond those of [stage].
type store struct {
	*stage
	shared, othersShared, burned committee.ObjectID // certified blobs 11 to 13; the second of account 1
	pool, othersPool             committee.ObjectID
	pooled                       committee.ObjectID // blob 14 in the pool, certified and permanent
	invalid, invalidShared       committee.ObjectID // blobs 15, registered, and 16; both recorded as invalid
	invalidPool                  committee.ObjectID // blob 15 in the pool
}

func newStore(w *world) *store {
	w.t.Helper()
	s := &store{stage: newStage(w)}
	s.shared = w.addBlob(0, 11, 3, false, true)
	s.othersShared = w.addBlob(1, 12, 3, false, true)
	s.burned = w.addBlob(0, 13, 3, false, true)
	w.must(0, ShareBlob{Object(s.shared), 7}, BurnBlob{Object(s.burned)})
	w.must(1, ShareBlob{Blob: Object(s.othersShared)})
	s.pool = w.must(0, ReserveStorage{Size: 3 * smallest, Epochs: 3}, CreatePool{Result(0)})[1]
	s.othersPool = w.must(1, ReserveStorage{Size: smallest, Epochs: 3}, CreatePool{Result(0)})[1]
	s.pooled = w.must(0, s.pooledBlob(s.pool, 14, nil))[0]
	w.must(0, w.certify(s.pooled))
	s.invalid = w.addBlob(0, 15, 3, false, false)
	s.invalidShared = w.addBlob(0, 16, 3, false, true)
	s.invalidPool = w.must(0, s.pooledBlob(s.pool, 15, nil))[0]
	w.must(0, ShareBlob{Object(s.invalidShared), 9})
	w.must(2, w.invalidate(15), w.invalidate(16))
	return s
}

func (s *store) pooledBlob(pool committee.ObjectID, n byte, change func(*RegisterPooledBlob)) RegisterPooledBlob {
	m := RegisterPooledBlob{Pool: Object(pool)}
	m.BlobID, m.Root, m.Size = blobOf(n)
	if change != nil {
		change(&m)
	}
	return m
}

// invalidate is the message that records the n-th blob as invalid.
func (w *world) invalidate(n byte) InvalidateBlob {
	w.t.Helper()
	id, _, _ := blobOf(n)
	return InvalidateBlob{BlobID: id, Certificate: w.certificateOf(committee.InvalidBlobMessage(w.system().Epoch, id), 4)}
}

// blobRefusals lists what the messages about storage and blobs are refused for;
// see corruptions. The sender is account 0.
var blobRefusals = []struct {
	name string
	code Code
	make func(s *store) []Message
}{
	{"burn FROST", CodeOK, func(*store) []Message { return []Message{BurnFunds{1}} }},
	{"burn no FROST", CodeBadSize, func(*store) []Message { return []Message{BurnFunds{}} }},
	{"burn more than there is", CodeInsufficientFunds, func(*store) []Message { return []Message{BurnFunds{math.MaxUint64}} }},

	{"transfer to nobody", CodeNobody, func(s *store) []Message { return []Message{TransferObject{Object: Object(s.storage)}} }},
	{"transfer a pool", CodeOK, func(s *store) []Message { return []Message{TransferObject{Object(s.pool), accountAddress(1)}} }},
	{"transfer another's pool", CodeNotOwner, func(s *store) []Message { return []Message{TransferObject{Object(s.othersPool), accountAddress(1)}} }},
	{"transfer a shared blob", CodeShared, func(s *store) []Message { return []Message{TransferObject{Object(s.shared), accountAddress(1)}} }},
	{"transfer a blob in a pool", CodePooled, func(s *store) []Message { return []Message{TransferObject{Object(s.pooled), accountAddress(1)}} }},
	{"transfer a burned blob", CodeNotOwner, func(s *store) []Message { return []Message{TransferObject{Object(s.burned), accountAddress(1)}} }},

	{"reserve beyond all price", CodeOverflow, func(s *store) []Message {
		s.with(func(p *Params) { p.StoragePrice, p.Capacity = maxPrice, math.MaxUint64 })
		return []Message{ReserveStorageFor{Size: math.MaxUint64, Start: 1, End: 2}}
	}},
	{"reserve above the balance", CodeInsufficientFunds, func(s *store) []Message {
		s.with(func(p *Params) { p.StoragePrice = maxPrice })
		return []Message{Send{accountAddress(1), rich - 2000*FrostPerWAL}, ReserveStorageFor{Size: 1, Start: 1, End: 6}}
	}},
	{"split another's storage", CodeNotOwner, func(s *store) []Message { return []Message{SplitStorageBySize{Object(s.others), 1}} }},
	{"split another's storage by epoch", CodeNotOwner, func(s *store) []Message { return []Message{SplitStorageByEpoch{Object(s.others), 2}} }},
	{"split a blob", CodeWrongKind, func(s *store) []Message { return []Message{SplitStorageBySize{Object(s.certified), 1}} }},
	{"split a pool", CodeWrongKind, func(s *store) []Message { return []Message{SplitStorageByEpoch{Object(s.pool), 2}} }},
	{"fuse another's storage", CodeNotOwner, func(s *store) []Message { return []Message{FuseStorage{Object(s.storage), Object(s.others)}} }},
	{"fuse with another's storage", CodeNotOwner, func(s *store) []Message { return []Message{FuseStorage{Object(s.others), Object(s.storage)}} }},
	{"fuse with nothing", CodeNotFound, func(s *store) []Message {
		return []Message{FuseStorage{Object(s.storage), Object(committee.ObjectID{1})}}
	}},
	{"destroy another's storage", CodeNotOwner, func(s *store) []Message { return []Message{DestroyStorage{Object(s.others)}} }},
	{"destroy twice", CodeNotFound, func(s *store) []Message {
		return []Message{DestroyStorage{Object(s.storage)}, DestroyStorage{Object(s.storage)}}
	}},

	{"extend by another's storage", CodeNotOwner, func(s *store) []Message {
		return []Message{ExtendBlobWithStorage{Object(s.certified), Object(s.others)}}
	}},
	{"extend another's blob by storage", CodeNotOwner, func(s *store) []Message {
		return []Message{ReserveStorageFor{smallest, 4, 5}, ExtendBlobWithStorage{Object(s.othersStored), Result(0)}}
	}},
	{"extend another's shared blob by storage", CodeOK, func(s *store) []Message {
		return []Message{ReserveStorageFor{smallest, 4, 5}, ExtendBlobWithStorage{Object(s.othersShared), Result(0)}}
	}},
	{"extend another's shared blob", CodeOK, func(s *store) []Message { return []Message{ExtendBlob{Object(s.othersShared), 1}} }},
	{"extend an uncertified blob by storage", CodeNotCertified, func(s *store) []Message {
		return []Message{ReserveStorageFor{smallest, 4, 5}, ExtendBlobWithStorage{Object(s.registered), Result(0)}}
	}},
	{"extend a burned blob", CodeNotOwner, func(s *store) []Message { return []Message{ExtendBlob{Object(s.burned), 1}} }},
	{"extend an invalid blob", CodeInvalidBlob, func(s *store) []Message { return []Message{ExtendBlob{Object(s.invalidShared), 1}} }},
	{"extend a blob in a pool", CodePooled, func(s *store) []Message { return []Message{ExtendBlob{Object(s.pooled), 1}} }},

	{"burn another's blob", CodeNotOwner, func(s *store) []Message { return []Message{BurnBlob{Object(s.othersStored)}} }},
	{"burn a shared blob", CodeShared, func(s *store) []Message { return []Message{BurnBlob{Object(s.shared)}} }},
	{"burn a blob in a pool", CodePooled, func(s *store) []Message { return []Message{BurnBlob{Object(s.pooled)}} }},
	{"burn a blob twice", CodeNotOwner, func(s *store) []Message {
		return []Message{BurnBlob{Object(s.certified)}, BurnBlob{Object(s.certified)}}
	}},
	{"delete a shared blob", CodeShared, func(s *store) []Message { return []Message{DeleteBlob{Object(s.shared)}} }},
	{"delete a permanent blob that is invalid", CodeOK, func(s *store) []Message { return []Message{DeleteBlob{Object(s.invalid)}} }},
	{"delete an invalid blob in a pool", CodeOK, func(s *store) []Message { return []Message{DeleteBlob{Object(s.invalidPool)}} }},
	{"delete a shared blob that is invalid", CodeOK, func(s *store) []Message { return []Message{DeleteBlob{Object(s.invalidShared)}} }},

	{"attributes of another's blob", CodeNotOwner, func(s *store) []Message { return []Message{attribute(s.othersStored, "k", "v")} }},
	{"attributes of a shared blob", CodeShared, func(s *store) []Message { return []Message{attribute(s.shared, "k", "v")} }},
	{"attributes of a blob in a pool", CodeOK, func(s *store) []Message { return []Message{attribute(s.pooled, "k", "v")} }},
	{"attributes of storage", CodeWrongKind, func(s *store) []Message { return []Message{attribute(s.storage, "k", "v")} }},
	{"no attributes", CodeNoAttribute, func(s *store) []Message { return []Message{SetAttributes{Blob: Object(s.certified)}} }},
	{"an attribute without a key", CodeBadAttribute, func(s *store) []Message { return []Message{attribute(s.certified, "", "v")} }},
	{"the longest attribute", CodeOK, func(s *store) []Message {
		return []Message{attribute(s.certified, strings.Repeat("k", MaxAttributeKey), strings.Repeat("v", MaxAttributeValue))}
	}},
	{"the most attributes", CodeOK, func(s *store) []Message { return attributesOf(s.certified, MaxAttributes, "") }},
	{"an attribute too many", CodeBadAttribute, func(s *store) []Message { return attributesOf(s.certified, MaxAttributes+1, "") }},
	{"as large as attributes may be", CodeOK, func(s *store) []Message {
		return attributesOf(s.certified, 8, strings.Repeat("v", MaxAttributesSize/8-2))
	}},
	{"a byte too large", CodeBadAttribute, func(s *store) []Message {
		return append(attributesOf(s.certified, 8, strings.Repeat("v", MaxAttributesSize/8-2)), attribute(s.certified, "x", ""))
	}},
	{"remove what is not there", CodeNoAttribute, func(s *store) []Message {
		return []Message{SetAttributes{Blob: Object(s.certified), Remove: []string{"k"}}}
	}},
	{"remove twice", CodeNoAttribute, func(s *store) []Message {
		return []Message{attribute(s.certified, "k", "v"), SetAttributes{Blob: Object(s.certified), Remove: []string{"k", "k"}}}
	}},

	{"share another's blob", CodeNotOwner, func(s *store) []Message { return []Message{ShareBlob{Object(s.othersStored), 1}} }},
	{"share a blob before its certificate", CodeNotCertified, func(s *store) []Message { return []Message{ShareBlob{Object(s.registered), 1}} }},
	{"share a deletable blob: [WL] §6 #19", CodeBadPersistence, func(s *store) []Message { return []Message{ShareBlob{Object(s.certifiedDeletable), 1}} }},
	{"share a blob twice", CodeShared, func(s *store) []Message { return []Message{ShareBlob{Object(s.shared), 1}} }},
	{"share a blob in a pool", CodePooled, func(s *store) []Message { return []Message{ShareBlob{Object(s.pooled), 1}} }},
	{"share with more than there is", CodeInsufficientFunds, func(s *store) []Message { return []Message{ShareBlob{Object(s.certified), math.MaxUint64}} }},
	{"share an invalid blob", CodeInvalidBlob, func(s *store) []Message {
		s.must(2, s.invalidate(3))
		return []Message{ShareBlob{Object(s.certified), 1}}
	}},
	{"fund another's shared blob", CodeOK, func(s *store) []Message { return []Message{FundBlob{Object(s.othersShared), 1}} }},
	{"fund with nothing", CodeBadSize, func(s *store) []Message { return []Message{FundBlob{Object(s.shared), 0}} }},
	{"fund with more than there is", CodeInsufficientFunds, func(s *store) []Message { return []Message{FundBlob{Object(s.shared), math.MaxUint64}} }},
	{"fund a blob that is not shared", CodeNotShared, func(s *store) []Message { return []Message{FundBlob{Object(s.certified), 1}} }},
	{"fund an invalid blob", CodeInvalidBlob, func(s *store) []Message { return []Message{FundBlob{Object(s.invalidShared), 1}} }},
	{"extend from the funds", CodeOK, func(s *store) []Message { return []Message{ExtendSharedBlob{Object(s.shared), 1}} }},
	{"extend from too little funds", CodeInsufficientFunds, func(s *store) []Message { return []Message{ExtendSharedBlob{Object(s.shared), 2}} }},
	{"extend from funds by nothing", CodeBadEpochs, func(s *store) []Message { return []Message{ExtendSharedBlob{Object(s.shared), 0}} }},
	{"extend from funds too far", CodeBadEpochs, func(s *store) []Message { return []Message{ExtendSharedBlob{Object(s.shared), 3}} }},
	{"extend from the funds of an unshared blob", CodeNotShared, func(s *store) []Message { return []Message{ExtendSharedBlob{Object(s.certified), 1}} }},
	{"extend an invalid blob from its funds", CodeInvalidBlob, func(s *store) []Message { return []Message{ExtendSharedBlob{Object(s.invalidShared), 1}} }},
	{"extend from the funds without capacity", CodeNoCapacity, func(s *store) []Message {
		return []Message{ReserveStorageFor{Size: 100 << 20, Start: 4, End: 5}, ExtendSharedBlob{Object(s.shared), 1}}
	}},

	{"register an invalid blob", CodeInvalidBlob, func(s *store) []Message { return register(15, 1, true) }},
	{"register an invalid blob in a pool", CodeInvalidBlob, func(s *store) []Message { return []Message{s.pooledBlob(s.pool, 16, nil)} }},
	{"certify an invalid blob", CodeInvalidBlob, func(s *store) []Message { return []Message{s.certify(s.invalid)} }},
	{"invalidate", CodeOK, func(s *store) []Message { return []Message{s.invalidate(1)} }},
	{"invalidate what nobody has registered", CodeOK, func(s *store) []Message { return []Message{s.invalidate(40)} }},
	{"invalidate twice", CodeInvalidBlob, func(s *store) []Message { return []Message{s.invalidate(1), s.invalidate(1)} }},
	{"invalidate by too few", CodeNoQuorum, func(s *store) []Message {
		m := s.invalidate(1)
		m.Certificate = s.certificateOf(m.Certificate.Message, 2)
		return []Message{m}
	}},
	{"invalidate in another epoch", CodeWrongEpoch, func(s *store) []Message {
		m := s.invalidate(1)
		m.Certificate = s.certificateOf(committee.InvalidBlobMessage(2, m.BlobID), 4)
		return []Message{m}
	}},
	{"invalidate another blob", CodeBadCertificate, func(s *store) []Message {
		m := s.invalidate(1)
		m.BlobID[0] ^= 1
		return []Message{m}
	}},
	{"invalidate with a confirmation", CodeBadCertificate, func(s *store) []Message {
		m := s.invalidate(1)
		m.Certificate = s.certify(s.registered).Certificate
		return []Message{m}
	}},
	{"invalidate with nothing", CodeBadCertificate, func(s *store) []Message {
		id, _, _ := blobOf(1)
		return []Message{InvalidateBlob{BlobID: id}}
	}},
	{"invalidate with a wrong signature", CodeBadCertificate, func(s *store) []Message {
		m := s.invalidate(1)
		m.Certificate.Signature = blsSecret(99).Sign(m.Certificate.Message)
		return []Message{m}
	}},

	{"a pool of another's storage", CodeNotOwner, func(s *store) []Message { return []Message{CreatePool{Object(s.others)}} }},
	{"a pool of a pool", CodeWrongKind, func(s *store) []Message { return []Message{CreatePool{Object(s.pool)}} }},
	{"register in another's pool", CodeNotOwner, func(s *store) []Message { return []Message{s.pooledBlob(s.othersPool, 17, nil)} }},
	{"register in storage", CodeWrongKind, func(s *store) []Message { return []Message{s.pooledBlob(s.storage, 17, nil)} }},
	{"register in a pool", CodeOK, func(s *store) []Message { return []Message{s.pooledBlob(s.pool, 17, nil)} }},
	{"register in a pool twice", CodeAlreadyInPool, func(s *store) []Message { return []Message{s.pooledBlob(s.pool, 14, nil)} }},
	{"register in a full pool", CodePoolFull, func(s *store) []Message {
		return []Message{s.pooledBlob(s.pool, 17, nil), s.pooledBlob(s.pool, 18, nil)}
	}},
	{"register in a pool with an unsupported encoding", CodeBadEncoding, func(s *store) []Message {
		return []Message{s.pooledBlob(s.pool, 17, func(m *RegisterPooledBlob) { m.encoding = 1 })}
	}},
	{"register in a pool with another root", CodeBadBlobID, func(s *store) []Message {
		return []Message{s.pooledBlob(s.pool, 17, func(m *RegisterPooledBlob) { m.Root[0] ^= 1 })}
	}},
	{"register too large a blob in a pool", CodeBadSize, func(s *store) []Message {
		return []Message{s.pooledBlob(s.pool, 17, func(m *RegisterPooledBlob) { m.Size = math.MaxUint64 })}
	}},
	{"a deposit above the balance", CodeInsufficientFunds, func(s *store) []Message {
		s.with(func(p *Params) { p.WritePrice, p.DepositRate = 1000*FrostPerWAL, wholeRate })
		return []Message{Send{accountAddress(1), rich - 1500*FrostPerWAL}, s.pooledBlob(s.pool, 17, nil)}
	}},
	{"extend another's pool", CodeNotOwner, func(s *store) []Message { return []Message{ExtendPool{Object(s.othersPool), 1}} }},
	{"extend a pool without capacity", CodeNoCapacity, func(s *store) []Message {
		return []Message{ReserveStorageFor{Size: 100 << 20, Start: 4, End: 5}, ExtendPool{Object(s.pool), 1}}
	}},
	{"grow another's pool", CodeNotOwner, func(s *store) []Message { return []Message{GrowPool{Object(s.othersPool), Object(s.storage)}} }},
	{"grow a pool by another's storage", CodeNotOwner, func(s *store) []Message { return []Message{GrowPool{Object(s.pool), Object(s.others)}} }},
	{"shrink another's pool", CodeNotOwner, func(s *store) []Message { return []Message{ShrinkPool{Object(s.othersPool), 1}} }},
	{"destroy another's pool", CodeNotOwner, func(s *store) []Message { return []Message{DestroyPool{Object(s.othersPool)}} }},
	{"destroy a pool with blobs", CodePoolNotEmpty, func(s *store) []Message { return []Message{DestroyPool{Object(s.pool)}} }},
}

func attribute(blob committee.ObjectID, key, value string) SetAttributes {
	return SetAttributes{Blob: Object(blob), Set: []Attribute{{key, value}}}
}

// attributesOf sets so many attributes, one message for each.
func attributesOf(blob committee.ObjectID, count int, value string) []Message {
	var out []Message
	for i := range count {
		out = append(out, attribute(blob, string([]byte{'a' + byte(i/10), '0' + byte(i%10)}), value))
	}
	return out
}

// Every refusal has its code, charges the fee and changes nothing else.
func TestBlobCodes(t *testing.T) {
	t.Parallel()
	base := newStore(newWorld(t))
	seen := map[Code]bool{}
	for _, tt := range blobRefusals {
		seen[tt.code] = true
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := *base.world
			w.t, w.state = t, base.state.clone()
			stage := *base.stage
			stage.world = &w
			s := *base
			s.stage = &stage
			messages := tt.make(&s)
			tx := w.signed(0, messages...)
			check := new(Machine).NewChecker(w.state, w.height).Check(tx)
			before := w.state.clone()
			got := w.block(tx).Txs[0]
			signed := !strings.HasPrefix(got.Info, "bls: ") // a checker may leave signatures to blocks
			if Code(check.Code) != tt.code && (signed || Code(check.Code) != CodeOK) {
				t.Errorf("check: got code %d (%s), want %d", check.Code, check.Info, tt.code)
			}
			if Code(got.Code) != tt.code {
				t.Fatalf("got code %d (%s), want %d", got.Code, got.Info, tt.code)
			}
			if tt.code != CodeOK {
				checkCharged(t, tx, before, w.state, got, true)
			}
		})
	}
	for c := CodeInvalidBlob; c <= CodeNobody; c++ {
		if !seen[c] && c != CodeNotAdjacent && c != CodeDifferentSize { // which are Walrus's: TestWalrusFuse
			t.Errorf("no transaction is refused with code %d", c)
		}
	}
}

// [WL] §5.6 on attributes: what is there is replaced, pairs are found whatever
// the order in which they were set, and what is absent cannot be removed, as
// Walrus has it. That adding a second map of them fails does not arise: a blob
// has at most one.
func TestAttributes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.addBlob(0, 1, 2, true, false)
	for _, step := range []struct {
		set    []Attribute
		remove []string
		want   []Attribute
	}{
		{[]Attribute{{"b", "1"}, {"a", "2"}, {"b", "3"}}, nil, []Attribute{{"a", "2"}, {"b", "3"}}}, // test_metadata_success
		{[]Attribute{{"c", ""}}, []string{"a"}, []Attribute{{"b", "3"}, {"c", ""}}},
		{[]Attribute{{"b", "5"}}, []string{"b"}, []Attribute{{"b", "5"}, {"c", ""}}},
		{nil, []string{"c", "b"}, nil},
	} {
		r := w.block(w.signed(0, SetAttributes{Blob: Object(id), Set: step.set, Remove: step.remove})).Txs[0]
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		got, err := ReadAttributes(w.state, id)
		if err != nil || !slices.Equal(got, step.want) {
			t.Errorf("set %v, removed %v: got %v, %v, want %v", step.set, step.remove, got, err, step.want)
		}
		v, err := r.Events[0].Parse()
		if e, ok := v.(AttributesSet); err != nil || !ok || e.Hash != AttributesHash(step.want) || e.Owner != accountAddress(0) {
			t.Errorf("event: got %+v, %v", v, err)
		}
	}
	if AttributesHash([]Attribute{{"a", "b"}}) == AttributesHash([]Attribute{{"ab", ""}}) {
		t.Error("two lists have one hash")
	}
	if tx := w.signed(0, attribute(id, "k", "\xff")); !bytes.Contains(tx, []byte{0xff}) {
		t.Fatal("the byte is not there")
	} else if r := w.block(tx).Txs[0]; Code(r.Code) != CodeMalformed {
		t.Errorf("no UTF-8: got code %d (%s), want malformed", r.Code, r.Info)
	}
}

// A registration's deposit comes back as far as nodes have signed; the rest is
// revenue, and all of it when there is no certificate. [WL] §6 #10
func TestDeposit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		rate   uint16
		weight committee.Weight
		held   uint64
		back   uint64
	}{
		{"all have signed", wholeRate, 10, 22_000, 22_000},
		{"a quorum has signed", wholeRate, 7, 22_000, 15_400},
		{"a part", 2500, 7, 5500, 3850},
		{"rounded down", 1, 7, 2, 1},
		{"none", 0, 10, 0, 0},
	} {
		w := newWorld(t)
		w.with(func(p *Params) { p.WritePrice, p.DepositRate, p.FeePerByte, p.FeePerWork = 22_000, tt.rate, 0, 0 })
		p := w.params()
		if got, err := p.Deposit(smallest); err != nil || got != tt.held || p.Refund(got, tt.weight) != tt.back {
			t.Errorf("%s: got a deposit of %d and a refund of %d, %v", tt.name, got, p.Refund(got, tt.weight), err)
		}
		before := w.account(0).Balance
		id := w.addBlob(0, 1, 2, false, false)
		storage, err := p.StorageCost(smallest, 2)
		if paid := before - w.account(0).Balance; err != nil || paid != storage+22_000+tt.held || w.blob(id).Deposit != tt.held {
			t.Errorf("%s: paid %d, %v, want %d", tt.name, paid, err, storage+22_000+tt.held)
		}
		before, earned := w.account(0).Balance, w.ring(1).Rewards
		m := w.certify(id)
		signed := w.certificateOf(m.Certificate.Message, tt.weight)
		m.Certificate = signed
		com, err := ReadCommittee(w.state)
		if err != nil {
			t.Fatal(err)
		}
		back := p.Refund(tt.held, com.WeightOf(signed.Signers))
		w.must(0, m)
		if got := w.account(0).Balance - before; got != back || w.ring(1).Rewards-earned != tt.held-back || w.blob(id).Deposit != 0 {
			t.Errorf("%s: got %d back, %d are revenue, want %d and %d", tt.name, got, w.ring(1).Rewards-earned, back, tt.held-back)
		}
		deleted := w.addBlob(0, 2, 2, true, false)
		earned = w.ring(1).Rewards
		w.must(0, DeleteBlob{Object(deleted)})
		if got := w.ring(1).Rewards - earned; got != tt.held {
			t.Errorf("%s: deleted without a certificate: %d are revenue, want %d", tt.name, got, tt.held)
		}
	}
}

// A shared blob lives on what people give it; what is left goes back to the one
// who shared it. Walrus has no tests of it. [WL] §5.8
func TestSharedBlob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with(func(p *Params) { p.FeePerByte, p.FeePerWork = 0, 0 })
	id := w.addBlob(0, 1, 1, false, true)
	before := w.account(0).Balance
	w.must(0, ShareBlob{Object(id), 4})
	w.must(1, FundBlob{Object(id), 13})
	if got := w.blob(id); !got.Shared || got.Funds != 17 || got.Owner != accountAddress(0) {
		t.Errorf("funded: got %+v", got)
	}
	r := w.block(w.signed(2, ExtendSharedBlob{Object(id), 2})).Txs[0] // 5 FROST for each epoch
	if r.Err() != nil || kinds(r.Events) != "blob_certified" {
		t.Fatalf("got %v, events %q", r.Err(), kinds(r.Events))
	}
	if got := w.blob(id); got.Funds != 7 || got.Storage.End != 4 || w.ring(3).Rewards != 5 {
		t.Errorf("extended: got %+v, %d FROST in epoch 3", got, w.ring(3).Rewards)
	}
	w.must(2, ExtendBlob{Object(id), 1}) // paid by the sender
	if got := w.blob(id); got.Funds != 7 || got.Storage.End != 5 {
		t.Errorf("extended by another: got %+v", got)
	}
	for range 4 {
		w.turn()
	}
	if got := w.account(0).Balance; got != before+3 { // 4 given, 7 back
		t.Errorf("in the end: got a balance of %d, want %d", got, before+3)
	}
}

// A blob that is recorded as invalid reads as such; its owner gets the storage
// back whether it was permanent or not, and nobody may confirm to hold it.
func TestInvalidBlob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _, _ := blobOf(1)
	object := w.addBlob(0, 1, 3, false, true)
	other := w.addBlob(0, 2, 3, false, true)
	m := w.invalidate(1)
	r := w.block(w.signed(3, m)).Txs[0]
	evidence := certHash(m.Certificate)
	v, err := r.Events[0].Parse()
	if want := (BlobInvalid{Epoch: 1, BlobID: id, Evidence: evidence}); err != nil || v != want {
		t.Errorf("event: got %+v, %v, want %+v", v, err, want)
	}
	got := w.status(id)
	if got.Kind != StatusInvalid || got.Available() || !got.Gone() || got.Invalid != (Invalid{1, evidence}) || got.Blob != (Blob{}) {
		t.Errorf("status: got %+v", got)
	}
	if _, ok, err := ReadClaim(w.state, id, committee.Persistence{}); ok || err != nil {
		t.Errorf("claim: got %t, %v, want none", ok, err)
	}
	otherID, _, _ := blobOf(2)
	if got := w.available(shard.BlobID{}, 9); !slices.Equal(got, []shard.BlobID{otherID}) {
		t.Errorf("available: got %v, want only %v", got, otherID)
	}
	storage := w.must(0, DeleteBlob{Object(object)})[0]
	if got, want := w.span(storage), (span{1, 4, smallest}); got != want {
		t.Errorf("got %+v back, want %+v", got, want)
	}
	w.judged(CodeNotDeletable, 0, DeleteBlob{Object(other)})
	w.turn()
	w.turn()
	if got := w.status(id); got.Kind != StatusInvalid || got.Invalid.Epoch != 1 {
		t.Errorf("two epochs later: got %+v", got)
	}
}

// A burned blob belongs to nobody and stays to its end.
func TestBurnedBlob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.addBlob(0, 1, 2, true, true)
	w.must(0, BurnBlob{Object(id)})
	if got := w.blob(id); got.Owner != (Address{}) || len(w.owned(0)) != 0 {
		t.Errorf("got owner %v, of account 0 %v", got.Owner, w.owned(0))
	}
	blobID, _, _ := blobOf(1)
	if got := w.status(blobID).Kind; got != StatusDeletable {
		t.Errorf("got %v", got)
	}
	w.turn()
	w.turn()
	if got := w.status(blobID).Kind; got != StatusNone {
		t.Errorf("in the end: got %v", got)
	}
}

// FROST that are burned leave the supply, in a transaction with others and
// beside one that is refused.
func TestBurnFunds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	supply := w.system().Supply
	out := w.block(
		w.signed(0, BurnFunds{5}, BurnFunds{6}), w.signed(1, BurnFunds{7}),
		w.signed(2, BurnFunds{100}, Send{Amount: 0}), w.signed(3, BurnFunds{8}))
	if got := w.system().Supply; got != supply-26 || Code(out.Txs[2].Code) != CodeBadSize {
		t.Errorf("supply: got %d, want %d; codes %v", got, supply-26, out.Txs)
	}
}
