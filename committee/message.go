package committee

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
)

// Every signed message starts with type, version and application, one byte
// each, and the epoch in four, little-endian. [WE] §5.6, [WL] §3.9
const (
	intentPossession   = 0
	intentConfirmation = 1
	intentInvalidBlob  = 2
	intentDenyUpdate   = 4 // 3 is Walrus's request between nodes for a shard
	intentDenyDeleted  = 5
	intentProtocol     = 6

	intentVersion = 0
	application   = 3
	headerSize    = 7

	permanentMark = 0
	deletableMark = 1

	permanentSize = headerSize + 32 + 1      // bytes of a permanent blob's confirmation
	deletableSize = headerSize + 32 + 1 + 32 // bytes of a deletable blob's confirmation
)

// ErrMessage says that signed bytes are not the message that they should be.
var ErrMessage = errors.New("committee: not the expected message")

// Persistence says whether a blob may be deleted before it expires, and if so
// which object it is bound to.
type Persistence struct {
	Deletable bool
	Object    ObjectID // zero unless Deletable
}

// Confirmation is what a node signs when it holds all the slivers of a blob
// that its shards call for.
type Confirmation struct {
	Epoch       Epoch
	Blob        shard.BlobID
	Persistence Persistence
}

// Message returns the bytes to sign.
func (c Confirmation) Message() []byte {
	b := appendHeader(make([]byte, 0, deletableSize), intentConfirmation, c.Epoch)
	b = append(b, c.Blob[:]...)
	if !c.Persistence.Deletable {
		return append(b, permanentMark)
	}
	b = append(b, deletableMark)
	return append(b, c.Persistence.Object[:]...)
}

// ParseConfirmation reads the bytes that Message makes; anything else,
// trailing bytes included, is [ErrMessage].
func ParseConfirmation(b []byte) (Confirmation, error) {
	var c Confirmation
	if len(b) != permanentSize && len(b) != deletableSize {
		return c, fmt.Errorf("%w: confirmation of %d bytes", ErrMessage, len(b))
	}
	var err error
	if c.Epoch, _, err = parseHeader(b, intentConfirmation, len(b)-headerSize); err != nil {
		return c, err
	}
	copy(c.Blob[:], b[headerSize:])
	mark := b[headerSize+len(c.Blob)]
	switch {
	case mark == permanentMark && len(b) == permanentSize:
	case mark == deletableMark && len(b) == deletableSize:
		c.Persistence.Deletable = true
		copy(c.Persistence.Object[:], b[permanentSize:])
	default:
		return c, fmt.Errorf("%w: persistence %d in %d bytes", ErrMessage, mark, len(b))
	}
	return c, nil
}

// InvalidBlobMessage returns what a node signs when it has seen the proof that
// a blob was encoded wrongly.
func InvalidBlobMessage(e Epoch, id shard.BlobID) []byte {
	b := appendHeader(make([]byte, 0, headerSize+len(id)), intentInvalidBlob, e)
	return append(b, id[:]...)
}

// ParseInvalidBlob reads the bytes that InvalidBlobMessage makes; anything else,
// trailing bytes included, is [ErrMessage].
func ParseInvalidBlob(b []byte) (Epoch, shard.BlobID, error) {
	var id shard.BlobID
	e, body, err := parseHeader(b, intentInvalidBlob, len(id))
	if err != nil {
		return 0, id, err
	}
	copy(id[:], body)
	return e, id, nil
}

// PossessionMessage returns what the owner of a BLS key signs to prove that it
// has the secret: the key may then be aggregated with others. account is the
// address that registers the node.
func PossessionMessage(e Epoch, account [32]byte, key bls.PublicKey) []byte {
	b := appendHeader(make([]byte, 0, headerSize+len(account)+len(key)), intentPossession, e)
	b = append(b, account[:]...)
	return append(b, key[:]...)
}

func appendHeader(b []byte, intent byte, e Epoch) []byte {
	b = append(b, intent, intentVersion, application)
	return binary.LittleEndian.AppendUint32(b, uint32(e))
}

// parseHeader reads the header of a message with a body of size bytes, and returns
// that body.
func parseHeader(b []byte, intent byte, size int) (Epoch, []byte, error) {
	if len(b) != headerSize+size {
		return 0, nil, fmt.Errorf("%w: %d bytes, want %d", ErrMessage, len(b), headerSize+size)
	}
	if b[0] != intent || b[1] != intentVersion || b[2] != application {
		return 0, nil, fmt.Errorf("%w: header %x, want %02x%02x%02x", ErrMessage, b[:3], intent, intentVersion, application)
	}
	return Epoch(binary.LittleEndian.Uint32(b[3:])), b[headerSize:], nil
}
