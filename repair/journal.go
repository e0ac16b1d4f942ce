package repair

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// The journal is what of the queue survives a restart: each blob that is known or
// said to be lost, and since when, on one of the pages, by its ID. A page is a
// value of the store:
//
//	more:bool count:ULEB (blob:32 since:8)…      since in Unix milliseconds; ascending by blob
//
// more says that there were others, for which there was no room: the ledger knows
// them.
const (
	pages      = 64
	pageName   = "repair-queue-%02x"
	entryBytes = shard.BlobIDSize + 8
	// pageEntries keeps a page below the 64 KiB that the store takes.
	pageEntries = 1500
	// recordEvery is how often changed pages are written. What was enqueued within
	// that time before a crash is found again by whoever looks for what is lost.
	recordEvery = 2 * time.Second
	// maxMillis is the last time that a page can tell.
	maxMillis = 1<<62 - 1
	// saveTime bounds the last writing, when everything else has ended.
	saveTime = 5 * time.Second
)

func pageOf(id shard.BlobID) int { return int(binary.LittleEndian.Uint16(id[:]) % pages) }

// page is one page of the journal.
type page struct {
	more    bool
	entries []entry
}

type entry struct {
	blob  shard.BlobID
	since time.Time
}

func (p *page) encode() []byte {
	e := bcs.NewEncoder(nil)
	e.Bool(p.more)
	e.Count(len(p.entries))
	for i := range p.entries {
		e.Fixed(p.entries[i].blob[:])
		e.U64(uint64(max(0, p.entries[i].since.UnixMilli())))
	}
	return e.Data()
}

func parsePage(b []byte) (p page, err error) {
	d := bcs.NewDecoder(b)
	p.more = d.Bool()
	p.entries = make([]entry, d.Count(pageEntries, entryBytes))
	for i := range p.entries {
		d.Fixed(p.entries[i].blob[:])
		ms := d.U64()
		if ms > maxMillis {
			d.Fail("a time beyond all calendars")
		}
		p.entries[i].since = time.UnixMilli(int64(ms & maxMillis))
	}
	return p, d.Finish()
}

// restore enqueues what the journal has.
func (r *Repairer) restore(ctx context.Context) {
	for i := range pages {
		name := fmt.Sprintf(pageName, i)
		b, err := r.cfg.Store.Value(name)
		if err != nil {
			continue // nothing was ever written there
		}
		p, err := parsePage(b)
		if err != nil {
			r.cfg.Logger.WarnContext(ctx, "page of the repair queue is unreadable", "page", name, "err", err)
			p = page{more: true}
		}
		for _, en := range p.entries {
			r.queue.restore(en, r.remaining(en.blob))
		}
		if p.more {
			r.queue.missed()
		}
	}
}

// record writes what has changed from time to time, until ctx ends.
func (r *Repairer) record(ctx context.Context) {
	for sleep(ctx, recordEvery) == nil {
		r.save(ctx)
		r.refill(ctx)
	}
}

// save writes the pages that have changed.
func (r *Repairer) save(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	for i, p := range r.queue.changedPages() {
		if err := r.cfg.Store.PutValue(ctx, fmt.Sprintf(pageName, i), p.encode()); err != nil {
			r.queue.unsaved()
			r.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "repair queue is not saved", slog.Any("err", err))
			return
		}
	}
}

// restore enqueues a blob of the journal with the age it had.
func (q *queue) restore(en entry, remaining int) {
	if !q.add(en.blob, remaining, 0) {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	it := q.items[en.blob]
	if it == nil || !en.since.Before(it.priority.since) {
		return
	}
	it.priority.since = en.since
	q.fixLocked(it)
}

// missed says that there is more to repair than the queue knows.
func (q *queue) missed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.overflow = true
}

// changedPages returns what the changed pages are now, and takes them as written.
func (q *queue) changedPages() map[int]page {
	q.mu.Lock()
	defer q.mu.Unlock()
	changed := map[int]page{}
	for i, d := range q.dirty {
		if d {
			changed[i] = page{more: q.overflow}
		}
	}
	if len(changed) == 0 {
		return nil
	}
	q.dirty = [pages]bool{}
	for _, it := range q.items {
		i := pageOf(it.id)
		p, ok := changed[i]
		if !ok || !it.kept {
			continue
		}
		p.entries = append(p.entries, entry{it.id, it.priority.since})
		changed[i] = p
	}
	for i, p := range changed {
		slices.SortFunc(p.entries, func(x, y entry) int { return slices.Compare(x.blob[:], y.blob[:]) })
		if len(p.entries) > pageEntries {
			p.more, p.entries = true, p.entries[:pageEntries]
		}
		changed[i] = p
	}
	return changed
}

// unsaved says that some pages could not be written.
func (q *queue) unsaved() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.dirty {
		q.dirty[i] = true
	}
}
