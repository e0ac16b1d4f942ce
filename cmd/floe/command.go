package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/floe-storage/floe/node/devnet"
)

const (
	childPause   = 10 * time.Second // between asking a command to end and ending it
	signaledBase = 128              // shells add the signal to it
)

// commandError says that a COMMAND cannot be run, with the status that shells
// give for that.
type commandError struct {
	error
	code int
}

func (e commandError) Unwrap() error { return e.error }

// findCommand returns the path of a program.
func findCommand(name string) (string, error) {
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return "", commandError{fmt.Errorf("there is no command %q", name), exitNoCommand}
	default:
		return "", commandError{fmt.Errorf("cannot run %q: %w", name, errors.Unwrap(err)), exitNotRunnable}
	}
}

// runCommand runs a program that finds the network in its environment, and
// ends with the program's exit status. The program is asked to end when ctx ends.
func (a *app) runCommand(ctx context.Context, net *devnet.Net, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(),
		envPublisher+"="+net.URL(), envAggregator+"="+net.URL(),
		envBootstrap+"="+strings.Join(net.Bootstrap(), ","), envDevnetDir+"="+net.Dir(), envTrust+"="+net.Card().Root.String())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.in, a.out, a.err
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = childPause
	err := cmd.Run()
	if cmd.ProcessState == nil { // it never ran
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return commandError{fmt.Errorf("cannot run %q: %w", command[0], err), exitNotRunnable}
	}
	if code := statusOf(cmd.ProcessState); code != exitOK {
		return silent{code} // the command has spoken for itself
	}
	return nil // also if ctx has ended: the command found that it was done
}

// statusOf returns what a shell would say of a process that has ended.
func statusOf(p *os.ProcessState) int {
	if w, ok := p.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return signaledBase + int(w.Signal())
	}
	if code := p.ExitCode(); code >= 0 {
		return code
	}
	return exitError
}
