package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func (a *app) accountCreateCommand() *cobra.Command {
	var set accounts
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "make an account and print its address",
		Long: `create makes a key in a file that only you can read and prints the account's
address, one line of standard output. It touches no network: an address owns
nothing until somebody sends something to it. Keep a copy of the file: without
it all that the account owns is lost.` + exitHelp(exitExists),
		Args: exactArgs(1, "the name of an account"),
		RunE: func(_ *cobra.Command, args []string) error {
			name, err := parseAccountName(args[0])
			if err != nil {
				return err
			}
			if err := set.fill(a); err != nil {
				return err
			}
			if err := os.MkdirAll(set.dir, 0o700); err != nil {
				return err
			}
			key, err := set.create(name)
			if err != nil {
				return err
			}
			report := accountReport{name, addressOf(key), set.file(name)}
			if a.json {
				return a.printJSON(report)
			}
			a.say("the key is in %s: keep a copy", report.File)
			_, err = fmt.Fprintln(a.out, report.Address)
			return err
		},
	}
	set.addFlags(cmd)
	return cmd
}
