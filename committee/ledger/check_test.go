package ledger

import (
	"maps"
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
)

// checkNodes checks what must hold of the nodes and committees of every state:
// each shard has one holder in the running epoch and in the next one, which is
// chosen when the phase says so; the candidates are the nodes with stake; each
// key is claimed by its node; and what is open of the hand-over belongs to it.
// [WL] §3.10 I3, I6, I9
func checkNodes(t testing.TB, s *memory, sys System) {
	t.Helper()
	if _, err := ReadCommitteeAt(s, sys.Epoch+1); (err == nil) != (sys.Phase == PhaseSelected) {
		t.Fatalf("the committee of epoch %d in phase %d: %v", sys.Epoch+1, sys.Phase, err)
	}
	running, err := ReadCommitteeAt(s, sys.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range running.Members() {
		if _, err := ReadNode(s, m.ID); err != nil {
			t.Fatalf("member %v: %v", m.ID, err)
		}
	}
	if (sys.Phase == PhaseHandover) != (sys.Settled == 0) || sys.Phase != PhaseSelected && sys.Capacity != 0 || int(sys.Synced) > running.Shards() {
		t.Fatalf("got %+v", sys)
	}
	checkHolders(t, s)
	open := openMoves(s)
	if (len(open) > 0) != (sys.Deadline != 0) {
		t.Fatalf("%d shards are to be handed over, the deadline is %d", len(open), sys.Deadline)
	}
	all, err := ReadMoves(s, sys.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range open {
		if !slices.Contains(all, m) {
			t.Fatalf("open: %+v is none of the epoch's moves %+v", m, all)
		}
	}
	want := map[string]committee.NodeID{}
	for k := range s.values {
		if k[0] != keyNode {
			continue
		}
		n, err := ReadNode(s, committee.NodeID([]byte(k[1:])))
		if err != nil || string(nodeKey(n.ID)) != k || n.Synced > sys.Epoch {
			t.Fatalf("node %x: got %+v, %v", k, n, err)
		}
		if key := candidateKey(&n); key != nil {
			want[string(key)] = committee.NodeID{}
		}
		for _, key := range n.keys() {
			want[string(key)] = n.ID
		}
	}
	if next, err := ReadCommitteeAt(s, sys.Epoch+1); err == nil {
		for _, m := range next.Members() { // with which it was chosen, though it wants another by now
			want[string(claimKey(claimBLS, m.BLSKey[:]))] = m.ID
		}
	}
	for k, v := range s.values {
		if k[0] != keyCandidate && k[0] != keyKeys {
			continue
		}
		if k[0] == keyKeys && k[1] == claimID {
			continue
		}
		id, ok := want[k]
		if !ok || len(v) > 0 && string(v) != string(id[:]) {
			t.Fatalf("key %x = %x belongs to no node", k, v)
		}
		delete(want, k)
	}
	for k := range want {
		t.Fatalf("key %x is missing", k)
	}
}

// powers are the shards of the members of the running epoch by consensus key.
func powers(t testing.TB, r Reader) map[[32]byte]int64 {
	t.Helper()
	sys, err := ReadSystem(r)
	if err != nil {
		t.Fatal(err)
	}
	a, err := readAssignment(r, sys.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	out := map[[32]byte]int64{}
	for _, m := range a.Members {
		out[m.ConsensusKey] = int64(len(m.Shards))
	}
	return out
}

// checkValidators checks that a block's updates make the validators of before
// those of after, and that none of them is needless.
func checkValidators(t testing.TB, before, after map[[32]byte]int64, updates []ValidatorUpdate) {
	t.Helper()
	got := maps.Clone(before)
	for _, u := range updates {
		if got[u.ConsensusKey] == u.Power {
			t.Fatalf("validator %x has power %d already", u.ConsensusKey, u.Power)
		}
		if got[u.ConsensusKey] = u.Power; u.Power == 0 {
			delete(got, u.ConsensusKey)
		}
	}
	if !maps.Equal(got, after) {
		t.Fatalf("validators: got %v, want %v", got, after)
	}
}
