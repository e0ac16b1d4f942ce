package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
)

func (a *app) nodeCommand() *cobra.Command {
	return a.group("node", "register a storage node and speak for it", `A storage node is known to the ledger by an ID, 0x and 64 hexadecimal digits, and
controlled by an account. It holds shards once it is chosen into a committee,
which needs stake: see floe stake.`,
		a.nodeRegisterCommand(), a.nodeListCommand(), a.nodeShowCommand(), a.nodeUpdateCommand(), a.nodePricesCommand(),
		a.nodeCommissionCommand(), a.nodeCollectCommand(), a.nodeRotateCommand(), a.nodeTransferCommand(), a.nodeExitCommand())
}

// nodeOrder is what to do with a node that the account controls.
type nodeOrder struct {
	does    string // %v stands for the node
	message func(ctx context.Context, s *client.Session, id committee.NodeID) (ledger.Message, error)
}

// onNode prepares an order about a node.
func onNode(text string, w nodeOrder) (planner, error) {
	id, err := parseNode(text)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, s *client.Session) (order, error) {
		m, err := w.message(ctx, s, id)
		return order{does: strings.Replace(w.does, "%v", id.String(), 1), messages: []ledger.Message{m}}, err
	}, nil
}

// simply is a message that needs nothing but the node's ID.
func simply(of func(committee.NodeID) ledger.Message) func(context.Context, *client.Session, committee.NodeID) (ledger.Message, error) {
	return func(_ context.Context, _ *client.Session, id committee.NodeID) (ledger.Message, error) {
		return of(id), nil
	}
}

// nodeOf returns what the ledger knows of a node, and the epoch.
func nodeOf(ctx context.Context, s *client.Session, id committee.NodeID) (n ledger.Node, sys ledger.System, err error) {
	err = s.Ledger.View(ctx, func(r ledger.Reader, _ uint64) (err error) {
		if sys, err = ledger.ReadSystem(r); err != nil {
			return err
		}
		n, err = ledger.ReadNode(r, id)
		return err
	})
	return n, sys, err
}

// profileFlags are what a node says of itself.
type profileFlags struct {
	profile ledger.Profile
	addrs   []string
}

func (p *profileFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&p.profile.Name, "name", "", "what the node is called")
	f.StringVar(&p.profile.Image, "image", "", "where a picture of it is")
	f.StringVar(&p.profile.Project, "project", "", "where its operator is")
	f.StringVar(&p.profile.Description, "description", "", "what else there is to say")
	f.StringSliceVar(&p.addrs, "addr", nil, "multiaddr at which it can be reached; may be repeated")
}

// over returns a profile and addresses with those that were given as flags.
func (p *profileFlags) over(f *pflag.FlagSet, profile ledger.Profile, addrs []string) (ledger.Profile, []string) {
	for _, v := range []struct {
		flag     string
		from, to *string
	}{
		{"name", &p.profile.Name, &profile.Name},
		{"image", &p.profile.Image, &profile.Image},
		{"project", &p.profile.Project, &profile.Project},
		{"description", &p.profile.Description, &profile.Description},
	} {
		if f.Changed(v.flag) {
			*v.to = *v.from
		}
	}
	if f.Changed("addr") {
		addrs = p.addrs
	}
	return profile, addrs
}

// voteFlags are what a node wants the network to charge and to sell.
type voteFlags struct{ storage, write, capacity string }

func (v *voteFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&v.storage, "storage-price", "", "what a MiB of storage should cost per epoch, such as 11000FROST")
	f.StringVar(&v.write, "write-price", "", "what writing a MiB should cost")
	f.StringVar(&v.capacity, "capacity", "", "how many encoded bytes the node can keep, such as 10TiB")
}

// over returns votes with those that were given as flags; none is as it was.
func (v *voteFlags) over(votes ledger.Votes) (ledger.Votes, error) {
	var err error
	for _, f := range []struct {
		text string
		to   *uint64
		read func(string) (uint64, error)
	}{
		{v.storage, &votes.StoragePrice, parseAmount},
		{v.write, &votes.WritePrice, parseAmount},
		{v.capacity, &votes.Capacity, parseSize},
	} {
		if f.text == "" {
			continue
		}
		if *f.to, err = f.read(f.text); err != nil {
			return votes, err
		}
	}
	return votes, nil
}
