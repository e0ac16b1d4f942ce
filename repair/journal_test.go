package repair

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/floe-storage/floe/shard"
)

func TestPage(t *testing.T) {
	t.Parallel()
	p := page{more: true}
	for i := range pageEntries {
		p.entries = append(p.entries, entry{shard.BlobID{byte(i), byte(i >> 8)}, time.UnixMilli(int64(i) * 1e9)})
	}
	b := p.encode()
	if len(b) > 64<<10 {
		t.Errorf("a full page has %d bytes", len(b))
	}
	back, err := parsePage(b)
	if err != nil || back.more != p.more || !slices.EqualFunc(back.entries, p.entries, func(x, y entry) bool {
		return x.blob == y.blob && x.since.Equal(y.since)
	}) {
		t.Errorf("got %d entries, %v", len(back.entries), err)
	}
	for n := range b[:200] {
		if _, err := parsePage(b[:n]); err == nil {
			t.Errorf("cut to %d bytes: no error", n)
		}
	}
}

func FuzzPage(f *testing.F) {
	f.Add((&page{}).encode())
	f.Add((&page{more: true, entries: []entry{{shard.BlobID{7}, time.UnixMilli(99)}}}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePage(b)
		if err != nil {
			return
		}
		if got := p.encode(); !bytes.Equal(got, b) {
			t.Errorf("parsed from %x, encodes to %x", b, got)
		}
	})
}

// A page that overflows, and a queue that did, are told of in the journal.
func TestPageOverflow(t *testing.T) {
	t.Parallel()
	q := newQueue(pageEntries + 10)
	for i := range pageEntries + 1 {
		q.add(shard.BlobID{0, 0, byte(i), byte(i >> 8)}, 1, 0)
	}
	q.add(shard.BlobID{1}, 1, 0)
	q.add(shard.BlobID{2}, 1, time.Hour) // nobody knows yet that it is lost
	changed := q.changedPages()
	if p := changed[0]; len(changed) != 2 || !p.more || len(p.entries) != pageEntries {
		t.Errorf("got %d pages, %d entries, more %v", len(changed), len(p.entries), p.more)
	}
	if p := changed[1]; p.more || len(p.entries) != 1 {
		t.Errorf("got %+v", p)
	}
	if again := q.changedPages(); len(again) != 0 {
		t.Errorf("got %d pages although nothing changed", len(again))
	}
	q.missed()
	q.unsaved()
	if changed := q.changedPages(); len(changed) != pages || !changed[1].more {
		t.Errorf("got %d pages after a failure", len(changed))
	}
}
