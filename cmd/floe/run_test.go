package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/comet"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/committee/proof"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/devnet"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
	"github.com/floe-storage/floe/shard/store"
)

// TestBlobIDVectors computes the blob IDs that all implementations agree on.
func TestBlobIDVectors(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "shard", "testdata", "blob-ids.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Shards int    `json:"n_shards"`
		Length int    `json:"length"`
		Seed   string `json:"seed"`
		BlobID string `json:"blob_id"`
	}
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, v := range vectors {
		if v.Length > 70_000 { // the large ones are tested where IDs are made
			continue
		}
		tried++
		var out, messages bytes.Buffer
		env := environment{in: bytes.NewReader(shardtest.Blob(v.Seed, v.Length)), out: &out, err: &messages, getenv: func(string) string { return "" }}
		code := run(t.Context(), env, []string{"blob-id", "--shards", strconv.Itoa(v.Shards), "-"})
		if code != exitOK || out.String() != v.BlobID+"\n" || messages.Len() > 0 {
			t.Errorf("%d bytes, %d shards: got %q, status %d, messages %q; want %s", v.Length, v.Shards, out.String(), code, messages.String(), v.BlobID)
		}
	}
	if tried < 100 {
		t.Fatalf("only %d vectors", tried)
	}
}

// TestExitStatus checks the number and the hint that each error leads to,
// however deep it is wrapped and whatever stands beside it.
func TestExitStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		code int
		hint string // a part of it; "" for none
	}{
		{errors.New("anything"), exitError, ""},
		{hinted{errors.New("anything"), "do this"}, exitError, "do this"},
		{usageError{errors.New("what?"), "see there"}, exitUsage, "see there"},
		{&ledger.Error{Code: ledger.CodeBadEpochs}, exitUsage, ""},
		{devnet.ErrConfig, exitUsage, ""},
		{devnet.ErrOtherNetwork, exitUsage, ""},
		{client.ErrManyNetworks, exitUsage, "--network"},
		{client.ErrNotFound, exitNotFound, ""},
		{fs.ErrNotExist, exitNotFound, ""},
		{client.ErrUnavailable, exitUnavailable, "try again"},
		{ledgerrpc.ErrUnavailable, exitUnavailable, "try again"},
		{p2p.ErrUnreachable, exitUnavailable, "try again"},
		{context.DeadlineExceeded, exitUnavailable, "try again"},
		{client.ErrNotEnoughConfirmations, exitUnavailable, "not paid again"},
		{&ledger.Error{Code: ledger.CodeInsufficientFunds}, exitFunds, "--account"},
		{&ledger.Error{Code: ledger.CodeNotFound}, exitNotFound, ""},
		{&ledger.Error{Code: ledger.CodeOverflow}, exitRefused, ""},
		{errDeclined, exitDeclined, ""},
		{badProofError{light.ErrProof}, exitProof, ""},
		{badProofError{light.ErrExpired}, exitProof, "newer root"},
		{proof.ErrUnavailable, exitNotFound, "certified"},
		{hinted{errExists, "another"}, exitExists, "another"},
		{&shard.TooLargeError{Size: 400_000, Max: 393_204, Shards: 4}, exitTooLarge, "in parts"},
		{&tooLongError{limit: shard.TooLargeError{Shards: 4}}, exitTooLarge, "in parts"},
		{&p2p.ListenError{Err: syscall.EADDRINUSE}, exitAddressInUse, "--http"},
		{syscall.EADDRINUSE, exitAddressInUse, "--http"},
		{&p2p.ListenError{Err: syscall.EACCES}, exitError, ""},
		{store.ErrLocked, exitLocked, "--dir"},
		{comet.ErrLocked, exitLocked, "--dir"},
		{store.ErrCorrupt, exitCorrupt, "restore"},
		{damagedError{fs.ErrNotExist}, exitCorrupt, "copy"},
		{&p2p.WrongNetworkError{Want: "a", Have: []string{"b"}}, exitWrongNetwork, "bootstrap"},
		{client.ErrInconsistent, exitInconsistent, ""},
		{commandError{errors.New("no"), exitNoCommand}, exitNoCommand, "after --"},
		{interrupted{context.Canceled}, exitInterrupted, ""},
	}
	for _, tt := range tests {
		for _, err := range []error{tt.err, fmt.Errorf("do something: %w", tt.err), errors.Join(tt.err, errors.New("then this"))} {
			code, hint := classify(err)
			if code != tt.code || !strings.Contains(hint, tt.hint) || (hint == "") != (tt.hint == "") {
				t.Errorf("%v: got status %d, hint %q; want %d, %q", err, code, hint, tt.code, tt.hint)
			}
			var out, messages bytes.Buffer
			a := &app{environment: environment{out: &out, err: &messages}}
			if got := a.report(err); got != tt.code || out.Len() > 0 || !strings.HasPrefix(messages.String(), "floe: error: ") ||
				strings.Contains(messages.String(), "floe: hint: ") != (tt.hint != "") {
				t.Errorf("%v: got status %d, output %q, messages %q", err, got, out.String(), messages.String())
			}
		}
		if exitMeaning(tt.code) == exitMeaning(-1) {
			t.Errorf("%v: status %d has no meaning", tt.err, tt.code)
		}
	}
}

// TestConfirm answers the question that is asked on a terminal.
func TestConfirm(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	try := func(answer string, terminal bool, args ...string) (int, string, string) {
		var out, messages bytes.Buffer
		env := environment{
			in: strings.NewReader(answer), out: &out, err: &messages,
			getenv: func(string) string { return "" }, terminal: func() bool { return terminal },
		}
		return run(t.Context(), env, append([]string{"account", args[0], "alice", "--dir", dir}, args[1:]...)), out.String(), messages.String()
	}
	if code, _, messages := try("", true, "create"); code != exitOK {
		t.Fatalf("got status %d, %s", code, messages)
	}
	code, secret, _ := try("", false, "export", "--yes")
	if code != exitOK || len(secret) != 65 {
		t.Fatalf("got status %d and %d bytes", code, len(secret))
	}
	for _, tt := range []struct {
		answer   string
		terminal bool
		args     []string
		code     int
	}{
		{"y\n", true, nil, exitOK},
		{" YES \n", true, nil, exitOK},
		{"yes", true, nil, exitOK},
		{"n\n", true, nil, exitDeclined},
		{"\n", true, nil, exitDeclined},
		{"", true, nil, exitDeclined},
		{"yess\n", true, nil, exitDeclined},
		{"", true, []string{"--yes"}, exitOK},
		{"y\n", false, nil, exitUsage},
		{"y\n", true, []string{"--json"}, exitUsage}, // a program does not answer
	} {
		code, out, messages := try(tt.answer, tt.terminal, append([]string{"export"}, tt.args...)...)
		if asked := strings.Contains(messages, "print it? [y/N] "); code != tt.code || (out == secret) != (tt.code == exitOK) ||
			asked != (tt.terminal && tt.args == nil) || strings.Contains(messages, strings.TrimSpace(secret)) {
			t.Errorf("%+v: got status %d, messages %q", tt, code, messages)
		}
	}
}

// TestHelp looks at the help text of every command: it says how the command
// ends, and fits on a terminal.
func TestHelp(t *testing.T) {
	t.Parallel()
	count := 0
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		count++
		if cmd.Short == "" || !strings.Contains(cmd.Long, "\n\nExit status:\n  0   done\n") || strings.Contains(cmd.Long, exitMeaning(-1)) {
			t.Errorf("%s: got %q, %q; want a short text and a long one with exit statuses", cmd.CommandPath(), cmd.Short, cmd.Long)
		}
		for line := range strings.Lines(cmd.Long) {
			if len([]rune(line)) > 88 {
				t.Errorf("%s: a line of the help is too long: %q", cmd.CommandPath(), line)
			}
		}
		for _, c := range cmd.Commands() {
			look(c)
		}
	}
	look((&app{}).root())
	if count < 20 {
		t.Errorf("only %d commands", count)
	}
}
