package ledger

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

const firstNode = 100 // the account of node-0; node-1's is the next

// council is a network of ten nodes with one shard each, whose accounts have
// FROST: seven are a quorum, four are more than a third.
func council(t testing.TB) *world {
	t.Helper()
	w := worldOf(t, testGenesis(10))
	var gifts []Message
	for i := range byte(10) {
		gifts = append(gifts, Send{To: accountAddress(firstNode + i), Amount: FrostPerWAL})
	}
	w.must(0, gifts...)
	return w
}

// worldOf is the network that a genesis describes.
func worldOf(t testing.TB, g Genesis) *world {
	t.Helper()
	b, err := g.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, state: newMemory(), time: testStart}
	if _, err := InitChain(w.state, b); err != nil {
		t.Fatal(err)
	}
	return w
}

// nodeID is the ID of node-n.
func nodeID(n byte) committee.NodeID { return NodeIDOf(blsSecret(n + 1).PublicKey()) }

func paramID(t testing.TB, name string) ParamID {
	t.Helper()
	v, ok := VotableByName(name)
	if !ok {
		t.Fatalf("no parameter is called %q", name)
	}
	return v.ID
}

// propose has the nodes from first to last vote for changes.
func (w *world) propose(first, last byte, changes ...ParamChange) []Event {
	w.t.Helper()
	var events []Event
	for n := first; n <= last; n++ {
		r := w.block(w.signed(firstNode+n, ProposeParams{Node: nodeID(n), Changes: changes})).Txs[0]
		if err := r.Err(); err != nil {
			w.t.Fatal(err)
		}
		events = append(events, r.Events...)
	}
	return events
}

// checkVotes checks the record of a vote or of a denied blob.
func checkVotes(t testing.TB, s *memory, key []byte) {
	t.Helper()
	com, err := ReadCommittee(s)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case key[0] == keyVote && key[1] == voteProposal:
		p, err := ReadProposal(s, ProposalID(key[2:]))
		if err != nil || p.ID() != ProposalID(key[2:]) || p.Decided != committee.Quorum(committee.Weight(p.Weight), com.Shards()) {
			t.Fatalf("proposal %x: got %+v, %v", key, p, err)
		}
		ballots, err := ReadBallots(s)
		if err != nil {
			t.Fatal(err)
		}
		weight := 0
		for _, b := range ballots {
			if b.Proposal == p.ID() {
				weight += int(com.Member(b.Node).Weight())
			}
		}
		// A node may vote on after a decision, so that fewer are seen there.
		if weight > int(p.Weight) || !p.Decided && weight != int(p.Weight) || p.Weight == 0 {
			t.Fatalf("proposal %x: got weight %d, its votes weigh %d", key, p.Weight, weight)
		}
	case key[0] == keyVote && key[1] == voteBallot:
		p, err := ReadProposal(s, ProposalID(s.Get(key)))
		if err != nil || p.isUpgrade() != (key[2] == 1) || com.Member(committee.NodeID(key[3:])) == nil {
			t.Fatalf("vote %x: got %+v, %v", key, p, err)
		}
	case key[0] == keyVote:
		params, err := ReadParams(s)
		if err != nil {
			t.Fatal(err)
		}
		if next, err := params.withDecided(s); err != nil || len(next.faults()) > 0 {
			t.Fatalf("decided: got %+v, %v", next, err)
		}
	case key[1] == deniedList:
		if l, err := ReadDenyList(s, committee.NodeID(key[2:])); err != nil || l.Sequence == 0 {
			t.Fatalf("deny list %x: got %+v, %v", key, l, err)
		}
	default:
		if d, err := ReadDenied(s, shard.BlobID(key[2:])); err != nil || d.Epoch > com.Epoch() {
			t.Fatalf("denied blob %x: got %+v, %v", key, d, err)
		}
	}
}

func TestVotables(t *testing.T) {
	t.Parallel()
	p := DefaultParams(testChain, 1000)
	names := map[string]bool{}
	for i, v := range Votables() {
		if v.ID != ParamID(i+1) || names[v.Name] || v.Name == "" || v.Unit == "" || v.Doc == "" {
			t.Errorf("got %+v as the parameter at %d", v, i)
		}
		names[v.Name] = true
		if byName, ok := VotableByName(v.Name); !ok || byName != v {
			t.Errorf("%s: got %+v by its name", v.Name, byName)
		}
		was, ok := v.Value(p)
		if !ok {
			t.Fatalf("%s has no value", v.Name)
		}
		// A change reaches this parameter and no other.
		next, err := p.With([]ParamChange{{v.ID, was + 1}})
		if v.Name == "deposit-rate" { // it is the whole
			next, err = p.With([]ParamChange{{v.ID, was - 1}})
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range Votables() {
			before, _ := other.Value(p)
			if after, _ := other.Value(next); (after != before) != (other.ID == v.ID) {
				t.Errorf("a change of %s: %s went from %d to %d", v.Name, other.Name, before, after)
			}
		}
		if back, err := next.With([]ParamChange{{v.ID, was}}); err != nil || back != p {
			t.Errorf("%s changed back: got %+v, %v, want %+v", v.Name, back, err, p)
		}
	}
	if v, ok := VotableByName("shards"); ok {
		t.Errorf("shards: got %+v, want nothing to vote on", v)
	}
	if _, ok := (Votable{ID: 999}).Value(p); ok {
		t.Error("parameter 999 has a value")
	}
}

func TestParamsWithRefuses(t *testing.T) {
	t.Parallel()
	p := DefaultParams(testChain, 1000)
	ahead, burn, fee := paramID(t, "max-epochs-ahead"), paramID(t, "burn-rate"), paramID(t, "fee-per-byte")
	for name, changes := range map[string][]ParamChange{
		"nothing":            nil,
		"too many":           slices.Repeat([]ParamChange{{burn, 1}}, maxChanges+1),
		"twice":              {{burn, 1}, {burn, 2}},
		"out of order":       {{burn, 1}, {ahead, 2}},
		"number 0":           {{0, 1}},
		"an unknown number":  {{9999, 1}},
		"beyond 16 bits":     {{burn, math.MaxUint16 + 1}},
		"beyond 32 bits":     {{ahead, math.MaxUint32 + 1}},
		"more than allowed":  {{burn, wholeRate + 1}},
		"beyond all prices":  {{fee, maxPrice + 1}},
		"none of what must":  {{ahead, 0}},
		"the second of them": {{ahead, 1}, {burn, wholeRate + 1}},
	} {
		if got, err := p.With(changes); codeOf(err) != CodeBadParams {
			t.Errorf("%s: got %+v, %v, want CodeBadParams", name, got, err)
		}
	}
}

func codeOf(err error) Code {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return CodeOK
}

// The votes of a quorum for the same changes put them into force with the next
// epoch; those of less are forgotten. [WL] §2.8 has the same weights.
func TestProposals(t *testing.T) {
	t.Parallel()
	w := council(t)
	burn, stake := paramID(t, "burn-rate"), paramID(t, "min-stake")
	low, high := []ParamChange{{stake, 7}, {burn, 100}}, []ParamChange{{burn, 200}}
	before := w.params()

	// Six of ten are too few.
	if got := kinds(w.propose(0, 5, low...)); got != "params_voted params_voted params_voted params_voted params_voted params_voted" {
		t.Errorf("events: got %q", got)
	}
	id := Proposal{Changes: low}.ID()
	if p, err := ReadProposal(w.state, id); err != nil || p.Weight != 6 || p.Decided || !slices.Equal(p.Changes, low) {
		t.Errorf("standing: got %+v, %v", p, err)
	}
	w.turn()
	if got := w.params(); got != before {
		t.Errorf("after an epoch: got %+v, want %+v", got, before)
	}
	if all, err := ReadProposals(w.state); err != nil || len(all) != 0 {
		t.Errorf("after an epoch: got %+v, %v, want no proposals", all, err)
	}

	// A node that changes its mind takes its vote from the one proposal to the other.
	w.propose(0, 5, low...)
	w.propose(0, 2, high...)
	if p, err := ReadProposal(w.state, id); err != nil || p.Weight != 3 {
		t.Errorf("after three went over: got %+v, %v, want weight 3", p, err)
	}
	if all, err := ReadProposals(w.state); err != nil || len(all) != 2 || all[0].Weight != 3 || all[1].Weight != 3 {
		t.Errorf("after three went over: got %+v, %v, want two proposals", all, err)
	}
	events := w.propose(6, 9, low...)
	v, err := events[len(events)-1].Parse()
	if want := (ParamsDecided{Epoch: 2, Proposal: id}); len(events) != 5 || err != nil || v != want {
		t.Errorf("decided: got %q, %+v, %v, want %+v", kinds(events), v, err, want)
	}
	// Later in the epoch more is decided, by the same nodes.
	w.propose(3, 6, high...)
	if got, err := ReadDecided(w.state); err != nil || !slices.Equal(got, []ParamChange{{stake, 7}, {burn, 200}}) {
		t.Errorf("decided: got %+v, %v", got, err)
	}
	ballots, err := ReadBallots(w.state)
	forHigh := slices.DeleteFunc(slices.Clone(ballots), func(b Ballot) bool { return b.Proposal != Proposal{Changes: high}.ID() })
	if err != nil || len(ballots) != 10 || len(forHigh) != 7 {
		t.Errorf("votes: got %+v, %v, want ten, seven of them for the last", ballots, err)
	}
	if got := w.params(); got != before {
		t.Errorf("in the same epoch: got %+v, want %+v", got, before)
	}
	out := w.turn()
	want := before
	want.BurnRate, want.MinStake = 200, 7
	if got := w.params(); got != want {
		t.Errorf("in the next epoch: got %+v, want %+v", got, want)
	}
	var changed []any
	for _, ev := range out.Events {
		if ev.Kind == (ParamChanged{}).kind() {
			v, err := ev.Parse()
			if err != nil {
				t.Fatal(err)
			}
			changed = append(changed, v)
		}
	}
	if want := []any{ParamChanged{Epoch: 3, Param: stake, From: 0, To: 7}, ParamChanged{Epoch: 3, Param: burn, From: 300, To: 200}}; !slices.Equal(changed, want) {
		t.Errorf("events: got %+v, want %+v", changed, want)
	}
	if rest := w.under(keyVote); rest != 0 {
		t.Errorf("%d records of votes are left", rest)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ earlier, later, want []ParamChange }{
		{nil, nil, nil},
		{[]ParamChange{{1, 1}, {3, 1}}, nil, []ParamChange{{1, 1}, {3, 1}}},
		{nil, []ParamChange{{1, 2}}, []ParamChange{{1, 2}}},
		{[]ParamChange{{1, 1}, {3, 1}, {5, 1}}, []ParamChange{{3, 2}, {4, 2}}, []ParamChange{{1, 1}, {3, 2}, {4, 2}, {5, 1}}},
		{[]ParamChange{{2, 1}}, []ParamChange{{1, 2}, {2, 2}, {9, 2}}, []ParamChange{{1, 2}, {2, 2}, {9, 2}}},
	} {
		if got := merge(tt.earlier, tt.later); !slices.Equal(got, tt.want) {
			t.Errorf("%v and then %v: got %v, want %v", tt.earlier, tt.later, got, tt.want)
		}
	}
}

// under counts the values whose keys begin with a byte.
func (w *world) under(prefix byte) int {
	count := 0
	w.state.Ascend([]byte{prefix}, []byte{prefix + 1}, func(_, _ []byte) bool {
		count++
		return true
	})
	return count
}

// [WL] §5.5: upgrade by quorum, and what becomes of it when its epoch comes.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	w := council(t)
	digest := [32]byte{7}
	for n := range byte(7) {
		if got := w.system().Protocol; got != (Protocol{Version: 1, Start: 1}) {
			t.Fatalf("after %d votes: got %+v", n, got)
		}
		w.must(firstNode+n, VoteUpgrade{Node: nodeID(n), Version: 2, Epoch: 3, Digest: digest})
	}
	if got := w.system(); got.Protocol != (Protocol{Version: 2, Start: 3}) || got.Version() != 1 {
		t.Errorf("decided: got %+v and version %d", got.Protocol, got.Version())
	}
	// A late vote is refused; the same version may be put off.
	late := w.block(w.signed(firstNode+8, VoteUpgrade{Node: nodeID(8), Version: 2, Epoch: 3, Digest: digest})).Txs[0]
	if Code(late.Code) != CodeAlreadyDecided {
		t.Errorf("an eighth vote: got code %d (%s)", late.Code, late.Info)
	}
	for n := range byte(7) {
		w.must(firstNode+n, VoteUpgrade{Node: nodeID(n), Version: 2, Epoch: 4, Digest: digest})
	}
	w.turn()
	w.turn()
	if err := CheckProtocol(w.state); w.system().Version() != 1 || err != nil {
		t.Errorf("in epoch 3: got version %d, %v", w.system().Version(), err)
	}
	w.turn()
	if err := CheckProtocol(w.state); w.system().Version() != 2 || !errors.Is(err, ErrProtocol) {
		t.Errorf("in epoch 4: got version %d, %v, want ErrProtocol", w.system().Version(), err)
	}
}

// [WL] §5.4 protocol_version_updated_event.
func TestUpdateProtocol(t *testing.T) {
	t.Parallel()
	w := council(t)
	cert := w.certificateOf(committee.ProtocolVersion{Epoch: 1, Start: 1, Version: 2}.Message(), 7)
	r := w.block(w.signed(1, UpdateProtocol{Certificate: cert})).Txs[0]
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	v, err := r.Events[0].Parse()
	if want := (ProtocolDecided{Epoch: 1, Version: 2, Start: 1}); err != nil || v != want || len(r.Events) != 1 {
		t.Errorf("events: got %+v, %v, want only %+v", v, err, want)
	}
	if got := w.system(); got.Protocol != (Protocol{Version: 2, Start: 1}) || got.Version() != 2 {
		t.Errorf("got %+v and version %d, want 2 at once", got.Protocol, got.Version())
	}
}

// [WL] §5.4 and §5.6: the state of a deny list and the one event of each call.
func TestDenyLists(t *testing.T) {
	t.Parallel()
	w := council(t)
	root := [32]byte{2}
	r := w.block(w.signed(firstNode, AnnounceDenyList{Node: nodeID(0), Root: root, Sequence: 1})).Txs[0]
	if got := kinds(r.Events); r.Err() != nil || got != "deny_list_announced" {
		t.Errorf("announced: got %v, %q", r.Err(), got)
	}
	if l, err := ReadDenyList(w.state, nodeID(0)); err != nil || l != (DenyList{}) {
		t.Errorf("announced: got %+v, %v, want no list yet", l, err)
	}
	cert := w.certificateOf(committee.DenyListUpdate{Epoch: 1, Node: nodeID(0), Sequence: 1, Size: 10_000_000, Root: root}.Message(), 7)
	r = w.block(w.signed(firstNode, UpdateDenyList{Node: nodeID(0), Certificate: cert})).Txs[0]
	if got := kinds(r.Events); r.Err() != nil || got != "deny_list_updated" {
		t.Errorf("updated: got %v, %q", r.Err(), got)
	}
	if l, err := ReadDenyList(w.state, nodeID(0)); err != nil || l != (DenyList{Root: root, Sequence: 1, Size: 10_000_000}) {
		t.Errorf("updated: got %+v, %v", l, err)
	}

	// A third and one more suffices to have a blob deleted; it stays recorded.
	for _, n := range []byte{9, 3, 5} {
		blob := shard.BlobID{n}
		cert := w.certificateOf(committee.DenyListedBlob{Epoch: w.system().Epoch, Blob: blob}.Message(), 4)
		r = w.block(w.signed(2, DeleteDenied{Certificate: cert})).Txs[0]
		if got := kinds(r.Events); r.Err() != nil || got != "denied_blob_deleted" {
			t.Errorf("deleted: got %v, %q", r.Err(), got)
		}
		if d, err := ReadDenied(w.state, blob); err != nil || d != (Denied{Epoch: w.system().Epoch, Certificate: certHash(cert)}) {
			t.Errorf("deleted: got %+v, %v", d, err)
		}
		w.turn()
	}
	if _, err := ReadDenied(w.state, shard.BlobID{4}); codeOf(err) != CodeNotFound {
		t.Errorf("another blob: got %v, want CodeNotFound", err)
	}
	var ids []shard.BlobID
	if err := AscendDenied(w.state, shard.BlobID{4}, func(id shard.BlobID, _ Denied) bool {
		ids = append(ids, id)
		return len(ids) < 2
	}); err != nil || !slices.Equal(ids, []shard.BlobID{{5}, {9}}) {
		t.Errorf("from 4 on: got %v, %v, want 5 and 9", ids, err)
	}
}

// [WL] §5.4 epoch_change_with_rewards_and_commission: of 4770 FROST for 10^9
// bytes 143 are burned; a node that denies 10^7 bytes gets 458, the others 463.
// There the whole reward is commission, here the nodes have no other.
func TestDenyListsLowerRewards(t *testing.T) {
	t.Parallel()
	w := worldOf(t, testGenesis(10)).with(func(p *Params) { p.FeePerByte, p.FeePerWork, p.Capacity = 0, 0, 2e9 })
	w.must(0, ReserveStorage{Size: 1e9, Epochs: 1})
	cert := w.certificateOf(committee.DenyListUpdate{Epoch: 1, Node: nodeID(3), Sequence: 1, Size: 10_000_000, Root: [32]byte{2}}.Message(), 7)
	w.must(firstNode+3, UpdateDenyList{nodeID(3), cert})
	paid := 0
	for _, ev := range w.turn().Events {
		v, err := ev.Parse()
		if err != nil {
			t.Fatal(err)
		}
		r, ok := v.(RewardPaid)
		if !ok {
			continue
		}
		paid++
		want := uint64(463)
		if r.Node == nodeID(3) {
			want = 458
		}
		if r.Amount != want {
			t.Errorf("got %+v, want %d", r, want)
		}
	}
	if paid != 10 || w.ring(2).Rewards != 2 {
		t.Errorf("got %d rewards and %+v left, want 10 and 2", paid, w.ring(2))
	}
}
