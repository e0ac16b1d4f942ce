package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) paramsCommand() *cobra.Command {
	cmd := a.query(query{
		use:   "params",
		short: "say what the network is run by, and vote on it",
		long: `params prints the parameters that the network is run by now: name, value, unit and
meaning, one line each; with --json one object. Nodes vote on capacity and prices
with floe node prices, and on what floe params vote --help lists.`,
		takes: "no arguments",
		ask: func(r ledger.Reader, _ asked) (answer, error) {
			p, err := ledger.ReadParams(r)
			if err != nil {
				return answer{}, err
			}
			return answer{toRecord(p), func(w io.Writer) { paramTable(w, p) }}, nil
		},
	})
	cmd.AddCommand(a.paramsVoteCommand(), a.paramsUpgradeCommand(), a.paramsVotesCommand())
	return cmd
}

func paramTable(w io.Writer, p ledger.Params) {
	row(w, "network", p.ChainID, "", "its name; never changes")
	row(w, "shards", p.Shards, "", "how many there are; never changes")
	row(w, "capacity", p.Capacity, "bytes", "encoded, sold per epoch")
	row(w, "storage-price", p.StoragePrice, "FROST", "for each MiB and epoch")
	row(w, "write-price", p.WritePrice, "FROST", "for each MiB")
	for _, v := range ledger.Votables() {
		value, _ := v.Value(p) // it is one of p's
		row(w, v.Name, value, v.Unit, v.Doc)
	}
}

// table writes the fields one below the other.
func (r record) table(w io.Writer) {
	for _, f := range r.flat() {
		row(w, f.name, f.value)
	}
}
