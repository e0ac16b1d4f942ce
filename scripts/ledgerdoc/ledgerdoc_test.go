package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var ledgerDir = filepath.Join("..", "..", "committee", "ledger")

// The page in the tree is what the source makes of it.
func TestPageIsUpToDate(t *testing.T) {
	t.Parallel()
	want, err := page(ledgerDir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(ledgerDir, "TRANSACTIONS.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("committee/ledger/TRANSACTIONS.md is not up to date: go generate ./committee/ledger")
	}
}

// Each code is the answer to something, and each event comes from somewhere:
// what nothing reaches is either dead or missed by the page.
func TestNothingIsMissed(t *testing.T) {
	t.Parallel()
	src, err := load(ledgerDir)
	if err != nil {
		t.Fatal(err)
	}
	messages, events, err := src.kinds()
	if err != nil {
		t.Fatal(err)
	}
	traces := src.traces(events)
	var codes, made []string
	for _, root := range []string{"rules.run", "rules.admit", "Machine.begin"} {
		typ, name, _ := strings.Cut(root, ".")
		f := src.method(typ, name)
		if f == nil {
			t.Fatalf("no %s", root)
		}
		r := from(f, traces)
		for _, c := range r.codes {
			codes = append(codes, c.Name())
		}
		made = append(made, r.events...)
	}
	for _, m := range messages {
		r := from(m.apply, traces)
		if len(r.codes) == 0 || len(r.events) == 0 {
			t.Errorf("%s: got codes %v and events %v, want some", m.name, r.codes, r.events)
		}
		for _, c := range r.codes {
			codes = append(codes, c.Name())
		}
		made = append(made, r.events...)
	}
	for _, c := range src.consts {
		name := c.object.Name()
		if strings.HasPrefix(name, "Code") && name != "CodeOK" && !slices.Contains(codes, name) {
			t.Errorf("no transaction is refused with %s", name)
		}
	}
	for _, e := range events {
		if !slices.Contains(made, e.name) {
			t.Errorf("nothing emits %s", e.name)
		}
	}
}

// What is known of a message by reading it is what the page finds.
func TestSend(t *testing.T) {
	t.Parallel()
	text, err := page(ledgerDir)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(text, "\n### Send\n")
	section, _, _ := strings.Cut(rest, "\n### ")
	for _, want := range []string{
		"Number 1. ", "Send moves FROST", "| To | `Address` |", "| Amount | `uint64` | FROST, more than 0 |",
		"- 8 CodeInsufficientFunds: ", "- 13 CodeBadSize: ", "- 27 CodeOverflow: ", "- [funds_sent](#funds_sent) (From, To, Amount)",
	} {
		if !strings.Contains(section, want) {
			t.Errorf("no %q in %s", want, section)
		}
	}
	if got := strings.Count(section, "\n- "); got != 4 {
		t.Errorf("got %d codes and events, want 4: %s", got, section)
	}
}

func TestBadDirectory(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{t.TempDir(), filepath.Join(ledgerDir, "..", "bls")} {
		if _, err := page(dir); err == nil {
			t.Errorf("%s: got a page of what is no ledger", dir)
		}
	}
}
