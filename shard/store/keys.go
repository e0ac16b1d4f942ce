package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"

	"github.com/floe-storage/floe/shard"
)

// The first byte of a key says what it names; see the package comment.
const (
	sliverPrefix   = 's'
	holdingPrefix  = 'h'
	metadataPrefix = 'm'
	valuePrefix    = 'v'
	badPrefix      = 'q'
)

const (
	idLen      = len(shard.BlobID{})
	sliverKey  = 1 + 2 + idLen + 1 // length
	holdingKey = sliverKey         // length
)

func keyOfSliver(id shard.BlobID, s shard.Index, a shard.Axis) []byte {
	k := append(make([]byte, 0, sliverKey), sliverPrefix)
	k = binary.BigEndian.AppendUint16(k, uint16(s))
	k = append(k, id[:]...)
	return append(k, byte(a))
}

// prefixOfShard starts the keys of one shard's slivers.
func prefixOfShard(s shard.Index) []byte {
	return binary.BigEndian.AppendUint16([]byte{sliverPrefix}, uint16(s))
}

// blobOfSliver is the inverse of keyOfSliver.
func blobOfSliver(key []byte) (id shard.BlobID, s shard.Index, a shard.Axis, ok bool) {
	if len(key) != sliverKey || key[0] != sliverPrefix {
		return id, 0, 0, false
	}
	copy(id[:], key[3:])
	return id, shard.Index(binary.BigEndian.Uint16(key[1:])), shard.Axis(key[sliverKey-1]), true
}

func keyOfHolding(id shard.BlobID, s shard.Index, a shard.Axis) []byte {
	k := append(make([]byte, 0, holdingKey), holdingPrefix)
	k = append(k, id[:]...)
	k = binary.BigEndian.AppendUint16(k, uint16(s))
	return append(k, byte(a))
}

// prefixOfBlob starts the keys of one blob's holdings.
func prefixOfBlob(id shard.BlobID) []byte {
	return append([]byte{holdingPrefix}, id[:]...)
}

// holdingOf is the inverse of keyOfHolding.
func holdingOf(key []byte) (id shard.BlobID, s shard.Index, a shard.Axis, ok bool) {
	if len(key) != holdingKey || key[0] != holdingPrefix {
		return id, 0, 0, false
	}
	copy(id[:], key[1:])
	rest := key[1+idLen:]
	return id, shard.Index(binary.BigEndian.Uint16(rest)), shard.Axis(rest[2]), true
}

// quarantineOf returns the key under which a sliver whose holding has the given
// key is in quarantine.
func quarantineOf(holding []byte) []byte {
	k := slices.Clone(holding)
	k[0] = badPrefix
	return k
}

// quarantined is the inverse of quarantineOf, with the holding's key taken apart.
func quarantined(key []byte) (id shard.BlobID, s shard.Index, a shard.Axis, ok bool) {
	if len(key) == 0 || key[0] != badPrefix {
		return id, 0, 0, false
	}
	k := slices.Clone(key)
	k[0] = holdingPrefix
	return holdingOf(k)
}

func keyOfMetadata(id shard.BlobID) []byte {
	return append([]byte{metadataPrefix}, id[:]...)
}

func keyOfValue(name string) []byte {
	return append([]byte{valuePrefix}, name...)
}

const (
	sealVersion = 1     // the value itself
	awayVersion = 2     // a pointer to a sealed value in a segment
	sealLen     = 1 + 4 // version, CRC
	awayLen     = sealLen + pointerLen
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The ways in which a sealed value can be wrong.
var (
	errSealShort   = errors.New("value is shorter than its header")
	errSealVersion = errors.New("value has an unknown version")
	errSealSum     = errors.New("checksum does not match")
)

// sealHeader returns what comes before parts in the value that holds them under
// key, and the value's length.
func sealHeader(key []byte, parts [][]byte) (header []byte, size int) {
	size = sealLen
	sum := crc32.Checksum(key, castagnoli)
	for _, p := range parts {
		size += len(p)
		sum = crc32.Update(sum, castagnoli, p)
	}
	return binary.LittleEndian.AppendUint32([]byte{sealVersion}, sum), size
}

// seal returns the value that holds parts under key, with room for them only.
func seal(key []byte, parts ...[]byte) []byte {
	header, size := sealHeader(key, parts)
	v := append(make([]byte, 0, size), header...)
	for _, p := range parts {
		v = append(v, p...)
	}
	return v
}

// sealAway returns the value that says that the one of key lies at p.
func sealAway(key []byte, p pointer) []byte {
	v := seal(key, p.append(nil))
	v[0] = awayVersion
	return v
}

// opOf sets a key to a sealed value.
func opOf(key, body []byte) op { return op{key: key, value: seal(key, body)} }

// unseal returns what seal was given, as a part of v.
func unseal(key, v []byte) ([]byte, error) {
	if len(v) >= sealLen && v[0] != sealVersion {
		return nil, errSealVersion
	}
	return checked(key, v)
}

// unsealAway returns what sealAway was given, if v is from it.
func unsealAway(key, v []byte) (p pointer, away bool, err error) {
	if len(v) != awayLen || v[0] != awayVersion {
		return p, false, nil
	}
	body, err := checked(key, v)
	if err != nil {
		return p, true, err
	}
	p, ok := parsePointer(body)
	if !ok {
		return p, true, errSealShort
	}
	return p, true, nil
}

func checked(key, v []byte) ([]byte, error) {
	if len(v) < sealLen {
		return nil, errSealShort
	}
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, v[sealLen:])
	if sum != binary.LittleEndian.Uint32(v[1:]) {
		return nil, errSealSum
	}
	return v[sealLen:], nil
}
