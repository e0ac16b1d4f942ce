package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// environment is what a command sees of the world.
type environment struct {
	in     io.Reader
	out    io.Writer // data
	err    io.Writer // everything else
	getenv func(string) string
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
	var child *exec.ExitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &child): // of the command that a devnet ran; it has spoken for itself
		if code := child.ExitCode(); code >= 0 {
			return code
		}
		return exitError
	}
	return a.report(err)
}

const exitStatusHelp = `
Exit status:
  0  done
  1  it failed, for a reason with no number of its own
  2  wrong usage
  3  no such blob, or no such file
  4  too few nodes, or no network, answered: try later
  5  the account cannot pay
  6  the file is larger than a blob of this network can be
  7  an address to listen on is in use
  8  the data directory is in use by another process
  9  the data directory is damaged
  10 the peer belongs to another network
  11 the blob was encoded wrongly by whoever stored it`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "floe",
		Short: "store large files across independent peers",
		Long: `floe stores large files across independent peers: erasure-coded, certified by a
ledger, verified on every read, repaired by the peers themselves.

A network to try it on is one command away: floe devnet --store FILE
` + exitStatusHelp,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w", err), "see " + cmd.CommandPath() + " --help"}
	})
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print the result, or the error, as one JSON object")
	root.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "log to standard error")
	root.AddCommand(a.devnetCommand(), a.storeCommand(), a.readCommand(), a.statusCommand(), a.blobIDCommand())
	return root
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
