package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/node"
	"github.com/floe-storage/floe/node/client"
)

func (a *app) nodeRegisterCommand() *cobra.Command {
	var dir, commission string
	var profile profileFlags
	var votes voteFlags
	cmd := a.order(orderCommand{
		use:   "register --dir DIR --name NAME",
		short: "make a storage node known to the network",
		long: `register makes the node whose keys are in a directory known to the network, so
that stake may be put behind it, and prints its ID. Keys that are missing are
made; all of them sign that they are the node's. The node's own account, whose key
is DIR/account.key, pays the deposit and controls the node, unless --account names
another.`,
		args: 0, takes: "no arguments",
		account: func() string { return node.AccountFile(dir) },
		prepare: func([]string) (planner, error) {
			c := ledger.Candidate{Profile: profile.profile, Addrs: profile.addrs}
			if dir == "" || profile.profile.Name == "" {
				return nil, usageError{errors.New("--dir and --name are missing"), "say where the node's keys are, and what it is called"}
			}
			rate, err := parseRate(commission)
			if err != nil {
				return nil, err
			}
			c.Commission = rate
			if c.Votes, err = votes.over(c.Votes); err != nil {
				return nil, err
			}
			if _, err := node.LoadOrCreateKeys(dir); err != nil {
				return nil, err
			}
			return registration(dir, c), nil
		},
	})
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "", "directory of the node, with its keys")
	f.StringVar(&commission, "commission", "0%", "part of the reward that is the node's own")
	profile.addFlags(f)
	votes.addFlags(f)
	return cmd
}

func registration(dir string, c ledger.Candidate) planner {
	return func(ctx context.Context, s *client.Session) (order, error) {
		var sys ledger.System
		var params ledger.Params
		err := s.Ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
			if params, err = ledger.ReadParams(r); err != nil {
				return err
			}
			sys, err = ledger.ReadSystem(r)
			return err
		})
		if err != nil {
			return order{}, err
		}
		c.Account = s.Wallet.Address()
		m, err := node.Register(dir, params.ChainID, sys.Epoch, c)
		if err != nil {
			return order{}, err
		}
		id := ledger.NodeIDOf(m.Candidate.BLSKey)
		return order{
			does: "register node " + c.Profile.Name + " as " + id.String(), node: &id, messages: []ledger.Message{m},
			deposit: func(after ledger.Reader, _ ledgerrpc.Trial) (uint64, error) {
				n, err := ledger.ReadNode(after, id)
				return n.Deposit, err
			},
		}, nil
	}
}
