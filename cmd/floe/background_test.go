package main

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// background is a devnet that a script uses.
type background struct {
	cmd  *exec.Cmd
	held net.Conn // closing it ends the devnet; nil while none runs
	done chan error
	err  strings.Builder
}

type backgroundKey struct{}

// devnetInBackground runs a devnet whose COMMAND tells us the variables that it
// got, which become the script's, and ends when we let it go.
func devnetInBackground(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	args = append([]string{"devnet", "--nodes", "4", "--shards", "13", "--http", "127.0.0.1:0"}, args...)
	b := ts.Value(backgroundKey{}).(*background)
	if b.held != nil {
		ts.Fatalf("a devnet runs already")
	}
	b.err.Reset()
	b.done = make(chan error, 1)
	b.cmd = exec.Command("floe", append(args, "--", "hold", listener.Addr().String())...) //nolint:gosec // the test's own
	b.cmd.Dir = ts.MkAbs(".")
	b.cmd.Stderr = &b.err
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "PATH", "TMPDIR", "GORACE"} {
		b.cmd.Env = append(b.cmd.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(b.cmd.Start())
	go func() { // ends with the devnet, which endDevnet waits for
		b.done <- b.cmd.Wait()
		_ = listener.Close() // nobody is left who would call
	}()
	if b.held, err = listener.Accept(); err != nil {
		ts.Fatalf("the devnet ended: %v\n%s", <-b.done, b.err.String())
	}
	var vars map[string]string
	ts.Check(json.NewDecoder(b.held).Decode(&vars))
	for name, value := range vars {
		ts.Setenv(name, value)
	}
	ts.Setenv("NETPID", strconv.Itoa(b.cmd.Process.Pid))
	ts.Defer(func() { endDevnet(ts, false, nil) })
}

func endDevnet(ts *testscript.TestScript, _ bool, _ []string) {
	b := ts.Value(backgroundKey{}).(*background)
	if b.held == nil {
		return // it was ended before
	}
	_ = b.held.Close() // a devnet that has ended already tells how below
	b.held = nil
	if err := <-b.done; err != nil {
		ts.Fatalf("the devnet ended with %v\n%s", err, b.err.String())
	}
}

// hold is the COMMAND of a devnet in the background.
func hold() {
	signal.Ignore(syscall.SIGTERM) // the connection says when to end
	c, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	vars := map[string]string{}
	for _, name := range []string{envPublisher, envAggregator, envBootstrap, envDevnetDir} {
		vars[name] = os.Getenv(name)
	}
	if err := json.NewEncoder(c).Encode(vars); err != nil {
		os.Exit(1)
	}
	_, _ = io.Copy(io.Discard, c) // to its end
}
