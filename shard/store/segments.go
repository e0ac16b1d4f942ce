package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

const (
	// segmentThreshold is the length from which a sliver or metadata lies in a
	// segment and not in Badger, where compaction would copy it again and again.
	segmentThreshold = 1 << 10
	// segmentSize is the length after which a segment is closed. The larger, the
	// fewer files; the smaller, the less is copied to empty one.
	segmentSize = 64 << 20
	// laneCount is how many segments are written at the same time. A disk syncs
	// several files in little more time than one.
	laneCount = 8
)

// errAway says that a segment does not exist, or not any more.
var errAway = errors.New("segment is missing")

// pointer says where in the segments a value lies.
type pointer struct{ segment, offset, length uint32 }

const pointerLen = 12

func (p pointer) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, p.segment)
	b = binary.LittleEndian.AppendUint32(b, p.offset)
	return binary.LittleEndian.AppendUint32(b, p.length)
}

func parsePointer(b []byte) (pointer, bool) {
	if len(b) != pointerLen {
		return pointer{}, false
	}
	p := pointer{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])}
	return p, p.length <= maxSealedLength
}

// segment is what is known of a segment's file.
type segment struct {
	size  int64 // of the file
	alive int64 // bytes of it to which a row points
	pins  int   // appends to which no row points yet
	open  bool  // a lane appends to it
}

// segments are the files of large values. A file is only appended to, never
// after the store has been opened again, and removed as a whole once no row
// points to it.
type segments struct {
	dir   string
	lanes [laneCount]lane

	// mu guards the fields below. It is taken after a lane's.
	mu   sync.Mutex
	all  map[uint32]*segment
	next uint32 // number of the next segment
	turn int    // lane that the next caller waits for when all are taken
}

// lane is one segment that is being written.
type lane struct {
	// mu is held during an append and its sync, and guards the fields below.
	mu     sync.Mutex
	f      *os.File // nil: none yet
	number uint32
	size   int64
}

// entry is a value to append: sealed under key, of parts.
type entry struct {
	key   []byte
	parts [][]byte
}

func (g *segments) path(number uint32) string {
	return filepath.Join(g.dir, fmt.Sprintf("%08d.seg", number))
}

// load finds the segments that are there.
func (g *segments) load(dir string) error {
	g.dir, g.all = dir, map[uint32]*segment{}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range names {
		var number uint32
		if _, err := fmt.Sscanf(e.Name(), "%d.seg", &number); err != nil || e.Name() != filepath.Base(g.path(number)) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		g.all[number] = &segment{size: info.Size()}
		g.next = max(g.next, number+1)
	}
	return nil
}

// append writes values and returns where they lie, durable. Until release is
// called, which the caller does when rows point to them or never will, they are
// not collected.
func (g *segments) append(entries []entry) (at []pointer, release func(), err error) {
	l := g.take()
	defer l.mu.Unlock()
	var pinned []uint32
	release = func() { g.unpin(pinned) }
	for _, e := range entries {
		if l.f == nil || l.size >= segmentSize {
			if err = g.rotate(l); err != nil {
				break
			}
		}
		g.pin(l.number)
		pinned = append(pinned, l.number)
		header, size := sealHeader(e.key, e.parts)
		at = append(at, pointer{l.number, uint32(l.size), uint32(size)})
		for _, p := range append([][]byte{header}, e.parts...) {
			if err == nil {
				_, err = l.f.Write(p)
			}
		}
		if err != nil {
			break
		}
		l.size += int64(size)
	}
	if err == nil && l.f != nil {
		err = l.f.Sync()
	}
	if err != nil {
		// Nobody knows what is at its end: it gets no more, and what is in it stays.
		g.retire(l)
		release()
		return nil, nil, err
	}
	g.measure(l)
	return at, release, nil
}

// take locks the first free lane, or waits for one.
func (g *segments) take() *lane {
	for i := range g.lanes {
		if g.lanes[i].mu.TryLock() {
			return &g.lanes[i]
		}
	}
	g.mu.Lock()
	g.turn = (g.turn + 1) % laneCount
	l := &g.lanes[g.turn]
	g.mu.Unlock()
	l.mu.Lock()
	return l
}

// rotate gives a lane a new segment; the old one is made durable.
func (g *segments) rotate(l *lane) error {
	if l.f != nil {
		err := l.f.Sync()
		g.retire(l)
		if err != nil {
			return err
		}
	}
	g.mu.Lock()
	number := g.next
	if number == math.MaxUint32 {
		g.mu.Unlock()
		return errors.New("no number left for a segment")
	}
	g.next++
	g.all[number] = &segment{open: true}
	g.mu.Unlock()
	f, err := os.OpenFile(g.path(number), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = syncDir(g.dir)
	}
	l.f, l.number, l.size = f, number, 0
	if err != nil {
		g.retire(l)
	}
	return err
}

// retire ends a lane's segment.
func (g *segments) retire(l *lane) {
	if l.f != nil {
		g.measure(l)
		_ = l.f.Close() // what counts of it is synced
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if seg := g.all[l.number]; seg != nil {
		seg.open = false
	}
	l.f = nil
}

// measure notes how long a lane's segment is.
func (g *segments) measure(l *lane) {
	size := l.size
	if info, err := l.f.Stat(); err == nil {
		size = info.Size() // with what an append that failed has left
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all[l.number].size = size
}

func (g *segments) pin(number uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all[number].pins++
}

func (g *segments) unpin(numbers []uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range numbers {
		g.all[n].pins--
	}
}

// count adds to the bytes to which rows point. A segment that rows name and that
// is not there is remembered, so that its number is not used again.
func (g *segments) count(number uint32, bytes int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	seg := g.all[number]
	if seg == nil {
		seg = &segment{}
		g.all[number] = seg
		g.next = max(g.next, number+1)
	}
	seg.alive += bytes
}

// read returns the bytes at p: errAway if there is no such segment, [ErrCorrupt]
// if the disk does not have them, another error if the process could not look.
// fresh asks for what is on the disk now, not for what the system remembers.
func (g *segments) read(p pointer, fresh bool) ([]byte, error) {
	f, err := os.Open(g.path(p.segment))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errAway
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	// A pointer is checked by its sum, but the file may have been cut.
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if int64(p.offset)+int64(p.length) > info.Size() {
		return nil, fmt.Errorf("%w: segment %d has %d bytes, value ends at %d", ErrCorrupt, p.segment, info.Size(), int64(p.offset)+int64(p.length))
	}
	if fresh {
		dropCache(f, int64(p.offset), int64(p.length))
	}
	b := make([]byte, p.length)
	if _, err = f.ReadAt(b, int64(p.offset)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return b, nil
}

// victims returns the numbers of at most limit closed segments of which at least
// the given part is dead, the emptiest first.
func (g *segments) victims(ratio float64, limit int) []uint32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []uint32
	for n, seg := range g.all {
		if !seg.open && seg.pins == 0 && seg.size > 0 && float64(seg.size-seg.alive) >= ratio*float64(seg.size) {
			list = append(list, n)
		}
	}
	part := func(n uint32) float64 { return float64(g.all[n].alive) / float64(g.all[n].size) }
	slices.SortFunc(list, func(a, b uint32) int {
		if part(a) < part(b) {
			return -1
		}
		return 1
	})
	return list[:min(limit, len(list))]
}

// unwanted returns the numbers of closed segments to which no row points.
func (g *segments) unwanted() []uint32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []uint32
	for n, seg := range g.all {
		if !seg.open && seg.pins == 0 && seg.alive <= 0 {
			list = append(list, n)
		}
	}
	return list
}

// remove removes segments that are unwanted, for which rows do not come back:
// that they were deleted is durable.
func (g *segments) remove(numbers []uint32) (removed int, err error) {
	for _, n := range numbers {
		if err := os.Remove(g.path(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, err
		}
		g.mu.Lock()
		delete(g.all, n)
		g.mu.Unlock()
		removed++
	}
	return removed, nil
}

// retireDead ends the open segments of which at least the given part is dead,
// unless they are being written, so that they can be collected.
func (g *segments) retireDead(ratio float64) {
	for i := range g.lanes {
		l := &g.lanes[i]
		if !l.mu.TryLock() {
			continue
		}
		if l.f != nil {
			g.mu.Lock()
			seg := g.all[l.number]
			dead := seg.pins == 0 && float64(seg.size-seg.alive) >= ratio*float64(seg.size)
			g.mu.Unlock()
			if dead {
				g.retire(l)
			}
		}
		l.mu.Unlock()
	}
}

// totals returns the bytes of all segments, those of them to which rows point, and
// the number of files.
func (g *segments) totals() (size, alive uint64, files int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, seg := range g.all {
		size += uint64(seg.size)
		alive += uint64(max(seg.alive, 0))
	}
	return size, alive, len(g.all)
}

// close ends all lanes. Nobody appends any more.
func (g *segments) close() {
	for i := range g.lanes {
		l := &g.lanes[i]
		l.mu.Lock()
		if l.f != nil {
			g.retire(l)
		}
		l.mu.Unlock()
	}
}
