package ledger

import (
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/stake"
)

// checkStakes checks what must hold of the stake in every state: each node has a
// pool, and stands among the candidates with what counts next; the stake
// objects of a node are those that its pool has in it, and are worth no more
// than it has; and the indexes lead to them. [WL] §3.10 I4, I5
func checkStakes(t testing.TB, whole *memory, sys System) {
	t.Helper()
	s := newMemory() // what stake reads, so that a look at it is short
	for k, v := range whole.values {
		if k[0] == keySystem || k[0] >= keyMoveStake && k[0] <= keyStake || k[0] == keyNode {
			s.values[k] = v
		}
	}
	objects := map[committee.NodeID][]StakeObject{}
	want := map[string]bool{}
	nodes := 0
	for k := range s.values {
		switch k[0] {
		case keyStake:
			o, err := ReadStake(s, committee.ObjectID([]byte(k[1:])))
			if err != nil || string(o.key()) != k || o.To != (committee.NodeID{}) && (o.To == o.Node || o.Position.Withdraw == 0) {
				t.Fatalf("stake %x: got %+v, %v", k, o, err)
			}
			objects[o.Node] = append(objects[o.Node], o)
			for _, w := range o.entries() {
				want[string(w.key)] = true
			}
		case keyStakePool:
			nodes++
		case keyNode:
			nodes--
		}
	}
	if nodes != 0 {
		t.Fatalf("%d more pools than nodes", nodes)
	}
	for k := range s.values {
		if k[0] == keyNode {
			n, err := ReadNode(s, committee.NodeID([]byte(k[1:])))
			if err != nil {
				t.Fatal(err)
			}
			checkPool(t, s, sys, n, objects[n.ID])
			delete(objects, n.ID)
		}
	}
	if len(objects) > 0 {
		t.Fatalf("stake on nodes that are gone: %+v", objects)
	}
	for k := range whole.values {
		if k[0] != keyMoveStake && (k[0] != keyOwner || ObjectKind(k[33]) != KindStake) {
			continue
		}
		if !want[k] {
			t.Fatalf("index key %x belongs to no stake", k)
		}
		delete(want, k)
	}
	for k := range want {
		t.Fatalf("index key %x is missing", k)
	}
}

// checkPool compares a node's stake pool with the stake objects that are in it.
func checkPool(t testing.TB, s *memory, sys System, n Node, objects []StakeObject) {
	t.Helper()
	p, err := ReadStakePool(s, n.ID)
	if err != nil || p.Latest > sys.Epoch || p.Blocked > p.Commission {
		t.Fatalf("pool of node %v: got %+v, %v in epoch %d", n.ID, p, err, sys.Epoch)
	}
	vote := sys.Epoch + 1
	if sys.Phase == PhaseSelected {
		vote++
	}
	if counts, err := p.StakeAt(vote); err != nil || counts != n.Stake {
		t.Fatalf("node %v: stands with %d FROST, has %d, %v in epoch %d", n.ID, n.Stake, counts, err, vote)
	}
	b := ReadStakeBook(s, n.ID)
	if err := p.Settle(b, sys.Epoch); err != nil {
		t.Fatal(err)
	}
	pending, exits := map[committee.Epoch]stake.Due{}, map[committee.Epoch]uint64{}
	active, worth, exited := uint64(0), uint64(0), uint64(0)
	for _, o := range objects {
		value, err := p.Value(b, sys.Epoch, o.Position)
		if err != nil {
			t.Fatalf("stake %+v: %v", o, err)
		}
		switch q := o.Position; {
		case q.Activation > sys.Epoch:
			d := pending[q.Activation]
			pending[q.Activation] = stake.Due{Epoch: q.Activation, Positions: d.Positions + 1, Amount: d.Amount + q.Principal}
		case q.Withdraw == 0 || q.Withdraw > sys.Epoch:
			active++
			worth += value
		default:
			exits[q.Withdraw]++
			exited++
		}
	}
	if active != p.Positions || worth > p.Balance || exited != p.Exited || len(pending) != len(p.Pending) {
		t.Fatalf("node %v: %d stakes of %d FROST, %d that left, pending %v; the pool is %+v", n.ID, active, worth, exited, pending, p)
	}
	for _, d := range p.Pending {
		if pending[d.Epoch] != d {
			t.Fatalf("node %v: pending %v, the pool has %v", n.ID, pending, p.Pending)
		}
	}
	for e, positions := range exits {
		if x := b.Exit(e); x.Positions != positions {
			t.Fatalf("node %v: %d stakes left in epoch %d, the exit is %+v", n.ID, positions, e, x)
		}
	}
}
