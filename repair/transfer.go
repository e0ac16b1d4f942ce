package repair

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

const (
	// stretchBytes and stretchBlobs bound what of a shard is verified and stored
	// together: enough to share the work, little enough to stay flat.
	stretchBytes = 4 << 20
	stretchBlobs = 64
	// maxJunk is how many bytes of unwanted blobs a former holder may send beyond
	// as many as wanted ones: it may know less or more of the ledger than this node.
	maxJunk = 64 << 20
)

// transfer is one shard on its way. It belongs to one goroutine.
type transfer struct {
	*Migrator
	Move
	epoch  committee.Epoch
	holder *holder

	next   shard.BlobID // from which the holder is asked on
	batch  []Moved      // not verified yet, in the order of blobs
	size   int          // bytes of the batch
	since  time.Time    // when the batch began
	good   uint64       // bytes of wanted blobs
	junk   uint64       // bytes of others
	credit int          // since the clock was set back
	clock  *time.Timer  // runs out when the holder has earned too little for too long
	left   time.Duration
	began  time.Time // when the clock began to run with what is left
}

// run pulls the shard until its former holder says that this was all, or is given up.
func (t *transfer) run(ctx context.Context) error {
	done := t.resume()
	if done || ctx.Err() != nil {
		return ctx.Err()
	}
	if err := t.holder.fault(); err != nil {
		return err
	}
	t.began, t.left = time.Now(), t.cfg.Patience
	began := t.began
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	t.clock = time.AfterFunc(t.cfg.Patience, func() { cancel(errSlow) })
	defer t.clock.Stop()
	var err error
	for attempt := 1; ; attempt++ {
		before := t.good
		if err = t.stream(within); err == nil {
			err = t.note(ctx, true)
		}
		if own, ok := errors.AsType[*ownError](err); ok && within.Err() == nil {
			return own
		}
		if err == nil || within.Err() != nil || errors.Is(err, errFalse) {
			break
		}
		if t.good > before {
			attempt = 1
		}
		select {
		case <-time.After(backoff(attempt, t.cfg.RetryMin, t.cfg.RetryMax)):
		case <-within.Done():
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	log := t.cfg.Logger.With(slog.Any("shard", t.Shard), slog.Any("peer", t.From.ID), slog.Duration("elapsed", time.Since(began)))
	if err == nil {
		t.counts.shards.Add(1)
		log.DebugContext(ctx, "shard was handed over")
		return nil
	}
	if errors.Is(context.Cause(within), errSlow) {
		err = fmt.Errorf("%w: %w", errSlow, err)
	}
	t.holder.giveUp(err)
	t.counts.given.Add(1)
	log.WarnContext(ctx, "shard is not handed over", "err", err)
	return err
}

// stream makes one call. What has arrived whole is stored also if the call fails.
func (t *transfer) stream(ctx context.Context) error {
	var wanted shard.BlobID // the last one looked up, and found to be wanted
	var fault error
	for s, err := range t.cfg.Holders.SyncShard(ctx, t.From, t.Shard, t.next) {
		if err != nil {
			fault = err
			break
		}
		size := uint64(len(s.Sliver.Data))
		t.counts.pulled.Add(size)
		if s.Blob != wanted {
			if !t.cfg.Ledger.Wanted(s.Blob) {
				if t.junk += size + leastSliver; t.junk > t.good+maxJunk {
					return fmt.Errorf("%w: %d bytes of blobs that nobody wants", errFalse, t.junk)
				}
				continue
			}
			wanted = s.Blob
			if t.size >= stretchBytes || len(t.batch) >= 2*stretchBlobs || len(t.batch) > 0 && time.Since(t.since) > t.cfg.Patience/4 {
				if err := t.flush(ctx, after(t.batch[len(t.batch)-1].Blob)); err != nil {
					return err
				}
			}
		}
		if len(t.batch) == 0 {
			t.since = time.Now()
		}
		t.batch = append(t.batch, s)
		t.size += int(size)
	}
	switch n := len(t.batch); {
	case n == 0:
		return fault
	case fault == nil:
		return t.flush(ctx, after(t.batch[n-1].Blob))
	default: // the other sliver of the last blob may be missing
		return errors.Join(fault, t.flush(ctx, t.batch[n-1].Blob))
	}
}

// flush verifies and stores what has arrived, after which the shard is here up
// to next, and the holder has earned its credit.
func (t *transfer) flush(ctx context.Context, next shard.BlobID) error {
	var blobs [][]Moved
	for i, s := range t.batch {
		if i == 0 || s.Blob != t.batch[i-1].Blob {
			blobs = append(blobs, nil)
		}
		blobs[len(blobs)-1] = append(blobs[len(blobs)-1], s)
	}
	t.batch, t.size = nil, 0
	runs := t.clock.Stop() // what our own disk takes is not held against the holder
	t.left -= time.Since(t.began)
	kept, faults := make([]int, len(blobs)), make([]error, len(blobs))
	var wg sync.WaitGroup
	for i, b := range blobs { // few, see stretchBlobs; side by side they share one sync
		wg.Go(func() { kept[i], faults[i] = t.keep(ctx, b) })
	}
	wg.Wait()
	for i, n := range kept {
		t.good += uint64(n)
		t.credit += n + len(blobs[i])*leastSliver
	}
	if t.credit >= int(t.cfg.Patience.Seconds()*leastRate) {
		t.credit, t.left = 0, t.cfg.Patience
	}
	if t.began = time.Now(); runs {
		t.clock.Reset(t.left)
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	t.next = next
	return t.note(ctx, false)
}

// keep stores the slivers of one blob, in one batch, and returns their bytes.
func (t *transfer) keep(ctx context.Context, moved []Moved) (int, error) {
	id := moved[0].Blob
	md, err := t.metadata(ctx, id, t.From)
	if err != nil {
		if own, ok := errors.AsType[*ownError](err); ok {
			return 0, own
		}
		t.cfg.Logger.DebugContext(ctx, "slivers without metadata", "blob", id, "shard", t.Shard, "err", err)
		return 0, ctx.Err() // left to the repairer
	}
	slivers := make([]shard.Sliver, len(moved))
	for i := range moved {
		slivers[i] = moved[i].Sliver
	}
	var lie error
	var items []Item
	size := 0
	for i, err := range shard.VerifySlivers(t.cfg.Params, md, slivers) {
		if err != nil {
			lie = fmt.Errorf("%w: blob %v: %w", errFalse, id, err)
			continue
		}
		size += len(slivers[i].Data)
		items = append(items, Item{Shard: t.Shard, Sliver: slivers[i]})
	}
	if len(items) == 0 {
		return 0, lie
	}
	if err := t.cfg.Store.PutSlivers(ctx, id, items); err != nil {
		return 0, t.unkept(ctx, id, err)
	}
	t.counts.slivers.Add(uint64(len(items)))
	t.counts.restored.Add(uint64(size))
	return size, lie
}

// unkept classifies an error of the store: none if the blob has ended meanwhile.
func (m *Migrator) unkept(ctx context.Context, id shard.BlobID, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !m.cfg.Ledger.Wanted(id):
		return nil
	}
	return &ownError{err}
}

// The note of a shard, under a name of its own: the epoch with which it was
// gained, whether it is done, and the blob from which it goes on.
//
//	epoch:4 done:1 next:32     big-endian
const noteLen = 4 + 1 + len(shard.BlobID{})

func noteName(s shard.Index) string { return fmt.Sprintf("move-%d", s) }

// note makes durable how far the shard has come. If we crash before, the last
// batch is pulled again.
func (t *transfer) note(ctx context.Context, done bool) error {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, noteLen), uint32(t.epoch))
	if b = append(b, 0); done {
		b[4] = 1
	}
	err := t.cfg.Store.PutValue(ctx, noteName(t.Shard), append(b, t.next[:]...))
	if err != nil && ctx.Err() == nil {
		return &ownError{err}
	}
	return err
}

// resume returns to where the shard was left in this epoch.
func (t *transfer) resume() (done bool) {
	b, err := t.cfg.Store.Value(noteName(t.Shard))
	if err != nil || len(b) != noteLen || committee.Epoch(binary.BigEndian.Uint32(b)) != t.epoch {
		return false
	}
	copy(t.next[:], b[5:])
	return b[4] == 1
}

// after returns the blob ID that follows id.
func after(id shard.BlobID) shard.BlobID {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i]++; id[i] != 0 {
			return id
		}
	}
	for i := range id { // there is none: the last one is asked for again
		id[i] = 0xff
	}
	return id
}
