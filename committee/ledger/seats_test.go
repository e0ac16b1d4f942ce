package ledger

import "testing"

// What is remembered of the committees is what they are, whatever happened
// since, in another state too.
func TestSeats(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	check := func(what string, x *execution) {
		t.Helper()
		s := w.system()
		for e := s.Epoch; ; e++ {
			c, err := ReadCommitteeAt(w.state, e)
			if err != nil {
				return
			}
			for n := range byte(6) {
				if got, want := x.seated(e, nodeID(n)), c.Member(nodeID(n)) != nil; got != want {
					t.Errorf("%s: node %d in epoch %d: got %t, want %t", what, n, e, got, want)
				}
			}
		}
	}
	var remembered seats
	fresh := func() *execution {
		x := &execution{state: NewOverlay(w.state)}
		x.seats = &remembered
		return x
	}
	w.join(4, 3*thousand)
	check("in the first epoch", fresh())
	w.choose()
	check("after the choice", fresh())
	w.next()
	check("in the next epoch", fresh())
	w.must(operator(0), UpdateNode{Node: nodeID(0), Profile: Profile{Name: "renamed"}})
	w.next() // without another change, so that only a reference is kept
	w.must(operator(0), UpdateNode{Node: nodeID(0), Profile: Profile{Name: "node-0"}})
	check("in an epoch like the one before", fresh())
	w.choose()
	check("before another like it", fresh())
	for n := range byte(2) { // a committee that differs where the reference to it does not
		other := newMemory()
		a := assignment{Members: []assigned{{ID: nodeID(n)}}}
		setAssignment(other, 1, a)
		a.Since = 1
		keepAssignment(other, 2, a)
		x := &execution{state: NewOverlay(other)}
		x.seats = &remembered
		if !x.seated(2, nodeID(n)) || x.seated(2, nodeID(1-n)) {
			t.Errorf("in state %d: node %d is the only member, remembered is another", n, n)
		}
	}
}
