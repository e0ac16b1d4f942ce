package shard

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/blake2b"

	"github.com/floe-storage/floe/shard/merkle"
)

// BlobIDSize is the size of a BlobID in bytes.
const BlobIDSize = 32

// blobIDTextLen is the length of the text form: 43·6 bits hold 256.
const blobIDTextLen = 43

// encodingType is the code's number in hashed and stored bytes: RS2 ([ENC] EncodingType).
const encodingType = 0x01

// EncodingName is what users call the only encoding: Red Stuff over Reed–Solomon.
const EncodingName = "RS2"

// ErrBlobID says that a text is not a blob ID.
var ErrBlobID = errors.New("shard: not a blob ID")

// Hash is a Merkle root or node.
type Hash = merkle.Hash

// BlobID names a blob by what its slivers hash to: see the package comment. Two
// blobs with the same bytes have the same ID in networks of as many shards. The
// bytes are a big-endian number where pairs are assigned to shards, and a
// little-endian one in Move contracts.
type BlobID [BlobIDSize]byte

// DeriveBlobID returns the ID of the blob of size bytes whose metadata has the
// given root ([ENC] BlobId).
func DeriveBlobID(root Hash, size uint64) BlobID {
	var b [1 + 8 + merkle.HashSize]byte
	b[0] = encodingType
	binary.LittleEndian.PutUint64(b[1:], size)
	copy(b[9:], root[:])
	return blake2b.Sum256(b[:])
}

// ParseBlobID reads the text form: exactly 43 characters of the URL-safe base64
// alphabet, without padding, whose last two bits are zero. Its error is an
// ErrBlobID.
func ParseBlobID(s string) (BlobID, error) {
	var id BlobID
	// The length is checked first because the decoder skips line breaks.
	if len(s) != blobIDTextLen {
		return BlobID{}, fmt.Errorf("%w: %d characters, want %d", ErrBlobID, len(s), blobIDTextLen)
	}
	n, err := base64.RawURLEncoding.Strict().Decode(id[:], []byte(s))
	if err != nil || n != BlobIDSize {
		return BlobID{}, fmt.Errorf("%w: %q", ErrBlobID, s)
	}
	return id, nil
}

// String returns the text form, 43 characters.
func (id BlobID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// IsZero reports whether the ID is unset. No blob has the zero ID.
func (id BlobID) IsZero() bool { return id == BlobID{} }

// MarshalText returns the text form. It never fails.
func (id BlobID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the text form, as ParseBlobID does.
func (id *BlobID) UnmarshalText(text []byte) error {
	v, err := ParseBlobID(string(text))
	if err != nil {
		return err
	}
	*id = v
	return nil
}

// AppendBinary appends the 32 bytes to b. It never fails.
func (id BlobID) AppendBinary(b []byte) ([]byte, error) { return append(b, id[:]...), nil }
