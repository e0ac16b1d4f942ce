package wire

import (
	"math"
	"time"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// SyncShard is the request of shard/1: what the node has of one shard, from a blob on.
type SyncShard struct {
	Shard shard.Index
	From  shard.BlobID // the first that is wanted; the zero ID stands for all
}

// MaxSize implements Message.
func (s *SyncShard) MaxSize() int { return 2 + shard.BlobIDSize }

// EncodeTo implements Message.
func (s *SyncShard) EncodeTo(e *bcs.Encoder) {
	e.U16(uint16(s.Shard))
	e.Fixed(s.From[:])
}

// DecodeFrom implements Message.
func (s *SyncShard) DecodeFrom(d *bcs.Decoder) {
	s.Shard = shard.Index(d.U16())
	d.Fixed(s.From[:])
}

// EntryKind says what an entry is.
type EntryKind uint8

const (
	// EntrySliver announces a sliver body.
	EntrySliver EntryKind = iota
	// EntryEnd says that there is no more of the shard.
	EntryEnd
	// EntryBreak says that there may be more, from Blob on, in another call after Pause.
	EntryBreak
	entryKinds
)

// Entry is one step through a shard in the answer to a SyncShard.
type Entry struct {
	Kind       EntryKind
	Blob       shard.BlobID  // zero at the end
	Axis       shard.Axis    // of a sliver; its index follows from the shard
	SymbolSize uint16        // of a sliver, in bytes; the body's length follows from it
	Pause      time.Duration // of a break; sent in whole milliseconds, rounded up
}

// MaxSize implements Message.
func (n *Entry) MaxSize() int { return 1 + shard.BlobIDSize + 4 }

// EncodeTo implements Message.
func (n *Entry) EncodeTo(e *bcs.Encoder) {
	e.ULEB(uint32(n.Kind))
	switch n.Kind {
	case EntrySliver:
		e.Fixed(n.Blob[:])
		e.U8(uint8(n.Axis))
		e.U16(n.SymbolSize)
	case EntryBreak:
		e.Fixed(n.Blob[:])
		ms := (max(n.Pause, 0) + time.Millisecond - 1) / time.Millisecond
		e.U32(uint32(min(ms, math.MaxUint32)))
	case EntryEnd, entryKinds:
	}
}

// DecodeFrom implements Message.
func (n *Entry) DecodeFrom(d *bcs.Decoder) {
	*n = Entry{Kind: EntryKind(d.Variant(int(entryKinds)))}
	switch n.Kind {
	case EntrySliver:
		d.Fixed(n.Blob[:])
		n.Axis = decodeAxis(d)
		n.SymbolSize = d.U16()
	case EntryBreak:
		d.Fixed(n.Blob[:])
		n.Pause = time.Duration(d.U32()) * time.Millisecond
	case EntryEnd, entryKinds:
	}
}
