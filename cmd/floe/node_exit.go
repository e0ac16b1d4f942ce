package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) nodeExitCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "exit NODE",
		short: "take a node out of the network",
		long: `exit takes a node out of the choice of committees for good: nobody can stake on it
any more. It has to serve to the end of the epochs for which it is chosen. When it
has handed its shards over and all stake and commission are gone from it, its
deposit is paid back.`,
		args: 1, takes: "the ID of a node",
		prepare: func(args []string) (planner, error) {
			return onNode(args[0], nodeOrder{
				does:    "take node %v out of the network for good",
				message: simply(func(id committee.NodeID) ledger.Message { return ledger.ExitNode{Node: id} }),
			})
		},
	})
}

func (a *app) nodeCommissionCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "commission NODE RATE",
		short: "set what part of its reward is a node's own",
		long: `commission sets the part of a node's reward, such as 2.5%, that is its operator's,
from the epoch after the next on: those who staked on it can leave before.`,
		args: 2, takes: "the ID of a node and a percentage",
		prepare: func(args []string) (planner, error) {
			points, err := parseRate(args[1])
			if err != nil {
				return nil, err
			}
			return onNode(args[0], nodeOrder{
				does:    fmt.Sprintf("set the commission of node %%v to %s", rate(points)),
				message: simply(func(id committee.NodeID) ledger.Message { return ledger.SetCommission{Node: id, Rate: points} }),
			})
		},
	})
}

func (a *app) nodeCollectCommand() *cobra.Command {
	return a.order(orderCommand{
		use:   "collect NODE",
		short: "pay out a node's commission",
		long: `collect pays out to a node's account the commission that it has earned, but for what
it earned last: that is held until the next committee is chosen.`,
		args: 1, takes: "the ID of a node",
		prepare: func(args []string) (planner, error) {
			return onNode(args[0], nodeOrder{
				does:    "pay out the commission of node %v",
				message: simply(func(id committee.NodeID) ledger.Message { return ledger.CollectCommission{Node: id} }),
			})
		},
	})
}
