package ledger

import (
	"bytes"
	"encoding/binary"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// InvalidateBlob records that a blob was encoded wrongly, by the word of members
// of the running epoch's committee of whom at least one is honest. Anybody may
// send it, once for a blob ID. From then on no object of the blob can be
// registered, certified, extended or funded, and its owners may delete theirs.
type InvalidateBlob struct {
	BlobID      shard.BlobID
	Certificate committee.Certificate
}

func (InvalidateBlob) kind() byte { return kindInvalidate }

func (InvalidateBlob) work() uint64 { return workPlain + workCertificate }

func (m *InvalidateBlob) fields(c *codec) {
	c.fixed(m.BlobID[:])
	certificate(c, &m.Certificate)
}

func (m InvalidateBlob) apply(x *execution) *Error {
	if err := x.valid(m.BlobID); err != nil {
		return err
	}
	epoch := x.system.Epoch
	if !bytes.Equal(m.Certificate.Message, committee.InvalidBlobMessage(epoch, m.BlobID)) {
		const at = 3 // where a message's epoch stands
		if signed := m.Certificate.Message; len(signed) >= at+4 {
			other := committee.Epoch(binary.LittleEndian.Uint32(signed[at:]))
			if bytes.Equal(signed, committee.InvalidBlobMessage(other, m.BlobID)) {
				return refuse(CodeWrongEpoch, "blob %v was found invalid in epoch %d, this is %d", m.BlobID, other, epoch)
			}
		}
		return refuse(CodeBadCertificate, "the certificate does not say that blob %v is invalid", m.BlobID)
	}
	if err := x.verify(m.Certificate, committee.Validity); err != nil {
		return err
	}
	v := Invalid{Epoch: epoch, Evidence: certHash(m.Certificate)}
	x.state.Set(InvalidKey(m.BlobID), encode(v))
	x.emit(BlobInvalid{Epoch: epoch, BlobID: m.BlobID, Evidence: v.Evidence})
	return nil
}

// valid refuses a blob that is recorded as invalid.
func (x *execution) valid(id shard.BlobID) *Error {
	v, ok, err := ReadBlobInvalid(x.state, id)
	if err != nil {
		return damaged(err)
	}
	if ok {
		return refuse(CodeInvalidBlob, "blob %v was encoded wrongly: recorded in epoch %d", id, v.Epoch)
	}
	return nil
}

// Invalid is what the ledger remembers of a blob that was encoded wrongly.
type Invalid struct {
	Epoch    committee.Epoch // in which it was recorded
	Evidence [32]byte        // SHA-256 of the canonical bytes of the certificate
}

func (v *Invalid) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.fixed(v.Evidence[:])
}

// InvalidKey returns where a blob ID would be recorded as invalid.
func InvalidKey(id shard.BlobID) []byte { return append([]byte{keyInvalid}, id[:]...) }

// ReadBlobInvalid returns whether a blob ID is recorded as encoded wrongly, and
// by what.
func ReadBlobInvalid(r Reader, id shard.BlobID) (Invalid, bool, error) {
	v, err := read[Invalid](r, InvalidKey(id), "invalid blob")
	if err != nil {
		return v, false, ignoreNotFound(err)
	}
	return v, true, nil
}
