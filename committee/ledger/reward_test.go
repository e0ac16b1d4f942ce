package ledger

import (
	"crypto/sha256"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee/stake"
)

// [WL] §3.5: ten members of ten shards, 4627 FROST after the burn, 10^9 bytes.
func TestSplit(t *testing.T) {
	t.Parallel()
	equal := func(change func(i int, p *part)) []part {
		parts := make([]part, 10)
		for i := range parts {
			parts[i] = part{weight: 10, score: wholeRate}
			change(i, &parts[i])
		}
		return parts
	}
	const used = 1e9
	for _, tt := range []struct {
		name          string
		revenue, used uint64
		parts         []part
		first, others uint64
	}{
		{"equal", 4627, used, equal(func(int, *part) {}), 462, 462},
		{"one denies 10^7 bytes", 4627, used, equal(func(i int, p *part) {
			if i == 0 {
				p.denied = 1e7
			}
		}), 458, 463},
		{"the same without a burn", 4770, used, equal(func(i int, p *part) {
			if i == 0 {
				p.denied = 1e7
			}
		}), 472, 477},
		{"one denies more than there is", 4627, used, equal(func(i int, p *part) {
			if i == 0 {
				p.denied = math.MaxUint64
			}
		}), 0, 514},
		{"all deny everything", 4627, used, equal(func(_ int, p *part) { p.denied = used }), 0, 0},
		{"an unused epoch", 4627, 0, equal(func(int, *part) {}), 0, 0},
		{"no revenue", 0, used, equal(func(int, *part) {}), 0, 0},
		// A node that has not served earns nothing, and the others no more. §6 #2
		{"one of no score", 4627, used, equal(func(i int, p *part) {
			if i == 0 {
				p.score = 0
			}
		}), 0, 462},
		{"one of half a score", 4627, used, equal(func(i int, p *part) {
			if i == 0 {
				p.score = 5000
			}
		}), 231, 462},
		// [WL] §6.1 H15: the product is beyond 128 bits.
		{"all there can be", math.MaxInt64, math.MaxInt64, equal(func(_ int, p *part) { p.weight = 6553 }), math.MaxInt64 / 10, math.MaxInt64 / 10},
	} {
		got := split(tt.revenue, tt.used, tt.parts)
		if got[0] != tt.first || slices.ContainsFunc(got[1:], func(v uint64) bool { return v != tt.others }) {
			t.Errorf("%s: got %v, want %d and %d", tt.name, got, tt.first, tt.others)
		}
	}
}

// [WL] §5.3, §5.4: commission is taken at the rate of the epoch that earned,
// and held until the next committee is chosen; a new rate holds from the epoch
// after the next. test_parameter_changes, commission_blocking_across_epochs,
// epoch_change_with_rewards_and_commission
func TestCommission(t *testing.T) {
	t.Parallel()
	w := ten(t).with(func(p *Params) { p.FeePerByte, p.FeePerWork, p.Capacity = 0, 0, 2e9 })
	w.must(0, SetCommission{nodeID(0), wholeRate})
	w.must(0, ReserveStorage{Size: 1e9, Epochs: 5}) // 4770 FROST an epoch, 4627 after the burn
	pool := func() stake.Pool {
		t.Helper()
		p, err := ReadStakePool(w.state, nodeID(0))
		return value(w, p, err)
	}
	collect := func(want uint64) {
		t.Helper()
		before := w.account(0).Balance
		w.must(0, CollectCommission{nodeID(0)})
		if got := w.account(0).Balance - before; got != want {
			t.Errorf("epoch %d: collected %d, want %d", w.system().Epoch, got, want)
		}
	}
	w.turn()
	if p := pool(); p.Commission != 0 || p.Balance != 1000*FrostPerWAL+462 {
		t.Errorf("epoch 2: got %+v, want all for those who staked", p)
	}
	w.turn()
	if p := pool(); p.Commission != 0 || p.CommissionRate != wholeRate {
		t.Errorf("epoch 3: got %+v, want the new rate from now on", p)
	}
	var earned uint64
	for _, ev := range w.turn().Events {
		if v, err := ev.Parse(); err != nil {
			t.Fatal(err)
		} else if paid, ok := v.(RewardPaid); ok && paid.Node == nodeID(0) {
			if earned = paid.Amount; paid.Commission != paid.Amount || earned < 462 {
				t.Errorf("got %+v, want all of it as commission", paid)
			}
		}
	}
	if p := pool(); p.Commission != earned || p.Blocked != earned {
		t.Errorf("epoch 4: got %+v, want %d earned and blocked", p, earned)
	}
	collect(0)
	w.at(testDuration / 2)
	collect(earned)
	collect(0)
	w.at(testDuration)
	collect(0)
}

// A member that leaves is paid for its last epoch, though it is none any more;
// what is left of the division goes over. [WL] §5.8
func TestLastReward(t *testing.T) {
	t.Parallel()
	w := newWorld(t).operated(4).with(func(p *Params) { p.FeePerByte, p.FeePerWork, p.Capacity = 0, 0, 2e9 })
	w.must(0, ReserveStorage{Size: 1e9, Epochs: 1}, ExitNode{nodeID(0)})
	weight := uint64(w.committee(1).Member(nodeID(0)).Weight())
	out := w.turn()
	if w.committee(2).Member(nodeID(0)) != nil {
		t.Fatal("it is still a member")
	}
	p, err := ReadStakePool(w.state, nodeID(0))
	if want := 1000*FrostPerWAL + 4627*weight/10; err != nil || p.Balance != want {
		t.Errorf("pool: got %+v, %v, want a balance of %d", p, err, want)
	}
	if got := w.ring(2).Rewards; got != 1 { // two of three shards, two of two: 1388, 925
		t.Errorf("carried: got %d, want 1; %q", got, kinds(out.Events))
	}
}

// Evidence costs a part of all that is at stake, once for each height, and the
// supply is less by it. Whom nobody knows it costs nothing. §6 #3, #23
func TestDoubleSigning(t *testing.T) {
	t.Parallel()
	w := newWorld(t).operated(4).with(func(p *Params) { p.DoubleSignPenalty = 500 })
	proof := func(n byte, height uint64) Misbehavior {
		key := w.node(n).ConsensusKey
		hash := sha256.Sum256(key[:])
		return Misbehavior{Validator: [20]byte(hash[:]), Height: height, Power: 1}
	}
	punish := func(evidence ...Misbehavior) string {
		t.Helper()
		w.height++
		out := w.machine.ApplyBlock(w.state, Block{Height: w.height, Time: w.time, Evidence: evidence})
		checkState(t, w.state)
		return kinds(out.Events)
	}
	supply, stake := w.system().Supply, uint64(1000*FrostPerWAL)
	const one = "double_signed node_penalized"
	for _, tt := range []struct {
		name     string
		evidence []Misbehavior
		events   string
		stake    uint64 // of node 0
	}{
		{"none", nil, "", stake},
		{"somebody", []Misbehavior{{Validator: [20]byte{0xff}, Height: 1}}, "", stake},
		{"once", []Misbehavior{proof(0, 7)}, one, stake / 20 * 19},
		{"the same again", []Misbehavior{proof(0, 7)}, "", stake / 20 * 19},
		{"another height, twice, and another node", []Misbehavior{proof(0, 6), proof(0, 6), proof(1, 7)}, one + " " + one, stake / 400 * 361},
	} {
		if got := punish(tt.evidence...); got != tt.events {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.events)
		}
		if got := w.node(0).Stake; got != tt.stake {
			t.Errorf("%s: got a stake of %d, want %d", tt.name, got, tt.stake)
		}
	}
	if got, want := supply-w.system().Supply, stake-stake/400*361+stake/20; got != want {
		t.Errorf("burned: got %d, want %d", got, want)
	}
	// Whoever has nothing left is not chosen, and the rest goes on.
	w.with(func(p *Params) { p.DoubleSignPenalty = wholeRate })
	punish(proof(0, 8))
	w.turn()
	if c := w.committee(2); c.Member(nodeID(0)) != nil || w.node(0).Stake != 0 {
		t.Errorf("it is still a member, with a stake of %d", w.node(0).Stake)
	}
	if got := punish(proof(0, 9)); !strings.HasPrefix(got, one) {
		t.Errorf("without stake: got %q", got)
	}
}

// What leaves a pool is held until the hand-over is over and the node's own
// shards are with others. §6 #7
func TestDepartingStakeIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t).operated(4)
	handedOver := func() string {
		x := &execution{state: NewOverlay(w.state)}
		x.system = w.system()
		var out []string
		for n := range byte(4) {
			if x.moment(nodeID(n)).HandedOver {
				out = append(out, "free")
			} else {
				out = append(out, "held")
			}
		}
		return strings.Join(out, " ")
	}
	if got, want := handedOver(), "free free free free"; got != want {
		t.Errorf("first epoch: got %q, want %q", got, want)
	}
	w.restake(0, 0)
	w.turn()
	if got, want := handedOver(), "held held held held"; got != want {
		t.Errorf("hand-over: got %q, want %q", got, want)
	}
	var slow []byte
	for _, n := range []byte{1, 2, 3} {
		if len(w.duty(n).Take) > 0 {
			slow = append(slow, n)
		}
	}
	for i, n := range slow {
		if i == len(slow)-1 && w.system().Phase == PhaseSettled {
			if got, want := handedOver(), "held free free free"; got != want {
				t.Errorf("a quorum: got %q, want %q", got, want)
			}
		}
		w.must(operator(n), ReportSync{Node: nodeID(n), Epoch: 2})
		w.block()
	}
	if got, want := handedOver(), "free free free free"; got != want {
		t.Errorf("in the end: got %q, want %q", got, want)
	}
}
