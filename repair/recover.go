package repair

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// errLied is the reason for an accusation: a member's symbol is not the one that
// it can prove.
var errLied = errors.New("repair: symbol is not the one that the sliver has")

// column is one source's symbols, one for each target.
type column struct {
	source shard.SliverIndex
	from   *committee.Member // nil: a sliver of ours
	cells  [][]byte
}

// recoverTargets restores slivers of one axis into j.fresh. While the result does
// not match, it finds out whose symbols are wrong and takes others.
func (j *job) recoverTargets(ctx context.Context, a shard.Axis, targets []shard.SliverIndex) error {
	need := j.p.SourceSymbols(a)
	cols := j.ownColumns(ctx, a, targets, need)
	for {
		more, err := j.gather(ctx, a, targets, cols, need-len(cols))
		if err != nil {
			return err
		}
		cols = append(cols, more...)
		targets, err = j.decode(a, targets, cols)
		if err != nil || len(targets) == 0 {
			return err
		}
		cols, err = j.judge(ctx, a, targets[0], cols)
		if err != nil {
			return err
		}
	}
}

// ownColumns makes columns of slivers that are here.
func (j *job) ownColumns(ctx context.Context, a shard.Axis, targets []shard.SliverIndex, limit int) []column {
	var cols []column
	for _, sh := range j.self.Shards {
		if len(cols) == limit || ctx.Err() != nil {
			break
		}
		at := slot{a.Other(), j.p.SliverOf(a.Other(), j.p.PairOf(j.id, sh))}
		s, ok := j.own(ctx, at)
		if !ok {
			continue
		}
		cells, err := shard.Symbols(j.p, s, targets)
		if err != nil {
			j.disown(ctx, at, err)
			continue
		}
		cols = append(cols, column{source: at.index, cells: cells})
	}
	return cols
}

// own returns a sliver of ours, if it is here.
func (j *job) own(ctx context.Context, at slot) (shard.Sliver, bool) {
	if s, ok := j.fresh[at]; ok {
		return s, true
	}
	if !j.held[at] {
		return shard.Sliver{}, false
	}
	s, err := j.r.cfg.Store.Sliver(j.id, j.p.ShardOf(j.id, j.p.PairOfSliver(at.axis, at.index)), at.axis)
	if err != nil {
		j.disown(ctx, at, err)
		return shard.Sliver{}, false
	}
	return s, true
}

// disown stops using a sliver of ours that cannot be read or is wrong. Whoever
// watches the disk will see to it.
func (j *job) disown(ctx context.Context, at slot, why error) {
	j.held[at] = false
	delete(j.fresh, at)
	j.r.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "own sliver is unusable", slog.Any("blob", j.id),
		slog.Any("sliver", at.index), slog.Any("axis", at.axis), slog.Any("err", why))
}

// decode rebuilds the targets and keeps those that match the metadata. It returns
// the others, and leaves only their cells in cols.
func (j *job) decode(a shard.Axis, targets []shard.SliverIndex, cols []column) ([]shard.SliverIndex, error) {
	from := make([]shard.SliverIndex, len(cols))
	symbols := make([][][]byte, len(targets))
	for t := range targets {
		symbols[t] = make([][]byte, len(cols))
		for c := range cols {
			symbols[t][c] = cols[c].cells[t]
		}
	}
	for c := range cols {
		from[c] = cols[c].source
	}
	slivers, errs := shard.RecoverSlivers(j.p, j.md, a, targets, from, symbols)
	if len(slivers) != len(targets) || len(errs) != len(targets) {
		return nil, fmt.Errorf("decode %d slivers: got %d and %d errors", len(targets), len(slivers), len(errs))
	}
	var wrong []int
	for t, err := range errs {
		switch {
		case err == nil:
			j.fresh[slot{a, targets[t]}] = slivers[t]
		case errors.Is(err, shard.ErrMismatch):
			wrong = append(wrong, t)
		default:
			return nil, fmt.Errorf("decode %v sliver %d: %w", a, targets[t], err)
		}
	}
	for c := range cols {
		cols[c].cells = pick(cols[c].cells, wrong)
	}
	return pick(targets, wrong), nil
}

func pick[T any](from []T, at []int) []T {
	var got []T
	for _, i := range at {
		got = append(got, from[i])
	}
	return got
}

// judge finds out which columns are wrong for a target, which is their first: it
// asks everyone for the target's symbols with proofs, names those that cannot
// prove what they sent, and returns the columns that are left, which are fewer.
// If everything is proven, the blob itself is wrong: it hands the proof over and
// returns errInconsistent.
func (j *job) judge(ctx context.Context, a shard.Axis, target shard.SliverIndex, cols []column) ([]column, error) {
	proven := j.prove(ctx, a, target, cols)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var good []column
	var symbols []shard.RecoverySymbol
	for i, col := range cols {
		if proven[i] == nil || col.from != nil && j.excluded[col.from.ID] {
			continue
		}
		err := shard.VerifySymbol(j.p, j.md, a, target, *proven[i])
		if err == nil && !bytes.Equal(proven[i].Data, col.cells[0]) {
			err = errLied
		}
		switch {
		case err == nil:
			good = append(good, col)
			symbols = append(symbols, *proven[i])
		case col.from == nil:
			j.disown(ctx, slot{a.Other(), col.source}, err)
		default:
			j.accuse(ctx, col.from, err)
		}
	}
	// All that a liar sent is dropped, also what was found good before it was caught.
	good = slices.DeleteFunc(good, func(c column) bool { return c.from != nil && j.excluded[c.from.ID] })
	if len(good) < len(cols) {
		return good, nil
	}
	_, proof, err := shard.RecoverOrProve(j.p, j.md, a, target, symbols)
	if err != nil {
		return nil, fmt.Errorf("prove that %v sliver %d is wrong: %w", a, target, err)
	}
	if proof == nil {
		return nil, fmt.Errorf("%v sliver %d matches with proven symbols only: %w", a, target, errLied)
	}
	j.r.counts.inconsistent.Add(1)
	j.r.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "blob is encoded wrongly", slog.Any("blob", j.id),
		slog.Any("sliver", target), slog.Any("axis", a))
	if j.r.cfg.OnInconsistent != nil {
		j.r.cfg.OnInconsistent(j.id, j.md, proof)
	}
	return nil, errInconsistent
}

// prove fetches a target's symbol from the source of each column, with proof. What
// could not be had is nil; members that did not answer are excluded.
func (j *job) prove(ctx context.Context, a shard.Axis, target shard.SliverIndex, cols []column) []*shard.RecoverySymbol {
	proven := make([]*shard.RecoverySymbol, len(cols))
	byMember := map[committee.NodeID][]int{}
	for i, col := range cols {
		if col.from != nil {
			byMember[col.from.ID] = append(byMember[col.from.ID], i)
			continue
		}
		if s, ok := j.own(ctx, slot{a.Other(), col.source}); ok {
			if syms, err := shard.ProvenSymbols(j.p, s, []shard.SliverIndex{target}); err == nil && len(syms) == 1 {
				proven[i] = &syms[0]
			}
		}
		if proven[i] == nil {
			j.disown(ctx, slot{a.Other(), col.source}, errLied)
		}
	}
	// mu guards proven and j.excluded while the requests run.
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, at := range byMember {
		m := cols[at[0]].from
		req := SymbolRequest{
			Blob: j.id, SymbolSize: j.symbolSize, Axis: a, Targets: []shard.SliverIndex{target}, Proofs: true,
		}
		for _, i := range at {
			req.Sources = append(req.Sources, cols[i].source)
		}
		wg.Go(func() { // ended by the time for one request
			got, err := j.r.ask(ctx, m, Want{SymbolRequest: req})
			reply := got.Symbols
			mu.Lock()
			defer mu.Unlock()
			if err != nil || len(reply.Proven) != 1 || len(reply.Proven[0]) > len(at) {
				j.excluded[m.ID] = true
				return
			}
			for k := range reply.Proven[0] {
				sym := &reply.Proven[0][k]
				j.r.counts.pulled.Add(uint64(symbolBytes(sym)))
				if n := slices.Index(req.Sources, sym.Source); n >= 0 {
					proven[at[n]] = sym
				}
			}
		})
	}
	wg.Wait()
	for i, col := range cols {
		if proven[i] == nil && col.from != nil {
			j.absent[slot{a.Other(), col.source}] = true
		}
	}
	return proven
}

func symbolBytes(s *shard.RecoverySymbol) int {
	b, err := s.AppendBinary(nil)
	if err != nil {
		return len(s.Data)
	}
	return len(b)
}
