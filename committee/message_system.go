package committee

import (
	"encoding/binary"

	"github.com/floe-storage/floe/shard"
)

// What the members say together about the system itself, rather than one of them
// about a blob that it holds. [WL] §3.9
//
//	deny list update   header ‖ node 32 ‖ sequence u64 ‖ size u64 ‖ root 32
//	deny-listed blob   header ‖ blob ID 32
//	protocol version   header ‖ first epoch u32 ‖ version u64

const (
	denyUpdateSize = 32 + 8 + 8 + 32 // bytes of the body
	protocolSize   = 4 + 8
)

// DenyListUpdate says that a node has a new list of blobs that it does not serve.
type DenyListUpdate struct {
	Epoch    Epoch // in which it is signed
	Node     NodeID
	Sequence uint64 // greater with each of the node's lists
	Size     uint64 // of the list
	Root     [32]byte
}

// Message returns the bytes to sign.
func (u DenyListUpdate) Message() []byte {
	b := appendHeader(make([]byte, 0, headerSize+denyUpdateSize), intentDenyUpdate, u.Epoch)
	b = append(b, u.Node[:]...)
	b = binary.LittleEndian.AppendUint64(b, u.Sequence)
	b = binary.LittleEndian.AppendUint64(b, u.Size)
	return append(b, u.Root[:]...)
}

// ParseDenyListUpdate reads the bytes that Message makes; anything else, trailing
// bytes included, is [ErrMessage].
func ParseDenyListUpdate(b []byte) (DenyListUpdate, error) {
	var u DenyListUpdate
	e, body, err := parseHeader(b, intentDenyUpdate, denyUpdateSize)
	if err != nil {
		return u, err
	}
	u.Epoch = e
	body = body[copy(u.Node[:], body):]
	u.Sequence = binary.LittleEndian.Uint64(body)
	u.Size = binary.LittleEndian.Uint64(body[8:])
	copy(u.Root[:], body[16:])
	return u, nil
}

// DenyListedBlob says that a blob is on the deny lists of a quorum and is to be
// deleted.
type DenyListedBlob struct {
	Epoch Epoch // in which it is signed
	Blob  shard.BlobID
}

// Message returns the bytes to sign.
func (d DenyListedBlob) Message() []byte {
	b := appendHeader(make([]byte, 0, headerSize+len(d.Blob)), intentDenyDeleted, d.Epoch)
	return append(b, d.Blob[:]...)
}

// ParseDenyListedBlob reads the bytes that Message makes; anything else, trailing
// bytes included, is [ErrMessage].
func ParseDenyListedBlob(b []byte) (DenyListedBlob, error) {
	var d DenyListedBlob
	e, body, err := parseHeader(b, intentDenyDeleted, len(d.Blob))
	if err != nil {
		return d, err
	}
	d.Epoch = e
	copy(d.Blob[:], body)
	return d, nil
}

// ProtocolVersion says which version of the nodes' protocol holds from an epoch on.
type ProtocolVersion struct {
	Epoch   Epoch // in which it is signed
	Start   Epoch // from which the version holds
	Version uint64
}

// Message returns the bytes to sign.
func (v ProtocolVersion) Message() []byte {
	b := appendHeader(make([]byte, 0, headerSize+protocolSize), intentProtocol, v.Epoch)
	b = binary.LittleEndian.AppendUint32(b, uint32(v.Start))
	return binary.LittleEndian.AppendUint64(b, v.Version)
}

// ParseProtocolVersion reads the bytes that Message makes; anything else, trailing
// bytes included, is [ErrMessage].
func ParseProtocolVersion(b []byte) (ProtocolVersion, error) {
	e, body, err := parseHeader(b, intentProtocol, protocolSize)
	if err != nil {
		return ProtocolVersion{}, err
	}
	return ProtocolVersion{
		Epoch: e, Start: Epoch(binary.LittleEndian.Uint32(body)), Version: binary.LittleEndian.Uint64(body[4:]),
	}, nil
}
