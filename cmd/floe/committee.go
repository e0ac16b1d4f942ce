package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) committeeCommand() *cobra.Command {
	var epoch uint32
	cmd := a.query(query{
		use:   "committee",
		short: "say who holds the shards",
		long: `committee lists the nodes that hold the shards of the running epoch, or of
another one: the next if it is chosen, or one of the last. A line has the node's
name, its ID, how many shards it holds and where it can be reached; with --json
there is one object with their keys and shards.`,
		takes: "no arguments",
		codes: []int{exitNotFound},
		ask: func(r ledger.Reader, _ asked) (answer, error) {
			sys, err := ledger.ReadSystem(r)
			if err != nil {
				return answer{}, err
			}
			e := sys.Epoch
			if epoch != 0 {
				e = committee.Epoch(epoch)
			}
			c, err := ledger.ReadCommitteeAt(r, e)
			if err != nil {
				return answer{}, fmt.Errorf("committee of epoch %d: %w", e, err)
			}
			members := []any{}
			for _, m := range c.Members() {
				members = append(members, toRecord(m))
			}
			return answer{record{{"epoch", e}, {"shards", c.Shards()}, {"members", members}}, func(w io.Writer) {
				row(w, "NAME", "NODE", "SHARDS", "ADDRESS")
				for _, m := range c.Members() {
					row(w, m.Name, m.ID, len(m.Shards), strings.Join(m.Addrs[:min(1, len(m.Addrs))], ""))
				}
			}}, nil
		},
	})
	cmd.Flags().Uint32Var(&epoch, "epoch", 0, "of this epoch (default: the running one)")
	return cmd
}
