package ledger

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// subsidized is the network of [WL]'s tests: ten nodes with a hundred shards
// each, and no price but that of storage.
func subsidized(t testing.TB) *world {
	t.Helper()
	g := testGenesis(10)
	g.Params.Shards = 1000
	return worldOf(t, g).with(func(p *Params) {
		p.FeePerByte, p.FeePerWork, p.WritePrice, p.StoragePrice, p.BurnRate = 0, 0, 0, 10_000, 0
	})
}

func (w *world) fund() uint64 {
	w.t.Helper()
	f, err := ReadSubsidyFund(w.state)
	return value(w, f, err)
}

// payments picks the SubsidyPaid out of events, and the one SubsidiesPaid.
func payments(t testing.TB, events []Event) (paid []SubsidyPaid, sum SubsidiesPaid) {
	t.Helper()
	for _, ev := range events {
		v, err := ev.Parse()
		if err != nil {
			t.Fatal(err)
		}
		switch v := v.(type) {
		case SubsidyPaid:
			paid = append(paid, v)
		case SubsidiesPaid:
			if sum != (SubsidiesPaid{}) {
				t.Errorf("a second %+v", v)
			}
			sum = v
		}
	}
	return paid, sum
}

// [WL] §5.7 test_process_subsidies_with_usage_across_epochs: 150 % of what is
// newly bought, and a fixed part of 11,000,000 for each node. There nobody is
// paid for the epoch without a committee; here every epoch has one. What each
// epoch gets stands in the ring, but for the ended one's, which is shared out.
func TestSubsidiesAcrossEpochs(t *testing.T) {
	t.Parallel()
	w := subsidized(t).with(func(p *Params) {
		p.SubsidyRate, p.NodeSubsidy, p.ShardSubsidy, p.MaxEpochsAhead = 15_000, 1_000_000, 100_000, 10
	})
	const funded = 13_000 * FrostPerWAL
	w.must(1, FundSubsidies{5000 * FrostPerWAL})
	w.must(2, FundSubsidies{8000 * FrostPerWAL})
	if got := w.fund(); got != funded {
		t.Fatalf("fund: got %d, want %d", got, uint64(funded))
	}
	for epochs := uint32(2); epochs <= 5; epochs++ {
		w.must(0, ReserveStorage{Size: StorageUnit, Epochs: epochs})
	}
	for i, want := range []uint64{40_000, 40_000, 30_000, 20_000, 10_000} {
		if got := w.ring(committee.Epoch(i + 1)); got.Rewards != want || got.Subsidized != 0 {
			t.Errorf("before, epoch %d: got %+v, want %d", i+1, got, want)
		}
	}
	paid, sum := payments(t, w.turn().Events)
	if want := (SubsidiesPaid{
		Epoch: 1, Due: 110_000_000 + 210_000, ToMembers: 110_000_000, ToRevenue: 210_000, Left: funded - 110_210_000,
	}); sum != want {
		t.Errorf("got %+v, want %+v", sum, want)
	}
	if len(paid) != 10 {
		t.Fatalf("got %+v, want ten payments", paid)
	}
	for _, p := range paid {
		if p.Amount != 11_000_000 || p.Epoch != 1 {
			t.Errorf("got %+v, want 11,000,000", p)
		}
	}
	// 60,000 were added to the first epoch, whose 100,000 went to the nodes.
	for i, want := range []uint64{0, 100_000, 75_000, 50_000, 25_000} {
		if got := w.ring(committee.Epoch(i + 1)); got.Rewards != want || got.Subsidized != want {
			t.Errorf("after, epoch %d: got %+v, want %d", i+1, got, want)
		}
	}
	if p, err := ReadStakePool(w.state, nodeID(0)); err != nil || p.Commission != 11_000_000 || p.Blocked != 11_000_000 {
		t.Errorf("a node: got %+v, %v, want its subsidy as blocked commission", p, err)
	}
	// Nothing was bought since, so nothing is due on revenue; what others give
	// to the nodes is no revenue.
	w.must(0, AddRewards{Amount: 1000, Epochs: 3})
	if _, sum = payments(t, w.turn().Events); sum.ToRevenue != 0 || sum.ToMembers != 110_000_000 {
		t.Errorf("the next epoch: got %+v, want nothing on revenue", sum)
	}
}

// [WL] §5.7 test_variable_subsidy_rates_across_epochs: what was paid in all by
// the beginning of epochs 1 to 4.
func TestVariableSubsidies(t *testing.T) {
	t.Parallel()
	w := subsidized(t)
	w.must(0, FundSubsidies{FrostPerWAL})
	for i, want := range []uint64{0, 22_000, 55_000, 99_000} {
		epoch := uint64(i + 1)
		if epoch > 1 {
			w.with(func(p *Params) {
				p.SubsidyRate, p.NodeSubsidy, p.ShardSubsidy = uint32(epoch)*1000, epoch*1000, epoch*100
			})
			w.turn()
		}
		if p, err := ReadStakePool(w.state, nodeID(0)); err != nil || p.Commission != want {
			t.Errorf("epoch %d: got %+v, %v, want %d", epoch, p, err, want)
		}
	}
}

// [WL] §5.8: where the fund is short all get less in proportion, instead of
// nobody anything (hazard H6), and no epoch is skipped.
func TestSubsidyShortfall(t *testing.T) {
	t.Parallel()
	w := subsidized(t).with(func(p *Params) { p.SubsidyRate, p.NodeSubsidy, p.ShardSubsidy = 10_000, 500, 5 })
	// 10,000 are due to the nodes, as many on revenue, and 5,001 are there.
	w.must(0, ReserveStorage{Size: 1, Epochs: 1}, FundSubsidies{5001})
	paid, sum := payments(t, w.turn().Events)
	if want := (SubsidiesPaid{Epoch: 1, Due: 20_000, ToMembers: 2500, ToRevenue: 2500, Left: 1}); sum != want || len(paid) != 10 || paid[0].Amount != 250 {
		t.Errorf("got %+v and %+v, want %+v", sum, paid, want)
	}
	// With nothing in the fund the epoch turns all the same, and what was due
	// then is not made up for.
	w.must(0, ReserveStorage{Size: 1, Epochs: 1})
	w.turn()
	if _, sum = payments(t, w.turn().Events); sum.Due != 10_000 || sum.ToMembers+sum.ToRevenue > 1 || w.system().Epoch != 4 {
		t.Errorf("got %+v in epoch %d, want next to nothing of 10,000 in epoch 4", sum, w.system().Epoch)
	}
	w.must(0, FundSubsidies{9999}) // with what was left
	if _, sum = payments(t, w.turn().Events); sum.Left != 0 || w.state.Get([]byte{keySubsidies}) != nil {
		t.Errorf("got %+v, want an empty fund, which is no record", sum)
	}
	w.must(0, FundSubsidies{1_000_000})
	if _, sum = payments(t, w.turn().Events); sum.Due != 10_000 || sum.ToMembers != 10_000 || sum.ToRevenue != 0 {
		t.Errorf("got %+v, want what one epoch is due", sum)
	}
}

// naiveDues is duesOf in big numbers: what each member and each epoch gets.
func naiveDues(p Params, balance uint64, gains []uint64, members []assigned) (toMembers, toRevenue []uint64) {
	n := func(v uint64) *big.Int { return new(big.Int).SetUint64(v) }
	revenue, fixed := new(big.Int), new(big.Int)
	for _, g := range gains {
		revenue.Add(revenue, n(g))
	}
	var dues []*big.Int
	for _, m := range members {
		due := n(p.NodeSubsidy)
		due.Add(due, new(big.Int).Mul(n(p.ShardSubsidy), n(uint64(len(m.Shards)))))
		dues = append(dues, due)
		fixed.Add(fixed, due)
	}
	usage := new(big.Int).Mul(revenue, n(uint64(p.SubsidyRate)))
	usage.Div(usage, n(wholeRate))
	if cap := n(math.MaxInt64); usage.Cmp(cap) > 0 {
		usage = cap
	}
	total := new(big.Int).Add(fixed, usage)
	short := total.Cmp(n(balance)) > 0
	part := func(pot, due, all *big.Int) uint64 { // of the fund's share for pot, due of all
		if due.Sign() == 0 {
			return 0
		}
		share := new(big.Int).Mul(n(balance), pot)
		share.Div(share, total)
		share.Mul(share, due)
		return share.Div(share, all).Uint64()
	}
	for _, due := range dues {
		if short {
			toMembers = append(toMembers, part(fixed, due, fixed))
		} else {
			toMembers = append(toMembers, due.Uint64())
		}
	}
	for _, g := range gains {
		full := new(big.Int).Mul(n(g), n(uint64(p.SubsidyRate)))
		if short {
			toRevenue = append(toRevenue, part(usage, n(g), revenue))
		} else {
			toRevenue = append(toRevenue, full.Div(full, n(wholeRate)).Uint64())
		}
	}
	return toMembers, toRevenue
}

// The dues agree with those in big numbers and never exceed the fund, at the
// limits of all parameters too.
func TestDues(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(values ...uint64) uint64 { return values[rng.IntN(len(values))] }
	for range 20_000 {
		p := Params{
			SubsidyRate: uint32(pick(0, 1, 5000, 10_000, 15_000, maxSubsidyRate, rng.Uint64N(maxSubsidyRate))),
			NodeSubsidy: pick(0, 1, maxPrice, rng.Uint64N(maxPrice)), ShardSubsidy: pick(0, 1, maxPrice, rng.Uint64N(maxPrice)),
		}
		balance := pick(0, 1, 1000, MaxSupply/2, rng.Uint64N(MaxSupply/2))
		var members []assigned
		for range rng.IntN(5) {
			members = append(members, assigned{Shards: make([]shard.Index, 1+rng.IntN(300))})
		}
		var gains []uint64
		revenue := uint64(0)
		for range rng.IntN(5) {
			gains = append(gains, pick(0, 1, 1000, MaxSupply/10, rng.Uint64N(MaxSupply/10)))
			revenue += gains[len(gains)-1]
		}
		d := p.duesOf(balance, revenue, members)
		var toMembers, toRevenue []uint64
		sum := uint64(0)
		for _, m := range members {
			toMembers = append(toMembers, d.toMember(p.memberSubsidy(m)))
			sum += toMembers[len(toMembers)-1]
		}
		for _, g := range gains {
			toRevenue = append(toRevenue, d.toRevenue(g, p.SubsidyRate))
			sum += toRevenue[len(toRevenue)-1]
		}
		wantMembers, wantRevenue := naiveDues(p, balance, gains, members)
		if sum > balance || !slices.Equal(toMembers, wantMembers) || !slices.Equal(toRevenue, wantRevenue) {
			t.Fatalf("%+v, fund %d, gains %v: got %v and %v, want %v and %v", p, balance, gains, toMembers, toRevenue, wantMembers, wantRevenue)
		}
	}
}

// [WL] §2.10 AddSubsidy and AddPerEpochSubsidies.
func TestAddRewards(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with(func(p *Params) { p.FeePerByte, p.FeePerWork = 0, 0 })
	rewards := func() []uint64 {
		var out []uint64
		for e := range committee.Epoch(6) {
			out = append(out, w.ring(e+1).Rewards)
		}
		return out
	}
	r := w.block(w.signed(0, AddRewards{Amount: 1003, Epochs: 5})).Txs[0]
	v, err := r.Events[0].Parse()
	if want := (RewardsAdded{From: accountAddress(0), Amount: 1003, Start: 1, End: 6}); r.Err() != nil || err != nil || v != want {
		t.Errorf("event: got %+v, %v, want %+v", v, err, want)
	}
	if got, want := rewards(), []uint64{203, 200, 200, 200, 200, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	w.must(0, AddRewardsByEpoch{[]uint64{1, 0, 3}})
	if got, want := rewards(), []uint64{204, 200, 203, 200, 200, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := w.account(0).Balance, uint64(rich-1007); got != want {
		t.Errorf("balance: got %d, want %d", got, want)
	}
}

// What the treasury has joins the revenue of the next epoch, whole.
func TestTreasury(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with(func(p *Params) { p.FeePerByte, p.FeePerWork = 0, 0 })
	w.must(0, Send{To: Treasury(), Amount: 1001})
	if got, want := kinds(w.turn().Events), "epoch_changed treasury_emptied"; !strings.Contains(got, want) {
		t.Errorf("events: got %q, want %q", got, want)
	}
	if got := w.ring(2); got.Rewards != 1001 || w.state.Get(accountKey(Treasury())) != nil {
		t.Errorf("epoch 2: got %+v, want 1001 and no account", got)
	}
	if got := kinds(w.turn().Events); strings.Contains(got, "treasury") {
		t.Errorf("events of the next epoch: got %q, want none of the treasury", got)
	}
}
