package ledger

import "github.com/floe-storage/floe/committee"

// RewardsAdded says that somebody gave to the nodes of some epochs.
type RewardsAdded struct {
	From   Address
	Amount uint64          // FROST in all
	Start  committee.Epoch // first of the epochs
	End    committee.Epoch // first after them
}

// SubsidiesFunded says that somebody gave to the subsidy fund.
type SubsidiesFunded struct {
	From    Address
	Amount  uint64 // FROST
	Balance uint64 // FROST in the fund then
}

// SubsidyPaid is what a member got out of the subsidy fund, as commission.
type SubsidyPaid struct {
	Epoch  committee.Epoch // that ended
	Node   committee.NodeID
	Amount uint64 // FROST
}

// SubsidiesPaid is what an epoch's end took out of the subsidy fund.
type SubsidiesPaid struct {
	Epoch     committee.Epoch // that ended
	Due       uint64          // FROST, of which the fund may have had less
	ToMembers uint64          // FROST
	ToRevenue uint64          // FROST, to this and later epochs
	Left      uint64          // FROST in the fund
}

// TreasuryEmptied says that what the treasury had has joined an epoch's
// revenue.
type TreasuryEmptied struct {
	Epoch  committee.Epoch
	Amount uint64 // FROST
}

func (RewardsAdded) kind() string    { return "rewards_added" }
func (SubsidiesFunded) kind() string { return "subsidies_funded" }
func (SubsidyPaid) kind() string     { return "subsidy_paid" }
func (SubsidiesPaid) kind() string   { return "subsidies_paid" }
func (TreasuryEmptied) kind() string { return "treasury_emptied" }

func (v *RewardsAdded) fields(c *codec) {
	c.address(&v.From)
	c.u64(&v.Amount)
	c.epoch(&v.Start)
	c.epoch(&v.End)
}

func (v *SubsidiesFunded) fields(c *codec) {
	c.address(&v.From)
	c.u64(&v.Amount)
	c.u64(&v.Balance)
}

func (v *SubsidyPaid) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.node(&v.Node)
	c.u64(&v.Amount)
}

func (v *SubsidiesPaid) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.u64(&v.Due)
	c.u64(&v.ToMembers)
	c.u64(&v.ToRevenue)
	c.u64(&v.Left)
}

func (v *TreasuryEmptied) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.u64(&v.Amount)
}
