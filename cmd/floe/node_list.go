package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) nodeListCommand() *cobra.Command {
	return a.query(query{
		use:   "list",
		short: "list the nodes that the next committee is chosen from",
		long: `list prints the nodes that have stake, most first: name, ID, stake, commission, one
line each; with --json one object with a list of all that the ledger knows of
them. Who holds shards now floe committee tells.`,
		takes: "no arguments",
		ask: func(r ledger.Reader, _ asked) (answer, error) {
			var ids []committee.NodeID
			ledger.AscendCandidates(r, func(id committee.NodeID, _ uint64) bool {
				ids = append(ids, id)
				return true
			})
			var nodes []ledger.Node
			for _, id := range ids {
				n, err := ledger.ReadNode(r, id)
				if err != nil {
					return answer{}, err
				}
				nodes = append(nodes, n)
			}
			return listing("nodes", nodes, func(w io.Writer) {
				row(w, "NAME", "NODE", "STAKE", "COMMISSION")
				for _, n := range nodes {
					row(w, n.Profile.Name, n.ID, inWAL(n.Stake)+" WAL", rate(n.Commission))
				}
			}), nil
		},
	})
}

func (a *app) nodeShowCommand() *cobra.Command {
	return a.query(query{
		use:   "show NODE",
		short: "say all that the ledger knows of a node",
		long: `show prints what the ledger knows of a node, a name and a value each, and what it
has to hand over and to take over in the running epoch; with --json one object.`,
		args: 1, takes: "the ID of a node",
		codes: []int{exitNotFound},
		check: func(args []string) error {
			_, err := parseNode(args[0])
			return err
		},
		ask: func(r ledger.Reader, in asked) (answer, error) {
			id, err := parseNode(in.args[0])
			if err != nil {
				return answer{}, err
			}
			n, err := ledger.ReadNode(r, id)
			if err != nil {
				return answer{}, err
			}
			duty, err := ledger.ReadDuty(r, id)
			found := append(toRecord(n), field{"duty", toRecord(duty)})
			return answer{found, found.table}, err
		},
	})
}
