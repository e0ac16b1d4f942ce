package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/committee/keyfile"
	"github.com/floe-storage/floe/committee/ledger"
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
	var file string
	cmd := a.order(orderCommand{
		use:   "rotate-key NODE --key FILE",
		short: "give a node another BLS key",
		long: `rotate-key gives a node the BLS key in a file, which it makes if there is none. The
key takes effect with the committee into which the node is chosen next: until then
it signs with the one that it has.`,
		args: 1, takes: "the ID of a node",
		prepare: func(args []string) (planner, error) {
			if file == "" {
				return nil, usageError{errors.New("--key is missing"), "name the file of the new key"}
			}
			key, err := loadBLSKey(file)
			if err != nil {
				return nil, err
			}
			return onNode(args[0], nodeOrder{does: "give node %v the key " + key.PublicKey().String(), message: func(ctx context.Context, s *client.Session, id committee.NodeID) (ledger.Message, error) {
				n, sys, err := nodeOf(ctx, s, id)
				return ledger.RotateKey{
					Node: id, BLSKey: key.PublicKey(),
					Possession: key.Sign(committee.PossessionMessage(sys.Epoch, n.Account, key.PublicKey())),
				}, err
			}})
		},
	})
	cmd.Flags().StringVar(&file, "key", "", "file with the new secret key; made if there is none")
	return cmd
}

func loadBLSKey(file string) (*bls.SecretKey, error) {
	secret, err := keyfile.LoadOrCreate(file, func() ([]byte, error) {
		k, err := bls.GenerateKey()
		if err != nil {
			return nil, err
		}
		return k.Bytes(), nil
	})
	if err != nil {
		return nil, err
	}
	key, err := bls.ParseSecretKey(secret)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
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
