package ledger

import (
	"testing"

	"github.com/floe-storage/floe/committee"
)

// moved wants a stake to be of a node and worth so much.
func (w *world) moved(what string, id committee.ObjectID, node byte, worth uint64) {
	w.t.Helper()
	if s := w.stake(id); s.Node != nodeID(node) || s.To != (committee.NodeID{}) || s.Position.Principal != worth || s.Position.Withdraw != 0 {
		w.t.Errorf("%s: got %+v, want %d FROST with node %d", what, s, worth, node)
	}
}

// What serves no committee moves at once, and serves its new node as new stake.
func TestRedelegateAtOnce(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	id := w.stakeOn(0, 0, thousand)
	r := w.block(w.signed(0, Redelegate{Object(id), nodeID(1)})).Txs[0]
	if r.Err() != nil || kinds(r.Events) != "stake_redelegated" {
		t.Fatalf("got %q, %v", kinds(r.Events), r.Err())
	}
	v, err := r.Events[0].Parse()
	want := StakeRedelegated{Epoch: 1, Object: id, From: nodeID(0), To: nodeID(1), Amount: thousand, Activation: 2}
	if err != nil || v != want {
		t.Errorf("event: got %+v, %v, want %+v", v, err, want)
	}
	w.moved("pending", id, 1, thousand)
	if a, b := w.node(0).Stake, w.node(1).Stake; a != thousand || b != 2*thousand {
		t.Errorf("the nodes count: got %d and %d", a, b)
	}
}

// What serves is asked back, earns until it leaves, and moves by itself when the
// shards are handed over. [WL] §6 #26
func TestRedelegateLater(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	id := w.stakeOn(0, 0, thousand)
	w.next()
	w.refused("what serves", CodeStakeServes, 0, Withdraw{Object(id)})
	r := w.block(w.signed(0, Redelegate{Object(id), nodeID(1)})).Txs[0]
	if r.Err() != nil || kinds(r.Events) != "redelegation_requested" {
		t.Fatalf("got %q, %v", kinds(r.Events), r.Err())
	}
	if s := w.stake(id); s.Node != nodeID(0) || s.To != nodeID(1) || s.Position.Withdraw != 3 {
		t.Errorf("asked back: got %+v", s)
	}
	part := w.must(0, SplitStake{Object(id), thousand / 4})[0]
	w.must(0, TransferObject{Object(part), accountAddress(1)})
	w.must(0, Redelegate{Object(id), nodeID(2)}) // rather there
	w.turn()
	if w.system().Deadline == 0 {
		t.Fatal("no shard changes hands")
	}
	if s := w.stake(id); s.Node != nodeID(0) {
		t.Errorf("in the hand-over: got %+v", s)
	}
	w.refused("while it is held", CodeStakeHeld, 1, Withdraw{Object(part)})
	w.hand()
	w.block()
	w.moved("released", id, 2, thousand*3/4)
	w.moved("its part", part, 1, thousand/4)
	if got := w.stake(id).Position.Activation; got != 4 {
		t.Errorf("activation: got %d, want 4", got)
	}
}

// The owner may think better of it, and what cannot move stays to be withdrawn.
func TestRedelegationEnds(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	kept, stuck, left := w.stakeOn(0, 0, thousand), w.stakeOn(0, 0, thousand), w.stakeOn(0, 0, thousand)
	w.next()
	w.must(0, Redelegate{Object(kept), nodeID(1)}, Redelegate{Object(stuck), nodeID(1)}, RequestWithdraw{Object(left)})
	w.must(0, RequestWithdraw{Object(kept)})
	w.refused("again", CodeStakeRequested, 0, RequestWithdraw{Object(kept)})
	w.must(operator(1), ExitNode{nodeID(1)})
	w.turn()
	failed := 0
	for s := w.system(); failed == 0 && s.Epoch == 3; s = w.system() {
		for _, e := range w.block().Events {
			v, err := e.Parse()
			if want := (RedelegationFailed{Epoch: 3, Object: stuck, From: nodeID(0), To: nodeID(1)}); err == nil && v == want {
				failed++
			}
		}
		if w.height > 100 {
			t.Fatal("the stake is not given up")
		}
	}
	w.must(0, Redelegate{Object(left), nodeID(2)}) // has left, so at once
	w.moved("left", left, 2, thousand)
	for _, id := range []committee.ObjectID{kept, stuck} {
		if got := w.paid(0, Withdraw{Object(id)}); got != thousand {
			t.Errorf("got %d, want %d", got, uint64(thousand))
		}
	}
}

// A loss that leaves nothing leaves nothing to move.
func TestRedelegateNothing(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	waiting, idle := w.stakeOn(0, 0, thousand), w.stakeOn(0, 0, thousand)
	w.next()
	w.must(0, Redelegate{Object(waiting), nodeID(1)}, RequestWithdraw{Object(idle)})
	x := &execution{state: NewOverlay(w.state)}
	x.system, x.params = w.system(), w.params()
	x.penalize(nodeID(0), FaultDoubleSign, wholeRate)
	x.state.Flush(w.state)
	w.next()
	w.block()
	if s := w.stake(waiting); s.To != (committee.NodeID{}) || s.Node != nodeID(0) {
		t.Errorf("got %+v, want it to stay", s)
	}
	w.refused("worth nothing", CodeStakeTooSmall, 0, Redelegate{Object(idle), nodeID(1)})
	for _, id := range []committee.ObjectID{waiting, idle} {
		if got := w.paid(0, Withdraw{Object(id)}); got != 0 {
			t.Errorf("got %d, want nothing", got)
		}
	}
}

// One block moves a bounded number of stakes; those after it go on.
func TestRedelegateMany(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	id := w.stakeOn(0, 0, 300*FrostPerWAL)
	w.next()
	w.must(0, Redelegate{Object(id), nodeID(1)})
	for n := 0; n < maxMoved+20; n += 60 {
		var split []Message
		for range 60 {
			split = append(split, SplitStake{Object(id), FrostPerWAL})
		}
		w.must(0, split...)
	}
	w.turn()
	var moved []int
	for len(moved) < 3 {
		n := 0
		for _, e := range w.block().Events {
			if e.Kind == (StakeRedelegated{}).kind() {
				n++
			}
		}
		if n > 0 || len(moved) > 0 {
			moved = append(moved, n)
		}
		if w.height > 100 {
			t.Fatal("nothing moves")
		}
	}
	if moved[0] != maxMoved || moved[1] != 21 || moved[2] != 0 {
		t.Errorf("moved: got %v in three blocks, want %d, 21 and 0", moved, maxMoved)
	}
}
