package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// environment is what a command sees of the world.
type environment struct {
	in     io.Reader
	out    io.Writer // data
	err    io.Writer // everything else
	getenv func(string) string
	// terminal tells whether a person sits there who can be asked; nil: no.
	terminal func() bool
}

// app is one run of the command.
type app struct {
	environment
	json    bool
	verbose bool
}

// run carries out one command line and returns the exit status.
func run(ctx context.Context, env environment, args []string) int {
	a := &app{environment: env}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = interrupted{err}
	}
	own, _, _ := strings.Cut(strings.Join(args, "\x00"), "\x00--\x00") // not what belongs to a COMMAND
	if slices.Contains(strings.Split(own, "\x00"), "--json") {
		a.json = true // also when a flag before it could not be read
	}
	return a.report(err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "floe",
		Short: "store large files across independent peers",
		Long: `floe stores large files across independent peers: erasure-coded, certified by a
ledger, verified on every read, repaired by the peers themselves.

Results go to standard output, everything else to standard error. With --json
the result, or the error, is one JSON object on standard output.

A network to try it on is one command away: floe devnet --store FILE` + exitHelp(exitNotFound, exitUnavailable, exitFunds,
			exitTooLarge, exitAddressInUse, exitLocked, exitCorrupt, exitWrongNetwork, exitInconsistent, exitDeclined, exitRefused, exitExists, exitProof),
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{err, "see " + cmd.CommandPath() + " --help"}
	})
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print the result, or the error, as one JSON object")
	root.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "log to standard error")
	root.AddCommand(a.devnetCommand(), a.storeCommand(), a.readCommand(), a.statusCommand(), a.blobIDCommand(),
		a.accountCommand(), a.faucetCommand(),
		a.storageCommand(), a.blobCommand(), a.poolCommand(), a.nodeCommand(), a.stakeCommand(), a.rewardsCommand(), a.committeeCommand(), a.epochCommand(), a.paramsCommand(), a.eventsCommand(), a.txCommand(), a.proofCommand())
	return root
}

// noSuchCommand is a usage error for what is no command.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see " + cmd.CommandPath() + " --help"
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		hint = "did you mean " + strings.Join(similar, " or ") + "?"
	}
	return usageError{fmt.Errorf("unknown command %q", strings.TrimPrefix(cmd.CommandPath()+" "+args[0], "floe ")), hint}
}

// logger is what -v asks for.
func (a *app) logger() *slog.Logger {
	if !a.verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// exactArgs is a usage error with a hint unless a command has n arguments.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("%s takes %s, got %d arguments", cmd.CommandPath(), what, len(args)), "usage: " + cmd.UseLine()}
		}
		return nil
	}
}

// countArgs is exactArgs, or for -n what takes from 1 to n arguments.
func countArgs(n int, what string) cobra.PositionalArgs {
	if n >= 0 {
		return exactArgs(n, what)
	}
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return exactArgs(1, what)(cmd, args)
		}
		return maxArgs(-n, what)(cmd, args)
	}
}

// maxArgs is a usage error with a hint if a command has more than n arguments.
func maxArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usageError{fmt.Errorf("%s takes %s, got %d arguments", cmd.CommandPath(), what, len(args)), "usage: " + cmd.UseLine()}
		}
		return nil
	}
}

// group returns a command that does nothing but have others.
func (a *app) group(name, short, long string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Long:  long + exitHelp(),
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(commands...)
	return cmd
}
