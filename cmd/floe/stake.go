package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) stakeCommand() *cobra.Command {
	return a.group("stake", "put money behind a node, and get it back", `Stake is money behind a node: it decides which nodes hold how many shards, and
shares what its node earns and loses. It belongs to your account as an object and
can be given away, parted and joined.`,
		a.stakeAddCommand(), a.stakeListCommand(), a.stakeWithdrawCommand(), a.stakeClaimCommand(), a.stakeMoveCommand(),
		a.stakeSplitCommand(), a.stakeJoinCommand(), a.transferCommand("stake", "STAKE"))
}

func (a *app) stakeAddCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "add NODE AMOUNT",
		short: "put money behind a node",
		long: `add puts an amount, such as 100WAL, behind a node and prints the ID of the stake. It
counts and earns from the next epoch on, or from the one after if the next
committee is chosen already.`,
		args: 2, takes: "the ID of a node and an amount",
		prepare: func(args []string) (planner, error) {
			id, err := parseNode(args[0])
			if err != nil {
				return nil, err
			}
			amount, err := parsePayment(args[1])
			if err != nil {
				return nil, err
			}
			return plainly(order{
				does: fmt.Sprintf("stake %s on node %v", wal(amount), id), pays: "stake",
				messages: []ledger.Message{ledger.Stake{Node: id, Amount: amount}},
			}), nil
		},
	})
}

func (a *app) stakeWithdrawCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "withdraw STAKE",
		short: "ask stake back",
		long: `withdraw asks back stake that serves a committee, running or chosen. It goes on to
earn until it leaves, with the next epoch or the one after; then floe stake claim
pays it. This cannot be taken back. Stake that serves no committee can be claimed
at once.`,
		args: 1, takes: "the ID of stake",
		prepare: func(args []string) (planner, error) {
			return onObjects(args, "ask stake %v back", func(refs []ledger.Ref) ledger.Message {
				return ledger.RequestWithdraw{Stake: refs[0]}
			})
		},
	})
}

func (a *app) stakeClaimCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "claim STAKE",
		short: "get stake paid, with what it has earned",
		long: `claim ends stake and pays what it is worth: at once if it serves no committee, else
when it has left after floe stake withdraw and its node has handed over what it
had to. floe stake list shows from which epoch on.`,
		args: 1, takes: "the ID of stake",
		prepare: func(args []string) (planner, error) {
			return onObjects(args, "get stake %v paid", func(refs []ledger.Ref) ledger.Message {
				return ledger.Withdraw{Stake: refs[0]}
			})
		},
	})
}

func (a *app) stakeMoveCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "move STAKE NODE",
		short: "put stake behind another node",
		long: `move puts stake behind another node without paying it out: at once if it serves no
committee; otherwise it is asked back, earns until it leaves, and then moves by
itself. Until then another move sends it elsewhere, and floe stake withdraw keeps
it for you.`,
		args: 2, takes: "the ID of stake and the ID of a node",
		prepare: func(args []string) (planner, error) {
			to, err := parseNode(args[1])
			if err != nil {
				return nil, err
			}
			return onObjects(args[:1], fmt.Sprintf("move stake %%v to node %v", to), func(refs []ledger.Ref) ledger.Message {
				return ledger.Redelegate{Stake: refs[0], To: to}
			})
		},
	})
}

func (a *app) stakeSplitCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "split STAKE AMOUNT",
		short: "part stake in two",
		long: `split makes another object of an amount of what was put into stake, and prints its
ID. Both keep what they have earned or lost.`,
		args: 2, takes: "the ID of stake and an amount",
		prepare: func(args []string) (planner, error) {
			amount, err := parsePayment(args[1])
			if err != nil {
				return nil, err
			}
			return onObjects(args[:1], fmt.Sprintf("take %s out of stake %%v", wal(amount)), func(refs []ledger.Ref) ledger.Message {
				return ledger.SplitStake{Stake: refs[0], Amount: amount}
			})
		},
	})
}

func (a *app) stakeJoinCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "join STAKE STAKE",
		short: "make one of two",
		long: `join adds the second stake to the first. Both must be behind the same node, and have
begun and leave in the same epochs.`,
		args: 2, takes: "the IDs of two stakes",
		prepare: func(args []string) (planner, error) {
			return onObjects(args, "add to stake %v the stake %v", func(refs []ledger.Ref) ledger.Message {
				return ledger.JoinStake{First: refs[0], Second: refs[1]}
			})
		},
	})
}

func (a *app) stakeListCommand() *cobra.Command {
	return a.query(query{
		use:   "list [ADDRESS]",
		short: "list the stake of an account",
		long: `list prints the stake that an address, or one of your accounts by its name, has:
ID, node, what was put in, what it is worth, and its state, one line each; with
--json one object with a list.`,
		owned: true,
		ask: func(r ledger.Reader, in asked) (answer, error) {
			sys, err := ledger.ReadSystem(r)
			if err != nil {
				return answer{}, err
			}
			stakes, err := ownedBy(r, in.owner, ledger.KindStake, ledger.ReadStake)
			if err != nil {
				return answer{}, err
			}
			worth := make([]uint64, len(stakes))
			list := []any{}
			for i, s := range stakes {
				if worth[i], err = ledger.ReadStakeValue(r, s); err != nil {
					return answer{}, fmt.Errorf("value of stake %v: %w", s.ID, err)
				}
				list = append(list, append(toRecord(s), field{"value", worth[i]}))
			}
			return answer{record{{"stakes", list}}, func(w io.Writer) {
				row(w, "STAKE", "NODE", "PUT IN", "WORTH", "STATE")
				for i, s := range stakes {
					row(w, s.ID, s.Node, inWAL(s.Position.Principal)+" WAL", inWAL(worth[i])+" WAL", stakeState(s, sys.Epoch))
				}
			}}, nil
		},
	})
}

// stakeState says in a few words how stake is.
func stakeState(s ledger.StakeObject, now committee.Epoch) string {
	p := s.Position
	moving := s.To != committee.NodeID{}
	switch {
	case p.Withdraw == 0 && p.Activation > now:
		return fmt.Sprintf("counts from epoch %d on", p.Activation)
	case p.Withdraw == 0:
		return "counts"
	case moving:
		return fmt.Sprintf("moves to node %v in epoch %d", s.To, p.Withdraw)
	case p.Withdraw > now:
		return fmt.Sprintf("leaves with epoch %d", p.Withdraw)
	}
	return "can be claimed"
}
