package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node"
	"github.com/floe-storage/floe/node/client"
)

func (a *app) nodeUpdateCommand() *cobra.Command {
	var profile profileFlags
	var cmd *cobra.Command
	cmd = a.order(orderCommand{
		use:   "update NODE",
		short: "change what a node says of itself",
		long: `update changes what is given as a flag, and leaves the rest as it is. Readers of the
committee see it at once.`,
		args: 1, takes: "the ID of a node",
		prepare: func(args []string) (planner, error) {
			return onNode(args[0], nodeOrder{does: "update node %v", message: func(ctx context.Context, s *client.Session, id committee.NodeID) (ledger.Message, error) {
				n, _, err := nodeOf(ctx, s, id)
				m := ledger.UpdateNode{Node: id}
				m.Profile, m.Addrs = profile.over(cmd.Flags(), n.Profile, n.Addrs)
				return m, err
			}})
		},
	})
	profile.addFlags(cmd.Flags())
	return cmd
}

func (a *app) nodePricesCommand() *cobra.Command {
	var votes voteFlags
	cmd := a.order(orderCommand{
		use:   "prices NODE",
		short: "vote on prices and offer capacity",
		long: `prices says what a node wants storage and writing to cost and how much it can keep;
what is not given stays as it is. The prices that a quorum accepts hold at once,
capacities count when the next committee is chosen.`,
		args: 1, takes: "the ID of a node",
		prepare: func(args []string) (planner, error) {
			if votes == (voteFlags{}) {
				return nil, usageError{errors.New("nothing to vote on"), "give one of --storage-price, --write-price and --capacity"}
			}
			if _, err := votes.over(ledger.Votes{}); err != nil {
				return nil, err
			}
			return onNode(args[0], nodeOrder{does: "vote for node %v", message: func(ctx context.Context, s *client.Session, id committee.NodeID) (ledger.Message, error) {
				n, _, err := nodeOf(ctx, s, id)
				if err != nil {
					return nil, err
				}
				m := ledger.VotePrices{Node: id}
				m.Votes, err = votes.over(n.Votes)
				return m, err
			}})
		},
	})
	votes.addFlags(cmd.Flags())
	return cmd
}

func (a *app) nodeRotateCommand() *cobra.Command {
	var dir string
	cmd := a.order(orderCommand{
		use:   "rotate-key NODE --dir DIR",
		short: "give a node another BLS key",
		long: `rotate-key gives a node the BLS key in DIR/bls.next.key, which it makes if there is
none. The key takes effect with the committee into which the node is chosen next:
until then it signs with the one that it has. Restart the node before that, so
that it knows the key. The node's own account pays, whose key is DIR/account.key,
unless --account names another.`,
		args: 1, takes: "the ID of a node",
		account: func() string { return node.AccountFile(dir) },
		prepare: func(args []string) (planner, error) {
			if dir == "" {
				return nil, usageError{errors.New("--dir is missing"), "say where the node's keys are"}
			}
			key, err := node.LoadOrCreateNextKey(dir)
			if err != nil {
				return nil, err
			}
			return onNode(args[0], rotation(key))
		},
	})
	cmd.Flags().StringVar(&dir, "dir", "", "directory of the node, with its keys")
	return cmd
}

func rotation(key *bls.SecretKey) nodeOrder {
	next := key.PublicKey()
	return nodeOrder{does: "give node %v the key " + next.String(), message: func(ctx context.Context, s *client.Session, id committee.NodeID) (ledger.Message, error) {
		n, sys, err := nodeOf(ctx, s, id)
		if err == nil && n.BLSKey == next {
			err = hinted{
				errors.New("the node signs with the key in bls.next.key already"),
				"stop the node, let bls.next.key take the place of bls.key, start it, and then rotate again",
			}
		}
		return ledger.RotateKey{Node: id, BLSKey: next, Possession: key.Sign(committee.PossessionMessage(sys.Epoch, n.Account, next))}, err
	}}
}

func (a *app) nodeTransferCommand() *cobra.Command {
	var set accounts
	return a.order(orderCommand{
		use:   "transfer NODE ADDRESS",
		short: "let another account control a node",
		long:  `transfer gives the control of a node to an address, or to one of your accounts.`,
		args:  2, takes: "the ID of a node and an address",
		prepare: func(args []string) (planner, error) {
			to, err := set.address(a, args[1])
			if err != nil {
				return nil, err
			}
			return onNode(args[0], nodeOrder{
				does:    fmt.Sprintf("give node %%v to %v", to),
				message: simply(func(id committee.NodeID) ledger.Message { return ledger.TransferNode{Node: id, To: to} }),
			})
		},
	})
}
