package ledger

import (
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
)

const thousand = 1000 * FrostPerWAL // what each founder has staked

// newStakes is a world in which transactions are free, so that all that
// accounts gain or lose is stake.
func newStakes(t testing.TB) *world {
	return newWorld(t).operated(4).with(func(p *Params) {
		p.FeePerByte, p.FeePerWork, p.MinStake, p.Capacity = 0, 0, FrostPerWAL, 2e9
	})
}

// stakeOn puts FROST of an account behind a node.
func (w *world) stakeOn(from, node byte, amount uint64) committee.ObjectID {
	w.t.Helper()
	return w.must(from, Stake{Node: nodeID(node), Amount: amount})[0]
}

func (w *world) stake(id committee.ObjectID) StakeObject {
	w.t.Helper()
	s, err := ReadStake(w.state, id)
	return value(w, s, err)
}

// founded is the stake that founder n began with.
func (w *world) founded(n byte) StakeObject {
	w.t.Helper()
	all := w.stakes(100 + n)
	if len(all) != 1 {
		w.t.Fatalf("founder %d: got %+v, want one stake", n, all)
	}
	return all[0]
}

// stakes lists what AscendStakes visits.
func (w *world) stakes(n byte) []StakeObject {
	w.t.Helper()
	var out []StakeObject
	err := AscendStakes(w.state, accountAddress(n), committee.ObjectID{}, func(s StakeObject) bool {
		out = append(out, s)
		return true
	})
	return value(w, out, err)
}

func (w *world) worth(id committee.ObjectID) uint64 {
	w.t.Helper()
	v, err := ReadStakeValue(w.state, w.stake(id))
	return value(w, v, err)
}

// choose goes on until the next committee is chosen.
func (w *world) choose() BlockResult {
	w.t.Helper()
	return w.at(testDuration / 2)
}

// next begins the next epoch and ends its hand-over at the deadline.
func (w *world) next() BlockResult {
	w.t.Helper()
	out := w.turn()
	w.hand()
	return out
}

// hand goes on until the hand-over has ended and nothing is left open of it.
func (w *world) hand() {
	w.t.Helper()
	for s := w.system(); s.Phase == PhaseHandover || s.Deadline != 0; s = w.system() {
		w.block()
	}
}

// refused wants a message to be refused with a code.
func (w *world) refused(what string, code Code, from byte, m Message) {
	w.t.Helper()
	r := w.block(w.signed(from, m)).Txs[0]
	if Code(r.Code) != code {
		w.t.Errorf("%s: got code %d (%s), want %d", what, r.Code, r.Info, code)
	}
}

// paid is what an account gains by a message.
func (w *world) paid(from byte, m Message) uint64 {
	w.t.Helper()
	before := w.account(from).Balance
	w.must(from, m)
	return w.account(from).Balance - before
}

// Genesis stake is the founders', earns from the first epoch and can leave.
func TestFoundersStake(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	for n := range byte(4) {
		s := w.founded(n)
		if s.Node != nodeID(n) || s.Position.Principal != thousand || s.Position.Activation != firstEpoch || w.worth(s.ID) != thousand {
			t.Errorf("founder %d: got %+v worth %d", n, s, w.worth(s.ID))
		}
	}
	s := w.founded(2)
	w.refused("before a request", CodeStakeServes, 102, Withdraw{Object(s.ID)})
	w.must(102, RequestWithdraw{Object(s.ID)})
	w.next()
	if got := w.paid(102, Withdraw{Object(s.ID)}); got != thousand || len(w.stakes(102)) != 0 {
		t.Errorf("got %d and %+v, want %d and no stake", got, w.stakes(102), uint64(thousand))
	}
}

// Rewards go to all who have active stake, each in proportion, and what is paid
// out is what was put in and earned. [WL] §5.3 stake_and_receive_rewards,
// stake_and_receive_partial_rewards, stake_split_stake
func TestStakeEarns(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	mine, founder := w.stakeOn(0, 0, thousand), w.founded(0).ID
	if got, want := w.account(0).Balance, uint64(rich-thousand); got != want {
		t.Errorf("balance: got %d, want %d", got, want)
	}
	if got, want := w.node(0).Stake, uint64(2*thousand); got != want {
		t.Errorf("counts: got %d, want %d", got, want)
	}
	w.next()
	part := w.must(0, SplitStake{Object(mine), thousand / 4})[0]
	w.must(1, ReserveStorage{Size: 1e9, Epochs: 1})
	reward := uint64(0)
	for _, e := range w.next().Events {
		if v, err := e.Parse(); err != nil {
			t.Fatal(err)
		} else if paid, ok := v.(RewardPaid); ok && paid.Node == nodeID(0) {
			reward = paid.Amount
		}
	}
	if reward < 1500 { // of 4627, for four or five shards of ten
		t.Fatalf("reward: got %d", reward)
	}
	for id, want := range map[committee.ObjectID]uint64{
		founder: thousand + reward/2, mine: thousand*3/4 + reward*3/8, part: thousand/4 + reward/8,
	} {
		if got := w.worth(id); got > want || got < want-2 {
			t.Errorf("worth: got %d, want %d or a little less", got, want)
		}
	}
	w.must(0, RequestWithdraw{Object(mine)}, RequestWithdraw{Object(part)}, JoinStake{Object(mine), Object(part)})
	w.must(100, RequestWithdraw{Object(founder)})
	w.next()
	sum := w.paid(0, Withdraw{Object(mine)}) + w.paid(100, Withdraw{Object(founder)})
	if want := 2*thousand + reward; sum != want {
		t.Errorf("paid: got %d in all, want %d", sum, want)
	}
	if p, err := ReadStakePool(w.state, nodeID(0)); err != nil || !p.Empty() {
		t.Errorf("pool: got %+v, %v, want it empty", p, err)
	}
}

// Until the next committee is chosen, and for a node that is not in it, new
// stake can go as it came. After that it has to serve. [WL] §5.3
// withdraw_before_activation_before_committee_selection,
// withdraw_processing_at_different_epochs, request_withdraw_after_committee_selection,
// request_withdraw_when_can_withdraw_directly
func TestStakeTimes(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	a, b := w.stakeOn(0, 0, thousand), w.stakeOn(1, 0, thousand)
	w.refused("request of what is early", CodeStakeIdle, 0, RequestWithdraw{Object(a)})
	if got := w.paid(0, Withdraw{Object(a)}); got != thousand {
		t.Errorf("early: got %d, want %d", got, uint64(thousand))
	}
	w.choose()
	w.refused("what counts for the next committee", CodeStakeServes, 1, Withdraw{Object(b)})
	w.must(1, RequestWithdraw{Object(b)})
	if got := w.stake(b).Position; got.Withdraw != 3 {
		t.Errorf("got %+v, want it to leave with epoch 3", got)
	}
	w.refused("again", CodeStakeRequested, 1, RequestWithdraw{Object(b)})
	c := w.stakeOn(2, 0, thousand) // too late for epoch 2
	if got := w.stake(c).Position.Activation; got != 3 {
		t.Errorf("after the choice: got activation %d, want 3", got)
	}
	if got := w.paid(2, Withdraw{Object(c)}); got != thousand {
		t.Errorf("after the choice: got %d, want %d", got, uint64(thousand))
	}
	w.next()
	w.refused("before it leaves", CodeStakeEarly, 1, Withdraw{Object(b)})
	w.next()
	if got := w.paid(1, Withdraw{Object(b)}); got != thousand {
		t.Errorf("late: got %d, want %d", got, uint64(thousand))
	}
}

// Stake of a node in no committee needs no request. [WL] §5.3
// withdraw_after_committee_selection, try_to_request_withdrawal_for_inactive_pool
func TestStakeOfIdleNode(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	w.must(operator(4), w.newcomer(4))
	id := w.stakeOn(0, 4, FrostPerWAL) // too little for a shard
	w.next()
	w.next()
	if w.committee(w.system().Epoch).Member(nodeID(4)) != nil {
		t.Fatal("the newcomer has a shard")
	}
	w.refused("a request", CodeStakeIdle, 0, RequestWithdraw{Object(id)})
	w.refused("another's", CodeNotOwner, 1, Withdraw{Object(id)})
	if got := w.paid(0, Withdraw{Object(id)}); got != FrostPerWAL || w.node(4).Stake != 0 {
		t.Errorf("got %d, the node counts %d", got, w.node(4).Stake)
	}
}

// Departing stake is held, and at risk, until its node has handed its shards
// over. [WL] §6 #7
func TestStakeIsHeld(t *testing.T) {
	t.Parallel()
	w := newStakes(t).with(func(p *Params) { p.SenderPenalty = 100 })
	s := w.founded(0)
	w.must(100, RequestWithdraw{Object(s.ID)})
	moved, err := ReadStake(w.state, s.ID)
	if err != nil || moved.Position.Withdraw != 2 {
		t.Fatalf("got %+v, %v, want it to leave with epoch 2", moved, err)
	}
	w.turn()
	w.refused("in the hand-over", CodeStakeHeld, 100, Withdraw{Object(s.ID)})
	w.refused("to another node", CodeSameNode, 100, Redelegate{Object(s.ID), nodeID(0)})
	// The others report first, so that the epoch is settled without the last.
	receivers := []byte{1, 2, 3}
	slices.SortFunc(receivers, func(a, b byte) int {
		return int(w.committee(2).Member(nodeID(b)).Weight()) - int(w.committee(2).Member(nodeID(a)).Weight())
	})
	for _, n := range receivers[:2] {
		if len(w.duty(n).Take) > 0 {
			w.must(operator(n), ReportSync{Node: nodeID(n), Epoch: 2})
		}
	}
	w.block()
	to := receivers[2]
	if sys := w.system(); sys.Phase != PhaseSettled || len(w.duty(to).Take) != 1 {
		t.Fatalf("got %+v and %+v, want an epoch that is settled and a shard that is open", sys, w.duty(to))
	}
	w.refused("held by one shard", CodeStakeHeld, 100, Withdraw{Object(s.ID)})
	supply := w.system().Supply
	w.must(operator(to), ReportSync{Node: nodeID(to), Epoch: 2, Lost: w.duty(to).Take})
	if got, want := supply-w.system().Supply, uint64(thousand/100); got != want {
		t.Errorf("burned: got %d, want %d", got, want)
	}
	w.with(func(p *Params) { p.SenderPenalty = 0 })
	w.hand()
	if got, want := w.paid(100, Withdraw{Object(s.ID)}), uint64(thousand-thousand/100); got != want {
		t.Errorf("paid: got %d, want %d", got, want)
	}
}

// A node that lost its seat to others owes its shards; its stake serves nobody
// and is held all the same. Stake that has left can be promised to another node
// meanwhile.
func TestStakeOfNodeThatLostItsSeat(t *testing.T) {
	t.Parallel()
	w := newStakes(t).with(func(p *Params) { p.CommitteeSize = 4 })
	w.stakeOn(0, 0, thousand)
	w.stakeOn(0, 1, thousand)
	w.stakeOn(0, 2, thousand)
	left := w.founded(3).ID
	w.must(operator(4), w.newcomer(4))
	w.stakeOn(1, 4, 2*thousand)
	stays := w.stakeOn(2, 3, FrostPerWAL)
	w.must(103, RequestWithdraw{Object(left)})
	w.turn()
	if w.committee(2).Member(nodeID(3)) != nil || len(w.duty(3).Give) == 0 {
		t.Fatalf("got %+v, want node 3 to give its shards", w.duty(3))
	}
	w.refused("withdraw", CodeStakeHeld, 2, Withdraw{Object(stays)})
	w.refused("redelegate", CodeStakeHeld, 2, Redelegate{Object(stays), nodeID(0)})
	w.must(103, Redelegate{Object(left), nodeID(0)})
	w.hand()
	w.block()
	w.moved("promised", left, 0, thousand)
	if got := w.paid(2, Withdraw{Object(stays)}); got != FrostPerWAL {
		t.Errorf("got %d, want %d", got, uint64(FrostPerWAL))
	}
}

// A penalty hits all who have active stake in a node alike, and nobody else.
func TestPenaltyIsShared(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	mine, other := w.stakeOn(0, 0, 3*thousand), w.stakeOn(1, 1, thousand)
	w.next()
	pending := w.stakeOn(2, 0, thousand)
	x := &execution{state: NewOverlay(w.state)}
	x.system, x.params = w.system(), w.params()
	x.penalize(nodeID(0), FaultDoubleSign, 500)
	x.state.Flush(w.state)
	checkState(t, w.state)
	for _, tt := range []struct {
		name string
		id   committee.ObjectID
		want uint64
	}{
		{"the founder's", w.founded(0).ID, thousand * 95 / 100},
		{"a delegator's", mine, 3 * thousand * 95 / 100},
		{"pending", pending, thousand},
		{"another node's", other, thousand},
	} {
		if got := w.worth(tt.id); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

// A stake object can be given away like any other.
func TestTransferStake(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	id := w.stakeOn(0, 0, thousand)
	w.refused("another's", CodeNotOwner, 1, TransferObject{Object(id), accountAddress(1)})
	w.must(0, TransferObject{Object(id), accountAddress(1)})
	w.state.Set(ownerKey(accountAddress(1), KindStake+1, committee.ObjectID{1}), nil) // an object of another kind
	if len(w.stakes(0)) != 0 || len(w.stakes(1)) != 1 || w.owned(1)[id] != KindStake {
		t.Errorf("got %+v and %+v", w.stakes(0), w.stakes(1))
	}
	w.state.Delete(ownerKey(accountAddress(1), KindStake+1, committee.ObjectID{1}))
	w.refused("its former owner's", CodeNotOwner, 0, Withdraw{Object(id)})
	if got := w.paid(1, Withdraw{Object(id)}); got != thousand {
		t.Errorf("got %d, want %d", got, uint64(thousand))
	}
}

// What each message of stake is refused for.
func TestStakeRefusals(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	w.must(operator(4), w.newcomer(4))
	w.must(operator(4), ExitNode{nodeID(4)})
	early, other := w.stakeOn(0, 0, thousand), w.stakeOn(0, 1, thousand)
	theirs := w.stakeOn(1, 0, thousand)
	storage := w.must(0, ReserveStorage{Size: smallest, Epochs: 5})[0]
	w.next()
	late := w.stakeOn(0, 0, thousand)
	gone := w.stakeOn(0, 0, thousand)
	w.must(0, Withdraw{Object(gone)})
	none := committee.NodeID{1}
	for _, tt := range []struct {
		name string
		code Code
		m    Message
	}{
		{"stake on no node", CodeNotFound, Stake{none, thousand}},
		{"stake on a node that has left", CodeNotFound, Stake{nodeID(4), thousand}},
		{"stake nothing", CodeStakeTooSmall, Stake{nodeID(0), 0}},
		{"stake too little", CodeStakeTooSmall, Stake{nodeID(0), FrostPerWAL - 1}},
		{"stake too much", CodeInsufficientFunds, Stake{nodeID(0), rich}},
		{"request nothing", CodeNotFound, RequestWithdraw{Object(committee.ObjectID{1})}},
		{"request storage", CodeWrongKind, RequestWithdraw{Object(storage)}},
		{"request another's", CodeNotOwner, RequestWithdraw{Object(theirs)}},
		{"request what is early", CodeStakeIdle, RequestWithdraw{Object(late)}},
		{"withdraw nothing", CodeNotFound, Withdraw{Object(gone)}},
		{"withdraw storage", CodeWrongKind, Withdraw{Object(storage)}},
		{"withdraw another's", CodeNotOwner, Withdraw{Object(theirs)}},
		{"withdraw what serves", CodeStakeServes, Withdraw{Object(early)}},
		{"split another's", CodeNotOwner, SplitStake{Object(theirs), FrostPerWAL}},
		{"split nothing off", CodeStakeTooSmall, SplitStake{Object(early), 0}},
		{"split too little off", CodeStakeTooSmall, SplitStake{Object(early), FrostPerWAL - 1}},
		{"split too much off", CodeStakeTooSmall, SplitStake{Object(early), thousand - 1}},
		{"split all off", CodeStakePart, SplitStake{Object(early), thousand}},
		{"split more than all off", CodeStakePart, SplitStake{Object(early), thousand + 1}},
		{"join with itself", CodeStakeMismatch, JoinStake{Object(early), Object(early)}},
		{"join with another's", CodeNotOwner, JoinStake{Object(early), Object(theirs)}},
		{"join to another's", CodeNotOwner, JoinStake{Object(theirs), Object(early)}},
		{"join of another node", CodeStakeMismatch, JoinStake{Object(early), Object(other)}},
		{"join of another epoch", CodeStakeMismatch, JoinStake{Object(early), Object(late)}},
		{"join storage", CodeWrongKind, JoinStake{Object(early), Object(storage)}},
		{"redelegate another's", CodeNotOwner, Redelegate{Object(theirs), nodeID(1)}},
		{"redelegate to itself", CodeSameNode, Redelegate{Object(early), nodeID(0)}},
		{"redelegate to no node", CodeNotFound, Redelegate{Object(early), none}},
		{"transfer to nobody", CodeNobody, TransferObject{Object(early), Address{}}},
		{"reserve with stake", CodeWrongKind, registerIn(Object(early), nil)},
	} {
		before := w.state.clone()
		w.refused(tt.name, tt.code, 0, tt.m)
		if got := changed(before, w.state); !slices.Equal(got, []string{string(accountKey(accountAddress(0)))}) {
			t.Errorf("%s changed %x", tt.name, got)
		}
	}
	w.must(operator(1), ExitNode{nodeID(1)})
	w.refused("stake on a node that leaves", CodeExiting, 0, Stake{nodeID(1), thousand})
	w.refused("redelegate to a node that leaves", CodeExiting, 0, Redelegate{Object(early), nodeID(1)})
	w.must(0, RequestWithdraw{Object(early)})
	w.refused("join what leaves", CodeStakeMismatch, 0, JoinStake{Object(early), Object(late)})
	part := w.must(0, SplitStake{Object(early), FrostPerWAL})[0]
	w.must(0, Redelegate{Object(part), nodeID(2)})
	w.refused("join what moves", CodeStakeMismatch, 0, JoinStake{Object(early), Object(part)})
	w.refused("withdraw what has not left", CodeStakeEarly, 0, Withdraw{Object(early)})
}

// Objects made in a transaction can be used in it.
func TestStakeInOneTransaction(t *testing.T) {
	t.Parallel()
	w := newStakes(t)
	ids := w.must(0,
		Stake{nodeID(0), thousand}, SplitStake{Result(0), thousand / 2}, TransferObject{Result(1), accountAddress(1)},
		Redelegate{Result(0), nodeID(1)})
	first, second := w.stake(ids[0]), w.stake(ids[1])
	if first.Node != nodeID(1) || first.Position.Principal != thousand/2 || second.Node != nodeID(0) || second.Owner != accountAddress(1) {
		t.Errorf("got %+v and %+v", first, second)
	}
}
