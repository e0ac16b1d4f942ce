package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/floe-storage/floe/node/devnet"
)

// TestAskBeforePaying answers what a command asks on a terminal before it pays.
func TestAskBeforePaying(t *testing.T) {
	t.Parallel()
	net, err := devnet.Open(t.Context(), devnet.Config{Dir: filepath.Join(t.TempDir(), "net"), Nodes: 1, Shards: 4, HTTP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := net.Close(); err != nil {
			t.Error(err)
		}
	})
	config := t.TempDir()
	try := func(answer string, terminal bool, args ...string) (int, string, string) {
		var out, messages bytes.Buffer
		env := environment{
			in: strings.NewReader(answer), out: &out, err: &messages, terminal: func() bool { return terminal },
			getenv: func(name string) string {
				return map[string]string{"XDG_CONFIG_HOME": config, envDevnetDir: net.Dir()}[name]
			},
		}
		return run(t.Context(), env, args), out.String(), messages.String()
	}
	if code, _, messages := try("", false, "account", "create", "alice"); code != exitOK {
		t.Fatalf("got status %d, %s", code, messages)
	}
	for _, tt := range []struct {
		answer   string
		terminal bool
		flags    []string
		asks     bool
		code     int
		has      string
	}{
		{"n\n", true, nil, true, exitDeclined, "has 0 FROST"},
		{"", true, nil, true, exitDeclined, "has 0 FROST"},
		{"", true, []string{"--dry-run"}, false, exitOK, "has 0 FROST"},
		{"y\n", true, nil, true, exitOK, "has 1000000000 FROST"},
		{"", true, []string{"--yes"}, false, exitOK, "has 2000000000 FROST"},
		{"", true, []string{"--json"}, false, exitOK, "has 3000000000 FROST"},
		{"", false, nil, false, exitOK, "has 4000000000 FROST"},
	} {
		code, out, messages := try(tt.answer, tt.terminal, append([]string{"account", "send", "alice", "1WAL"}, tt.flags...)...)
		asked := strings.Contains(messages, "go on? [y/N] ")
		told := strings.Contains(messages, "send 1000000000 FROST (1 WAL) to floe1") && strings.Contains(messages, " for 1000000")
		if asked && !told {
			t.Errorf("%+v: asked without telling what it costs: %q", tt, messages)
		}
		if code != tt.code || asked != tt.asks || (out == "") != (code != exitOK) {
			t.Errorf("%+v: got status %d, output %q, messages %q", tt, code, out, messages)
		}
		if code, out, messages := try("", false, "account", "balance", "alice"); code != exitOK || !strings.Contains(out, tt.has) {
			t.Errorf("%+v: got status %d, %q, %q; want %q", tt, code, out, messages, tt.has)
		}
	}
}
