package main

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) accountExportCommand() *cobra.Command {
	var set accounts
	var yes bool
	cmd := &cobra.Command{
		Use:   "export NAME",
		Short: "print the secret key of an account",
		Long: `export prints the secret key of an account, 64 hexadecimal digits on one line:
what a file for --account holds. Whoever has it owns all that the account owns.
On a terminal it asks first; elsewhere it wants --yes.` + exitHelp(exitNotFound, exitDeclined),
		Args: exactArgs(1, "the name of an account"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := parseAccountName(args[0])
			if err != nil {
				return err
			}
			if err := set.fill(a); err != nil {
				return err
			}
			key, err := set.load(name)
			if err != nil {
				return err
			}
			if !yes && !a.interactive() {
				return usageError{errors.New("a secret is printed only when that is confirmed"), "confirm it with --yes"}
			}
			if !yes {
				a.say("whoever reads the secret key of %s owns all that it owns", name)
				if err := a.confirm(cmd.Context(), "print it?"); err != nil {
					return err
				}
			}
			secret := hex.EncodeToString(key.Seed())
			if a.json {
				return a.printJSON(struct {
					accountReport
					Secret string `json:"secret"`
				}{accountReport{name, addressOf(key), set.file(name)}, secret})
			}
			_, err = fmt.Fprintln(a.out, secret)
			return err
		},
	}
	set.addFlags(cmd)
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}
