package repair

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// errSources says that too few members answered with what they should have.
var errSources = errors.New("repair: not enough sources now")

// errInconsistent ends the repair of a blob that was encoded wrongly.
var errInconsistent = errors.New("repair: blob is encoded wrongly")

// job is one attempt to repair one blob. It belongs to one goroutine.
type job struct {
	r          *Repairer
	id         shard.BlobID
	c          *committee.Committee
	p          shard.Params
	self       *committee.Member
	md         *shard.Metadata
	symbolSize int

	held     map[slot]bool         // slivers of ours that are here
	fresh    map[slot]shard.Sliver // restored and not stored yet
	excluded map[committee.NodeID]bool
	absent   map[slot]bool // sources that their holders did not have
}

// slot names a sliver of the job's blob.
type slot struct {
	axis  shard.Axis
	index shard.SliverIndex
}

// repair restores what is lost of a blob. It returns nil if nothing is lost any
// more, or never was, or if there is nothing that could be restored.
func (r *Repairer) repair(ctx context.Context, id shard.BlobID) error {
	c := r.cfg.Ledger.Committee()
	if c == nil || !r.cfg.Ledger.Wanted(id) {
		return nil
	}
	self := c.Member(r.cfg.Self)
	if self == nil {
		return nil
	}
	c = r.holders(c)
	r.standings.keep(c)
	held, err := r.cfg.Store.Holdings(id, r.shards(self))
	if err != nil {
		return err
	}
	j := &job{
		r: r, id: id, c: c, p: c.Params(), self: self,
		held: map[slot]bool{}, fresh: map[slot]shard.Sliver{},
		excluded: map[committee.NodeID]bool{}, absent: map[slot]bool{},
	}
	if err := j.metadata(ctx); err != nil {
		return err
	}
	lost := targets(j.p, id, held)
	if len(lost[shard.Primary])+len(lost[shard.Secondary]) == 0 {
		return nil
	}
	for _, h := range held {
		pair := j.p.PairOf(id, h.Shard)
		j.held[slot{shard.Primary, j.p.SliverOf(shard.Primary, pair)}] = h.Primary
		j.held[slot{shard.Secondary, j.p.SliverOf(shard.Secondary, pair)}] = h.Secondary
	}
	started := time.Now()
	err = j.recover(ctx, lost)
	if errors.Is(err, errInconsistent) {
		return nil
	}
	if err != nil {
		return err
	}
	r.counts.blobs.Add(1)
	r.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "blob repaired", slog.Any("blob", id),
		slog.Int("primary", len(lost[shard.Primary])), slog.Int("secondary", len(lost[shard.Secondary])),
		slog.Duration("elapsed", time.Since(started)))
	return nil
}

// recover restores the lost slivers, secondary ones first: they need fewer
// symbols, and once here they are sources for the primary ones.
func (j *job) recover(ctx context.Context, lost [2][]shard.SliverIndex) error {
	size, err := j.p.SymbolSize(j.md.Size)
	if err != nil {
		return err
	}
	j.symbolSize = size
	limit := j.r.cfg.MaxBytesInFlight
	each := [2]int64{}
	for _, a := range []shard.Axis{shard.Primary, shard.Secondary} {
		each[a] = int64(j.p.SourceSymbols(a)) * int64(size)
	}
	whole := int64(len(lost[shard.Primary]))*each[shard.Primary] + int64(len(lost[shard.Secondary]))*each[shard.Secondary]
	if whole <= limit { // all of it at once, in one batch to the store
		return j.within(ctx, whole, func() error {
			if err := j.recoverAll(ctx, shard.Secondary, lost[shard.Secondary]); err != nil {
				return err
			}
			return j.recoverAll(ctx, shard.Primary, lost[shard.Primary])
		})
	}
	for _, a := range []shard.Axis{shard.Secondary, shard.Primary} {
		for some := range slices.Chunk(lost[a], max(1, int(limit/each[a]))) {
			if err := j.within(ctx, int64(len(some))*each[a], func() error { return j.recoverAll(ctx, a, some) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// within runs work that has so many bytes in memory once there is room for them,
// and stores what has been restored, also when something failed.
func (j *job) within(ctx context.Context, bytes int64, work func() error) error {
	release, err := j.r.admit(ctx, bytes)
	if err != nil {
		return err
	}
	defer release()
	if err = work(); errors.Is(err, errInconsistent) {
		return err
	}
	return errors.Join(err, j.flush(ctx))
}

func (j *job) recoverAll(ctx context.Context, a shard.Axis, lost []shard.SliverIndex) error {
	if len(lost) == 0 {
		return nil
	}
	if err := j.recoverTargets(ctx, a, lost); err != nil {
		return fmt.Errorf("recover %d %v slivers: %w", len(lost), a, err)
	}
	return nil
}

// flush stores what has been restored, in one batch, and tells of it.
func (j *job) flush(ctx context.Context) error {
	if len(j.fresh) == 0 {
		return nil
	}
	var items []Item
	var restored []Restored
	for at, s := range j.fresh {
		items = append(items, Item{Shard: j.p.ShardOf(j.id, j.p.PairOfSliver(at.axis, at.index)), Sliver: s})
	}
	slices.SortFunc(items, func(x, y Item) int {
		if x.Shard != y.Shard {
			return int(x.Shard) - int(y.Shard)
		}
		return int(x.Sliver.Axis) - int(y.Sliver.Axis)
	})
	if err := j.r.cfg.Store.PutSlivers(ctx, j.id, items); err != nil {
		return err
	}
	for _, it := range items {
		restored = append(restored, Restored{Shard: it.Shard, Axis: it.Sliver.Axis})
		j.r.counts.slivers[it.Sliver.Axis].Add(1)
		j.r.counts.restored.Add(uint64(len(it.Sliver.Data)))
		j.held[slot{it.Sliver.Axis, it.Sliver.Index}] = true
	}
	clear(j.fresh)
	if j.r.cfg.OnRestored != nil {
		j.r.cfg.OnRestored(j.id, restored)
	}
	return nil
}

// metadata reads the blob's metadata, or fetches and stores it.
func (j *job) metadata(ctx context.Context) error {
	md, err := j.r.cfg.Store.Metadata(j.id)
	if err == nil {
		j.md = md
		return nil
	}
	md, err = j.fetchMetadata(ctx)
	if err != nil {
		return fmt.Errorf("fetch metadata: %w", err)
	}
	if err := j.r.cfg.Store.PutMetadata(ctx, j.id, md); err != nil {
		return err
	}
	j.r.counts.restored.Add(uint64(metadataSize(md)))
	j.md = md
	return nil
}

func metadataSize(md *shard.Metadata) int {
	b, err := md.AppendBinary(nil)
	if err != nil {
		return 0
	}
	return len(b)
}

// fetchMetadata asks one member after the other, the next one when the last has
// failed or is slow, until one sends metadata that hashes to the blob ID.
func (j *job) fetchMetadata(ctx context.Context) (*shard.Metadata, error) {
	ranked := j.sources(shard.Primary)
	var order []*committee.Member
	for _, s := range ranked {
		if !slices.Contains(order, s.holder) {
			order = append(order, s.holder)
		}
	}
	var found *shard.Metadata
	err := j.race(ctx, len(order), func(ctx context.Context, i int) func() bool {
		m := order[i]
		got, err := j.r.ask(ctx, m, Want{Metadata: true, SymbolRequest: SymbolRequest{Blob: j.id}})
		md := got.Metadata
		return func() bool {
			if err != nil || md == nil {
				return false
			}
			j.r.counts.pulled.Add(uint64(metadataSize(md)))
			if err := md.Verify(j.p, j.id); err != nil {
				j.accuse(ctx, m, err)
				return false
			}
			found = md
			return true
		}
	})
	return found, err
}

// sources returns the other members' slivers of axis a, best first, without those
// that this job knows it cannot have.
func (j *job) sources(a shard.Axis) []source {
	belief := func(p shard.PairIndex) Belief { return j.r.cfg.Availability.Belief(j.id, p) }
	first := turn(j.c.IndexOf(j.self.ID), j.r.counts.pulled.Load(), len(j.c.Members()))
	all := sources(j.c, j.self.ID, first, j.id, a, belief, j.r.standings.of)
	return slices.DeleteFunc(all, func(s source) bool {
		return j.excluded[s.holder.ID] || j.absent[slot{a, s.index}]
	})
}

// accuse names a member that answered with something provably wrong.
func (j *job) accuse(ctx context.Context, m *committee.Member, why error) {
	j.excluded[m.ID] = true
	j.r.standings.lied(m.ID)
	j.r.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "member answered wrongly", slog.Any("blob", j.id),
		slog.Any("peer", m.ID), slog.Any("err", why))
}

// ask wants something of a member, waits for it no longer than the time for one
// request, and keeps the member's standing.
func (r *Repairer) ask(ctx context.Context, m *committee.Member, w Want) (Got, error) {
	within, cancel := context.WithTimeout(ctx, r.cfg.RequestTimeout)
	defer cancel()
	started := time.Now()
	got, err := r.pulls.ask(within, m, w)
	switch {
	case err == nil || errors.Is(err, ErrAbsent):
		r.standings.answered(m.ID, time.Since(started))
	case ctx.Err() == nil, time.Since(started) >= r.cfg.HedgeAfter: // not merely called off
		r.standings.failure(m.ID)
	}
	return got, err
}
