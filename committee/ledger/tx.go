package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard/bcs"
)

const (
	// MaxTxSize bounds a transaction, in bytes.
	MaxTxSize = 64 << 10
	// MaxMessages bounds the messages of a transaction.
	MaxMessages = 100
	// MaxTxLifetime bounds how many blocks ahead of the present a
	// transaction's expiry height may lie.
	MaxTxLifetime = 10_000

	txForm    = 1
	txTag     = "floe/transaction/1"
	objectTag = "floe/object/1"
)

// ErrTx says that bytes are not the canonical form of a transaction.
var ErrTx = errors.New("ledger: malformed transaction")

// Tx is an ordered list of messages that happen wholly or not at all.
type Tx struct {
	ChainID  string
	Nonce    uint64 // of the sender's account: 0, 1, 2, …
	Salt     uint64 // anything; keeps transactions apart that say the same with the same nonce
	Expiry   uint64 // the last height at which it may enter a block
	Fee      uint64 // FROST; at least Params.Fee, all of it is charged
	Messages []Message
}

// Signed is a transaction with its sender's signature.
type Signed struct {
	Tx
	Key       [ed25519.PublicKeySize]byte
	Signature [ed25519.SignatureSize]byte

	body []byte // the bytes signed
	hash [32]byte
}

// Sign returns the canonical bytes of tx signed with key.
func (tx Tx) Sign(key ed25519.PrivateKey) []byte {
	body := tx.body()
	e := bcs.NewEncoder(body)
	e.Fixed(key.Public().(ed25519.PublicKey))
	e.Fixed(ed25519.Sign(key, signBytes(body)))
	return e.Data()
}

// SignedSize returns the size in bytes of what Sign returns.
func (tx Tx) SignedSize() int {
	return len(tx.body()) + ed25519.PublicKeySize + ed25519.SignatureSize
}

func (tx Tx) body() []byte {
	var e bcs.Encoder
	e.U8(txForm)
	e.String(tx.ChainID)
	e.U64(tx.Nonce)
	e.U64(tx.Salt)
	e.U64(tx.Expiry)
	e.U64(tx.Fee)
	e.Count(len(tx.Messages))
	for _, m := range tx.Messages {
		encodeMessage(&e, m)
	}
	return e.Data()
}

func signBytes(body []byte) []byte { return append([]byte(txTag), body...) }

// ParseTx reads the bytes that Sign returns, [ErrTx] if they are not that. It
// does not check the signature.
func ParseTx(b []byte) (Signed, error) {
	var s Signed
	if len(b) > MaxTxSize {
		return s, fmt.Errorf("%w: %d bytes, at most %d", ErrTx, len(b), MaxTxSize)
	}
	d := bcs.NewDecoder(b)
	if form := d.U8(); form != txForm {
		return s, fmt.Errorf("%w: form %d is unknown", ErrTx, form)
	}
	s.ChainID = d.String(maxChainID)
	s.Nonce, s.Salt, s.Expiry, s.Fee = d.U64(), d.U64(), d.U64(), d.U64()
	s.Messages = make([]Message, d.Count(MaxMessages, 1))
	for i := range s.Messages {
		s.Messages[i] = decodeMessage(d)
	}
	size := len(b) - d.Remaining()
	d.Fixed(s.Key[:])
	d.Fixed(s.Signature[:])
	if err := d.Finish(); err != nil {
		return s, fmt.Errorf("%w: %w", ErrTx, err)
	}
	if len(s.Messages) == 0 {
		return s, fmt.Errorf("%w: no messages", ErrTx)
	}
	s.body = bytes.Clone(b[:size])
	s.hash = TxHash(b)
	return s, nil
}

// Sender returns the address of the account that signed.
func (s *Signed) Sender() Address { return AddressOf(s.Key[:]) }

// Verify tells whether the signature is by the sender's key.
func (s *Signed) Verify() bool { return ed25519.Verify(s.Key[:], signBytes(s.body), s.Signature[:]) }

// TxHash names a transaction: the SHA-256 of its signed bytes.
func TxHash(tx []byte) [32]byte { return sha256.Sum256(tx) }

// ObjectIDOf returns the ID of the object that the transaction with the given
// hash makes as its n-th, counted from 0.
func ObjectIDOf(tx [32]byte, n uint32) committee.ObjectID {
	b := append([]byte(objectTag), tx[:]...)
	return sha256.Sum256(binary.LittleEndian.AppendUint32(b, n))
}

// Ref names an object, or the object that an earlier message of the same
// transaction made.
type Ref struct {
	ID     committee.ObjectID
	Result bool   // use Message instead of ID
	From   uint16 // position of the message in the transaction; it must have made one object
}

// Object refers to an object that exists.
func Object(id committee.ObjectID) Ref { return Ref{ID: id} }

// Result refers to the object made by the message at the given position.
func Result(message uint16) Ref { return Ref{Result: true, From: message} }

func (r *Ref) fields(c *codec) {
	c.choice(&r.Result)
	if r.Result {
		c.u16(&r.From)
		return
	}
	c.fixed(r.ID[:])
}

// Results lists, for each message of a transaction, the object that it made;
// zero where it made none.
type Results []committee.ObjectID

// AppendBinary appends the canonical bytes to b.
func (r Results) AppendBinary(b []byte) ([]byte, error) {
	e := bcs.NewEncoder(b)
	e.Count(len(r))
	for _, id := range r {
		e.Fixed(id[:])
	}
	return e.Data(), nil
}

// ParseResults reads TxResult.Data.
func ParseResults(b []byte) (Results, error) {
	d := bcs.NewDecoder(b)
	r := make(Results, d.Count(MaxMessages, len(committee.ObjectID{})))
	for i := range r {
		d.Fixed(r[i][:])
	}
	return r, d.Finish()
}

// Receipt says where a transaction stands in the chain and what became of it.
type Receipt struct {
	Height uint64
	Index  uint32 // position in the block
	Hash   [32]byte
	TxResult
}

// Err returns nil if the transaction was accepted and an *[Error] if not.
func (r TxResult) Err() error {
	if Code(r.Code) == CodeOK {
		return nil
	}
	return &Error{Code: Code(r.Code), Info: r.Info}
}
