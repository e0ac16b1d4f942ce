package ledger

import (
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// checkHolders compares who has and who keeps shards with what follows from the
// committees and the open moves.
func checkHolders(t testing.TB, r Reader) {
	t.Helper()
	sys, err := ReadSystem(r)
	if err != nil {
		t.Fatal(err)
	}
	running, err := ReadCommitteeAt(r, sys.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	holders, err := ReadHolders(r)
	if err != nil {
		t.Fatal(err)
	}
	open := openMoves(r)
	if (holders == nil) != (len(open) == 0) {
		t.Fatalf("got holders %v with %d open moves", holders, len(open))
	}
	for s := range shard.Index(running.Shards()) {
		want := running.Holder(s).ID
		for _, m := range open {
			if m.Shard == s {
				want = m.From
			}
		}
		if holders != nil && holders.Holder(s).ID != want {
			t.Errorf("shard %d: got holder %v, want %v", s, holders.Holder(s).ID, want)
		}
		for _, id := range []committee.NodeID{want, running.Holder(s).ID} {
			if kept, err := ReadKept(r, id); err != nil || !slices.Contains(kept, s) {
				t.Errorf("node %v does not keep shard %d: %v", id, s, err)
			}
		}
	}
	for _, m := range running.Members() {
		if ok, err := ReadTaker(r, m.NetworkKey); err != nil || !ok {
			t.Errorf("member %v may not take: %v", m.ID, err)
		}
	}
	if ok, err := ReadTaker(r, [32]byte{0xee}); err != nil || ok {
		t.Errorf("a stranger: got %v, %v", ok, err)
	}
}
