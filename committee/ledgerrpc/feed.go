package ledgerrpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
)

const (
	// maxBatch is how many blocks are proven at a time: one answer has the hashes
	// of all of them.
	maxBatch = maxRange
	// maxBatchSize is how many bytes of events are held before they are proven,
	// beside those of one block.
	maxBatchSize = 8 << 20
	// horizon is for how many blocks the state is sure to have the hashes of their
	// events, see ledger.EventsKey.
	horizon = 1_000_000
)

// ErrHorizon says that blocks lie so far back that the state has forgotten the
// hashes of their events. Nobody can prove them any more: begin later.
var ErrHorizon = errors.New("ledgerrpc: the events lie too far back to be proven")

// errEvents says that a peer has told other events than a block had.
var errEvents = errors.New("ledgerrpc: other events than the state proves")

// feed is a stream of blocks from one peer, which proves them.
type feed struct {
	client *Client
	peer   p2p.PeerID
	stream *p2p.Stream // nil before the first block is wanted
	sent   error       // of the request
	next   uint64      // the height that the stream is at
	fault  error       // of the stream; it sticks

	held   []ledger.BlockEvents // what was read and is not proven yet, in order
	size   int                  // bytes of held
	height uint64               // of the newest state that the peer has proven
	heads  *[2]light.Header     // the follower's
	time   uint64               // of the last block that was read
	useful bool                 // has had a block to pass on
}

// close ends a feed; nil is none.
func (f *feed) close() {
	if f != nil && f.stream != nil {
		f.stream.Reset()
	}
}

// take returns blocks that may be passed on, at least one.
func (f *feed) take(ctx context.Context) ([]ledger.BlockEvents, error) {
	if f.stream == nil {
		if err := f.begin(ctx); err != nil {
			return nil, err
		}
	}
	if f.client.light == nil {
		b, err := f.read(followPatience)
		if err != nil {
			return nil, quiet(err)
		}
		f.useful = true
		f.client.sawBlock(b)
		return []ledger.BlockEvents{b}, nil
	}
	f.fill()
	least := f.provable()
	if least == 0 {
		return nil, f.fault
	}
	n, err := f.prove(ctx, least)
	if err != nil {
		return nil, err
	}
	out := f.held[:n]
	f.held, f.size = slices.Clone(f.held[n:]), 0
	for _, b := range f.held {
		f.size += blockSize(b)
	}
	f.useful = true
	return out, nil
}

// begin finds out how far the peer is, and asks it for blocks.
func (f *feed) begin(ctx context.Context) error {
	if f.client.light != nil {
		if _, err := f.prove(ctx, f.client.seen()); err != nil {
			return err
		}
	}
	stream, err := f.client.host.Open(ctx, f.peer, Protocol)
	if err != nil {
		return err
	}
	f.stream = stream
	f.sent = wire.Write(stream, &request{call: callFollow, minHeight: f.next})
	return nil
}

// fill reads until there is something to prove. Of blocks that the peer is known
// to have it reads a whole batch. At the end of the chain it reads up to the
// block whose header proves the one before: so the last one is held, but one
// with events is not the last for long.
func (f *feed) fill() {
	for f.fault == nil {
		known := f.next <= f.height
		if known && (len(f.held) >= maxBatch || f.size >= maxBatchSize) || !known && f.provable() > 0 {
			return
		}
		patience := followPatience
		if known {
			patience = callTimeout
		}
		b, err := f.read(patience)
		if err != nil {
			if f.fault = err; !known {
				f.fault = quiet(err)
			}
			return
		}
		f.held = append(f.held, b)
		f.size += blockSize(b)
	}
}

// provable returns the highest block held that the peer can prove at once, 0 if
// there is none: one whose state it has proven, or whose next block it has sent.
func (f *feed) provable() uint64 {
	n := len(f.held)
	switch {
	case n == 0:
		return 0
	case f.held[n-1].Height <= f.height:
		return f.held[n-1].Height
	case n == 1:
		return 0
	}
	return f.held[n-2].Height
}

// prove checks what is held against the peer's state of a height of at least
// least, and returns how many of the blocks are true. Those behind that height
// have to wait.
func (f *feed) prove(ctx context.Context, least uint64) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, viewTimeout)
	defer cancel()
	r, err := f.client.dial(ctx, f.peer, max(least, f.height), 0) // not behind what is known: old headers are hard to verify
	if err != nil {
		return 0, err
	}
	defer r.close()
	first := f.next - uint64(len(f.held))
	var entries []light.Entry
	r.ascend(maxBatch, ledger.EventsKey(first), ledger.EventsKey(max(f.next, first+1)), func(key, value []byte) bool {
		entries = append(entries, light.Entry{Key: key, Value: value})
		return true
	})
	if r.err != nil {
		return 0, r.err
	}
	f.client.saw(r.height)
	if f.height = r.height; r.head.Height != f.heads[0].Height {
		*f.heads = [2]light.Header{r.head, f.heads[0]}
	}
	if far := f.client.horizon; r.height > far && first < r.height-far {
		return 0, fmt.Errorf("%w: block %d, more than %d behind %d", ErrHorizon, first, far, r.height)
	}
	n := 0
	for ; n < len(f.held) && f.held[n].Height <= r.height; n++ {
		if entries, err = f.check(f.held[n], entries); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// check compares a block with the entries of it and of those after it, and
// returns the latter. No entry says that there were no events.
func (f *feed) check(b ledger.BlockEvents, entries []light.Entry) ([]light.Entry, error) {
	noted := len(entries) > 0 && bytes.Equal(entries[0].Key, ledger.EventsKey(b.Height))
	hash := ledger.EventsHash(b.Events)
	if noted != (len(b.Events) > 0) || noted && !bytes.Equal(entries[0].Value, hash[:]) {
		return nil, fmt.Errorf("%w: block %d, told with %d events", errEvents, b.Height, len(b.Events))
	}
	if noted {
		entries = entries[1:]
	}
	for _, h := range f.heads {
		at := uint64(h.Time.UnixMilli())
		if h.Height != 0 && (b.Height <= h.Height && b.Time > at || b.Height >= h.Height && b.Time < at) {
			return nil, fmt.Errorf("%w: block %d, told with the time %d, and the header of %d has %d", errEvents, b.Height, b.Time, h.Height, at)
		}
	}
	return entries, nil
}

// read returns the next block of the stream.
func (f *feed) read(patience time.Duration) (ledger.BlockEvents, error) {
	b, err := readBlock(f.stream, f.next, patience)
	if err != nil {
		return b, errors.Join(f.sent, err)
	}
	if f.client.light != nil && b.Time < f.time {
		return b, fmt.Errorf("%w: block %d is older than the one before", errEvents, b.Height)
	}
	f.time = b.Time
	f.next++
	return b, nil
}

// readBlock reads the frames of one block.
func readBlock(stream *p2p.Stream, height uint64, patience time.Duration) (ledger.BlockEvents, error) {
	var b ledger.BlockEvents
	for part, size := 0, 0; ; part++ {
		_ = stream.SetReadDeadline(time.Now().Add(patience))
		var a answer
		if err := wire.Read(stream, &a); err != nil {
			return b, err
		}
		if a.fault.Code != wire.CodeOK {
			return b, &a.fault
		}
		size += blockSize(a.events)
		again := part == 0 || a.events.Time == b.Time && len(a.events.Events) > 0
		if a.call != callFollow || a.events.Height != height || height == math.MaxUint64 || !again || size > maxBlock || len(b.Events)+len(a.events.Events) > maxEvents {
			return b, fmt.Errorf("%w: something else than block %d", wire.ErrMalformed, height)
		}
		events := append(b.Events, a.events.Events...)
		b = a.events
		if b.Events = events; !a.more {
			return b, nil
		}
	}
}

// blockSize is how many bytes a block's events have, about.
func blockSize(b ledger.BlockEvents) int {
	size := 0
	for _, ev := range b.Events {
		size += eventSize(ev)
	}
	return size
}
