package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// process is floe as a child, whose messages the test reads as they come.
type process struct {
	*exec.Cmd
	t        *testing.T
	home     string
	messages *bufio.Scanner // lines of standard error
	out      strings.Builder
}

// start runs floe in an environment of its own. It ends with the test at the latest.
func start(t *testing.T, stdin io.Reader, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), "floe", args...), t: t, home: t.TempDir()}
	p.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.home, "XDG_CONFIG_HOME=" + filepath.Join(p.home, "config"), "TMPDIR=" + p.temp(),
		"GORACE=" + hasty, "GOCOVERDIR=" + p.home, // which says so when it is missing
	}
	if err := os.Mkdir(p.temp(), 0o700); err != nil {
		t.Fatal(err)
	}
	p.Stdin, p.Stdout = stdin, &p.out
	pipe, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.messages = bufio.NewScanner(pipe)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) temp() string { return filepath.Join(p.home, "tmp") }

// says waits until floe says a line that begins so, and returns the line.
func (p *process) says(prefix string) string {
	p.t.Helper()
	var said []string
	for p.messages.Scan() {
		said = append(said, p.messages.Text())
		if strings.HasPrefix(p.messages.Text(), prefix) {
			return p.messages.Text()
		}
	}
	p.t.Fatalf("floe said %q and ended, without %q", said, prefix)
	return ""
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ends waits until floe has ended and checks its exit status, which is one of
// codes, and that it left nothing behind. It returns what floe said since.
func (p *process) ends(codes ...int) (said string) {
	p.t.Helper()
	for p.messages.Scan() {
		said += p.messages.Text() + "\n"
	}
	_ = p.Wait() // its status counts
	if got := p.ProcessState.ExitCode(); !slices.Contains(codes, got) {
		p.t.Errorf("got exit status %d, want one of %d; it said %q", got, codes, said)
	}
	left, err := os.ReadDir(p.temp())
	if err != nil {
		p.t.Fatal(err)
	}
	if len(left) > 0 {
		p.t.Errorf("left %v in the temporary directory", left)
	}
	if _, err := os.Stat(filepath.Join(p.home, "config", "floe", "devnet.json")); err == nil {
		p.t.Error("it is still the devnet that commands find")
	}
	return said
}

var smallDevnet = []string{"devnet", "--nodes", "4", "--shards", "13", "--http", "127.0.0.1:0"}

// TestServingEndsWithASignal starts a devnet that serves, uses it and ends it in
// each of the ways in which users and supervisors do.
func TestServingEndsWithASignal(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, slices.Concat(smallDevnet, []string{"--json"})...)
			p.says("serving until Ctrl-C")
			url := strings.Fields(p.says("  HTTP API"))[2]
			dir := strings.Fields(p.says("  data"))[1]
			p.says("  floe store FILE")
			if filepath.Dir(dir) != p.temp() {
				t.Errorf("serves from %s, which is not in %s", dir, p.temp())
			}
			res, err := http.Get(url + "/status") //nolint:noctx // answered at once or refused
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close() // its status counts
			if res.StatusCode != http.StatusOK {
				t.Errorf("got %d from %s/status", res.StatusCode, url)
			}
			p.signal(s)
			if said := p.ends(exitOK); said != "stopping\n" {
				t.Errorf("said %q at the end", said)
			}
			var report devnetReport
			if err := json.Unmarshal([]byte(p.out.String()), &report); err != nil || report.URL != url || report.Dir != dir ||
				report.Nodes != 4 || report.Shards != 13 || len(report.Bootstrap) != 4 || report.Network == "" {
				t.Errorf("got %q on standard output: %v", p.out.String(), err)
			}
		})
	}
}

// TestCommandEndsWithASignal ends a devnet whose COMMAND still runs: the command
// is asked to end and its status is ours.
func TestCommandEndsWithASignal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		command []string
		code    int
	}{
		"dies of it":      {[]string{"sh", "-c", "echo ready >&2; exec sleep 600"}, 128 + int(syscall.SIGTERM)},
		"ends well":       {[]string{"obey", "0"}, 0},
		"ends in its way": {[]string{"obey", "17"}, 17},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, slices.Concat(smallDevnet, []string{"--"}, tt.command)...)
			p.says("ready")
			p.signal(os.Interrupt)
			if said := p.ends(tt.code); strings.Contains(said, "error") {
				t.Errorf("said %q", said)
			}
		})
	}
}

// TestInterrupted interrupts commands where they wait for something else than
// a network.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	in, silent, err := os.Pipe() // nothing ever comes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = silent.Close() })
	p := start(t, in, "blob-id", "--shards", "10", "-", "-v")
	p.says("time=") // the log: it reads
	p.signal(os.Interrupt)
	if said := p.ends(exitInterrupted); said != "floe: error: interrupted\n" {
		t.Errorf("said %q", said)
	}
}

// TestInterruptedStart interrupts devnets while they start: they leave nothing.
func TestInterruptedStart(t *testing.T) {
	t.Parallel()
	in, silent, err := os.Pipe() // nothing ever comes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = silent.Close() })
	reading := start(t, in, slices.Concat(smallDevnet, []string{"-v", "--store", "-"})...)
	reading.says("time=")
	reading.signal(os.Interrupt)
	reading.ends(exitInterrupted)

	starting := start(t, nil, slices.Concat(smallDevnet, []string{"-v"})...)
	starting.says("time=") // the first that a node logs
	starting.signal(os.Interrupt)
	starting.ends(exitInterrupted, exitOK) // the latter if it was faster than we
}

// obey is a COMMAND that ends, when it is asked to, with the status that its
// argument says.
func obey() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	code, err := strconv.Atoi(os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, "ready")
	<-asked
	os.Exit(code)
}
