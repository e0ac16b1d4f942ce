package quilt

import (
	"fmt"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// metadataVersion is the variant of the only layout there is.
const metadataVersion = 0

// Metadata is what a reader of a quilt wants to know first. Nothing ties the
// index to the quilt: it has to come from who has read it there.
type Metadata struct {
	Quilt shard.BlobID
	Blob  *shard.Metadata // of the quilt as a blob; not nil
	Index Index
}

// AppendBinary appends the canonical form to b. It never fails.
func (m *Metadata) AppendBinary(b []byte) ([]byte, error) {
	e := bcs.NewEncoder(b)
	e.ULEB(metadataVersion)
	e.Fixed(m.Quilt[:])
	m.Blob.EncodeTo(e)
	m.Index.encodeTo(e)
	return e.Data(), nil
}

// ParseMetadata reads the canonical form for a network of p and verifies Blob
// against the blob ID. Its error is an ErrMalformed, an error of
// shard.Metadata.Verify, or shard.ErrParams.
func ParseMetadata(p shard.Params, b []byte) (*Metadata, error) {
	d := bcs.NewDecoder(b)
	if v := d.ULEB(); v != metadataVersion {
		d.Fail(fmt.Sprintf("version %d", v))
	}
	m := &Metadata{Blob: new(shard.Metadata)}
	d.Fixed(m.Quilt[:])
	m.Blob.DecodeFrom(d)
	if err := d.Err(); err != nil {
		return nil, malformed("metadata: %w", err)
	}
	if err := m.Blob.Verify(p, m.Quilt); err != nil {
		return nil, err
	}
	s, err := shapeOf(p, m.Blob.Size)
	if err != nil {
		return nil, err
	}
	m.Index.decodeFrom(d, s)
	if err := d.Finish(); err != nil {
		return nil, malformed("index: %w", err)
	}
	return m, nil
}
