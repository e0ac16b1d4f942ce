package ledger

import "github.com/floe-storage/floe/committee"

// StakeAdded says that an account has put FROST behind a node.
type StakeAdded struct {
	Epoch      committee.Epoch
	Object     committee.ObjectID // the stake object
	Owner      Address
	Node       committee.NodeID
	Amount     uint64          // FROST
	Activation committee.Epoch // from which it earns
}

// WithdrawalRequested says that a stake is asked back.
type WithdrawalRequested struct {
	Epoch    committee.Epoch
	Object   committee.ObjectID
	Node     committee.NodeID
	Withdraw committee.Epoch // from which it earns no more
}

// StakeWithdrawn says that a stake was paid out.
type StakeWithdrawn struct {
	Epoch     committee.Epoch
	Object    committee.ObjectID
	Owner     Address
	Node      committee.NodeID
	Principal uint64 // FROST that were put in
	Amount    uint64 // FROST paid
}

// StakeSplit says that a part of a stake is an object of its own.
type StakeSplit struct {
	Object committee.ObjectID
	Part   committee.ObjectID
	Node   committee.NodeID
	Amount uint64 // FROST of the principal that are the part's
}

// StakeJoined says that two stakes are one.
type StakeJoined struct {
	Object    committee.ObjectID // which has both now
	Joined    committee.ObjectID // which is gone
	Node      committee.NodeID
	Principal uint64 // FROST of both
}

// RedelegationRequested says that a stake is asked back and moves to another
// node when it is released.
type RedelegationRequested struct {
	Epoch    committee.Epoch
	Object   committee.ObjectID
	From, To committee.NodeID
	Withdraw committee.Epoch // from which it earns no more
}

// StakeRedelegated says that a stake has moved to another node.
type StakeRedelegated struct {
	Epoch      committee.Epoch
	Object     committee.ObjectID
	From, To   committee.NodeID
	Amount     uint64          // FROST that it is worth
	Activation committee.Epoch // from which it earns there
}

// RedelegationFailed says that a stake could not move: the node takes no stake,
// or nothing is left of it. Its owner may withdraw it.
type RedelegationFailed struct {
	Epoch    committee.Epoch
	Object   committee.ObjectID
	From, To committee.NodeID
}

func (StakeAdded) kind() string            { return "stake_added" }
func (WithdrawalRequested) kind() string   { return "withdrawal_requested" }
func (StakeWithdrawn) kind() string        { return "stake_withdrawn" }
func (StakeSplit) kind() string            { return "stake_split" }
func (StakeJoined) kind() string           { return "stake_joined" }
func (RedelegationRequested) kind() string { return "redelegation_requested" }
func (StakeRedelegated) kind() string      { return "stake_redelegated" }
func (RedelegationFailed) kind() string    { return "redelegation_failed" }

func (v *StakeAdded) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.object(&v.Object)
	c.address(&v.Owner)
	c.node(&v.Node)
	c.u64(&v.Amount)
	c.epoch(&v.Activation)
}

func (v *WithdrawalRequested) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.object(&v.Object)
	c.node(&v.Node)
	c.epoch(&v.Withdraw)
}

func (v *StakeWithdrawn) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.object(&v.Object)
	c.address(&v.Owner)
	c.node(&v.Node)
	c.u64(&v.Principal)
	c.u64(&v.Amount)
}

func (v *StakeSplit) fields(c *codec) {
	c.object(&v.Object)
	c.object(&v.Part)
	c.node(&v.Node)
	c.u64(&v.Amount)
}

func (v *StakeJoined) fields(c *codec) {
	c.object(&v.Object)
	c.object(&v.Joined)
	c.node(&v.Node)
	c.u64(&v.Principal)
}

func (v *RedelegationRequested) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.object(&v.Object)
	c.node(&v.From)
	c.node(&v.To)
	c.epoch(&v.Withdraw)
}

func (v *StakeRedelegated) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.object(&v.Object)
	c.node(&v.From)
	c.node(&v.To)
	c.u64(&v.Amount)
	c.epoch(&v.Activation)
}

func (v *RedelegationFailed) fields(c *codec) {
	c.epoch(&v.Epoch)
	c.object(&v.Object)
	c.node(&v.From)
	c.node(&v.To)
}

// stakeEventKind is eventKind for the events of stake.
func stakeEventKind(kind string) (recordCodec[event], bool) {
	switch kind {
	case StakeAdded{}.kind():
		return codecOf[event, StakeAdded](), true
	case WithdrawalRequested{}.kind():
		return codecOf[event, WithdrawalRequested](), true
	case StakeWithdrawn{}.kind():
		return codecOf[event, StakeWithdrawn](), true
	case StakeSplit{}.kind():
		return codecOf[event, StakeSplit](), true
	case StakeJoined{}.kind():
		return codecOf[event, StakeJoined](), true
	case RedelegationRequested{}.kind():
		return codecOf[event, RedelegationRequested](), true
	case StakeRedelegated{}.kind():
		return codecOf[event, StakeRedelegated](), true
	case RedelegationFailed{}.kind():
		return codecOf[event, RedelegationFailed](), true
	}
	return recordCodec[event]{}, false
}
