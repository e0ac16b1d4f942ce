package ledger

import (
	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard/bcs"
)

const (
	maxChainID  = 50 // bytes, as CometBFT has it
	maxNodes    = 1000
	maxName     = 100 // bytes. [WL] §0.9
	maxAddrs    = 16
	maxAddr     = 259 // bytes. [WL] §0.9
	maxAccounts = 100_000
)

func (p Params) encode(e *bcs.Encoder) {
	e.String(p.ChainID)
	e.U16(p.Shards)
	e.U64(p.EpochDuration)
	e.U32(p.MaxEpochsAhead)
	e.U64(p.Capacity)
	e.U64(p.StoragePrice)
	e.U64(p.WritePrice)
	e.U64(p.FeePerByte)
	e.U64(p.FeePerMessage)
}

func decodeParams(d *bcs.Decoder) Params {
	return Params{
		ChainID: d.String(maxChainID), Shards: d.U16(), EpochDuration: d.U64(), MaxEpochsAhead: d.U32(), Capacity: d.U64(),
		StoragePrice: d.U64(), WritePrice: d.U64(), FeePerByte: d.U64(), FeePerMessage: d.U64(),
	}
}

func (s System) encode(e *bcs.Encoder) {
	e.U32(uint32(s.Epoch))
	e.U64(s.EpochStart)
	e.U64(s.Supply)
}

func decodeSystem(d *bcs.Decoder) System {
	return System{Epoch: committee.Epoch(d.U32()), EpochStart: d.U64(), Supply: d.U64()}
}

func (a Account) encode(e *bcs.Encoder) {
	e.U64(a.Balance)
	e.U64(a.Nonce)
}

func decodeAccount(d *bcs.Decoder) Account { return Account{Balance: d.U64(), Nonce: d.U64()} }

func (r ringEntry) encode(e *bcs.Encoder) {
	e.U64(r.Used)
	e.U64(r.Rewards)
}

func decodeRing(d *bcs.Decoder) ringEntry { return ringEntry{Used: d.U64(), Rewards: d.U64()} }

func (s Storage) encode(e *bcs.Encoder) {
	e.Fixed(s.ID[:])
	e.Fixed(s.Owner[:])
	e.U32(uint32(s.Start))
	e.U32(uint32(s.End))
	e.U64(s.Size)
}

func decodeStorage(d *bcs.Decoder) Storage {
	var s Storage
	d.Fixed(s.ID[:])
	d.Fixed(s.Owner[:])
	s.Start, s.End = committee.Epoch(d.U32()), committee.Epoch(d.U32())
	s.Size = d.U64()
	return s
}

func (b Blob) encode(e *bcs.Encoder) {
	e.Fixed(b.ID[:])
	e.Fixed(b.Owner[:])
	e.Fixed(b.BlobID[:])
	e.U64(b.Size)
	e.Bool(b.Deletable)
	e.U32(uint32(b.Registered))
	e.U32(uint32(b.Certified))
	b.Point.encode(e)
	b.Storage.encode(e)
}

func decodeBlob(d *bcs.Decoder) Blob {
	var b Blob
	d.Fixed(b.ID[:])
	d.Fixed(b.Owner[:])
	d.Fixed(b.BlobID[:])
	b.Size, b.Deletable = d.U64(), d.Bool()
	b.Registered, b.Certified = committee.Epoch(d.U32()), committee.Epoch(d.U32())
	b.Point = decodePoint(d)
	b.Storage = decodeStorage(d)
	return b
}

func (p Point) encode(e *bcs.Encoder) {
	e.U64(p.Height)
	e.Fixed(p.Tx[:])
	e.U32(p.Event)
}

func decodePoint(d *bcs.Decoder) Point {
	var p Point
	p.Height = d.U64()
	d.Fixed(p.Tx[:])
	p.Event = d.U32()
	return p
}

// encoded is a value of the state.
type encoded interface{ encode(*bcs.Encoder) }

func encode(v encoded) []byte {
	var e bcs.Encoder
	v.encode(&e)
	return e.Data()
}
