package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/floe-storage/floe/node"
	"github.com/floe-storage/floe/shard/shardtest"
)

// TestMain makes the test binary also the programs that scripts run.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"floe": main, "hold": hold, "obey": obey})
}

// hasty lets programs built with the race detector end without the second that
// they would otherwise wait for reports.
const hasty = "atexit_sleep_ms=10"

// TestScripts runs testdata/*.txt. Besides the usual commands scripts have
//
//	exits CODE PROGRAM [ARG…]   run a program that ends with that exit status
//	devnet [FLAG…]              run floe devnet in the background until the script ends
//	enddevnet                   or until here; it must end well
//	blob FILE SEED SIZE         write reproducible bytes
//	account FILE                make an account that owns nothing
//	isjson FILE                 check that a file, or stdout, is one JSON object and a newline
//	damage GLOB                 overwrite the middle of files
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("GORACE", hasty)
			e.Values[backgroundKey{}] = &background{}
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "devnet": devnetInBackground, "enddevnet": endDevnet,
			"blob": writeBlob, "account": writeAccount, "isjson": isJSON, "damage": damage,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("got exit status %d, want %d", got, want)
	}
}

func writeBlob(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.Atoi(args[2])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), shardtest.Blob(args[1], size), 0o600))
}

func writeAccount(ts *testscript.TestScript, _ bool, args []string) {
	_, err := node.LoadOrCreateAccount(ts.MkAbs(args[0]))
	ts.Check(err)
}

func isJSON(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil || !strings.HasSuffix(text, "}\n") {
		ts.Fatalf("%q is not one JSON object and a newline: %v", text, err)
	}
}

func damage(ts *testscript.TestScript, _ bool, args []string) {
	names, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(names) == 0 {
		ts.Fatalf("%s: no such files", args[0])
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		ts.Check(err)
		for i := len(b) / 4; i < len(b)*3/4; i++ {
			b[i] ^= 0x5a
		}
		ts.Check(os.WriteFile(name, b, 0o600))
	}
}
