package ledger

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/stake"
	"github.com/floe-storage/floe/shard"
)

// operator is the number of the account that registers the node of a number
// that is not one of the genesis; see operated.
func operator(n byte) byte { return n % 3 }

// newcomer is the message that registers node n, whose keys all follow from n,
// for one of the rich accounts.
func (w *world) newcomer(n byte) RegisterNode {
	w.t.Helper()
	account := accountAddress(operator(n))
	network, consensus := accountSecret(200-n), accountSecret(230-n)
	signed := NodeKeyMessage(testChain, account)
	m := RegisterNode{
		Candidate: Candidate{
			Profile: Profile{Name: fmt.Sprintf("node-%d", n)}, Account: account, BLSKey: blsSecret(n + 1).PublicKey(),
			NetworkKey: [32]byte(network[32:]), ConsensusKey: [32]byte(consensus[32:]),
		},
		NetworkProof: [64]byte(ed25519.Sign(network, signed)), ConsensusProof: [64]byte(ed25519.Sign(consensus, signed)),
	}
	m.Candidate.Possession = blsSecret(n + 1).Sign(committee.PossessionMessage(w.system().Epoch, account, m.Candidate.BLSKey))
	return m
}

// operated gives the nodes of the genesis to the rich accounts, as if they had
// registered there.
func (w *world) operated(nodes byte) *world {
	for n := range nodes {
		v := w.node(n)
		v.Account = accountAddress(operator(n))
		w.state.Set(nodeKey(v.ID), encode(v))
	}
	return w
}

func (w *world) node(n byte) Node {
	w.t.Helper()
	v, err := ReadNode(w.state, nodeID(n))
	return value(w, v, err)
}

// join registers node n with a stake in FROST.
func (w *world) join(n byte, stake uint64) {
	w.t.Helper()
	w.must(operator(n), w.newcomer(n))
	w.restake(n, stake)
}

// restake lets a node have another stake from the running epoch on, by a stake
// object that stands for all of it.
func (w *world) restake(n byte, amount uint64) {
	w.t.Helper()
	v, sys := w.node(n), w.system()
	old, err := ReadStakePool(w.state, v.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	sys.Supply += amount - old.Money()
	x := &execution{state: NewOverlay(w.state)}
	before := stake.Moment{Epoch: sys.Epoch - 1}
	p, err := stake.New(before, old.CommissionRate)
	if err != nil {
		w.t.Fatal(err)
	}
	for k := range w.state.values {
		if k[0] == keyStake {
			if o, err := read[StakeObject](w.state, []byte(k), "stake"); err != nil || o.Node == v.ID {
				put(x.state, o, nil)
			}
		}
	}
	if amount > 0 {
		id := committee.ObjectID(v.ID)
		position, err := p.Stake(x.stakeBook(v.ID), before, amount, 0)
		if err != nil {
			w.t.Fatal(err)
		}
		put(x.state, nil, StakeObject{ID: id, Owner: v.Account, Node: v.ID, Position: position})
	}
	if err := p.Settle(x.stakeBook(v.ID), sys.Epoch); err != nil {
		w.t.Fatal(err)
	}
	x.system = sys
	x.setSystem(sys)
	if refusal := x.setStakePool(v, p); refusal != nil {
		w.t.Fatal(refusal)
	}
	x.state.Flush(w.state)
}

// at applies a block some time after the running epoch was settled.
func (w *world) at(elapsed uint64, txs ...[]byte) BlockResult {
	w.t.Helper()
	w.time = w.system().Settled + elapsed - 10
	return w.block(txs...)
}

func (w *world) committee(e committee.Epoch) *committee.Committee {
	w.t.Helper()
	c, err := ReadCommitteeAt(w.state, e)
	return value(w, c, err)
}

func (w *world) duty(n byte) Duty {
	w.t.Helper()
	d, err := ReadDuty(w.state, nodeID(n))
	return value(w, d, err)
}

func (w *world) moves(e committee.Epoch) []Move {
	w.t.Helper()
	m, err := ReadMoves(w.state, e)
	return value(w, m, err)
}

// An epoch goes from the hand-over through the choice of the next committee to
// its end, by itself; each step has its event. [WL] §3.8, §4.2, §5.4
// init_and_first_epoch_change
func TestPhasesOfAnEpoch(t *testing.T) {
	t.Parallel()
	w := newWorld(t).operated(4)
	w.join(4, 3000*FrostPerWAL)
	if got := kinds(w.at(testDuration/2 - 1).Events); got != "" {
		t.Errorf("before the middle: got %q, want nothing", got)
	}
	out := w.at(testDuration / 2)
	if got, want := kinds(out.Events), "committee_selected"; got != want || w.system().Phase != PhaseSelected {
		t.Fatalf("in the middle: got %q in phase %d, want %q", got, w.system().Phase, want)
	}
	next, moved := w.committee(2), w.moves(2)
	v, err := out.Events[0].Parse()
	if want := (CommitteeSelected{Epoch: 2, Members: 5, Moved: uint16(len(moved)), Capacity: w.params().Capacity}); err != nil || v != want {
		t.Errorf("event: got %+v, %v, want %+v", v, err, want)
	}
	// Stakes of 1000 four times and 3000: at most four shards, and two for a 1000
	// or one, ties by ID.
	if got := next.Member(nodeID(4)).Weight(); got != 4 || len(moved) != 4 {
		t.Errorf("the newcomer: got %d shards of %d moved, want 4 of 4", got, len(moved))
	}
	w.restake(0, 0) // too late
	if got := kinds(w.at(testDuration - 1).Events); got != "" {
		t.Errorf("before the end: got %q, want nothing", got)
	}
	if _, err := ReadCommitteeAt(w.state, 3); err == nil {
		t.Error("the committee after the next is known")
	}
	out = w.at(testDuration)
	if got, want := kinds(out.Events), "epoch_changed"; got != want {
		t.Errorf("at the end: got %q, want %q", got, want)
	}
	if got, want := len(out.Validators), 5; got > want || got < 1 || out.Validators[0].Power == 0 {
		t.Errorf("validators: got %+v", out.Validators)
	}
	sys := w.system()
	if sys.Epoch != 2 || sys.Phase != PhaseHandover || sys.Settled != 0 || sys.Deadline != w.height+10 || sys.Synced != 6 {
		t.Errorf("got %+v, want epoch 2 in its hand-over, 6 shards synced", sys)
	}
	if got := w.duty(4); len(got.Take) != 4 || len(got.Give) != 0 || got.Deadline != sys.Deadline || !slices.Equal(got.Take, next.Member(nodeID(4)).Shards) {
		t.Errorf("the newcomer's duty: got %+v", got)
	}
	if got := kinds(w.at(5 * testDuration).Events); got != "" {
		t.Errorf("a hand-over does not end with time: got %q", got)
	}
	r := w.block(w.signed(operator(4), ReportSync{Node: nodeID(4), Epoch: 2})).Txs[0]
	if got, want := kinds(r.Events), "shards_received"; got != want || r.Err() != nil {
		t.Fatalf("report: got %q, %v, want %q", got, r.Err(), want)
	}
	if got := w.duty(4); len(got.Take) != 0 || got.Deadline != 0 {
		t.Errorf("the newcomer's duty after its report: got %+v, want none", got)
	}
	out = w.block()
	v, err = out.Events[0].Parse()
	if want := (HandoverEnded{Epoch: 2, Time: w.time, Synced: 10}); err != nil || v != want || len(out.Events) != 1 {
		t.Errorf("event: got %+v, %v, want only %+v", v, err, want)
	}
	if got := w.system(); got.Phase != PhaseSettled || got.Settled != w.time {
		t.Errorf("got %+v, want it settled at %d", got, w.time)
	}
	// The first, whose stake went after the choice, is not chosen again.
	w.at(testDuration / 2)
	if got := w.committee(3).Member(nodeID(0)); got != nil {
		t.Errorf("epoch 3: got member %+v, want none without stake", got)
	}
}

// The next committee's members and the running one's see a node's name and
// addresses as it declared them last.
func TestMembersAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t).operated(4)
	w.join(4, 3000*FrostPerWAL)
	w.at(testDuration / 2)
	w.must(operator(0), UpdateNode{Node: nodeID(0), Profile: Profile{Name: "renamed"}, Addrs: []string{"/dns/a"}})
	w.must(operator(4), UpdateNode{Node: nodeID(4), Profile: Profile{Name: "new"}, Addrs: []string{"/dns/b"}})
	check := func(e committee.Epoch, n byte, name, addr string) {
		t.Helper()
		if m := w.committee(e).Member(nodeID(n)); m == nil || m.Name != name || !slices.Equal(m.Addrs, []string{addr}) {
			t.Errorf("epoch %d: got %+v, want %q at %q", e, m, name, addr)
		}
	}
	check(1, 0, "renamed", "/dns/a")
	check(2, 0, "renamed", "/dns/a")
	check(2, 4, "new", "/dns/b")
	w.at(testDuration)
	w.must(operator(0), UpdateNode{Node: nodeID(0), Profile: Profile{Name: "node-0"}, Addrs: []string{"/dns/c"}})
	check(1, 0, "node-0", "/dns/c")
	check(2, 0, "node-0", "/dns/c")
}

// A hand-over ends at its deadline at the latest, whoever reports; who stays
// silent pays for each shard. [WL] §5.8, §6.1 H4
func TestHandoverDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t).operated(4).with(func(p *Params) { p.SenderPenalty, p.ReceiverPenalty = 10, 1 })
	w.restake(0, 0)
	w.restake(1, 0)
	w.join(4, 1000*FrostPerWAL)
	w.join(5, 1000*FrostPerWAL)
	w.at(testDuration / 2)
	w.at(testDuration)
	sys := w.system()
	silent := w.duty(4)
	if sys.Phase != PhaseHandover || committee.Quorum(committee.Weight(sys.Synced), 10) || len(silent.Take) == 0 {
		t.Fatalf("got %+v and %+v, want less than a quorum synced", sys, silent)
	}
	for w.height+1 < sys.Deadline {
		if out := w.block(); len(out.Events) != 0 {
			t.Fatalf("before the deadline: got %q, want nothing", kinds(out.Events))
		}
	}
	out := w.block()
	if got := kinds(out.Events); !strings.HasPrefix(got, "shards_unreported node_penalized ") || !strings.HasSuffix(got, " handover_ended") {
		t.Errorf("at the deadline: got %q", got)
	}
	if got := w.system(); got.Phase != PhaseSettled || got.Deadline != 0 {
		t.Errorf("got %+v, want it settled", got)
	}
	stake := uint64(1000 * FrostPerWAL)
	if got, want := w.node(4).Stake, stake-stake*10*uint64(len(silent.Take))/wholeRate; got != want {
		t.Errorf("stake of the silent: got %d, want %d", got, want)
	}
	// It may still say that it has them; to complain it is too late.
	r := w.block(w.signed(operator(4), ReportSync{Node: nodeID(4), Epoch: 2, Lost: silent.Take[:1]})).Txs[0]
	if Code(r.Code) != CodeBadShards {
		t.Errorf("a late complaint: got code %d, want %d", r.Code, CodeBadShards)
	}
	synced := w.system().Synced
	w.must(operator(4), ReportSync{Node: nodeID(4), Epoch: 2})
	if got := w.system().Synced; got != synced {
		t.Errorf("a late report counts: %d shards synced, want %d", got, synced)
	}
}

// A receiver that complains has the sender pay, and itself a little. §6 #5
func TestHandoverComplaint(t *testing.T) {
	t.Parallel()
	w := newWorld(t).operated(4).with(func(p *Params) { p.SenderPenalty, p.ReceiverPenalty = 10, 1 })
	w.join(4, 3000*FrostPerWAL)
	w.at(testDuration / 2)
	w.at(testDuration)
	d := w.duty(4)
	from := w.moves(2)
	supply := w.system().Supply
	lost := d.Take[:2]
	r := w.block(w.signed(operator(4), ReportSync{Node: nodeID(4), Epoch: 2, Lost: lost})).Txs[0]
	if r.Err() != nil || !strings.HasPrefix(kinds(r.Events), "shards_received node_penalized") {
		t.Fatalf("got %v, %q", r.Err(), kinds(r.Events))
	}
	var want uint64
	for n := range byte(5) {
		stake := uint64(1000 * FrostPerWAL)
		if n == 4 {
			stake *= 3
		}
		rate := uint64(0)
		for _, m := range from {
			if slices.Contains(lost, m.Shard) {
				switch nodeID(n) {
				case m.From:
					rate += 10
				case m.To:
					rate++
				}
			}
		}
		loss := stake * rate / wholeRate
		if got := w.node(n).Stake; got != stake-loss {
			t.Errorf("node %d: got a stake of %d, want %d less", n, got, loss)
		}
		want += loss
	}
	if got := supply - w.system().Supply; got != want || want == 0 {
		t.Errorf("burned: got %d, want %d", got, want)
	}
}

// Who gained nothing, who is no member, who has reported, and other epochs.
// [WL] §5.1 test_epoch_sync_done_duplicate, test_epoch_sync_wrong_epoch, §5.8
func TestReportRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t).operated(4)
	w.join(4, 3000*FrostPerWAL)
	w.must(operator(5), w.newcomer(5))
	report := func(n byte, e committee.Epoch, lost ...shard.Index) []byte {
		return w.signed(operator(n), ReportSync{Node: nodeID(n), Epoch: e, Lost: lost})
	}
	check := func(name string, tx []byte, want Code) {
		t.Helper()
		if r := w.block(tx).Txs[0]; Code(r.Code) != want {
			t.Errorf("%s: got code %d (%s), want %d", name, r.Code, r.Info, want)
		}
	}
	check("in the first epoch", report(0, 1), CodeReported)
	w.at(testDuration / 2)
	w.at(testDuration)
	take := w.duty(4).Take
	others := w.committee(2).Member(nodeID(0)).Shards
	check("the epoch before", report(4, 1), CodeWrongEpoch)
	check("the next epoch", report(4, 3), CodeWrongEpoch)
	check("a node in no committee", report(5, 2), CodeNotMember)
	check("a member that gained nothing", report(0, 2), CodeReported)
	check("a node that there is not", report(6, 2), CodeNotFound)
	check("somebody else's node", w.signed(2, ReportSync{Node: nodeID(4), Epoch: 2}), CodeNotOwner)
	check("another's shard lost", report(4, 2, others[0]), CodeBadShards)
	check("out of order", report(4, 2, take[1], take[0]), CodeBadShards)
	check("a shard twice", report(4, 2, take[0], take[0]), CodeBadShards)
	check("well", report(4, 2), CodeOK)
	check("again", report(4, 2), CodeReported)
}

// [WL] §5.1 test_epoch_sync_done: of 300,000 and 700,000 WAL, which make three
// and seven shards of ten, the first report is no quorum, the second is. Two
// nodes take over from four, so the whole committee is another; what it
// signs counts from the block that begins its epoch on.
func TestCommitteeIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t).operated(4)
	object := w.addBlob(0, 1, 4, false, false)
	w.join(4, 300_000*FrostPerWAL)
	w.join(5, 700_000*FrostPerWAL)
	for n := range byte(4) {
		w.restake(n, 0)
	}
	w.at(testDuration / 2)
	out := w.at(testDuration)
	if got := len(w.moves(2)); got != 10 || w.system().Synced != 0 {
		t.Fatalf("got %d moves and %d shards synced, want 10 and 0", got, w.system().Synced)
	}
	if got := len(out.Validators); got != 6 { // two come, four go
		t.Errorf("validators: got %+v", out.Validators)
	}
	w.must(0, w.certify(object))
	w.must(operator(4), ReportSync{Node: nodeID(4), Epoch: 2})
	if out := w.block(); len(out.Events) != 0 || w.system().Synced != 3 || w.system().Phase != PhaseHandover {
		t.Errorf("after three of ten: got %q, %+v", kinds(out.Events), w.system())
	}
	w.must(operator(5), ReportSync{Node: nodeID(5), Epoch: 2})
	if out := w.block(); kinds(out.Events) != "handover_ended" || w.system().Synced != 10 {
		t.Errorf("after ten of ten: got %q, %+v", kinds(out.Events), w.system())
	}
	// The moves of an epoch can be read when it is over too.
	w.turn()
	if got := len(w.moves(2)); got != 10 {
		t.Errorf("moves of epoch 2 in epoch 3: got %d, want 10", got)
	}
	if got := w.moves(1); len(got) != 0 {
		t.Errorf("moves of the first epoch: got %+v, want none", got)
	}
	if _, err := ReadMoves(w.state, 4); ignoreNotFound(err) != nil || err == nil {
		t.Errorf("moves of an epoch to come: got %v, want CodeNotFound", err)
	}
}

// A deadline that the epoch's end overtakes ends the hand-over all the same: the
// next epoch begins with nothing open of the last one.
func TestHandoverEndsWithItsEpoch(t *testing.T) {
	t.Parallel()
	w := newWorld(t).operated(4).with(func(p *Params) { p.HandoverBlocks, p.SenderPenalty = 1_000_000, 10 })
	w.restake(0, 1200*FrostPerWAL) // a shard more, of a node that keeps quiet
	w.at(testDuration / 2)
	w.at(testDuration)
	// The others gained nothing and are a quorum: the time of the epoch runs.
	if sys := w.system(); len(w.duty(0).Take) != 1 || sys.Phase != PhaseSettled || sys.Deadline == 0 {
		t.Fatalf("got %+v and %+v, want it settled with one shard open", w.duty(0), sys)
	}
	stake := w.node(0).Stake
	w.at(testDuration / 2)
	out := w.at(testDuration)
	if got := kinds(out.Events); !strings.HasPrefix(got, "shards_unreported node_penalized") {
		t.Errorf("end of the epoch: got %q", got)
	}
	if got := w.node(0).Stake; got != stake-stake/1000 {
		t.Errorf("stake: got %d, want a thousandth less than %d", got, stake)
	}
}
