package shard

import (
	"github.com/floe-storage/floe/shard/bcs"
	"github.com/floe-storage/floe/shard/merkle"
)

const (
	// metadataVersion is the variant of the only layout there is.
	metadataVersion = 0
	// metadataPairSize is what one pair of hashes takes: two digest nodes.
	metadataPairSize = 2 * (1 + merkle.HashSize)
)

// PairHashes are the roots of a sliver pair: of primary sliver i and of secondary
// sliver n-1-i.
type PairHashes struct {
	Primary, Secondary Hash
}

// Metadata describes a blob: its size and the roots of all its slivers. It is
// trusted once Verify has compared it with the blob ID.
type Metadata struct {
	Size   uint64       // of the blob, in bytes
	Hashes []PairHashes // in pair order; one per shard
}

// Shards returns the number of pairs.
func (m *Metadata) Shards() int { return len(m.Hashes) }

// Hash returns the root of sliver i of axis a; the zero Hash, which no sliver
// has, when there is no such sliver.
func (m *Metadata) Hash(a Axis, i SliverIndex) Hash {
	n := len(m.Hashes)
	switch {
	case int(i) >= n:
		return Hash{}
	case a == Primary:
		return m.Hashes[i].Primary
	case a == Secondary:
		return m.Hashes[n-1-int(i)].Secondary
	default:
		return Hash{}
	}
}

// Root returns the Merkle root over the pairs of hashes, 64 bytes each.
func (m *Metadata) Root() Hash {
	const pairSize = 2 * merkle.HashSize
	memory := make([]byte, len(m.Hashes)*pairSize)
	pairs := make([][]byte, len(m.Hashes))
	for i := range m.Hashes {
		pairs[i] = memory[i*pairSize : (i+1)*pairSize]
		copy(pairs[i], m.Hashes[i].Primary[:])
		copy(pairs[i][merkle.HashSize:], m.Hashes[i].Secondary[:])
	}
	leaves := make([]Hash, len(pairs))
	merkle.Leaves(leaves, pairs)
	var h merkle.Hasher
	return h.Root(leaves)
}

// ID returns the blob ID, computed anew at each call.
func (m *Metadata) ID() BlobID { return DeriveBlobID(m.Root(), m.Size) }

// Verify checks that the metadata is the one of blob id in a network of p: the
// number of hashes, the size, the ID. Its error is an *InvalidError with
// ErrMetadata or *TooLargeError, or ErrParams.
func (m *Metadata) Verify(p Params, id BlobID) error {
	if _, err := m.symbolSize(p); err != nil {
		return err
	}
	if got := m.ID(); got != id {
		return invalid(ErrMetadata, "metadata of blob %v hashes to %v", id, got)
	}
	return nil
}

// symbolSize checks the shape of the metadata and returns the symbol size.
func (m *Metadata) symbolSize(p Params) (int, error) {
	if p.n == 0 {
		return 0, ErrParams
	}
	if m == nil {
		return 0, invalid(ErrMetadata, "no metadata")
	}
	if len(m.Hashes) != p.n {
		return 0, invalid(ErrMetadata, "metadata of %d shards, want %d", len(m.Hashes), p.n)
	}
	size, err := p.SymbolSize(m.Size)
	if err != nil {
		return 0, invalid(err, "metadata")
	}
	return size, nil
}

// EncodeTo writes the canonical form.
func (m *Metadata) EncodeTo(e *bcs.Encoder) {
	e.ULEB(metadataVersion)
	e.ULEB(encodingType)
	e.U64(m.Size)
	e.Count(len(m.Hashes))
	for i := range m.Hashes {
		merkle.Digest(m.Hashes[i].Primary).EncodeTo(e)
		merkle.Digest(m.Hashes[i].Secondary).EncodeTo(e)
	}
}

// DecodeFrom reads the canonical form. Hashes that are Empty are refused: no
// encoder makes them, and nothing can match them.
func (m *Metadata) DecodeFrom(d *bcs.Decoder) {
	if v := d.ULEB(); v != metadataVersion {
		d.Fail("metadata has an unknown version")
	}
	if v := d.ULEB(); v != encodingType {
		d.Fail("metadata has an unknown encoding type")
	}
	m.Size = d.U64()
	m.Hashes = make([]PairHashes, d.Count(MaxShards, metadataPairSize))
	for i := range m.Hashes {
		m.Hashes[i] = PairHashes{Primary: decodeDigest(d), Secondary: decodeDigest(d)}
	}
}

func decodeDigest(d *bcs.Decoder) Hash {
	var n merkle.Node
	n.DecodeFrom(d)
	if n.IsEmpty() {
		d.Fail("metadata has an empty hash")
	}
	return n.Hash()
}

// AppendBinary appends the canonical form to b. It never fails.
func (m *Metadata) AppendBinary(b []byte) ([]byte, error) {
	e := bcs.NewEncoder(b)
	m.EncodeTo(e)
	return e.Data(), nil
}

// ParseMetadata reads the canonical form. The result still has to be verified.
// Its error is an *InvalidError.
func ParseMetadata(b []byte) (*Metadata, error) {
	m := new(Metadata)
	d := bcs.NewDecoder(b)
	m.DecodeFrom(d)
	if err := finish(d, "metadata"); err != nil {
		return nil, err
	}
	return m, nil
}
