package ledger

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/floe-storage/floe/shard/bcs"
)

const (
	eventsTag = "floe/events/1"
	// eventsKept is for how many blocks the hashes of their events stay in the
	// state: a year of blocks that come every half minute.
	eventsKept = 1 << 20
	// eventsDropped bounds the old hashes that one block removes.
	eventsDropped = 2
)

// EventsHash names what a block has changed: its events in their order, with
// the transactions that caused them. A block without events has none.
func EventsHash(events []TxEvent) [32]byte {
	var e bcs.Encoder
	e.String(eventsTag)
	e.Count(len(events))
	for _, ev := range events {
		e.Fixed(ev.Tx[:])
		e.U32(ev.Index)
		e.String(ev.Kind)
		e.Bytes(ev.Body)
	}
	return sha256.Sum256(e.Data())
}

// EventsKey is where the state has the EventsHash of a block since its
// application. A block without events has no such key, nor has one that lies
// more than a million blocks back.
func EventsKey(height uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyEvents}, height)
}

// noteEvents writes what a block has changed under its height, so that whoever
// follows can prove that it has missed nothing.
func noteEvents(s Store, b Block, out BlockResult) {
	var events []TxEvent
	for _, ev := range out.Events {
		events = append(events, TxEvent{Event: ev})
	}
	for i, r := range out.Txs {
		for j, ev := range r.Events {
			events = append(events, TxEvent{Tx: TxHash(b.Txs[i]), Index: uint32(j), Event: ev})
		}
	}
	if len(events) == 0 {
		return
	}
	hash := EventsHash(events)
	s.Set(EventsKey(b.Height), hash[:])
	if b.Height <= eventsKept {
		return
	}
	var old [][]byte
	s.Ascend([]byte{keyEvents}, EventsKey(b.Height-eventsKept), func(key, _ []byte) bool {
		old = append(old, append([]byte(nil), key...))
		return len(old) < eventsDropped
	})
	for _, key := range old {
		s.Delete(key)
	}
}
