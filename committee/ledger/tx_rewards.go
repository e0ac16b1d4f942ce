package ledger

import "github.com/floe-storage/floe/committee"

// AddRewards gives FROST to the nodes of the next epochs, the running one
// included: the same to each epoch's revenue, and what cannot be divided to
// the running epoch's. Anybody may send it. [WL] §2.10
type AddRewards struct {
	Amount uint64 // FROST, more than 0
	Epochs uint32 // 1 to Params.MaxEpochsAhead
}

func (AddRewards) kind() byte { return kindAddRewards }

func (m AddRewards) work() uint64 { return workPlain + workEpochs(m.Epochs) }

func (m *AddRewards) fields(c *codec) {
	c.u64(&m.Amount)
	c.u32(&m.Epochs)
}

func (m AddRewards) apply(x *execution) *Error {
	if m.Epochs == 0 || m.Epochs > x.params.MaxEpochsAhead {
		return refuse(CodeBadEpochs, "rewards for %d epochs, want 1 to %d", m.Epochs, x.params.MaxEpochsAhead)
	}
	each, rest := m.Amount/uint64(m.Epochs), m.Amount%uint64(m.Epochs)
	amounts := make([]uint64, m.Epochs)
	for i := range amounts {
		amounts[i] = each
	}
	amounts[0] += rest
	return x.addRewards(amounts)
}

// AddRewardsByEpoch gives FROST to the nodes of the next epochs, to each
// epoch's revenue its own amount. Anybody may send it. [WL] §2.10
type AddRewardsByEpoch struct {
	Amounts []uint64 // FROST for the running epoch and those after it, 1 to Params.MaxEpochsAhead of them, not all 0
}

func (AddRewardsByEpoch) kind() byte { return kindAddRewardsByEpoch }

func (m AddRewardsByEpoch) work() uint64 { return workPlain + workEpochs(uint32(len(m.Amounts))) }

func (m *AddRewardsByEpoch) fields(c *codec) {
	list(c, &m.Amounts, maxEpochsAhead, 8, func(c *codec, v *uint64) { c.u64(v) })
}

func (m AddRewardsByEpoch) apply(x *execution) *Error {
	if n := len(m.Amounts); n == 0 || n > int(x.params.MaxEpochsAhead) {
		return refuse(CodeBadEpochs, "rewards for %d epochs, want 1 to %d", n, x.params.MaxEpochsAhead)
	}
	return x.addRewards(m.Amounts)
}

// addRewards moves FROST from the sender to the revenue of the running epoch
// and those after it.
func (x *execution) addRewards(amounts []uint64) *Error {
	sum := uint64(0)
	var err *Error
	for _, amount := range amounts {
		if sum, err = add(sum, amount); err != nil {
			return err
		}
	}
	if sum == 0 {
		return refuse(CodeBadSize, "an amount of 0 FROST")
	}
	if err := x.pay(sum); err != nil {
		return err
	}
	start := x.system.Epoch
	for i, amount := range amounts {
		if amount == 0 {
			continue
		}
		e := start + committee.Epoch(i)
		ring, err := x.ring(e)
		if err != nil {
			return err
		}
		ring.give(amount)
		x.setRing(e, ring)
	}
	x.emit(RewardsAdded{From: x.sender, Amount: sum, Start: start, End: start + committee.Epoch(len(amounts))})
	return nil
}

// FundSubsidies gives FROST to the subsidy fund, out of which members and
// revenue are subsidized at the end of each epoch. Anybody may send it; nobody
// can take anything out.
type FundSubsidies struct {
	Amount uint64 // FROST, more than 0
}

func (FundSubsidies) kind() byte { return kindFundSubsidies }

func (FundSubsidies) work() uint64 { return workPlain }

func (m *FundSubsidies) fields(c *codec) { c.u64(&m.Amount) }

func (m FundSubsidies) apply(x *execution) *Error {
	if m.Amount == 0 {
		return refuse(CodeBadSize, "an amount of 0 FROST")
	}
	if err := x.pay(m.Amount); err != nil {
		return err
	}
	balance, fault := ReadSubsidyFund(x.state)
	if fault != nil {
		return refuse(CodeMalformed, "%v", fault)
	}
	balance, err := add(balance, m.Amount)
	if err != nil {
		return err
	}
	setSubsidyFund(x.state, balance)
	x.emit(SubsidiesFunded{From: x.sender, Amount: m.Amount, Balance: balance})
	return nil
}
