package ledger

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
)

// stage is a world with one object of each sort, all ending with epoch 3.
type stage struct {
	*world
	storage, small, others         committee.ObjectID // storage; others belongs to account 1
	registered, deletable          committee.ObjectID // blobs 1 and 2
	certified, certifiedDeletable  committee.ObjectID // blobs 3 and 4
	othersRegistered, othersStored committee.ObjectID // blobs 5 and 6 of account 1, the second certified
}

func newStage(w *world) *stage {
	w.t.Helper()
	s := &stage{world: w}
	ids := w.must(0, ReserveStorage{Size: 20_000, Epochs: 3}, ReserveStorage{Size: smallest - 1, Epochs: 3})
	s.storage, s.small = ids[0], ids[1]
	s.others = w.must(1, ReserveStorage{Size: 20_000, Epochs: 3})[0]
	s.registered = w.addBlob(0, 1, 3, false, false)
	s.deletable = w.addBlob(0, 2, 3, true, false)
	s.certified = w.addBlob(0, 3, 3, false, true)
	s.certifiedDeletable = w.addBlob(0, 4, 3, true, true)
	s.othersRegistered = w.addBlob(1, 5, 3, false, false)
	s.othersStored = w.addBlob(1, 6, 3, true, true)
	return s
}

// registerIn announces blob 9 in a storage resource.
func registerIn(storage Ref, change func(*RegisterBlob)) RegisterBlob {
	m := RegisterBlob{Storage: storage}
	m.BlobID, m.Root, m.Size = blobOf(9)
	if change != nil {
		change(&m)
	}
	return m
}

// certifyWith certifies an object after changing the confirmation that is
// signed, the certificate or both.
func (s *stage) certifyWith(id committee.ObjectID, confirm func(*committee.Confirmation), change func(*committee.Certificate)) CertifyBlob {
	s.t.Helper()
	b := s.blob(id)
	c := committee.Confirmation{Epoch: s.system().Epoch, Blob: b.BlobID}
	if b.Deletable {
		c.Persistence = committee.Persistence{Deletable: true, Object: b.ID}
	}
	if confirm != nil {
		confirm(&c)
	}
	cert := s.certificate(c)
	if change != nil {
		change(&cert)
	}
	return CertifyBlob{Blob: Object(id), Certificate: cert}
}

func one(s *stage, m Message) []byte { return s.signed(0, m) }

// corruptions lists, for each code, what a transaction must be refused with it
// for. charged says that the fee is taken all the same: the fault is in a message.
var corruptions = []struct {
	name    string
	code    Code
	charged bool
	make    func(s *stage) []byte
}{
	{"none", CodeOK, true, func(s *stage) []byte { return one(s, s.certify(s.registered)) }},
	{"none, deletable", CodeOK, true, func(s *stage) []byte { return one(s, s.certify(s.deletable)) }},

	{"no bytes", CodeMalformed, false, func(*stage) []byte { return nil }},
	{"noise", CodeMalformed, false, func(*stage) []byte { return bytes.Repeat([]byte{0xa5}, 500) }},
	{"a byte short", CodeMalformed, false, func(s *stage) []byte {
		b := one(s, s.certify(s.registered))
		return b[:len(b)-1]
	}},
	{"a trailing byte", CodeMalformed, false, func(s *stage) []byte { return append(one(s, s.certify(s.registered)), 0) }},
	{"an unknown form", CodeMalformed, false, func(s *stage) []byte {
		b := one(s, DeleteBlob{Object(s.deletable)})
		b[0] = 2
		return b
	}},
	{"an unknown message", CodeMalformed, false, func(s *stage) []byte {
		b := one(s, DeleteBlob{Object(s.deletable)})
		b[kindAt] = 0xee
		return b
	}},
	{"a reference of an unknown sort", CodeMalformed, false, func(s *stage) []byte {
		b := one(s, DeleteBlob{Object(s.deletable)})
		b[kindAt+1] = 2
		return b
	}},
	{"a reference that is not in its shortest form", CodeMalformed, false, func(s *stage) []byte {
		b := one(s, DeleteBlob{Object(s.deletable)})
		return slices.Insert(b, kindAt+2, 0)
	}},
	{"no messages", CodeMalformed, false, func(s *stage) []byte { return s.signed(0) }},
	{"too many messages", CodeMalformed, false, func(s *stage) []byte {
		return s.signed(0, slices.Repeat([]Message{Send{To: accountAddress(1), Amount: 1}}, MaxMessages+1)...)
	}},
	{"too many bytes", CodeMalformed, false, func(s *stage) []byte {
		m := s.certify(s.registered)
		m.Certificate.Signers = make([]byte, maxBitmap)
		return s.signed(0, slices.Repeat([]Message{m}, MaxTxSize/maxBitmap)...)
	}},
	{"a bitmap that no committee has", CodeMalformed, false, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, nil, func(c *committee.Certificate) { c.Signers = make([]byte, maxBitmap+1) }))
	}},
	{"a signed message that is too long", CodeMalformed, false, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, nil, func(c *committee.Certificate) { c.Message = make([]byte, maxSigned+1) }))
	}},

	{"another chain", CodeWrongChain, false, func(s *stage) []byte {
		tx := s.tx(0, s.certify(s.registered))
		tx.ChainID = "floe-prod"
		return tx.Sign(accountSecret(0))
	}},
	{"a signature of something else", CodeBadSignature, false, func(s *stage) []byte {
		b := one(s, s.certify(s.registered))
		b[len(b)-1] ^= 1
		return b
	}},
	{"somebody else's key", CodeBadSignature, false, func(s *stage) []byte {
		b := one(s, s.certify(s.registered))
		key := accountSecret(1)[32:]
		copy(b[len(b)-64-32:], key)
		tx, err := ParseTx(b)
		if err != nil || tx.Sender() != accountAddress(1) {
			s.t.Fatalf("the key is not where it should be: %v", err)
		}
		tx.Nonce = s.account(1).Nonce // so that nothing but the signature is wrong
		return slices.Concat(tx.body0(), b[len(b)-64-32:])
	}},
	{"changed after signing", CodeBadSignature, false, func(s *stage) []byte {
		b := one(s, Send{To: accountAddress(1), Amount: 5})
		b[kindAt+1+32] = 6
		return b
	}},
	{"a replay", CodeNonceUsed, false, func(s *stage) []byte {
		b := one(s, Send{To: accountAddress(1), Amount: 5})
		if err := s.block(b).Txs[0].Err(); err != nil {
			s.t.Fatal(err)
		}
		return b
	}},
	{"a nonce ahead", CodeNonceAhead, false, func(s *stage) []byte {
		tx := s.tx(0, s.certify(s.registered))
		tx.Nonce++
		return tx.Sign(accountSecret(0))
	}},
	{"an unused account's nonce ahead", CodeNonceAhead, false, func(s *stage) []byte {
		tx := s.tx(77, Send{To: accountAddress(1), Amount: 1})
		tx.Nonce = math.MaxUint64
		return tx.Sign(accountSecret(77))
	}},
	{"expired", CodeTxExpired, false, func(s *stage) []byte {
		tx := s.tx(0, s.certify(s.registered))
		tx.Expiry = s.height // the block is one higher
		return tx.Sign(accountSecret(0))
	}},
	{"the last height", CodeOK, true, func(s *stage) []byte {
		tx := s.tx(0, s.certify(s.registered))
		tx.Expiry = s.height + 1
		return tx.Sign(accountSecret(0))
	}},
	{"the furthest expiry", CodeOK, true, func(s *stage) []byte {
		tx := s.tx(0, s.certify(s.registered))
		tx.Expiry = s.height + 1 + MaxTxLifetime
		return tx.Sign(accountSecret(0))
	}},
	{"an expiry too far ahead", CodeTxExpired, false, func(s *stage) []byte {
		tx := s.tx(0, s.certify(s.registered))
		tx.Expiry = s.height + 2 + MaxTxLifetime
		return tx.Sign(accountSecret(0))
	}},
	{"an expiry at the end of time", CodeTxExpired, false, func(s *stage) []byte {
		tx := s.tx(0, s.certify(s.registered))
		tx.Expiry = math.MaxUint64
		return tx.Sign(accountSecret(0))
	}},
	{"a FROST less than the fee", CodeFeeTooLow, false, func(s *stage) []byte {
		tx := s.tx(0, s.certify(s.registered))
		tx.Fee--
		return tx.Sign(accountSecret(0))
	}},
	{"more than the fee", CodeOK, true, func(s *stage) []byte {
		tx := s.tx(0, s.certify(s.registered))
		tx.Fee += 1000
		return tx.Sign(accountSecret(0))
	}},

	{"an unused account", CodeInsufficientFunds, false, func(s *stage) []byte {
		return s.signed(77, Send{To: accountAddress(1), Amount: 1})
	}},
	{"a fee above the balance", CodeInsufficientFunds, false, func(s *stage) []byte {
		tx := s.tx(0, Send{To: accountAddress(1), Amount: 1})
		tx.Fee = math.MaxUint64
		return tx.Sign(accountSecret(0))
	}},
	{"an amount above what the fee leaves", CodeInsufficientFunds, true, func(s *stage) []byte {
		return s.signed(4, Send{To: accountAddress(1), Amount: poor})
	}},
	{"the greatest amount", CodeInsufficientFunds, true, func(s *stage) []byte {
		return one(s, Send{To: accountAddress(0), Amount: math.MaxUint64})
	}},
	{"storage above the balance", CodeInsufficientFunds, true, func(s *stage) []byte {
		return s.signed(4, ReserveStorage{Size: 90 << 20, Epochs: 5})
	}},
	{"a write fee above the balance", CodeInsufficientFunds, true, func(s *stage) []byte {
		s.with(func(p *Params) { p.WritePrice = FrostPerWAL })
		return s.signed(4, ReserveStorage{Size: 20_000, Epochs: 1}, registerIn(Result(0), nil))
	}},
	{"storage until the money ends", CodeInsufficientFunds, true, func(s *stage) []byte {
		s.with(func(p *Params) { p.StoragePrice = poor / 3 })
		return s.signed(4, ReserveStorage{Size: 1, Epochs: 4})
	}},

	{"no such storage", CodeNotFound, true, func(s *stage) []byte { return one(s, registerIn(Object(committee.ObjectID{1}), nil)) }},
	{"no such blob", CodeNotFound, true, func(s *stage) []byte { return one(s, DeleteBlob{Object(committee.ObjectID{1})}) }},
	{"no such object to transfer", CodeNotFound, true, func(s *stage) []byte {
		return one(s, TransferObject{Object: Object(committee.ObjectID{1}), To: accountAddress(1)})
	}},
	{"the result of itself", CodeNotFound, true, func(s *stage) []byte { return one(s, DeleteBlob{Result(0)}) }},
	{"the result of a later message", CodeNotFound, true, func(s *stage) []byte {
		return s.signed(0, registerIn(Result(1), nil), ReserveStorage{Size: 20_000, Epochs: 1})
	}},
	{"the result of a message that makes nothing", CodeNotFound, true, func(s *stage) []byte {
		return s.signed(0, Send{To: accountAddress(1), Amount: 1}, registerIn(Result(0), nil))
	}},
	{"the result of the last message there can be", CodeNotFound, true, func(s *stage) []byte {
		return one(s, DeleteBlob{Result(math.MaxUint16)})
	}},
	{"storage that was used up", CodeNotFound, true, func(s *stage) []byte {
		return s.signed(0, registerIn(Object(s.storage), nil), registerIn(Object(s.storage), nil))
	}},
	{"a blob that was deleted", CodeNotFound, true, func(s *stage) []byte {
		return s.signed(0, DeleteBlob{Object(s.deletable)}, DeleteBlob{Object(s.deletable)})
	}},

	{"somebody else's storage", CodeNotOwner, true, func(s *stage) []byte { return one(s, registerIn(Object(s.others), nil)) }},
	{"certify somebody else's blob", CodeNotOwner, true, func(s *stage) []byte { return one(s, s.certify(s.othersRegistered)) }},
	{"extend somebody else's blob", CodeNotOwner, true, func(s *stage) []byte { return one(s, ExtendBlob{Object(s.othersStored), 1}) }},
	{"delete somebody else's blob", CodeNotOwner, true, func(s *stage) []byte { return one(s, DeleteBlob{Object(s.othersStored)}) }},
	{"transfer somebody else's blob", CodeNotOwner, true, func(s *stage) []byte {
		return one(s, TransferObject{Object: Object(s.othersStored), To: accountAddress(0)})
	}},
	{"transfer somebody else's storage", CodeNotOwner, true, func(s *stage) []byte {
		return one(s, TransferObject{Object: Object(s.others), To: accountAddress(0)})
	}},
	{"given away in the message before", CodeNotOwner, true, func(s *stage) []byte {
		return s.signed(0, TransferObject{Object: Object(s.storage), To: accountAddress(1)}, registerIn(Object(s.storage), nil))
	}},

	{"a blob for storage", CodeWrongKind, true, func(s *stage) []byte { return one(s, registerIn(Object(s.registered), nil)) }},
	{"storage for a blob to certify", CodeWrongKind, true, func(s *stage) []byte {
		m := s.certify(s.registered)
		m.Blob = Object(s.storage)
		return one(s, m)
	}},
	{"storage for a blob to delete", CodeWrongKind, true, func(s *stage) []byte { return one(s, DeleteBlob{Object(s.storage)}) }},
	{"storage for a blob to extend", CodeWrongKind, true, func(s *stage) []byte {
		return s.signed(0, ReserveStorage{Size: 1, Epochs: 1}, ExtendBlob{Result(0), 1})
	}},

	{"storage for no epochs", CodeBadEpochs, true, func(s *stage) []byte { return one(s, ReserveStorage{Size: 1}) }},
	{"storage for too many epochs", CodeBadEpochs, true, func(s *stage) []byte { return one(s, ReserveStorage{Size: 1, Epochs: 6}) }},
	{"storage for all epochs", CodeBadEpochs, true, func(s *stage) []byte { return one(s, ReserveStorage{Size: 1, Epochs: math.MaxUint32}) }},
	{"storage for the most epochs", CodeOK, true, func(s *stage) []byte { return one(s, ReserveStorage{Size: 1, Epochs: 5}) }},
	{"an extension by nothing", CodeBadEpochs, true, func(s *stage) []byte { return one(s, ExtendBlob{Object(s.certified), 0}) }},
	{"an extension too far", CodeBadEpochs, true, func(s *stage) []byte { return one(s, ExtendBlob{Object(s.certified), 3}) }},
	{"an extension for ever", CodeBadEpochs, true, func(s *stage) []byte { return one(s, ExtendBlob{Object(s.certified), math.MaxUint32}) }},
	{"the furthest extension", CodeOK, true, func(s *stage) []byte { return one(s, ExtendBlob{Object(s.certified), 2}) }},

	{"no FROST", CodeBadSize, true, func(s *stage) []byte { return one(s, Send{To: accountAddress(1)}) }},
	{"storage of no bytes", CodeBadSize, true, func(s *stage) []byte { return one(s, ReserveStorage{Epochs: 1}) }},
	{"a blob too large for the shards", CodeBadSize, true, func(s *stage) []byte {
		return one(s, registerIn(Object(s.storage), func(m *RegisterBlob) { m.Size = 4*7*65534 + 1 }))
	}},
	{"a blob of the greatest size", CodeBadSize, true, func(s *stage) []byte {
		return one(s, registerIn(Object(s.storage), func(m *RegisterBlob) { m.Size = math.MaxUint64 }))
	}},

	{"a byte above the capacity", CodeNoCapacity, true, func(s *stage) []byte {
		return one(s, ReserveStorage{Size: 100<<20 - s.ring(1).Used + 1, Epochs: 1})
	}},
	{"all the capacity", CodeOK, true, func(s *stage) []byte { return one(s, ReserveStorage{Size: 100<<20 - s.ring(1).Used, Epochs: 1}) }},
	{"more bytes than can be counted", CodeNoCapacity, true, func(s *stage) []byte { return one(s, ReserveStorage{Size: math.MaxUint64, Epochs: 1}) }},
	{"no capacity in the last epoch", CodeNoCapacity, true, func(s *stage) []byte {
		s.must(1, ReserveStorageFor{Size: 100 << 20, Start: 5, End: 6})
		return one(s, ReserveStorage{Size: 1, Epochs: 5})
	}},
	{"no capacity for the extension", CodeNoCapacity, true, func(s *stage) []byte {
		s.must(1, ReserveStorageFor{Size: 100 << 20, Start: 5, End: 6})
		return one(s, ExtendBlob{Object(s.certified), 2})
	}},

	{"storage that has not begun", CodeResourceBounds, true, func(s *stage) []byte {
		return s.signed(0, ReserveStorageFor{Size: 20_000, Start: 2, End: 3}, registerIn(Result(0), nil))
	}},
	{"storage a byte too small", CodeResourceSize, true, func(s *stage) []byte {
		return one(s, registerIn(Object(s.small), func(m *RegisterBlob) { m.Size = 1 }))
	}},
	{"an unsupported encoding", CodeBadEncoding, true, func(s *stage) []byte {
		return one(s, registerIn(Object(s.storage), func(m *RegisterBlob) { m.encoding = 1 }))
	}},
	{"the encoding of old", CodeBadEncoding, true, func(s *stage) []byte {
		return one(s, registerIn(Object(s.storage), func(m *RegisterBlob) { m.encoding = 0xff })) // 0 in bytes
	}},
	{"another root", CodeBadBlobID, true, func(s *stage) []byte {
		return one(s, registerIn(Object(s.storage), func(m *RegisterBlob) { m.Root[0] ^= 1 }))
	}},
	{"another size", CodeBadBlobID, true, func(s *stage) []byte {
		return one(s, registerIn(Object(s.storage), func(m *RegisterBlob) { m.Size-- }))
	}},
	{"another blob ID", CodeBadBlobID, true, func(s *stage) []byte {
		return one(s, registerIn(Object(s.storage), func(m *RegisterBlob) { m.BlobID = shard.BlobID{} }))
	}},

	{"certified before", CodeAlreadyCertified, true, func(s *stage) []byte { return one(s, s.certify(s.certified)) }},
	{"certified in the message before", CodeAlreadyCertified, true, func(s *stage) []byte {
		return s.signed(0, s.certify(s.registered), s.certify(s.registered))
	}},
	{"an extension before certification", CodeNotCertified, true, func(s *stage) []byte { return one(s, ExtendBlob{Object(s.registered), 1}) }},
	{"deleting what is permanent", CodeNotDeletable, true, func(s *stage) []byte { return one(s, DeleteBlob{Object(s.certified)}) }},
	{"deleting what will be permanent", CodeNotDeletable, true, func(s *stage) []byte { return one(s, DeleteBlob{Object(s.registered)}) }},

	{"a message that is no confirmation", CodeBadCertificate, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, nil, func(c *committee.Certificate) { c.Message = nil }))
	}},
	{"an invalid blob's certificate", CodeBadCertificate, true, func(s *stage) []byte {
		m := s.certify(s.registered)
		m.Certificate = s.certificateOf(committee.InvalidBlobMessage(1, s.blob(s.registered).BlobID), 7)
		return one(s, m)
	}},
	{"a certificate of another blob", CodeBadCertificate, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, func(c *committee.Confirmation) { c.Blob[0] ^= 1 }, nil))
	}},
	{"a certificate of another object", CodeBadCertificate, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.deletable, func(c *committee.Confirmation) { c.Persistence.Object[0] ^= 1 }, nil))
	}},
	{"another signature", CodeBadCertificate, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, nil, func(c *committee.Certificate) { c.Signature = blsSecret(99).Sign(c.Message) }))
	}},
	{"no point for a signature", CodeBadCertificate, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, nil, func(c *committee.Certificate) { c.Signature = bls.Signature{1} }))
	}},
	{"a signer who did not sign", CodeBadCertificate, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, nil, func(c *committee.Certificate) { c.Signers[0] = 0x0f }))
	}},
	{"a bitmap too long", CodeBadCertificate, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, nil, func(c *committee.Certificate) { c.Signers = append(c.Signers, 0) }))
	}},
	{"a bit beyond the members", CodeBadCertificate, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, nil, func(c *committee.Certificate) { c.Signers[0] |= 1 << 4 }))
	}},
	{"one signature short", CodeNoQuorum, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, nil, func(c *committee.Certificate) { *c = s.certificateOf(c.Message, 4) }))
	}},
	{"nobody", CodeNoQuorum, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, nil, func(c *committee.Certificate) { c.Signers = nil }))
	}},
	{"a certificate of the epoch before", CodeWrongEpoch, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, func(c *committee.Confirmation) { c.Epoch-- }, nil))
	}},
	{"a certificate of the epoch after", CodeWrongEpoch, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, func(c *committee.Confirmation) { c.Epoch++ }, nil))
	}},
	{"confirmed as deletable", CodeBadPersistence, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.registered, func(c *committee.Confirmation) {
			c.Persistence = committee.Persistence{Deletable: true, Object: s.registered}
		}, nil))
	}},
	{"confirmed as permanent", CodeBadPersistence, true, func(s *stage) []byte {
		return one(s, s.certifyWith(s.deletable, func(c *committee.Confirmation) { c.Persistence = committee.Persistence{} }, nil))
	}},

	{"storage beyond all price", CodeOverflow, true, func(s *stage) []byte {
		s.with(func(p *Params) { p.StoragePrice, p.Capacity = maxPrice, math.MaxUint64 })
		return one(s, ReserveStorage{Size: math.MaxUint64, Epochs: 1})
	}},
	{"storage beyond all price in all epochs", CodeOverflow, true, func(s *stage) []byte {
		s.with(func(p *Params) { p.StoragePrice, p.Capacity = maxPrice, math.MaxUint64 })
		return one(s, ReserveStorage{Size: math.MaxUint64 / 1000, Epochs: 5})
	}},
}

// kindAt is where the first message of a transaction on testChain begins.
const kindAt = 1 + 1 + len(testChain) + 4*8 + 1

// body0 is the body of a parsed transaction with the changes made since.
func (s *Signed) body0() []byte { return s.Tx.body() }

// Every refusal has the code it should have. One before the messages changes
// nothing; one in a message charges the fee, uses the nonce up and changes
// nothing else. The checker agrees, but keeps nothing of what it refuses.
func TestCodes(t *testing.T) {
	t.Parallel()
	base := newStage(newWorld(t))
	seen := map[Code]bool{}
	for _, tt := range corruptions {
		seen[tt.code] = true
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := *base.world
			w.t, w.state = t, base.state.clone()
			s := *base
			s.world = &w
			tx := tt.make(&s)

			checker := new(Machine).NewChecker(w.state, w.height)
			check := checker.Check(tx)

			before := w.state.clone()
			got := w.block(tx).Txs[0]
			want := tt.code
			if strings.HasPrefix(got.Info, "bls: ") {
				want = CodeOK // signatures are a block's to check
			}
			if Code(check.Code) != want {
				t.Errorf("check: got code %d (%s), want %d", check.Code, check.Info, want)
			}
			if kept := checker.pending.Len() > 0; kept != (want == CodeOK) {
				t.Errorf("the checker kept %d writes", checker.pending.Len())
			}
			if Code(got.Code) != tt.code {
				t.Fatalf("got code %d (%s), want %d", got.Code, got.Info, tt.code)
			}
			if ok := tt.code == CodeOK; ok != (got.Err() == nil) || ok != (got.Info == "") || ok != (len(got.Events) > 0) || ok != (len(got.Data) > 0) {
				t.Errorf("a result of code %d: got %+v", tt.code, got)
			}
			if tt.code != CodeOK {
				checkCharged(t, tx, before, w.state, got, tt.charged)
			}
		})
	}
	seen[CodeExpired] = true // TestExpiredObjects
	for c := CodeOK; c <= CodeOverflow; c++ {
		if !seen[c] {
			t.Errorf("no transaction is refused with code %d", c)
		}
	}
}

// checkCharged checks that a refused transaction has paid its fee and used its
// nonce up, or neither, and done nothing else.
func checkCharged(t *testing.T, tx []byte, before, after *memory, r TxResult, charged bool) {
	t.Helper()
	diff := changed(before, after)
	if !charged {
		if len(diff) != 0 || r.Fee != 0 {
			t.Errorf("a fee of %d was charged, %d values changed, want none", r.Fee, len(diff))
		}
		return
	}
	s, err := ParseTx(tx)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{string(ringKey(1)), string(accountKey(s.Sender()))}
	if !slices.Equal(diff, want) {
		t.Errorf("changed: got %x, want %x", diff, want)
	}
	a, _ := ReadAccount(before, s.Sender())
	a.Balance -= s.Fee
	a.Nonce++
	if got, _ := ReadAccount(after, s.Sender()); r.Fee != s.Fee || got != a {
		t.Errorf("charged %d: got %+v, want %+v", r.Fee, got, a)
	}
	x, _ := readRing(before, 1)
	x.Rewards += s.Fee
	if got, _ := readRing(after, 1); got != x {
		t.Errorf("ring: got %+v, want %+v", got, x)
	}
}

// What has ended and is not yet removed cannot be used any more.
func TestExpiredObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	storage := w.must(0, ReserveStorage{Size: 20_000, Epochs: 1})[0]
	deletable := w.addBlob(0, 2, 1, true, false)
	certified := w.addBlob(0, 3, 1, false, true)
	id, _, _ := blobOf(3)
	w.crowd()
	if got := w.status(id).Kind; got != StatusPermanent {
		t.Fatalf("status before: got %v, want permanent", got)
	}
	certify := w.certifyAt(deletable, 2)
	out := w.turn(w.each(0,
		[]Message{registerIn(Object(storage), nil)},
		[]Message{certify},
		[]Message{ExtendBlob{Object(certified), 1}},
		[]Message{DeleteBlob{Object(deletable)}},
		[]Message{TransferObject{Object: Object(storage), To: accountAddress(1)}},
	)...)
	want := []Code{CodeExpired, CodeExpired, CodeExpired, CodeExpired, CodeExpired}
	for i, r := range out.Txs {
		if Code(r.Code) != want[i] {
			t.Errorf("transaction %d: got code %d (%s), want %d", i, r.Code, r.Info, want[i])
		}
	}
	if got, want := len(out.Events), 1+4+2+maxExpired; got != want { // the choice, four rewards, the turn with its hand-over, what is removed
		t.Errorf("events of the turn: got %d, want %d", got, want)
	}
	if got := w.status(id); got.Kind != StatusNone || got.Epoch != 2 {
		t.Errorf("status after: got %v in epoch %d, want nonexistent in 2", got.Kind, got.Epoch)
	}
	err := AscendAvailable(w.state, shard.BlobID{}, func(id shard.BlobID, _ committee.Epoch) bool {
		t.Errorf("blob %v is listed as available", id)
		return true
	})
	if err != nil {
		t.Error(err)
	}
	if got := kinds(w.block().Events); got != "storage_expired blob_expired blob_expired" &&
		got != "blob_expired storage_expired blob_expired" && got != "blob_expired blob_expired storage_expired" {
		t.Errorf("events of the next block: got %q, want the three that were left", got)
	}
	if _, err := ReadBlob(w.state, certified); err == nil {
		t.Error("the blob is still there")
	}
	before := w.state.writes
	if out := w.block(); len(out.Events) != 0 || w.state.writes != before {
		t.Errorf("an empty block: got %d events, %d writes, want none", len(out.Events), w.state.writes-before)
	}
}

// certifyAt is certify with confirmations of another epoch.
func (w *world) certifyAt(id committee.ObjectID, e committee.Epoch) CertifyBlob {
	w.t.Helper()
	b := w.blob(id)
	c := committee.Confirmation{Epoch: e, Blob: b.BlobID}
	if b.Deletable {
		c.Persistence = committee.Persistence{Deletable: true, Object: b.ID}
	}
	return CertifyBlob{Blob: Object(id), Certificate: w.certificate(c)}
}
