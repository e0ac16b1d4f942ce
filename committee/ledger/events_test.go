package ledger

import (
	"bytes"
	"testing"
)

// The state has the hash of what each block has changed, and nothing for a
// block that has changed nothing.
func TestEventsHash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	send := w.signed(0, Send{To: accountAddress(1), Amount: 5})
	out := w.block(send, w.signed(1, Send{To: accountAddress(0), Amount: 0}))
	want := EventsHash([]TxEvent{{Tx: TxHash(send), Event: out.Txs[0].Events[0]}})
	if got := w.state.Get(EventsKey(w.height)); !bytes.Equal(got, want[:]) || len(out.Txs[1].Events) != 0 {
		t.Errorf("got %x, want %x", got, want)
	}
	w.block()
	if got := w.state.Get(EventsKey(w.height)); got != nil {
		t.Errorf("a block without events: got %x, want nothing", got)
	}
	out = w.turn(w.signed(0, Send{To: accountAddress(1), Amount: 5}))
	var all []TxEvent
	for _, ev := range out.Events {
		all = append(all, TxEvent{Event: ev})
	}
	before := EventsHash(all)
	if got := w.state.Get(EventsKey(w.height)); got == nil || bytes.Equal(got, before[:]) || len(all) == 0 {
		t.Errorf("got %x for %d events of the block and one of a transaction", got, len(all))
	}
}

// Every part of an event counts.
func TestEventsHashDiffers(t *testing.T) {
	t.Parallel()
	base := TxEvent{Tx: [32]byte{1}, Index: 2, Event: Event{Kind: "kind", Body: []byte{3}}}
	seen := [][32]byte{EventsHash(nil), EventsHash([]TxEvent{base}), EventsHash([]TxEvent{base, base})}
	for _, change := range []func(*TxEvent){
		func(e *TxEvent) { e.Tx[0]++ }, func(e *TxEvent) { e.Index++ },
		func(e *TxEvent) { e.Kind = "kinds" }, func(e *TxEvent) { e.Body = []byte{4} }, func(e *TxEvent) { e.Body = nil },
	} {
		e := base
		change(&e)
		seen = append(seen, EventsHash([]TxEvent{e}))
	}
	for i := range seen {
		for j := range i {
			if seen[i] == seen[j] {
				t.Errorf("%d and %d: the same hash", i, j)
			}
		}
	}
}

// Old hashes go, a few in each block.
func TestEventsAreForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var hash [32]byte
	for h := range uint64(5) {
		w.state.Set(EventsKey(h+1), hash[:])
	}
	w.height = eventsKept + 2 // the next block is 3 above the horizon
	w.must(0, Send{To: accountAddress(1), Amount: 5})
	for h, want := range map[uint64]bool{1: false, 2: false, 3: true, 4: true, w.height: true} {
		if got := w.state.Get(EventsKey(h)) != nil; got != want {
			t.Errorf("block %d: got %t, want %t", h, got, want)
		}
	}
}
