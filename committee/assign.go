package committee

import (
	"errors"
	"fmt"
	"slices"

	"github.com/floe-storage/floe/shard"
)

// ErrAssignment says that shards cannot be handed over from one set of nodes to
// another: the totals differ, or a node or a shard is there twice.
var ErrAssignment = errors.New("committee: shards cannot be reassigned")

// AssignFirst hands out shards 0, 1, … in the order of the nodes' IDs: the
// assignment of a network's first epoch. counts is parallel to nodes, and so
// is the result. [WL] §3.6
func AssignFirst(nodes []NodeID, counts []int) [][]shard.Index {
	order := make([]int, len(nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return nodes[a].Compare(nodes[b]) })
	out := make([][]shard.Index, len(nodes))
	next := shard.Index(0)
	for _, i := range order {
		for range counts[i] {
			out[i] = append(out[i], next)
			next++
		}
	}
	return out
}

// Holding is the shards of one node.
type Holding struct {
	ID     NodeID
	Shards []shard.Index
}

// Target is how many shards a node is to hold.
type Target struct {
	ID    NodeID
	Count int
}

// Reassign gives every node as many shards as its target says, moving none that
// may stay: a node that is to hold fewer gives up those at the end of its list, one
// without a target or with one of zero gives up all, and nobody else gives up any.
// Those who are to hold more get what was given up last first: new nodes in the
// order of targets, then the others in the order of IDs. The result is sorted by
// ID, without nodes that hold nothing; shards come in the order in which they were
// got, and that order decides who gets which the next time. Neither argument is
// changed or kept. [WL] §3.7
//
// A [Committee] sorts its members' shards, so a ledger that starts each time from
// a committee gives up those with the highest indices.
func Reassign(current []Holding, targets []Target) ([]Holding, error) {
	want := make(map[NodeID]int, len(targets))
	total := 0
	for _, t := range targets {
		if _, twice := want[t.ID]; twice {
			return nil, fmt.Errorf("%w: node %v is to hold shards twice", ErrAssignment, t.ID)
		}
		if t.Count < 0 || t.Count > shard.MaxShards-total {
			return nil, fmt.Errorf("%w: %d shards for node %v", ErrAssignment, t.Count, t.ID)
		}
		want[t.ID] = t.Count
		total += t.Count
	}
	holders, err := sortedHolders(current, total)
	if err != nil {
		return nil, err
	}
	out := make([]Holding, 0, len(targets))
	var spare []shard.Index
	var growing []Holding
	member := make(map[NodeID]bool, len(holders))
	for _, h := range holders {
		member[h.ID] = true
		n := want[h.ID]
		switch kept := slices.Clone(h.Shards[:min(n, len(h.Shards))]); {
		case n > len(h.Shards):
			growing = append(growing, Holding{ID: h.ID, Shards: kept})
		case n == 0: // from the first to the last
			spare = append(spare, h.Shards...)
		default: // from the last on
			given := slices.Clone(h.Shards[n:])
			slices.Reverse(given)
			spare = append(spare, given...)
			out = append(out, Holding{ID: h.ID, Shards: kept})
		}
	}
	for _, t := range targets {
		if t.Count > 0 && !member[t.ID] {
			out = append(out, Holding{ID: t.ID})
		}
	}
	out = append(out, growing...)
	for i := range out {
		for h := &out[i]; len(h.Shards) < want[h.ID]; {
			h.Shards = append(h.Shards, spare[len(spare)-1])
			spare = spare[:len(spare)-1]
		}
	}
	slices.SortFunc(out, func(a, b Holding) int { return a.ID.Compare(b.ID) })
	return out, nil
}

// sortedHolders returns current in the order of IDs, after checking that each
// shard below total is held exactly once.
func sortedHolders(current []Holding, total int) ([]Holding, error) {
	holders := slices.Clone(current)
	slices.SortFunc(holders, func(a, b Holding) int { return a.ID.Compare(b.ID) })
	held := make([]bool, total)
	count := 0
	for i, h := range holders {
		if i > 0 && h.ID == holders[i-1].ID {
			return nil, fmt.Errorf("%w: node %v holds shards twice", ErrAssignment, h.ID)
		}
		for _, s := range h.Shards {
			if int(s) >= total || held[s] {
				return nil, fmt.Errorf("%w: shard %d of node %v, with %d to hand out", ErrAssignment, s, h.ID, total)
			}
			held[s] = true
		}
		count += len(h.Shards)
	}
	if count != total {
		return nil, fmt.Errorf("%w: %d shards are held, %d to hand out", ErrAssignment, count, total)
	}
	return holders, nil
}
