package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) paramsCommand() *cobra.Command {
	return a.query(query{
		use:   "params",
		short: "say what the network is run by",
		long: `params prints the parameters that the network is run by now, a name and a value
each; with --json one object. Amounts are in FROST, times in milliseconds, rates
in hundredths of a percent.`,
		takes: "no arguments",
		ask: func(r ledger.Reader, _ asked) (answer, error) {
			p, err := ledger.ReadParams(r)
			if err != nil {
				return answer{}, err
			}
			found := toRecord(p)
			return answer{found, found.table}, nil
		},
	})
}

// table writes the fields one below the other.
func (r record) table(w io.Writer) {
	for _, f := range r.flat() {
		row(w, f.name, f.value)
	}
}
