package ledger

import (
	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard/bcs"
)

func (v BlobRegistered) encode(e *bcs.Encoder) {
	e.U32(uint32(v.Epoch))
	e.Fixed(v.BlobID[:])
	e.U64(v.Size)
	e.U32(uint32(v.End))
	e.Bool(v.Deletable)
	e.Fixed(v.Object[:])
}

func decodeBlobRegistered(d *bcs.Decoder) BlobRegistered {
	v := BlobRegistered{Epoch: committee.Epoch(d.U32())}
	d.Fixed(v.BlobID[:])
	v.Size, v.End, v.Deletable = d.U64(), committee.Epoch(d.U32()), d.Bool()
	d.Fixed(v.Object[:])
	return v
}

func (v BlobCertified) encode(e *bcs.Encoder) {
	e.U32(uint32(v.Epoch))
	e.Fixed(v.BlobID[:])
	e.U32(uint32(v.End))
	e.Bool(v.Deletable)
	e.Fixed(v.Object[:])
	e.Bool(v.Extension)
}

func decodeBlobCertified(d *bcs.Decoder) BlobCertified {
	v := BlobCertified{Epoch: committee.Epoch(d.U32())}
	d.Fixed(v.BlobID[:])
	v.End, v.Deletable = committee.Epoch(d.U32()), d.Bool()
	d.Fixed(v.Object[:])
	v.Extension = d.Bool()
	return v
}

func (v BlobDeleted) encode(e *bcs.Encoder) {
	e.U32(uint32(v.Epoch))
	e.Fixed(v.BlobID[:])
	e.U32(uint32(v.End))
	e.Fixed(v.Object[:])
	e.Bool(v.Certified)
	e.Fixed(v.Storage[:])
}

func decodeBlobDeleted(d *bcs.Decoder) BlobDeleted {
	v := BlobDeleted{Epoch: committee.Epoch(d.U32())}
	d.Fixed(v.BlobID[:])
	v.End = committee.Epoch(d.U32())
	d.Fixed(v.Object[:])
	v.Certified = d.Bool()
	d.Fixed(v.Storage[:])
	return v
}

func (v BlobExpired) encode(e *bcs.Encoder) {
	e.U32(uint32(v.Epoch))
	e.Fixed(v.BlobID[:])
	e.Fixed(v.Object[:])
	e.Bool(v.Certified)
}

func decodeBlobExpired(d *bcs.Decoder) BlobExpired {
	v := BlobExpired{Epoch: committee.Epoch(d.U32())}
	d.Fixed(v.BlobID[:])
	d.Fixed(v.Object[:])
	v.Certified = d.Bool()
	return v
}

func (v StorageReserved) encode(e *bcs.Encoder) {
	e.Fixed(v.Object[:])
	e.Fixed(v.Owner[:])
	e.U32(uint32(v.Start))
	e.U32(uint32(v.End))
	e.U64(v.Size)
}

func decodeStorageReserved(d *bcs.Decoder) StorageReserved {
	var v StorageReserved
	d.Fixed(v.Object[:])
	d.Fixed(v.Owner[:])
	v.Start, v.End, v.Size = committee.Epoch(d.U32()), committee.Epoch(d.U32()), d.U64()
	return v
}

func (v StorageExpired) encode(e *bcs.Encoder) {
	e.U32(uint32(v.Epoch))
	e.Fixed(v.Object[:])
}

func (v ObjectTransferred) encode(e *bcs.Encoder) {
	e.Fixed(v.Object[:])
	e.Fixed(v.From[:])
	e.Fixed(v.To[:])
}

func (v FundsSent) encode(e *bcs.Encoder) {
	e.Fixed(v.From[:])
	e.Fixed(v.To[:])
	e.U64(v.Amount)
}

func (v RewardPaid) encode(e *bcs.Encoder) {
	e.U32(uint32(v.Epoch))
	e.Fixed(v.Node[:])
	e.Fixed(v.To[:])
	e.U64(v.Amount)
}

func (v EpochChanged) encode(e *bcs.Encoder) {
	e.U32(uint32(v.Epoch))
	e.U64(v.Start)
	e.U64(v.Burned)
	e.U64(v.Carried)
}
