package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func (a *app) accountListCommand() *cobra.Command {
	var set accounts
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list the accounts whose keys are here",
		Long: `list prints the name and the address of each account whose key is in the
directory, one line each; with --json one object with a list. It touches no
network.` + exitHelp(),
		Args: exactArgs(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if err := set.fill(a); err != nil {
				return err
			}
			names, err := set.names()
			if err != nil {
				return err
			}
			list := []accountReport{}
			for _, name := range names {
				key, err := set.load(name)
				if err != nil {
					return err
				}
				list = append(list, accountReport{name, addressOf(key), set.file(name)})
			}
			if a.json {
				return a.printJSON(struct {
					Accounts []accountReport `json:"accounts"`
				}{list})
			}
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, r := range list {
				_, _ = fmt.Fprintf(w, "%s\t%v\n", r.Name, r.Address) // Flush tells of faults
			}
			if len(list) == 0 {
				a.say("no accounts in %s; floe account create NAME makes one", set.dir)
			}
			return w.Flush()
		},
	}
	set.addFlags(cmd)
	return cmd
}
