package ledgerrpc

import (
	"bytes"
	"strings"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard/bcs"
)

// Protocol is the name under which peers answer for the ledger.
const Protocol = "ledger/1"

const (
	maxKeys    = 64
	maxKey     = 256               // bytes
	maxValues  = 6 << 20           // bytes of all values of an answer: the record of a thousand nodes has less
	maxRange   = 256               // pairs in one answer
	maxSpans   = maxValues + 1<<20 // bytes of all spans of an answer, values included
	maxAnswer  = maxSpans + 2*light.MaxBlockSize + 1<<16
	maxProof   = 16 << 10 // bytes of a receipt's proof
	maxRequest = ledger.MaxTxSize + 1<<10
	maxText    = 512
	maxKind    = 64       // bytes of an event's name
	maxBody    = 4096     // bytes of an event, and of a transaction's results
	maxPart    = 1 << 20  // bytes of events in one frame; a block with more goes on in the next
	maxEvents  = 1 << 18  // of one block, in all its frames
	maxBlock   = 64 << 20 // bytes of events of one block: its transactions have a megabyte
	leastEvent = 32 + 4 + 1 + 1
)

// The calls, in the first byte of a request.
const (
	callGet = iota
	callRange
	callBroadcast
	callAwait
	callFollow
	callBlock
	calls
)

// request is the only frame that a client sends. What belongs to another call
// than the one made is empty and not sent.
type request struct {
	call       int
	minHeight  uint64   // get, range: wait for this height; follow: the first height; block: its height, 0 for the newest
	known      uint64   // get, range: a header that need not be sent
	keys       [][]byte // get
	start, end []byte   // range; an empty end is none
	limit      uint16   // range
	tx         []byte   // broadcast
	hash       [32]byte // await
}

// MaxSize implements [wire.Message].
func (*request) MaxSize() int { return maxRequest }

// EncodeTo implements [wire.Message].
func (q *request) EncodeTo(e *bcs.Encoder) {
	e.ULEB(uint32(q.call))
	switch q.call {
	case callGet:
		e.U64(q.minHeight)
		e.U64(q.known)
		e.Count(len(q.keys))
		for _, k := range q.keys {
			e.Bytes(k)
		}
	case callRange:
		e.U64(q.minHeight)
		e.U64(q.known)
		e.Bytes(q.start)
		e.Bytes(q.end)
		e.U16(q.limit)
	case callBroadcast:
		e.Bytes(q.tx)
	case callAwait:
		e.Fixed(q.hash[:])
	case callFollow, callBlock:
		e.U64(q.minHeight)
	}
}

// DecodeFrom implements [wire.Message].
func (q *request) DecodeFrom(d *bcs.Decoder) {
	q.call = d.Variant(calls)
	switch q.call {
	case callGet:
		q.minHeight, q.known = d.U64(), d.U64()
		q.keys = make([][]byte, d.Count(maxKeys, 1))
		for i := range q.keys {
			q.keys[i] = bytes.Clone(d.Bytes(maxKey))
		}
	case callRange:
		q.minHeight, q.known = d.U64(), d.U64()
		q.start, q.end = bytes.Clone(d.Bytes(maxKey)), bytes.Clone(d.Bytes(maxKey))
		q.limit = d.U16()
	case callBroadcast:
		q.tx = bytes.Clone(d.Bytes(ledger.MaxTxSize))
	case callAwait:
		d.Fixed(q.hash[:])
	case callFollow, callBlock:
		q.minHeight = d.U64()
	}
}

// answer is what a server sends: one frame for each request, and frames without
// end for callFollow.
type answer struct {
	fault   wire.Error // CodeOK if the call succeeded; otherwise nothing else is sent
	call    int
	height  uint64   // get, range: of the state
	spans   [][]byte // get: one for each key, in the order asked for; range: one. See light.VerifyRange
	block   []byte   // get, range: the light block of height+1, none if it is known; block: that of the height; await: that of the receipt's
	next    []byte   // await: that of the height after the receipt's
	proof   []byte   // await: see light.VerifyReceipt
	more    bool     // follow: of this block there are further events
	result  ledger.TxResult
	receipt ledger.Receipt
	events  ledger.BlockEvents
}

// MaxSize implements [wire.Message].
func (*answer) MaxSize() int { return maxAnswer }

// EncodeTo implements [wire.Message].
func (a *answer) EncodeTo(e *bcs.Encoder) {
	a.fault.EncodeTo(e)
	if a.fault.Code != wire.CodeOK {
		return
	}
	e.ULEB(uint32(a.call))
	switch a.call {
	case callGet, callRange:
		e.U64(a.height)
		e.Bytes(a.block)
		e.Count(len(a.spans))
		for _, s := range a.spans {
			e.Bytes(s)
		}
	case callBroadcast:
		encodeResult(e, a.result)
	case callAwait:
		e.U64(a.receipt.Height)
		e.U32(a.receipt.Index)
		e.Fixed(a.receipt.Hash[:])
		encodeResult(e, a.receipt.TxResult)
		e.Bytes(a.proof)
		e.Bytes(a.block)
		e.Bytes(a.next)
	case callBlock:
		e.Bytes(a.block)
	case callFollow:
		e.U64(a.events.Height)
		e.U64(a.events.Time)
		e.Bool(a.more)
		e.Count(len(a.events.Events))
		for _, ev := range a.events.Events {
			e.Fixed(ev.Tx[:])
			e.U32(ev.Index)
			e.String(ev.Kind)
			e.Bytes(ev.Body)
		}
	}
}

// DecodeFrom implements [wire.Message].
func (a *answer) DecodeFrom(d *bcs.Decoder) {
	if a.fault.DecodeFrom(d); a.fault.Code != wire.CodeOK {
		return
	}
	a.call = d.Variant(calls)
	switch a.call {
	case callGet, callRange:
		a.height, a.block = d.U64(), bytes.Clone(d.Bytes(light.MaxBlockSize))
		a.spans = make([][]byte, d.Count(maxKeys, 1))
		for i := range a.spans {
			a.spans[i] = bytes.Clone(d.Bytes(maxSpans))
		}
	case callBroadcast:
		a.result = decodeResult(d)
	case callAwait:
		a.receipt.Height, a.receipt.Index = d.U64(), d.U32()
		d.Fixed(a.receipt.Hash[:])
		a.receipt.TxResult = decodeResult(d)
		a.proof, a.block, a.next = bytes.Clone(d.Bytes(maxProof)), bytes.Clone(d.Bytes(light.MaxBlockSize)), bytes.Clone(d.Bytes(light.MaxBlockSize))
	case callBlock:
		a.block = bytes.Clone(d.Bytes(light.MaxBlockSize))
	case callFollow:
		a.events.Height, a.events.Time, a.more = d.U64(), d.U64(), d.Bool()
		a.events.Events = make([]ledger.TxEvent, d.Count(maxEvents, leastEvent))
		for i := range a.events.Events {
			ev := &a.events.Events[i]
			d.Fixed(ev.Tx[:])
			ev.Index, ev.Kind, ev.Body = d.U32(), d.String(maxKind), bytes.Clone(d.Bytes(maxBody))
		}
	}
}

// eventSize is how many bytes an event has in a frame, about.
func eventSize(ev ledger.TxEvent) int { return leastEvent + len(ev.Kind) + len(ev.Body) }

// encodeResult writes a result without its events, which have a call of their own.
func encodeResult(e *bcs.Encoder, r ledger.TxResult) {
	e.U32(r.Code)
	e.String(truncate(r.Info))
	e.Bytes(r.Data)
	e.U64(r.Fee)
}

func decodeResult(d *bcs.Decoder) ledger.TxResult {
	return ledger.TxResult{Code: d.U32(), Info: d.String(maxText), Data: bytes.Clone(d.Bytes(maxBody)), Fee: d.U64()}
}

// truncate cuts a text to what a frame may carry, at a whole character.
func truncate(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxText)], "") }
