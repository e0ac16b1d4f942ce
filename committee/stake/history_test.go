package stake

import (
	"errors"
	"flag"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/floe-storage/floe/shard/bcs"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the random histories; 0 takes one at random")

// twin is a position together with what it is worth if money can be divided
// without end.
type twin struct {
	Position
	fair *big.Rat
}

// historian does to a pool whatever anybody can, good and bad, and keeps naive
// books of it: a value for each position, what went in and what came out.
type historian struct {
	*world
	rng     *rand.Rand
	twins   []*twin
	in, out uint64 // FROST
	wild    bool   // losses of nearly everything, after which rewards make a rounded FROST a fortune
	worth   uint64 // no share was ever worth more FROST
	made    int64  // positions
	done    map[string]int
}

func (h *historian) pick(n int) int { return h.rng.IntN(n) }

// refused tells whether an operation was refused with one of the errors that
// it may give here.
func (h *historian) refused(err error, allowed ...error) bool {
	h.t.Helper()
	if err == nil {
		return false
	}
	if !slices.ContainsFunc(allowed, func(e error) bool { return errors.Is(err, e) }) {
		h.t.Fatalf("epoch %d: %v", h.now.Epoch, err)
	}
	h.done[err.Error()]++
	return true
}

// multiply multiplies the fair values of the positions that match by num/den.
func (h *historian) multiply(num, den uint64, match func(s Position) bool) {
	f := new(big.Rat).SetFrac(new(big.Int).SetUint64(num), new(big.Int).SetUint64(den))
	for _, s := range h.twins {
		if match(s.Position) {
			s.fair.Mul(s.fair, f)
		}
	}
}

func (h *historian) active(s Position) bool {
	return s.Activation <= h.now.Epoch && (s.Withdraw == 0 || s.Withdraw > h.now.Epoch)
}

// turn begins the next epoch; the node may earn, join and leave the committee.
func (h *historian) turn() {
	if !h.now.Chosen && h.pick(2) == 0 {
		h.choose(h.pick(4) > 0)
		return
	}
	settled := h.Clone()
	if err := settled.Settle(&forecast{book: h.book}, h.now.Epoch); err != nil {
		h.t.Fatal(err)
	}
	served, reward := h.now.InCurrent, uint64(0)
	if served && settled.Balance > 0 {
		reward = []uint64{0, 1, uint64(h.pick(1000)), uint64(h.pick(wal)), settled.Balance / 50, 1000 * wal}[h.pick(6)]
	}
	predicted, err := settled.StakeAt(h.now.Epoch + 1)
	if err != nil {
		h.t.Fatal(err)
	}
	net := reward - reward*uint64(settled.CommissionRate)/MaxCommission
	if net > 0 {
		h.multiply(settled.Balance+net, settled.Balance, h.active)
	}
	h.skip()
	h.now.HandedOver = h.pick(2) == 0
	if !served && !h.now.InCurrent && h.pick(4) > 0 {
		return // nobody touches it
	}
	if err := h.Advance(h.book, h.now.Epoch, reward); err != nil {
		h.t.Fatal(err)
	}
	h.in += reward
	if reward == 0 && h.Balance != predicted {
		h.t.Fatalf("epoch %d: balance %d, predicted %d", h.now.Epoch, h.Balance, predicted)
	}
	if h.Shares/2 > h.Balance+maxDue {
		h.t.Fatalf("epoch %d: %d shares for %d FROST", h.now.Epoch, h.Shares, h.Balance)
	}
}

func (h *historian) lose() {
	part, whole := uint64(h.pick(100)), uint64(10_000)
	switch kind := h.pick(8); {
	case kind == 0:
		part = uint64(h.pick(5_000))
	case kind == 1 && h.wild:
		part = 9999 + uint64(h.pick(2))
	}
	risk, err := h.AtRisk(h.book, h.now)
	if err != nil {
		h.t.Fatal(err)
	}
	taken, err := h.Lose(h.book, h.now, part, whole)
	if err != nil {
		h.t.Fatal(err)
	}
	exact := new(big.Int).SetUint64(risk)
	exact.Div(exact.Mul(exact, new(big.Int).SetUint64(part)), new(big.Int).SetUint64(whole))
	if least := exact.Uint64(); taken < least || taken > min(least+2, risk) {
		h.t.Fatalf("lost %d of %d, want %d/%d", taken, risk, part, whole)
	}
	h.out += taken
	h.multiply(whole-part, whole, func(s Position) bool {
		return h.active(s) || s.Withdraw == h.now.Epoch && !h.now.HandedOver
	})
}

// withdraw pays the position at i or is refused.
func (h *historian) withdraw(i int) {
	h.t.Helper()
	s := h.twins[i]
	paid, err := h.Withdraw(h.book, h.now, s.Position)
	if h.refused(err, ErrNotWithdrawing, ErrWithdrawEpoch, ErrNotReleased) {
		return
	}
	h.done["withdraw"]++
	h.twins = slices.Delete(h.twins, i, i+1)
	h.out += paid
	if h.wild {
		return
	}
	// Counted in what a share is worth, rounding costs a position a few for its
	// own entry, exit and losses, and gives it at most one of each position.
	more := new(big.Rat).SetInt(new(big.Int).SetUint64(paid))
	more.Sub(more, s.fair).Quo(more, new(big.Rat).SetInt(new(big.Int).SetUint64(h.worth)))
	if more.Cmp(big.NewRat(-16, 1)) < 0 || more.Cmp(big.NewRat(h.made+1, 1)) > 0 {
		h.t.Fatalf("epoch %d: paid %d, fair are %s", h.now.Epoch, paid, s.fair.FloatString(3))
	}
}

func (h *historian) split(s *twin) {
	before, amount := s.Principal, h.rng.Uint64N(s.Principal+2)
	part, err := h.Split(h.book, h.now, &s.Position, amount, 1)
	if h.refused(err, ErrAmount, ErrBelowMinimum) {
		return
	}
	h.made++
	fair := new(big.Rat).SetFrac(new(big.Int).SetUint64(amount), new(big.Int).SetUint64(before))
	fair.Mul(fair, s.fair)
	s.fair = new(big.Rat).Sub(s.fair, fair)
	h.twins = append(h.twins, &twin{part, fair})
}

func (h *historian) join(i, j int) {
	s, other := h.twins[i], h.twins[j]
	if i == j || h.refused(h.Join(h.book, h.now, &s.Position, other.Position), ErrMismatch) {
		return
	}
	h.done["join"]++
	s.fair = new(big.Rat).Add(s.fair, other.fair)
	h.twins = slices.Delete(h.twins, j, j+1)
}

func (h *historian) stakeSome() {
	amount := []uint64{wal, wal + uint64(h.pick(wal)), uint64(h.pick(1000)) * wal, 7}[h.pick(4)]
	s, err := h.Stake(h.book, h.now, amount, wal)
	if h.refused(err, ErrBelowMinimum) {
		return
	}
	h.in += amount
	h.made++
	h.twins = append(h.twins, &twin{s, new(big.Rat).SetInt(new(big.Int).SetUint64(amount))})
}

// commission does something with the operator's money.
func (h *historian) commission() {
	switch h.pick(5) {
	case 0:
		h.setCommission(uint16(h.pick(MaxCommission + 1)))
	case 1:
		amount := uint64(h.pick(wal))
		h.in += amount
		h.refused(h.Credit(amount, h.pick(2) == 0))
	case 2:
		h.Unblock()
	case 3:
		h.out += h.CollectCommission()
	case 4:
		h.out += h.ForfeitCommission()
	}
}

func (h *historian) step() {
	kind, n := h.pick(14), len(h.twins)
	switch {
	case kind < 3:
		h.turn()
	case kind == 3:
		h.lose()
	case kind == 4:
		h.commission()
	case n == 0 || kind < 8 && n < 50:
		h.stakeSome()
	case kind < 10:
		s := h.twins[h.pick(n)]
		h.refused(h.RequestWithdraw(h.book, h.now, &s.Position), ErrNotStaked, ErrWithdrawDirectly)
	case kind < 12:
		h.withdraw(h.pick(n))
	case kind == 12:
		h.split(h.twins[h.pick(n)])
	default:
		h.join(h.pick(n), h.pick(n))
	}
}

// price notes what a share is worth.
func (h *historian) price(amount, shares uint64) {
	if shares == 0 || amount/shares < h.worth {
		return
	}
	h.worth = amount/shares + 1
}

// check compares pool and naive books.
func (h *historian) check() {
	h.t.Helper()
	if held := h.Money() + h.book.held(); h.in != h.out+held {
		h.t.Fatalf("epoch %d: %d FROST went in, %d out, %d are held", h.now.Epoch, h.in, h.out, held)
	}
	p, b := h.Clone(), &forecast{book: h.book}
	if err := p.Settle(b, h.now.Epoch); err != nil {
		h.t.Fatal(err)
	}
	var active, pending, exited, staying uint64
	leaving := map[uint32]uint64{}
	for _, s := range h.twins {
		switch {
		case s.Activation > h.now.Epoch:
			pending++
		case s.Withdraw != 0 && s.Withdraw <= h.now.Epoch:
			exited++
		default:
			active++
			shares, err := s.sharesAt(b, p.Scale)
			if err != nil {
				h.t.Fatal(err)
			}
			if s.Withdraw == 0 {
				staying += shares
			} else {
				leaving[uint32(s.Withdraw)] += shares
			}
		}
	}
	if active != p.Positions || pending != p.Pending.total().Positions || exited != p.Exited {
		h.t.Fatalf("epoch %d: %d active, %d pending, %d exited positions; the pool says %d, %d, %d",
			h.now.Epoch, active, pending, exited, p.Positions, p.Pending.total().Positions, p.Exited)
	}
	free := p.Shares
	for _, d := range p.Leaving {
		if d.Amount > free || leaving[uint32(d.Epoch)] > d.Amount {
			h.t.Fatalf("epoch %d: %d shares leave, %d of positions, %d left in the pool", h.now.Epoch, d.Amount, leaving[uint32(d.Epoch)], free)
		}
		free -= d.Amount
	}
	if staying > free {
		h.t.Fatalf("epoch %d: positions with %d shares stay, the pool has %d", h.now.Epoch, staying, free)
	}
	h.price(p.Balance, p.Shares)
	for _, x := range h.book.exits {
		h.price(x.WAL, x.Shares)
	}
	var e bcs.Encoder
	h.Encode(&e)
	d := bcs.NewDecoder(e.Data())
	if got := DecodePool(d); d.Finish() != nil || !reflect.DeepEqual(got, normal(h.Pool)) {
		h.t.Fatalf("encoded and decoded: got %+v, %v, want %+v", got, d.Finish(), h.Pool)
	}
}

// normal returns p with nil for empty lists.
func normal(p Pool) Pool {
	for _, s := range []*Schedule{&p.Pending, &p.Leaving, &p.PreActive} {
		if len(*s) == 0 {
			*s = nil
		}
	}
	if len(p.NextCommissions) == 0 {
		p.NextCommissions = nil
	}
	return p
}

// Whatever happens to a pool, including losses of everything, no FROST appears
// or disappears, everybody is paid what is fair up to rounding, and in the end
// the pool is empty.
func TestHistories(t *testing.T) {
	t.Parallel()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	histories, steps := 20, 3000
	if testing.Short() {
		histories, steps = 4, 1000
	}
	done := map[string]int{}
	for i := range histories {
		h := &historian{
			world: newWorld(t), rng: rand.New(rand.NewPCG(seed, uint64(i))), worth: 1, done: done, wild: i%2 == 1,
		}
		h.check()
		for range steps {
			h.step()
			h.check()
		}
		// The node leaves; everybody is paid.
		h.now.Chosen, h.now.InNext = true, false
		for range 4 {
			h.skip()
			h.now.InCurrent, h.now.HandedOver = false, true
			for j := len(h.twins) - 1; j >= 0; j-- {
				h.withdraw(j)
				h.check()
			}
		}
		if len(h.twins) > 0 {
			t.Fatalf("%d positions cannot be withdrawn", len(h.twins))
		}
		h.out += h.ForfeitCommission()
		h.empty()
		if h.in != h.out {
			t.Fatalf("%d FROST went in, %d out", h.in, h.out)
		}
	}
	t.Log(done)
}
