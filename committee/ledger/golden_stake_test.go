package ledger

import "github.com/floe-storage/floe/committee"

// goldenStakeMessages are the golden messages about stake.
func goldenStakeMessages() []Message {
	object, node := Object(counting[committee.ObjectID](0x10)), counting[committee.NodeID](0x90)
	return []Message{
		Stake{Node: node, Amount: 0x1122334455667788},
		RequestWithdraw{Stake: object},
		Withdraw{Stake: object},
		SplitStake{Stake: object, Amount: 0x1122334455667788},
		JoinStake{First: object, Second: Result(3)},
		Redelegate{Stake: object, To: node},
	}
}

func goldenStakeEvents() []event {
	object, other := counting[committee.ObjectID](0x10), counting[committee.ObjectID](0x30)
	owner, node, to := counting[Address](0x50), counting[committee.NodeID](0x70), counting[committee.NodeID](0x90)
	const amount = 0x1122334455667788
	return []event{
		StakeAdded{Epoch: 1, Object: object, Owner: owner, Node: node, Amount: amount, Activation: 2},
		WithdrawalRequested{Epoch: 2, Object: object, Node: node, Withdraw: 3},
		StakeWithdrawn{Epoch: 3, Object: object, Owner: owner, Node: node, Principal: amount, Amount: amount + 1},
		StakeSplit{Object: object, Part: other, Node: node, Amount: amount},
		StakeJoined{Object: object, Joined: other, Node: node, Principal: amount},
		RedelegationRequested{Epoch: 4, Object: object, From: node, To: to, Withdraw: 5},
		StakeRedelegated{Epoch: 5, Object: object, From: node, To: to, Amount: amount, Activation: 6},
		RedelegationFailed{Epoch: 6, Object: object, From: node, To: to},
	}
}
