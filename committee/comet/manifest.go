package comet

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// A snapshot is the tree of one height as a string of bytes, see export.go, cut
// into chunks. All nodes make the same bytes of the same height.
const (
	chunkSize       = 1 << 20          // the last may be shorter
	maxManifestSize = 4 << 20          // so a snapshot has at most some 128 GiB
	manifestMagic   = "FLM1"           // of the first version
	manifestHead    = 4 + 8 + 32 + 8   // bytes before the hashes
	maxChunks       = 1<<17 - 1<<5 - 1 // that fit
)

var errManifest = errors.New("comet: malformed snapshot manifest")

// manifest says what a snapshot consists of.
type manifest struct {
	height uint64
	hash   [32]byte // of the state; the header of height+1 has it
	size   uint64   // bytes of all chunks
	chunks [][32]byte
}

// append writes magic ‖ height u64le ‖ state hash ‖ size u64le ‖ SHA-256 of each chunk.
func (m *manifest) append(b []byte) []byte {
	b = append(b, manifestMagic...)
	b = binary.LittleEndian.AppendUint64(b, m.height)
	b = append(b, m.hash[:]...)
	b = binary.LittleEndian.AppendUint64(b, m.size)
	for _, c := range m.chunks {
		b = append(b, c[:]...)
	}
	return b
}

func (m *manifest) id() [32]byte { return sha256.Sum256(m.append(nil)) }

// chunkLen returns the size of a chunk.
func (m *manifest) chunkLen(i int) int {
	return int(min(m.size-uint64(i)*chunkSize, chunkSize))
}

func parseManifest(b []byte) (m manifest, err error) {
	if len(b) < manifestHead || len(b) > maxManifestSize || !bytes.HasPrefix(b, []byte(manifestMagic)) {
		return m, fmt.Errorf("%w: %d bytes", errManifest, len(b))
	}
	b = b[len(manifestMagic):]
	m.height = binary.LittleEndian.Uint64(b)
	b = b[8+copy(m.hash[:], b[8:]):]
	m.size = binary.LittleEndian.Uint64(b)
	b = b[8:]
	if m.height == 0 || m.height > 1<<62 || m.size > maxChunks*chunkSize || uint64(len(b)) != (m.size+chunkSize-1)/chunkSize*sha256.Size {
		return m, fmt.Errorf("%w: height %d, size %d, %d bytes of hashes", errManifest, m.height, m.size, len(b))
	}
	for ; len(b) > 0; b = b[sha256.Size:] {
		m.chunks = append(m.chunks, [32]byte(b))
	}
	return m, nil
}
